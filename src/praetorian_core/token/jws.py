"""Verify and sign JWS in compact serialization (RFC 7515).

The payload is not parsed before its signature is verified, and the header only selects which of the configured keys are
tried (RFC 8725 §3.1). Every token that is accepted here is accepted by PyJWT too; the reverse is not true.

Facts:

* RFC 7515 §7.1: three segments of base64url, joined by dots; see ``base64url`` for why it must be canonical.
* RFC 7515 §4.1.11: a recipient that does not understand an extension listed in ``crit`` must reject the token. No
  extension is supported here.
* RFC 8725 §3.10: ``jku``, ``jwk``, ``x5u`` and ``x5c`` let the sender choose the key. A token that has them is rejected.
* A header segment is cached, with its parsed form, after its signature was verified once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from praetorian_core.errors import ConfigurationError, InvalidTokenError
from praetorian_core.token.base64url import ALPHABET, decode_segment, encode
from praetorian_core.token.claims import ACTION_TYP, SESSION_TYP, TICKET_TYP
from praetorian_core.token.keys import Key, KeyRing
from praetorian_core.token.strict_json import JSONValue, dump_object, parse_object

MAX_LENGTH = 8192
"""The maximum length of an accepted token in characters; most servers reject a longer header line."""

_FORBIDDEN = frozenset({"crit", "b64", "zip", "enc", "cty", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"})
_CACHED_HEADERS = 64


@attrs.frozen
class Header:
    """A validated header.

    Attributes:
        typ: The ``typ`` as the header has it; None if absent.
        candidates: The keys to try, all of the header's algorithm.
        members: The whole header, read-only.
    """

    typ: str | None
    candidates: tuple[Key, ...]
    members: Mapping[str, JSONValue]


class JWSVerifier:
    """Verifies the signatures of tokens with the keys of one ring."""

    __slots__ = ("_headers", "_ring")

    def __init__(self, ring: KeyRing) -> None:
        """Use the keys of this ring.

        Raises:
            ConfigurationError: It is not a KeyRing.
        """
        if not isinstance(ring, KeyRing):
            raise ConfigurationError(
                f"ring must be a KeyRing, such as KeyRing.from_secret(secret); got {type(ring).__name__}"
            )
        self._ring = ring
        # Bounded, and filled only with headers of tokens that a configured key has signed.
        self._headers: dict[bytes, Header] = {}

    def verify(self, token: str | bytes) -> tuple[Header, bytes]:
        """Return the header and the payload of a token with a valid signature.

        Args:
            token: The compact serialization, as a str or in ASCII.

        Returns:
            The validated header, and the bytes of the payload, not parsed yet.

        Raises:
            InvalidTokenError: The shape, the encoding, the header or the signature is invalid; the detail never holds
                the token.

        See:
            RFC 7515 §5.2, RFC 7519 §7.2, RFC 8725 §3.
        """
        # Exact types: a subclass could return something else each time it is read.
        if type(token) is not str and type(token) is not bytes:
            raise InvalidTokenError(f"the token must be a str or bytes; got {type(token).__name__}")
        if len(token) > MAX_LENGTH:
            raise InvalidTokenError(f"the token has {len(token)} characters; expected at most {MAX_LENGTH}")
        # A character outside ASCII becomes a question mark, which the next line rejects.
        compact = token.encode("ascii", "replace") if isinstance(token, str) else token
        # Without the characters of the alphabet, only two dots may be left.
        if compact.translate(None, ALPHABET) != b"..":
            raise InvalidTokenError("the token is not three base64url segments with dots between them")
        message, _, signature = compact.rpartition(b".")
        header_segment, _, payload = message.partition(b".")
        cached = self._headers.get(header_segment)
        header = cached or _decode_header(header_segment, self._ring)
        try:
            octets = decode_segment(signature)
        except ValueError as error:
            raise InvalidTokenError(f"the signature {error}") from None
        for key in header.candidates:
            if key.verifies(message, octets) is True:
                break
        else:
            raise InvalidTokenError("no configured key verifies the signature")
        if cached is None and len(self._headers) < _CACHED_HEADERS:
            self._headers[header_segment] = header
        try:
            return header, decode_segment(payload)
        except ValueError as error:
            raise InvalidTokenError(f"the payload {error}") from None


def verify_compact(token: str | bytes, ring: KeyRing) -> tuple[dict[str, JSONValue], bytes]:
    """Verify the signature of a compact JWS and return its contents; no claim is validated.

    Args:
        token: The compact serialization, as a str or in ASCII.
        ring: The keys that may have signed it.

    Returns:
        The header, and the bytes of the payload.

    Raises:
        InvalidTokenError: The shape, the encoding, the header or the signature is invalid.

    See:
        RFC 7515 §5.2, RFC 8725 §3.
    """
    header, payload = JWSVerifier(ring).verify(token)
    return dict(header.members), payload


def _decode_header(segment: bytes, ring: KeyRing) -> Header:
    try:
        octets = decode_segment(segment)
    except ValueError as error:
        raise InvalidTokenError(f"the header {error}") from None
    return read_header(octets, ring)


def read_header(octets: bytes, ring: KeyRing) -> Header:
    """Return a validated header with the keys that it selects; the signature is not verified yet.

    Raises:
        InvalidTokenError: It is not a strict JSON object, has a forbidden member or another type, or no key of the ring
            matches it.
    """
    members = parse_object(octets, "header")
    forbidden = _FORBIDDEN & members.keys()
    if forbidden:
        raise InvalidTokenError(f"the header has the forbidden members {sorted(forbidden)}")
    typ = _typ(members)
    algorithm = members.get("alg")
    candidates = tuple(key for key in _candidates(members, ring) if key.algorithm == algorithm)
    if not candidates:
        raise InvalidTokenError("no configured key matches the header's alg and kid")
    return Header(typ, candidates, MappingProxyType(members))


def _typ(members: Mapping[str, JSONValue]) -> str | None:
    if "typ" not in members:
        return None
    # JSON's null is a value, not an absence.
    typ = members["typ"]
    if type(typ) is not str or (typ not in {ACTION_TYP, TICKET_TYP} and typ.upper() != SESSION_TYP):
        raise InvalidTokenError(f"the header's typ is not {SESSION_TYP!r}, {ACTION_TYP!r} or {TICKET_TYP!r}")
    return typ


def _candidates(members: Mapping[str, JSONValue], ring: KeyRing) -> tuple[Key, ...]:
    if "kid" not in members:
        # A ring of one key leaves no choice. In a larger ring only HMAC keys are tried: tokens of flask-praetorian have
        # no kid, and a secret that is being rotated out must still verify them.
        return ring.keys if len(ring.keys) == 1 or ring.symmetric else ()
    kid = members["kid"]
    key = ring.find(kid) if type(kid) is str else None
    if key is None:
        # Not shown: any sender chooses it.
        raise InvalidTokenError("no configured key has the header's kid; do all processes share one secret?")
    return (key,)


class JWSSigner:
    """Signs payloads with one key."""

    __slots__ = ("_headers", "_key")

    def __init__(self, key: Key) -> None:
        """Sign with this key, under headers that are encoded once."""
        self._key = key
        self._headers = {
            typ: encode(dump_object({"alg": key.algorithm, "kid": key.kid, "typ": typ}))
            for typ in (SESSION_TYP, ACTION_TYP, TICKET_TYP)
        }

    def sign(self, typ: str, payload: bytes) -> str:
        """Return the compact serialization of a payload.

        Args:
            typ: The header's ``typ``: ``JWT``, ``action+jwt`` or ``ticket+jwt``.
            payload: The octets to sign.

        See:
            RFC 7515 §5.1.
        """
        message = self._headers[typ] + b"." + encode(payload)
        return (message + b"." + encode(self._key.sign(message))).decode()
