"""Base64url without padding (RFC 7515 §2, RFC 4648 §5), one encoding for each octet string.

Python's decoder skips characters outside the alphabet and ignores left-over bits, so one token would have many
encodings (GHSA-hxm8-2xgr-2p9m). This decoder rejects both.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PADDING = (b"", b"", b"==", b"=")
# By the length modulo 4: the last characters that leave no bit over. A remainder of 1 is impossible.
_LAST = (frozenset(ALPHABET), frozenset(b""), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"))


def encode(octets: bytes) -> bytes:
    """Return octets as base64url without padding."""
    return b2a_base64(octets, newline=False).translate(_TO_URL_SAFE).rstrip(b"=")


def decode(text: str | bytes) -> bytes:
    """Return the octets of a base64url text.

    Raises:
        ValueError: The text is empty, has padding or a character outside the alphabet, or is not canonical.
    """
    segment = text.encode("ascii", "replace") if isinstance(text, str) else text
    if segment.translate(None, ALPHABET):
        raise ValueError("has a character outside the base64url alphabet")
    return decode_segment(segment)


def decode_segment(segment: bytes) -> bytes:
    """Return the octets of a segment whose characters were already checked against `ALPHABET`.

    Raises:
        ValueError: The segment is empty or not canonical.
    """
    remainder = len(segment) & 3
    if not segment or segment[-1] not in _LAST[remainder]:
        raise ValueError("is empty or not canonical base64url (RFC 7515 §2)")
    return a2b_base64(segment.translate(_TO_STANDARD) + _PADDING[remainder])
