"""The gate: a compact JWS in, a verified header and payload out, and the way back.

Nothing of the payload is looked at before its signature is good, and nothing of the header decides more than which of
our own keys is tried (RFC 8725 §3.1). The gate is stricter than PyJWT everywhere and laxer nowhere; PyJWT's
``Algorithm`` objects make and check the signatures.

Facts:

* RFC 7515 §2, §7.1: three segments of base64url "with all trailing '=' characters omitted", joined by dots. Python's
  decoder skips what is not of the alphabet and ignores left-over bits, so one token would have many texts
  (GHSA-hxm8-2xgr-2p9m); the alphabet and the last character are checked here first.
* RFC 7515 §4.1.11: a recipient that does not understand what ``crit`` lists must refuse. We understand no extension.
* RFC 8725 §3.10: ``jku``, ``jwk``, ``x5u`` and ``x5c`` let the sender choose the key. A token that has them is refused.
* A header segment whose signature was good once is remembered, text and reading: the same text has the same meaning.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from praetorian_core.errors import ConfigurationError, InvalidTokenError
from praetorian_core.token.claims import ACTION_TYP, SESSION_TYP
from praetorian_core.token.keys import Key, KeyRing
from praetorian_core.token.strict_json import JSONValue, dump_object, parse_object

MAX_LENGTH = 8192
"""The longest token in characters; most servers refuse a longer header line anyway."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PADDING = (b"", b"", b"==", b"=")
# By the length of a segment modulo 4: the last characters that leave no bit over. No segment leaves one character over.
_LAST = (frozenset(_ALPHABET), frozenset(b""), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"))

_FORBIDDEN = frozenset({"crit", "b64", "zip", "enc", "cty", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"})
_REMEMBERED_HEADERS = 64


@attrs.frozen
class Header:
    """A header that passed: which keys may have signed under it, and what it says.

    Attributes:
        typ: The ``typ`` as it stands there; None where there is none.
        candidates: The keys to try, all of the header's algorithm.
        members: The whole header, read-only.
    """

    typ: str | None
    candidates: tuple[Key, ...]
    members: Mapping[str, JSONValue]


class JWSVerifier:
    """Opens tokens that were signed by a key of one ring."""

    __slots__ = ("_remembered", "_ring")

    def __init__(self, ring: KeyRing) -> None:
        """Guard one ring of keys.

        Raises:
            ConfigurationError: It is none: a bare secret, say.
        """
        if not isinstance(ring, KeyRing):
            detail = f"the ring is {type(ring).__name__}; expected a KeyRing, such as KeyRing.from_secret(secret)"
            raise ConfigurationError(detail)
        self._ring = ring
        # Bounded, and filled only with headers that one of our keys has signed: nobody else can fill it.
        self._remembered: dict[bytes, Header] = {}

    def verify(self, token: str) -> tuple[Header, bytes]:
        """Return the header and the payload of a token whose signature is good.

        Args:
            token: The compact serialization.

        Returns:
            What the header says, and the payload's bytes, which nobody has looked into yet.

        Raises:
            InvalidTokenError: Anything else than a token of ours; the detail says what, and never holds the token.

        See:
            RFC 7515 §5.2, RFC 7519 §7.2, RFC 8725 §3.
        """
        if type(token) is not str:
            detail = f"the token is {type(token).__name__}; expected str"
            raise InvalidTokenError(detail)
        if len(token) > MAX_LENGTH:
            detail = f"the token has {len(token)} characters; expected at most {MAX_LENGTH}"
            raise InvalidTokenError(detail)
        # What is not ASCII becomes a question mark, which the next line refuses.
        compact = token.encode("ascii", "replace")
        # With the alphabet taken away, two dots must be left.
        if compact.translate(None, _ALPHABET) != b"..":
            detail = "the token is not three segments of base64url with dots between them"
            raise InvalidTokenError(detail)
        message, _, signature = compact.rpartition(b".")
        header_segment, _, payload = message.partition(b".")
        remembered = self._remembered.get(header_segment)
        header = remembered or read_header(decode_segment(header_segment, "header"), self._ring)
        octets = decode_segment(signature, "signature")
        for key in header.candidates:
            if key.verifies(message, octets) is True:
                break
        else:
            detail = "the signature is not ours"
            raise InvalidTokenError(detail)
        if remembered is None and len(self._remembered) < _REMEMBERED_HEADERS:
            self._remembered[header_segment] = header
        return header, decode_segment(payload, "payload")


def verify_compact(token: str, ring: KeyRing) -> tuple[dict[str, JSONValue], bytes]:
    """Verify a compact JWS against a ring of keys and return what was signed, without judging any claim.

    Args:
        token: The compact serialization.
        ring: The keys that may have signed it.

    Returns:
        The header, and the payload's bytes.

    Raises:
        InvalidTokenError: Shape, encoding, header or signature is not as it must be.

    See:
        RFC 7515 §5.2, RFC 8725 §3.
    """
    header, payload = JWSVerifier(ring).verify(token)
    return dict(header.members), payload


def decode_segment(segment: bytes, what: str) -> bytes:
    """Return the octets of one segment, whose characters are known to be of the alphabet.

    Raises:
        InvalidTokenError: The segment is empty, or is not the one text that encodes its octets.
    """
    over = len(segment) & 3
    if not segment or segment[-1] not in _LAST[over]:
        detail = f"the {what} is empty or not canonical base64url (RFC 7515 §2)"
        raise InvalidTokenError(detail)
    return a2b_base64(segment.translate(_TO_STANDARD) + _PADDING[over])


def encode_segment(octets: bytes) -> bytes:
    """Return octets as base64url without padding (RFC 7515 §2)."""
    return b2a_base64(octets, newline=False).translate(_TO_URL_SAFE).rstrip(b"=")


def read_header(octets: bytes, ring: KeyRing) -> Header:
    """Return what a header says and which keys of the ring it fits; the signature is still to be checked.

    Raises:
        InvalidTokenError: It is not a strict JSON object, or names an algorithm, a type, a key or an extension that
            is none of ours.
    """
    members = parse_object(octets, "header")
    forbidden = _FORBIDDEN & members.keys()
    if forbidden:
        detail = f"the header has {sorted(forbidden)}, which no token of ours has"
        raise InvalidTokenError(detail)
    typ = _typ(members)
    algorithm = members.get("alg")
    candidates = tuple(key for key in _candidates(members, ring) if key.algorithm == algorithm)
    if not candidates:
        detail = "the header names no algorithm and key that belong together here"
        raise InvalidTokenError(detail)
    return Header(typ, candidates, MappingProxyType(members))


def _typ(members: Mapping[str, JSONValue]) -> str | None:
    if "typ" not in members:
        return None
    # JSON's null is a value, not an absence.
    typ = members["typ"]
    if type(typ) is not str or (typ != ACTION_TYP and typ.upper() != SESSION_TYP):
        detail = f"the header's typ is not {SESSION_TYP!r} or {ACTION_TYP!r}"
        raise InvalidTokenError(detail)
    return typ


def _candidates(members: Mapping[str, JSONValue], ring: KeyRing) -> tuple[Key, ...]:
    if "kid" not in members:
        # One key leaves no choice. Among several, HMAC keys are tried in turn: tokens of flask-praetorian have no kid,
        # and a secret that is being retired must still verify them.
        return ring.keys if len(ring.keys) == 1 or ring.symmetric else ()
    kid = members["kid"]
    key = ring.find(kid) if type(kid) is str else None
    return () if key is None else (key,)


class JWSSigner:
    """Signs payloads with one key."""

    __slots__ = ("_headers", "_key")

    def __init__(self, key: Key) -> None:
        """Sign with this key, under headers that are encoded once."""
        self._key = key
        self._headers = {
            typ: encode_segment(dump_object({"alg": key.algorithm, "kid": key.kid, "typ": typ}))
            for typ in (SESSION_TYP, ACTION_TYP)
        }

    def sign(self, typ: str, payload: bytes) -> str:
        """Return the compact serialization of a payload.

        Args:
            typ: The header's ``typ``, one of the two that we mint.
            payload: The octets to sign.

        See:
            RFC 7515 §5.1.
        """
        message = self._headers[typ] + b"." + encode_segment(payload)
        return (message + b"." + encode_segment(self._key.sign(message))).decode()
