"""The wire layouts of tokens: how typed claims become a payload.

A layout is one module that defines a ``Layout``, plus its line in ``registry``.
"""

from praetorian_core.token.layouts.flask_praetorian import FLASK_PRAETORIAN
from praetorian_core.token.layouts.layout import EncodedClaims, Layout
from praetorian_core.token.layouts.registry import LAYOUTS, layout_of
from praetorian_core.token.layouts.standard import STANDARD

__all__ = ["FLASK_PRAETORIAN", "LAYOUTS", "STANDARD", "EncodedClaims", "Layout", "layout_of"]
