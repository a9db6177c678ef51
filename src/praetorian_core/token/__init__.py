"""The token: its claims, its keys, the strict way in and the way out."""

from praetorian_core.token.claims import FLASK_PRAETORIAN, STANDARD, ActionClaims, Layout, SessionClaims
from praetorian_core.token.codec import TokenCodec
from praetorian_core.token.jws import verify_compact
from praetorian_core.token.keys import Key, KeyRing, generate_secret

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
