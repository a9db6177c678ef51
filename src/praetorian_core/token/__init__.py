"""Tokens: claims, layouts, keys, signatures, and the codec that puts them together."""

from praetorian_core.token.claims import ActionClaims, SessionClaims, TicketClaims
from praetorian_core.token.codec import TokenCodec
from praetorian_core.token.jws import verify_compact
from praetorian_core.token.keys import Key, KeyRing, generate_secret
from praetorian_core.token.layouts import FLASK_PRAETORIAN, STANDARD, Layout

__all__ = [
    "FLASK_PRAETORIAN",
    "STANDARD",
    "ActionClaims",
    "Key",
    "KeyRing",
    "Layout",
    "SessionClaims",
    "TicketClaims",
    "TokenCodec",
    "generate_secret",
    "verify_compact",
]
