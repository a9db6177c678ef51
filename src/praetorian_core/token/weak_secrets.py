"""Which HMAC secrets are no secrets: too short, easily guessed, published, or half of a key pair.

Facts:

* RFC 7518 §3.2: "A key of the same size as the hash output (for instance, 256 bits for "HS256")
  or larger MUST be used with this algorithm."
* Whoever holds one token can test guesses at its secret offline, as fast as the hardware hashes.
  No throttle helps, so what a guesser tries first is refused: padding, repetition, placeholders,
  secrets printed in documentation.
* A public key is public. Taken as an HMAC secret it lets everybody mint tokens, and each fix that
  knew only some of its spellings was beaten by another: CVE-2017-11424 and CVE-2022-29217 (other
  armors), CVE-2026-34950 (a leading space). So the secret is *read* here in every way that a key
  gets mangled in, while the secret that is *used* is always the one that was given: nothing is
  stripped, decoded or guessed at.
* Entropy cannot be measured in one sample. A secret that passes is not proven good, and every
  bound below is drawn so that a random secret fails it less often than once in 10^8, be it bytes,
  hex, base64 or decimal.

No message holds any part of the secret; at most it counts bytes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

from praetorian_core.errors import ConfigurationError

ADVICE = 'write one printed by: python -c "import secrets; print(secrets.token_urlsafe(48))"'

# 32 bytes of 4 different values hold 64 bits at most. Five is also the bound of Django's check
# security.W009 (django/core/checks/security/base.py, SECRET_KEY_MIN_UNIQUE_CHARACTERS). A random
# secret of 32 decimal digits has fewer once in 10^10, one of 32 hex digits practically never.
_FEWEST_DISTINCT = 5

# What has to be left when the words of placeholders are taken out: 16 bytes, an AES-128 key.
_FEWEST_UNKNOWN = 16

# ``django-admin startproject`` puts this before a secret that it writes into a source file.
_DJANGO_PREFIX = b"django-insecure-"

# In lower case: secrets that were printed for all to read, then the words that placeholders are
# made of. The longer come first, since a regular expression takes the first alternative that fits.
_KNOWN = re.compile(
    rb"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"  # Flask: Configuration
    rb'|_5#y2l"f4q8z(?:\n(?:\xc3\xac|\xec)|\\n\\xec)\]/'  # Flask: Quickstart; text, bytes, escaped
    rb"|09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"  # FastAPI: OAuth2, JWT
    rb"|5367566b59703373367639792f423f4528482b4d6251655468576d5a71347437"  # Spring tutorials
    rb"|keyboard cat"  # express-session: README
    rb"|abcdefghijklmnopqrstuvwxyz|0123456789|123456789|qwertyuiop|asdfghjkl|12345678|zxcvbnm"
    # jwt.io: "your-256-bit-secret", "a-string-secret-at-least-256-bits-long"; flask-praetorian:
    # "top secret"; flask-jwt-extended: "super-secret"; and what else people write in a hurry.
    rb"|development|placeholder|passphrase|praetorian|production|insecure|password|default|example"
    rb"|fastapi|private|replace|signing|testing|123456|abcdef|change|django|falcon|please|random"
    rb"|sample|secret|secure|should|string|admin|dummy|flask|least|super|token|valid|which|auth|bits"
    rb"|demo|here|hmac|long|must|need|pass|prod|test|that|this|todo|user|very|with|your|256|384|512"
    rb"|api|app|bar|bit|dev|foo|for|jwt|key|the|top|xxx"
)
_SEPARATORS = re.compile(rb"[\s._-]+")
_RUNS = re.compile(rb"(.)\1{3,}", re.DOTALL)

# What a text collects in an editor, a shell or an .env file: line breaks, also escaped ones,
# blanks, a byte order mark, the NULs of UTF-16.
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


def vet_secret(secret: str | bytes, *, algorithm: str, minimum: int) -> bytes:
    """Return the secret's bytes, exactly as given and UTF-8 for text, or refuse it.

    Args:
        secret: What an operator wants to sign with.
        algorithm: The name of the HMAC algorithm, for the messages.
        minimum: The length of that algorithm's hash, in bytes.

    Returns:
        The bytes of the secret, unchanged.

    Raises:
        ConfigurationError: the value is no secret; the text says what it is and what to write.

    See:
        RFC 7518 §3.2, RFC 8725 §3.5.
    """
    octets = to_bytes(secret, "the HMAC secret")
    if not octets:
        raise ConfigurationError(f"the HMAC secret is empty; {algorithm} needs {minimum} bytes; {ADVICE}")
    if secret.isspace():
        raise ConfigurationError(f"the HMAC secret is nothing but white space; {ADVICE}")
    # Before the length: an Ed25519 key is also too short for HS512, but that is not its fault.
    if shape := _shape_of_key(octets):
        raise ConfigurationError(
            f"the HMAC secret is {shape}: with {algorithm}, everybody who can read it could mint "
            "tokens; a key is loaded with KeyRing.from_pem or KeyRing.from_jwks; for a secret, "
            f"{ADVICE}"
        )
    if len(octets) < minimum:
        raise ConfigurationError(
            f"the HMAC secret is {len(octets)} bytes; {algorithm} needs {minimum} (RFC 7518 §3.2); {ADVICE}"
        )
    if block := _block_length(octets, below=minimum):
        raise ConfigurationError(
            f"the HMAC secret is {len(octets)} bytes, but they repeat after {block}; {algorithm} "
            f"needs {minimum} that do not repeat; {ADVICE}"
        )
    if (distinct := len(set(octets))) < _FEWEST_DISTINCT:
        raise ConfigurationError(
            f"the HMAC secret is made of {distinct} different byte values; a random one has "
            f"{_FEWEST_DISTINCT} or more; {ADVICE}"
        )
    if octets.lower().startswith(_DJANGO_PREFIX):
        raise ConfigurationError(
            f"the HMAC secret begins with {_DJANGO_PREFIX.decode()!r}, so startproject wrote it "
            f"into a source file; {ADVICE}"
        )
    if (unknown := _count_unknown(octets)) < _FEWEST_UNKNOWN:
        raise ConfigurationError(
            "the HMAC secret is a placeholder or a published sample: besides well-known words it "
            f"holds {unknown} bytes; {_FEWEST_UNKNOWN} or more are expected; {ADVICE}"
        )
    return octets


def to_bytes(value: object, what: str) -> bytes:
    """Return text as UTF-8 and bytes as they are; refuse everything else.

    Args:
        value: Text or bytes from a configuration.
        what: What it is, for the messages.

    Raises:
        ConfigurationError: neither text nor bytes, or text that UTF-8 cannot carry.
    """
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ConfigurationError(f"{what} is of type {type(value).__name__}; write str or bytes")
    try:
        return value.encode()
    except UnicodeEncodeError:
        pass  # it carries the whole text with it, so ours must not be raised in its presence
    raise ConfigurationError(f"{what} holds a lone surrogate, which UTF-8 cannot carry; write it as bytes")


def _block_length(octets: bytes, *, below: int) -> int | None:
    """Return the length of the block that, written twice or more, gives the whole."""
    for length in range(1, min(below, len(octets) // 2 + 1)):
        if octets[length:] == octets[:-length]:
            return length
    return None


def _count_unknown(octets: bytes) -> int:
    """Count the bytes that are neither a well-known word, nor a separator, nor padding."""
    lowered = octets.lower()
    rest = _KNOWN.sub(b"", lowered)
    if rest == lowered:
        return len(octets)
    rest = _RUNS.sub(rb"\1", _SEPARATORS.sub(b"", rest))
    return _block_length(rest, below=_FEWEST_UNKNOWN) or len(rest)


def _shape_of_key(octets: bytes) -> str | None:
    """Say what kind of key the secret is, if one of its readings is a key."""
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
    """Yield the secret as it is, without noise, and what it decodes to from hex and base64."""
    yield octets
    plain = _NOISE.sub(b"", octets)
    yield plain
    if _HEX.fullmatch(plain):
        yield bytes.fromhex(plain.decode())
    for run in _BASE64_RUN.findall(plain.translate(bytes.maketrans(b"-_", b"+/"))):
        # Leftovers of an armor line may stand before the body, so it begins at any of four places.
        for start in range(4):
            whole_quads = (len(run) - start) // 4 * 4
            yield base64.b64decode(run[start : start + whole_quads])


def _is_json_container(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except RecursionError:  # only brackets nest that deep
        return True
    except ValueError:
        return False
