"""The token: its claims, its keys, the strict way in and the way out."""

from praetorian_core.token.claims import FLASK_PRAETORIAN, STANDARD, ActionClaims, Layout, SessionClaims
from praetorian_core.token.codec import TokenCodec
from praetorian_core.token.keys import Key, KeyRing, generate_secret
from praetorian_core.token.signing import verify_compact

__all__ = [
    "FLASK_PRAETORIAN",
    "STANDARD",
    "ActionClaims",
    "Key",
    "KeyRing",
    "Layout",
    "SessionClaims",
    "TokenCodec",
    "generate_secret",
    "verify_compact",
]
