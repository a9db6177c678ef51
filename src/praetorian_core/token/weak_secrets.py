"""Rejects weak HMAC secrets: too short, easy to guess, published, or a key of another kind.

Facts:

* RFC 7518 §3.2: "A key of the same size as the hash output (for instance, 256 bits for "HS256") or larger MUST be used
  with this algorithm."
* With one token, an attacker can test guesses at its secret offline, and no throttle helps. So the first guesses of
  every attacker are rejected: padding, repetition, placeholders, secrets printed in documentation.
* With a public key as the HMAC secret, anyone could sign tokens. Fixes that knew only some encodings of a key were
  bypassed with another: CVE-2017-11424 and CVE-2022-29217 (other armors), CVE-2026-34950 (a leading space). So the
  secret is decoded here in every way in which a key gets mangled. The secret that is used is always the one that was
  given: nothing is stripped or decoded.
* Entropy cannot be measured in one sample, so an accepted secret is not proven strong. Each bound below rejects a
  random secret less often than once in 10^8, be it bytes, hex, base64 or decimal.

No message holds a part of the secret; at most it counts bytes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

from praetorian_core.errors import ConfigurationError

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

# Characters that an editor, a shell or an .env file adds: line breaks, also escaped ones, blanks, a byte order mark, the
# NULs of UTF-16.
_NOISE = re.compile(rb"\\+[nrt]|[\s\0]|\xef\xbb\xbf|\xff\xfe|\xfe\xff")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})+")
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]{40,}")  # the shortest public key, Ed25519, takes 59

# Each of these occurs in a random secret less often than once in 2^30.
_ARMOR = re.compile(rb"-{4,}\s*(?:BEGIN|END)\s*[A-Z]", re.IGNORECASE)  # RFC 7468, RFC 4716
_SSH = re.compile(
    rb"\0\0\0[\x07-\x30](?:sk-)?(?:ssh|ecdsa)-"  # the body begins with the name (RFC 4253 §6.6)
    rb"|(?:ssh|ecdsa)-[a-z0-9.@-]{3,60}\s*AAAA"  # one line of authorized_keys
    rb"|openssh-key-v1\0"
)
_DER = re.compile(
    rb"\x2a\x86\x48\x86\xf7\x0d\x01"  # 1.2.840.113549.1: rsaEncryption, PKCS #5, 7, 12 (RFC 8017)
    rb"|\x06[\x07\x08]\x2a\x86\x48\xce\x3d"  # 1.2.840.10045: id-ecPublicKey, P-256 (RFC 5480)
    rb"|\x06\x05\x2b\x81\x04\0"  # 1.3.132.0: P-384, P-521, secp256k1 (RFC 5480)
    rb"|\x30\x05\x06\x03\x2b\x65[\x6e-\x71]"  # 1.3.101.110-113: X25519 to Ed448 (RFC 8410)
    rb"|\x30(?:\x81.|\x82..)\x02(?:\x81.|\x82..)\0"  # RSAPublicKey (RFC 8017 §A.1.1)
    rb"|\x30\x82..\x02\x01\0\x02[\x81\x82]",  # RSAPrivateKey (RFC 8017 §A.1.2)
    re.DOTALL,
)
_JWK = re.compile(rb"""["']kty\\*["']:""")


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
    if shape := _shape_of_key(octets):
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


def _shape_of_key(octets: bytes) -> str | None:
    """Return the kind of key that the secret is in one of its readings, or None."""
    for reading in _readings(octets):
        if _ARMOR.search(reading):
            return "a PEM block"
        if _SSH.search(reading):
            return "an SSH key"
        if _DER.search(reading):
            return "a DER key or certificate"
        if _JWK.search(reading) or _is_json_container(reading):
            return "a JWK or another JSON document"
    return None


def _readings(octets: bytes) -> Iterator[bytes]:
    """Yield the secret unchanged, without noise, and decoded from hex and base64."""
    yield octets
    plain = _NOISE.sub(b"", octets)
    yield plain
    if _HEX.fullmatch(plain):
        yield bytes.fromhex(plain.decode())
    for run in _BASE64_RUN.findall(plain.translate(bytes.maketrans(b"-_", b"+/"))):
        # Parts of an armor line may precede the body, so it may begin at any of four offsets.
        for start in range(4):
            whole_quads = (len(run) - start) // 4 * 4
            yield base64.b64decode(run[start : start + whole_quads])


def _is_json_container(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except RecursionError:  # only a JSON container nests that deep
        return True
    except ValueError:
        return False
