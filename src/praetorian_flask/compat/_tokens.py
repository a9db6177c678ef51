"""Tokens as flask-praetorian reads and writes them: a dict of claims, in either layout.

The core verifies the signature and parses the JSON. The claims are taken more leniently than the core's: flask-praetorian
let a custom claim have any name but its own eight, so ``sub``, ``roles``, ``aud`` and ``gen`` occur in old tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import attrs

from praetorian_core import STANDARD, KeyRing, Principal
from praetorian_core.errors import InvalidTokenError
from praetorian_core.token.claims import MAX_TIME, SESSION_TYP, ActionClaims, SessionClaims
from praetorian_core.token.jws import JWSSigner, JWSVerifier
from praetorian_core.token.lifecycle import check_not_in_future
from praetorian_core.token.strict_json import JSONValue, check_value, dump_object, parse_object
from praetorian_flask.compat._constants import (
    IS_REGISTRATION_TOKEN_CLAIM,
    IS_RESET_TOKEN_CLAIM,
    REFRESH_EXPIRATION_CLAIM,
    RESERVED_CLAIMS,
)
from praetorian_flask.compat._errors import ConfigurationError, InvalidTokenHeader, MissingClaimError

Data = dict[str, object]
"""The claims of a token: ``iat``, ``exp``, ``rf_exp``, ``jti``, ``id``, ``rls``, a flag, and the custom claims."""

_FLAGS = {"registration": IS_REGISTRATION_TOKEN_CLAIM, "reset": IS_RESET_TOKEN_CLAIM}
_TIMES = ("iat", "exp", REFRESH_EXPIRATION_CLAIM)


@attrs.frozen
class Tokens:
    """Signs and verifies the tokens of one guard.

    Attributes:
        ring: The keys.
        is_standard: Whether new tokens have the layout ``STANDARD``.
        leeway: The maximum difference between clocks, in seconds.
    """

    ring: KeyRing
    is_standard: bool
    leeway: int
    _verifier: JWSVerifier = attrs.field(
        init=False, default=attrs.Factory(lambda self: JWSVerifier(self.ring), takes_self=True)
    )

    def encode(self, data: Mapping[str, object]) -> str:
        """Return the signed token of some claims.

        Raises:
            ConfigurationError: A claim is not a JSON value.
        """
        typ, payload = _standard(data) if self.is_standard else (SESSION_TYP, dict(data))
        try:
            check_value(payload)
        except ValueError as error:
            raise ConfigurationError(f"a claim {error}") from None
        return JWSSigner(self.ring.signing_key()).sign(typ, dump_object(payload))

    def decode(self, token: str | bytes, now: int) -> Data:
        """Return the claims of a genuine token, expired or not.

        Args:
            token: The token; bytes as well, as from the body of a request.
            now: The current time, in seconds since the epoch.

        Raises:
            InvalidTokenHeader: The token is not genuine, or a claim is malformed.
            MissingClaimError: A claim that every token has is absent.
        """
        try:
            header, octets = self._verifier.verify(_as_text(token))
            payload = parse_object(octets, "payload")
            if "nbf" in payload and type(payload["nbf"]) is int:
                check_not_in_future("nbf", payload["nbf"], now, self.leeway)
            is_standard = "rls" not in payload and "sub" in payload
            data = (
                _from_claims(STANDARD.read(header.typ, payload, with_roles=True)) if is_standard else _checked(payload)
            )
            check_not_in_future("iat", cast("int", data["iat"]), now, self.leeway)
        except InvalidTokenError as error:
            raise InvalidTokenHeader(f"failed to decode JWT token -- {error}") from error
        return data


def _as_text(token: object) -> str:
    # A token that a client has put into quotes or ended with a line break is still this token.
    if isinstance(token, bytes):
        token = token.decode("ascii", "replace")
    return token.strip() if isinstance(token, str) else cast("str", token)


def _checked(payload: Mapping[str, JSONValue]) -> Data:
    if "jti" not in payload:
        raise MissingClaimError("Token is missing jti claim")
    if payload.get("id") is None:
        raise MissingClaimError("Token is missing id field")
    for name in _TIMES:
        if name not in payload:
            raise MissingClaimError(f"Token is missing {name} claim")
        value = payload[name]
        if type(value) is not int or not 0 <= value <= MAX_TIME:
            raise InvalidTokenError(f"claim {name!r} is {type(value).__name__}; expected an integer of seconds")
    if type(payload["id"]) not in (int, str):
        raise InvalidTokenError(f"claim 'id' is {type(payload['id']).__name__}; expected an integer or a string")
    if type(payload["jti"]) is not str or type(payload.get("rls", "")) is not str:
        raise InvalidTokenError("claims 'jti' and 'rls' must be strings")
    return dict(payload)


def _from_claims(claims: SessionClaims | ActionClaims) -> Data:
    """Return the claims of a token of the layout ``STANDARD`` under their old names."""
    if isinstance(claims, ActionClaims):
        data: Data = {
            "iat": claims.issued_at,
            "exp": claims.expires_at,
            REFRESH_EXPIRATION_CLAIM: claims.expires_at,
            "jti": claims.token_id,
            "id": claims.identity,
            "rls": "",
        }
        if claims.action not in _FLAGS:
            raise InvalidTokenError(
                f"the token is for the action {claims.action!r}, which flask-praetorian does not have"
            )
        return {**data, _FLAGS[claims.action]: True, **claims.claims}
    principal = claims.principal
    return {
        "iat": principal.issued_at,
        "exp": principal.access_expires_at,
        REFRESH_EXPIRATION_CLAIM: principal.refresh_expires_at,
        "jti": principal.session_id,
        "id": principal.identity,
        "rls": ",".join(sorted(principal.roles)),
        **principal.claims,
    }


def _standard(data: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """Return the type and the payload of some claims in the layout ``STANDARD``."""
    custom = custom_claims(data)
    identity = cast("int | str", data["id"])
    for action, flag in _FLAGS.items():
        if flag in data:
            encoded = STANDARD.write(
                ActionClaims(
                    identity=identity,
                    action=action,
                    token_id=str(data["jti"]),
                    issued_at=cast("int", data["iat"]),
                    expires_at=cast("int", data["exp"]),
                    claims=custom,
                ),
                with_roles=True,
            )
            return encoded.typ, encoded.payload
    encoded = STANDARD.write(SessionClaims(to_principal(data)), with_roles=True)
    return encoded.typ, encoded.payload


def custom_claims(data: Mapping[str, object]) -> Data:
    """Return the claims that the application has added."""
    return {name: value for name, value in data.items() if name not in RESERVED_CLAIMS}


def role_names(rls: object) -> list[str]:
    """Return the names in the claim ``rls``, stripped, without empty ones."""
    return [name for name in map(str.strip, str(rls or "").split(",")) if name]


def joined_roles(names: Iterable[object]) -> str:
    """Return the claim ``rls`` of role names.

    Raises:
        ConfigurationError: A name holds a comma, so it would be read as two roles.
    """
    roles = [name for name in (str(role).strip() for role in names) if name]
    for role in roles:
        if "," in role:
            raise ConfigurationError(f"a role name must not hold a comma, it would become two roles; got {role!r}")
    return ",".join(roles)


def to_principal(data: Mapping[str, object]) -> Principal:
    """Return the principal of a session token."""
    return Principal(
        identity=data["id"],
        roles=frozenset(role_names(data.get("rls"))),
        claims=custom_claims(data),
        session_id=str(data["jti"]),
        issued_at=cast("int", data["iat"]),
        access_expires_at=cast("int", data["exp"]),
        refresh_expires_at=cast("int", data[REFRESH_EXPIRATION_CLAIM]),
    )


def from_principal(principal: Principal) -> Data:
    """Return the claims of a principal under their old names."""
    return _from_claims(SessionClaims(principal))
