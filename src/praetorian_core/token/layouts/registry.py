"""All layouts, and how a payload's layout is recognised."""

from __future__ import annotations

from collections.abc import Mapping

from praetorian_core.errors import InvalidTokenError
from praetorian_core.token.layouts.flask_praetorian import FLASK_PRAETORIAN
from praetorian_core.token.layouts.layout import Layout
from praetorian_core.token.layouts.standard import STANDARD
from praetorian_core.token.strict_json import JSONValue

LAYOUTS: tuple[Layout, ...] = (STANDARD, FLASK_PRAETORIAN)

_BY_MARKER = {layout.marker: layout for layout in LAYOUTS}
_MARKERS = _BY_MARKER.keys()


def layout_of(payload: Mapping[str, JSONValue]) -> Layout:
    """Return the layout whose marker a payload has.

    Raises:
        InvalidTokenError: The payload has the markers of several layouts, or of none.
    """
    markers = payload.keys() & _MARKERS
    if len(markers) != 1:
        known = " and ".join(map(repr, _BY_MARKER))
        raise InvalidTokenError(f"the payload is of no known layout; expected one of the claims {known}")
    return _BY_MARKER[markers.pop()]
