"""The trust of orders and reports: the keys that accounts publishes, and the names in its tokens.

On real machines the two names are configuration, and the URL begins with https: an attacker who can change the response
could issue tokens.
"""

from __future__ import annotations

from urllib.request import urlopen

from praetorian_core import KeyRing

ISSUER = "accounts"
"""The issuer of the tokens."""

AUDIENCE = "shop"
"""The audience of the tokens: a token for another audience is rejected (RFC 8725 §3.9)."""

TIMEOUT = 10  # seconds


def fetch_keys(url: str) -> KeyRing:
    """Return the public keys of the accounts service. Raise if they cannot be fetched, so that the service does not start.

    Args:
        url: The URL of the JWK Set of accounts (RFC 7517 §5).
    """
    with urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310  (the URL is configuration)
        document: bytes = response.read()
    return KeyRing.from_jwks(document.decode())
