"""All layouts, and how a payload's layout is recognised."""

from __future__ import annotations

from collections.abc import Mapping

from praetorian_core.errors import InvalidTokenError
from praetorian_core.token.layouts.flask_praetorian import FLASK_PRAETORIAN
from praetorian_core.token.layouts.layout import Layout
from praetorian_core.token.layouts.standard import STANDARD
from praetorian_core.token.strict_json import JSONValue

LAYOUTS: tuple[Layout, ...] = (STANDARD, FLASK_PRAETORIAN)

_MARKED = tuple((layout.marker, layout) for layout in LAYOUTS)
_UNKNOWN = "the payload is of no known layout; expected one of the claims " + " and ".join(
    repr(marker) for marker, _ in _MARKED
)


def layout_of(payload: Mapping[str, JSONValue]) -> Layout:
    """Return the layout whose marker a payload has.

    Raises:
        InvalidTokenError: The payload has the markers of several layouts, or of none.
    """
    found = None
    for marker, layout in _MARKED:
        if marker in payload:
            if found is not None:
                raise InvalidTokenError(_UNKNOWN)
            found = layout
    if found is None:
        raise InvalidTokenError(_UNKNOWN)
    return found
