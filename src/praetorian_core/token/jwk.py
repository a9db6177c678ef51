"""JWK and JWK Set (RFC 7517): algorithm, ``kid``, permitted use and key values of a JSON key.

Facts:

* RFC 7517 §4: "Additional members can be present in the JWK; if not understood by implementations encountering them,
  they MUST be ignored." Member names must be unique, because parsers differ in which duplicate they keep.
* ``alg`` is optional there and required here: a key without it would leave the choice to the token's header, which
  causes algorithm confusion (RFC 8725 §3.1).
* RFC 7517 §5 recommends to ignore JWKs of a set that are not understood. Here they raise: a key ring is configuration,
  and a key that is skipped silently is missing later.

``keys`` checks whether the values form a key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import cast

import attrs

from praetorian_core.errors import ConfigurationError
from praetorian_core.token import base64url, strict_json
from praetorian_core.token.algorithms import ALGORITHMS, key_type, known_algorithm

_KEY_VALUES = ("k", "n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y")


@attrs.frozen(kw_only=True)
class JWK:
    """A JWK for signatures, returned by ``read_jwk``.

    Attributes:
        algorithm: Its ``alg``: one of ``ALGORITHMS``, consistent with its ``kty``.
        kid: Its ``kid``, not validated; None if absent.
        may_sign: Whether its ``key_ops`` permit signing.
        secret: The decoded ``k``, if ``kty`` is ``oct``.
        members: All members, unchanged.
    """

    algorithm: str
    kid: object
    may_sign: bool
    secret: bytes | None = attrs.field(repr=False)
    members: dict[str, object] = attrs.field(repr=False)


def read_jwk(document: object) -> JWK:
    """Return the validated members of a JWK.

    Args:
        document: The JWK as a mapping.

    Raises:
        ConfigurationError: It is incomplete or inconsistent, or is meant for another use.

    See:
        RFC 7517 §4, RFC 7518 §6.
    """
    if not isinstance(document, Mapping):
        raise ConfigurationError(f"the JWK must be a mapping, as from json.loads; got {type(document).__name__}")
    members = dict(cast("Mapping[str, object]", document))
    if "alg" not in members:
        raise ConfigurationError(
            'the JWK has no "alg", to which the key must be bound (RFC 8725 §3.1); '
            f"add it to the JWK: one of {', '.join(ALGORITHMS)}"
        )
    algorithm = known_algorithm(members["alg"])
    if members.get("kty") != (kty := key_type(algorithm)):
        raise ConfigurationError(f'the "kty" of the JWK does not match its "alg"; write "kty": "{kty}" for {algorithm}')
    if members.get("use", "sig") != "sig":
        raise ConfigurationError(
            'the JWK is not for signatures: "use" must be "sig" or absent (RFC 7517 §4.2); remove this JWK'
        )
    if members.get("kid", "") is None:
        raise ConfigurationError('the "kid" of the JWK must be a string or absent; got null')
    values = {name: _octets(members[name], name) for name in _KEY_VALUES if name in members}
    if kty == "oct" and "k" not in values:
        raise ConfigurationError('the JWK of "kty" "oct" has no "k"; write the secret there')
    return JWK(
        algorithm=algorithm,
        kid=members.get("kid"),
        may_sign=_may_sign(members),
        secret=values["k"] if kty == "oct" else None,
        members=members,
    )


def read_jwks(document: object) -> list[object]:
    """Return the JWKs of a JWK Set, each not validated yet.

    Args:
        document: The set as a mapping or as JSON text.

    Raises:
        ConfigurationError: It is not an object with an array ``keys``.

    See:
        RFC 7517 §5.
    """
    parsed = _parse(document) if isinstance(document, str) else document
    if not isinstance(parsed, Mapping):
        raise ConfigurationError(f"the JWK Set must be an object or its JSON text; got {type(parsed).__name__}")
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
        required: Exactly the members that its ``kty`` requires (RFC 7638 §3.2).
    """
    canonical = json.dumps(dict(required), sort_keys=True, separators=(",", ":"))
    return base64url.encode(hashlib.sha256(canonical.encode()).digest()).decode()


def _octets(value: object, name: str) -> bytes:
    try:
        return base64url.decode(value if isinstance(value, str) else "")
    except ValueError:
        pass
    # Outside of the except block, so that the error has no context.
    raise ConfigurationError(
        f'"{name}" of the JWK is not base64url; write it without padding, blanks or left-over bits (RFC 7515 §2)'
    )


def _may_sign(members: Mapping[str, object]) -> bool:
    """Return whether ``key_ops`` permits signing (RFC 7517 §4.3); a private key may have "sign" alone."""
    if "key_ops" not in members:
        return True
    operations = members["key_ops"]
    if operations == ["sign"] and "d" in members:
        return True
    if operations in (["verify"], ["sign", "verify"], ["verify", "sign"]):
        return operations != ["verify"]
    raise ConfigurationError(
        'the JWK is not for verifying signatures: "key_ops" must be ["verify"] or ["sign", "verify"], on a private key '
        'also ["sign"], or absent (RFC 7517 §4.3)'
    )


def _parse(text: str) -> object:
    try:
        return strict_json.parse(text)
    except ValueError as error:
        reason = str(error)
    # Outside of the except block: a JSONDecodeError carries the whole text.
    raise ConfigurationError(f"the JWK Set is not strict JSON: {reason}; write it as json.dumps does")
