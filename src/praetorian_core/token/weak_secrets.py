"""Rejects weak HMAC secrets: too short, easy to guess, published, or a key of another kind.

Facts:

* RFC 7518 §3.2: "A key of the same size as the hash output (for instance, 256 bits for "HS256") or larger MUST be used
  with this algorithm."
* With one token, an attacker can test guesses at its secret offline, and no throttle helps. So the first guesses of
  every attacker are rejected: padding, repetition, placeholders, secrets printed in documentation.
* With a public key as the HMAC secret, anyone could sign tokens: see ``key_shapes``.
* Entropy cannot be measured in one sample, so an accepted secret is not proven strong. Each bound below rejects a
  random secret less often than once in 10^8, be it bytes, hex, base64 or decimal.

No message holds a part of the secret; at most it counts bytes.
"""

from __future__ import annotations

import re

from praetorian_core.errors import ConfigurationError
from praetorian_core.token.key_shapes import shape_of_key

ADVICE = 'write one printed by: python -c "import secrets; print(secrets.token_urlsafe(48))"'

# 32 bytes of 4 different values hold at most 64 bits. Django's check security.W009 has the same bound of five
# (django/core/checks/security/base.py, SECRET_KEY_MIN_UNIQUE_CHARACTERS). A random secret of 32 decimal digits has fewer
# once in 10^10, one of 32 hex digits practically never.
_FEWEST_DISTINCT = 5

# The minimum that must be left without the words of placeholders: 16 bytes, as many as an AES-128 key.
_FEWEST_UNKNOWN = 16

# ``django-admin startproject`` writes this prefix before a generated secret in a source file.
_DJANGO_PREFIX = b"django-insecure-"

# In lower case: published secrets, then the words of placeholders. Longer ones come first, because a regular expression
# takes the first alternative that matches.
_KNOWN = re.compile(
    rb"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"  # Flask: Configuration
    rb'|_5#y2l"f4q8z(?:\n(?:\xc3\xac|\xec)|\\n\\xec)\]/'  # Flask: Quickstart; text, bytes, escaped
    rb"|09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"  # FastAPI: OAuth2, JWT
    rb"|5367566b59703373367639792f423f4528482b4d6251655468576d5a71347437"  # Spring tutorials
    rb"|keyboard cat"  # express-session: README
    rb"|abcdefghijklmnopqrstuvwxyz|0123456789|123456789|qwertyuiop|asdfghjkl|12345678|zxcvbnm"
    # jwt.io: "your-256-bit-secret", "a-string-secret-at-least-256-bits-long"; flask-praetorian: "top secret";
    # flask-jwt-extended: "super-secret"; and other common placeholders.
    rb"|development|placeholder|passphrase|praetorian|production|insecure|password|default|example"
    rb"|fastapi|private|replace|signing|testing|123456|abcdef|change|django|falcon|please|random"
    rb"|sample|secret|secure|should|string|admin|dummy|flask|least|super|token|valid|which|auth|bits"
    rb"|demo|here|hmac|long|must|need|pass|prod|test|that|this|todo|user|very|with|your|256|384|512"
    rb"|api|app|bar|bit|dev|foo|for|jwt|key|the|top|xxx"
)
_SEPARATORS = re.compile(rb"[\s._-]+")
_RUNS = re.compile(rb"(.)\1{3,}", re.DOTALL)


def check_secret(secret: str | bytes, *, algorithm: str, minimum: int) -> bytes:
    """Return the bytes of a secret, unchanged; a str is encoded as UTF-8.

    Args:
        secret: The configured secret.
        algorithm: The name of the HMAC algorithm, for the messages.
        minimum: The output size of that algorithm's hash, in bytes.

    Raises:
        ConfigurationError: The secret is weak; the text says why and what to write.

    See:
        RFC 7518 §3.2, RFC 8725 §3.5.
    """
    octets = to_bytes(secret, "the HMAC secret")
    if not octets:
        raise ConfigurationError(f"the HMAC secret must have {minimum} bytes for {algorithm}; got none; {ADVICE}")
    if secret.isspace():
        raise ConfigurationError(f"the HMAC secret must be random; got only white space; {ADVICE}")
    # Before the length: an Ed25519 key is also too short for HS512, but a longer key would be no better.
    if shape := shape_of_key(octets):
        raise ConfigurationError(
            f"the HMAC secret must be random; got {shape}, which may be public; load a key with KeyRing.from_pem or "
            f"KeyRing.from_jwks; for a secret, {ADVICE}"
        )
    if len(octets) < minimum:
        raise ConfigurationError(
            f"the HMAC secret must have {minimum} bytes for {algorithm} (RFC 7518 §3.2); got {len(octets)}; {ADVICE}"
        )
    if block := _block_length(octets, below=minimum):
        raise ConfigurationError(
            f"the HMAC secret must have {minimum} bytes for {algorithm} that do not repeat; got {len(octets)} that repeat "
            f"after {block}; {ADVICE}"
        )
    if (distinct := len(set(octets))) < _FEWEST_DISTINCT:
        raise ConfigurationError(
            f"the HMAC secret must have {_FEWEST_DISTINCT} different byte values or more, as random ones have; got "
            f"{distinct}; {ADVICE}"
        )
    if octets.lower().startswith(_DJANGO_PREFIX):
        raise ConfigurationError(
            f"the HMAC secret must not begin with {_DJANGO_PREFIX.decode()!r}: startproject wrote it into a source file; "
            f"{ADVICE}"
        )
    if (unknown := _count_unknown(octets)) < _FEWEST_UNKNOWN:
        raise ConfigurationError(
            f"the HMAC secret must have {_FEWEST_UNKNOWN} bytes or more besides well-known words; got {unknown}, so it is a "
            f"placeholder or a published sample; {ADVICE}"
        )
    return octets


def to_bytes(value: object, what: str) -> bytes:
    """Return a str as UTF-8 and bytes unchanged.

    Args:
        value: A value from a configuration.
        what: The name of the value, for the messages.

    Raises:
        ConfigurationError: It is neither str nor bytes, or UTF-8 cannot encode it.
    """
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ConfigurationError(f"{what} must be str or bytes; got {type(value).__name__}")
    try:
        return value.encode()
    except UnicodeEncodeError:
        pass
    # Outside of the except block: a UnicodeEncodeError carries the whole text.
    raise ConfigurationError(f"{what} must be encodable as UTF-8; got a lone surrogate; write it as bytes")


def _block_length(octets: bytes, *, below: int) -> int | None:
    """Return the length of the block whose repetition is the whole, or None."""
    for length in range(1, min(below, len(octets) // 2 + 1)):
        if octets[length:] == octets[:-length]:
            return length
    return None


def _count_unknown(octets: bytes) -> int:
    """Return how many bytes are neither a well-known word, nor a separator, nor padding."""
    lowered = octets.lower()
    rest = _KNOWN.sub(b"", lowered)
    if rest == lowered:
        return len(octets)
    rest = _RUNS.sub(rb"\1", _SEPARATORS.sub(b"", rest))
    return _block_length(rest, below=_FEWEST_UNKNOWN) or len(rest)
