"""What a JWK says of itself, in JSON: its algorithm, its name, what it is for, its numbers.

Facts:

* RFC 7517 §4: "Additional members can be present in the JWK; if not understood by implementations
  encountering them, they MUST be ignored." Member names must be unique; of a parser that takes the
  last of two, a document could say one thing to us and another to its author.
* "alg" is optional there and required here: a key that leaves the choice to the token's header is
  how algorithms get confused (RFC 8725 §3.1).
* RFC 7517 §5 would have us pass over JWKs of a set that we do not understand. A key ring is
  configuration: what cannot be used is said, not passed over.

Whether the numbers make a key is not decided here: see ``keys``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import cast

import attrs

from praetorian_core.errors import ConfigurationError

from .algorithms import ALGORITHMS, key_type, known_algorithm

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_NUMBERS = ("k", "n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y")


@attrs.frozen(kw_only=True)
class JWK:
    """A JWK that is for signatures and says what it is, made by ``read_jwk``.

    Attributes:
        algorithm: Its ``alg``, one of ours, that goes with its ``kty``.
        kid: Its ``kid``, not judged, or None where it has none.
        may_sign: Whether its ``key_ops`` let it sign, if it can.
        secret: The decoded ``k``, where ``kty`` is ``oct``.
        members: All members, as they were given.
    """

    algorithm: str
    kid: object
    may_sign: bool
    secret: bytes | None = attrs.field(repr=False)
    members: dict[str, object] = attrs.field(repr=False)


def read_jwk(document: object) -> JWK:
    """Read what a JWK says of itself.

    Args:
        document: The JWK as a mapping.

    Raises:
        ConfigurationError: it does not say enough, contradicts itself, or is for something else.

    See:
        RFC 7517 §4, RFC 7518 §6.
    """
    if not isinstance(document, Mapping):
        raise ConfigurationError(f"the JWK is of type {type(document).__name__}; write a mapping, as from json.loads")
    members = dict(cast("Mapping[str, object]", document))
    if "alg" not in members:
        raise ConfigurationError(
            'the JWK does not say its "alg", to which the key is to be bound (RFC 8725 §3.1); '
            f"write it into the JWK: one of {', '.join(ALGORITHMS)}"
        )
    algorithm = known_algorithm(members["alg"])
    if members.get("kty") != (kty := key_type(algorithm)):
        raise ConfigurationError(
            f'the "kty" of the JWK does not go with its "alg"; write "kty": "{kty}" for {algorithm}'
        )
    if members.get("use", "sig") != "sig":
        raise ConfigurationError(
            'the JWK is not for signatures: "use" has to be "sig" or absent (RFC 7517 §4.2); leave this JWK out'
        )
    if members.get("kid", "") is None:
        raise ConfigurationError('the "kid" of the JWK is null; write a string, or leave it out')
    numbers = {name: _from_base64url(members[name], name) for name in _NUMBERS if name in members}
    if kty == "oct" and "k" not in numbers:
        raise ConfigurationError('the JWK of "kty" "oct" has no "k"; write the secret there')
    return JWK(
        algorithm=algorithm,
        kid=members.get("kid"),
        may_sign=_may_sign(members),
        secret=numbers["k"] if kty == "oct" else None,
        members=members,
    )


def read_jwks(document: object) -> list[object]:
    """Return the JWKs of a JWK Set, unread.

    Args:
        document: The set as a mapping or as JSON text.

    Raises:
        ConfigurationError: it is not an object with an array ``keys``.

    See:
        RFC 7517 §5.
    """
    parsed = _parse_json(document) if isinstance(document, str) else document
    if not isinstance(parsed, Mapping):
        raise ConfigurationError(f"the JWK Set is of type {type(parsed).__name__}; write an object, or its JSON text")
    members = dict(cast("Mapping[str, object]", parsed))
    if "kty" in members and "keys" not in members:
        raise ConfigurationError('the JWK Set is a single JWK; write {"keys": [jwk]}')
    jwks = members.get("keys")
    if not isinstance(jwks, list | tuple):
        raise ConfigurationError('the JWK Set has no array "keys"; write {"keys": [jwk, ...]}')
    return list(cast("list[object]", jwks))


def thumbprint(required: Mapping[str, str]) -> str:
    """Return the RFC 7638 thumbprint of a JWK.

    Args:
        required: The members that its ``kty`` requires (RFC 7638 §3.2), and no others.
    """
    canonical = json.dumps(dict(required), sort_keys=True, separators=(",", ":"))
    return to_base64url(hashlib.sha256(canonical.encode()).digest())


def to_base64url(octets: bytes) -> str:
    """Return bytes as base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _from_base64url(text: object, name: str) -> bytes:
    if isinstance(text, str) and _BASE64URL.fullmatch(text) and len(text) % 4 != 1:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if to_base64url(octets) == text:
            return octets
    raise ConfigurationError(
        f'"{name}" of the JWK is not base64url; write it without padding, blanks or stray bits (RFC 7515 §2)'
    )


def _may_sign(members: Mapping[str, object]) -> bool:
    """Obey ``key_ops`` (RFC 7517 §4.3), where a private key may say "sign" alone."""
    if "key_ops" not in members:
        return True
    operations = members["key_ops"]
    if operations == ["sign"] and "d" in members:
        return True
    if operations in (["verify"], ["sign", "verify"], ["verify", "sign"]):
        return operations != ["verify"]
    raise ConfigurationError(
        'the JWK is not for verifying signatures: "key_ops" has to be ["verify"] or '
        '["sign", "verify"], on a private key also ["sign"], or absent (RFC 7517 §4.3)'
    )


class _RepeatedNameError(ValueError):
    pass


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _RepeatedNameError
    return members


def _parse_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique_names)
    except _RepeatedNameError:
        problem = "has a member twice in one object, so nobody knows which one counts"
    except (ValueError, RecursionError):
        problem = "is not JSON"
    # Raised here and not above, because a JSONDecodeError carries the whole text with it.
    raise ConfigurationError(f"the JWK Set {problem}; write it as json.dumps does")
