"""Recognizes a key, a certificate or a JSON document in the place of an HMAC secret, in any encoding.

A public key is public: as an HMAC secret it would let anyone sign tokens. Fixes that knew only some encodings of a key
were bypassed with another: CVE-2017-11424 and CVE-2022-29217 (other armors), CVE-2026-34950 (a leading space). So the
secret is decoded in every way in which a key gets mangled, two encodings deep. The secret that is used is always the one
that was given: nothing is stripped or decoded.

Each pattern occurs in a random secret less often than once in 2^30.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

# Characters that an editor, a shell or an .env file adds: line breaks, also escaped ones, blanks, a byte order mark, the
# NULs of UTF-16.
_NOISE = re.compile(rb"\\+[nrt]|[\s\0]|\xef\xbb\xbf|\xff\xfe|\xfe\xff")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})+")
_HEX_SEPARATORS = re.compile(rb"0x|[:,-]", re.IGNORECASE)
_ESCAPE = re.compile(rb"\\+(?:x|u00)([0-9A-Fa-f]{2})|\\+([nrt'\"])")
_SHORT_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]{40,}")  # the shortest public key, Ed25519, takes 59
_BASE32_RUN = re.compile(rb"[A-Z2-7]{40,}")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")

# Charsets in which a file of bytes is read as text by mistake.
_CHARSETS = ("latin-1", "cp1252", "cp437", "mac-roman", "utf-16-le", "utf-16-be")

_ARMOR = re.compile(rb"-{4,}\s*(?:BEGIN|END)\s*[A-Z]", re.IGNORECASE)  # RFC 7468, RFC 4716
_SSH = re.compile(
    rb"\0\0\0[\x07-\x30](?:sk-)?(?:ssh|ecdsa)-"  # the body begins with the name (RFC 4253 §6.6)
    rb"|(?:ssh|ecdsa)-[a-z0-9.@-]{3,60}\s*AAAA"  # one line of authorized_keys
    rb"|openssh-key-v1\0"
)
_DER = re.compile(
    rb"\x2a\x86\x48\x86\xf7\x0d\x01"  # 1.2.840.113549.1: rsaEncryption, PKCS #5, 7, 12 (RFC 8017)
    rb"|\x06[\x07\x08]\x2a\x86\x48\xce[\x38\x3d]"  # 1.2.840.10040: DSA; .10045: id-ecPublicKey, P-256 (RFC 5480)
    rb"|\x06\x05\x2b\x81\x04\0"  # 1.3.132.0: P-384, P-521, secp256k1 (RFC 5480)
    rb"|\x30\x05\x06\x03\x2b\x65[\x6e-\x71]"  # 1.3.101.110-113: X25519 to Ed448 (RFC 8410)
    rb"|\x06\x09\x60\x86\x48\x01\x65\x03\x04[\x03\x04]"  # 2.16.840.1.101.3.4.3, .4: ML-DSA, SLH-DSA, ML-KEM (RFC 9881)
    rb"|\x30(?:\x81.|\x82..)\x02(?:\x81.|\x82..)\0"  # RSAPublicKey (RFC 8017 §A.1.1)
    rb"|\x30\x82..\x02\x01\0\x02[\x81\x82]"  # RSAPrivateKey (RFC 8017 §A.1.2)
    rb"|\x30.\x02\x01\x01\x04[\x1c\x20\x30\x42]",  # ECPrivateKey without parameters (RFC 5915 §3)
    re.DOTALL,
)
# DER that was decoded with errors="ignore" or "replace" has lost its bytes above 0x7f.
_LOSSY_DER = re.compile(
    rb"\x06\x09\x2a\x48\r\x01\x01"  # rsaEncryption
    rb"|\x06\x07\x2a\x48\x3d\x02\x01\x06"  # id-ecPublicKey and a curve
)
_LOST = bytes(range(128, 256)) + b"?"
_JWK = re.compile(
    rb"""["']kty\\*["']:"""
    rb"""|kty["']?[:=]["']?(?:RSA|EC|OKP|oct|AKP)"""  # YAML, TOML or one line for each member
)
# XML Signature §4.5.2, and the output of ``openssl pkey -text`` and ``openssl rsa -modulus``.
_PRINTED = re.compile(rb"<(?:\w{1,10}:)?(?:RSA|DSA|EC)KeyValue\b|Public-Key:|Modulus[:=]|modulus:00")


def shape_of_key(octets: bytes) -> str | None:
    """Return what the secret is in one of its readings, for the message; None if it is no key."""
    for reading in _readings(octets):
        if _ARMOR.search(reading):
            return "a PEM block"
        if _SSH.search(reading):
            return "an SSH key"
        if _DER.search(reading) or _LOSSY_DER.search(reading.translate(None, _LOST)):
            return "a DER key or certificate"
        if _PRINTED.search(reading):
            return "a key as printed by a tool"
        if _JWK.search(reading) or _is_json_container(reading):
            return "a JWK or another JSON document"
    return None


def _readings(octets: bytes) -> Iterator[bytes]:
    """Yield the secret unchanged and decoded, also twice."""
    seen: set[bytes] = set()
    level = [octets]
    for _ in range(3):
        fresh = [reading for reading in dict.fromkeys(level) if reading not in seen]
        seen.update(fresh)
        yield from fresh
        level = [decoded for reading in fresh for decoded in _decodings(reading)]


def _decodings(octets: bytes) -> Iterator[bytes]:
    plain = _NOISE.sub(b"", octets)
    yield plain
    yield _ESCAPE.sub(_unescape, octets)
    yield unquote_to_bytes(octets)
    yield from _other_charsets(octets)
    digits = _HEX_SEPARATORS.sub(b"", plain)
    if _HEX.fullmatch(digits):
        yield bytes.fromhex(digits.decode())
    for run in _BASE64_RUN.findall(plain.translate(_TO_STANDARD)):
        # Parts of an armor line may precede the body, so it may begin at any of four offsets.
        for start in range(4):
            whole_quads = (len(run) - start) // 4 * 4
            yield base64.b64decode(run[start : start + whole_quads])
    for run in _BASE32_RUN.findall(plain):
        yield base64.b32decode(run[: len(run) // 8 * 8])


def _unescape(escape: re.Match[bytes]) -> bytes:
    digits, short = escape.groups()
    return bytes.fromhex(digits.decode()) if digits else _SHORT_ESCAPES.get(short, short)


def _other_charsets(octets: bytes) -> Iterator[bytes]:
    if octets.isascii():
        return
    for charset in _CHARSETS:
        try:
            yield octets.decode().encode(charset)
        except UnicodeError:
            continue


def _is_json_container(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except RecursionError:  # only a JSON container nests that deep
        return True
    except ValueError:
        return False
