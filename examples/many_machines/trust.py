"""Whom orders and reports believe: the keys that accounts publishes, and the names that its tokens carry.

On real machines the two names are configuration, and the URL begins with https: whoever can change the answer on its
way decides who makes tokens.
"""

from __future__ import annotations

from urllib.request import urlopen

from praetorian_core import KeyRing

ISSUER = "accounts"
"""Who makes the tokens."""

AUDIENCE = "shop"
"""For whom they are made: a token that accounts makes for others opens nothing here (RFC 8725 §3.9)."""

TIMEOUT = 10  # seconds


def fetch_keys(url: str) -> KeyRing:
    """Return the public keys of the accounts service; a service that cannot have them does not start.

    Args:
        url: Where accounts publishes its JWK Set (RFC 7517 §5).
    """
    with urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310  (the operator's own URL)
        document: bytes = response.read()
    return KeyRing.from_jwks(document.decode())
