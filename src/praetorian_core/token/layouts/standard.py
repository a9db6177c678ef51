"""The layout ``STANDARD``: registered claim names where the RFC has them (RFC 7519 §4.1).

A session token has ``typ`` ``JWT``; an action token has ``action+jwt`` (RFC 8725 §3.11). An integer identity stands in
``id`` as well as in ``sub``, because ``sub`` is always a string (RFC 7519 §4.1.2).
"""

from __future__ import annotations

from typing import cast

import attrs

from praetorian_core.errors import InvalidTokenError
from praetorian_core.principal import make_principal
from praetorian_core.token.claims import (
    ACTION_TYP,
    SESSION_TYP,
    ActionClaims,
    Claims,
    SessionClaims,
)
from praetorian_core.token.layouts.fields import (
    ABSENT,
    custom_claims,
    encoded_identity,
    malformed,
    put_session_marks,
    take_action_times,
    take_integer_identity,
    take_name,
    take_session_marks,
    take_session_times,
    take_time,
)
from praetorian_core.token.layouts.layout import EncodedClaims, Layout
from praetorian_core.token.strict_json import JSONValue

_NO_ROLES: frozenset[str] = frozenset()


@attrs.frozen
class _Standard:
    name: str = "STANDARD"
    marker: str = "sub"
    counts_generations: bool = True
    carries_auth_time: bool = True

    def read(self, typ: str | None, payload: dict[str, JSONValue], *, with_roles: bool) -> Claims:
        subject = take_name(payload, "sub")
        identity: int | str = subject
        if "id" in payload:
            identity = take_integer_identity(payload)
            if str(identity) != subject:
                raise InvalidTokenError("claims 'sub' and 'id' name different identities")
        if typ == SESSION_TYP:
            return _read_session(identity, payload, with_roles=with_roles)
        if typ == ACTION_TYP:
            return _read_action(identity, payload)
        raise InvalidTokenError(
            f"header 'typ' does not fit the layout {self.name}; expected {SESSION_TYP!r} or {ACTION_TYP!r}"
        )

    def write(self, claims: Claims, *, with_roles: bool) -> EncodedClaims:
        if isinstance(claims, ActionClaims):
            return _write_action(claims)
        return _write_session(claims, with_roles=with_roles)


def _read_session(identity: int | str, payload: dict[str, JSONValue], *, with_roles: bool) -> SessionClaims:
    times = take_session_times(payload)
    session_id = take_name(payload, "sid")
    generation = take_time(payload, "gen") if "gen" in payload else 0
    epoch, csrf, authenticated_at = take_session_marks(payload)
    # Unused roles must be well-formed too.
    roles = _take_roles(payload) if with_roles or "roles" in payload else _NO_ROLES
    principal = make_principal(
        identity,
        roles if with_roles else _NO_ROLES,
        custom_claims(payload),
        session_id,
        times,
        authenticated_at,
        epoch,
    )
    return SessionClaims(principal, generation, csrf)


def _read_action(identity: int | str, payload: dict[str, JSONValue]) -> ActionClaims:
    issued_at, expires_at = take_action_times(payload)
    return ActionClaims(
        identity=identity,
        action=take_name(payload, "action"),
        token_id=take_name(payload, "jti"),
        issued_at=issued_at,
        expires_at=expires_at,
        fingerprint=take_name(payload, "pwf") if "pwf" in payload else None,
        claims=custom_claims(payload),
    )


def _take_roles(payload: dict[str, JSONValue]) -> frozenset[str]:
    roles = payload.pop("roles", ABSENT)
    if type(roles) is not list:
        raise malformed("roles", roles, "an array of strings")
    for role in roles:
        if type(role) is not str:
            raise malformed("roles", role, "strings only in the array")
    return frozenset(cast("list[str]", roles))


def _write_session(claims: SessionClaims, *, with_roles: bool) -> EncodedClaims:
    principal = claims.principal
    payload = _subject(principal.identity)
    if with_roles:
        payload["roles"] = sorted(principal.roles)
    payload.update(
        iat=principal.issued_at,
        exp=principal.access_expires_at,
        rf_exp=principal.refresh_expires_at,
        sid=principal.session_id,
    )
    if claims.generation:
        payload["gen"] = claims.generation
    put_session_marks(payload, claims)
    return EncodedClaims(typ=SESSION_TYP, payload={**payload, **principal.claims})


def _write_action(claims: ActionClaims) -> EncodedClaims:
    payload = _subject(claims.identity)
    payload.update(action=claims.action, jti=claims.token_id, iat=claims.issued_at, exp=claims.expires_at)
    if claims.fingerprint is not None:
        payload["pwf"] = claims.fingerprint
    return EncodedClaims(typ=ACTION_TYP, payload={**payload, **claims.claims})


def _subject(identity: object) -> dict[str, object]:
    encoded = encoded_identity(identity)
    return {"sub": encoded} if isinstance(encoded, str) else {"sub": str(encoded), "id": encoded}


STANDARD: Layout = _Standard()
