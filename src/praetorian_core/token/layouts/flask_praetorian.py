"""The layout ``FLASK_PRAETORIAN``: reads and writes the tokens of the library flask-praetorian.

``jti`` is the session id, ``id`` the identity and ``rls`` a comma-separated string of roles. Session and action tokens
have the same ``typ``; the claims ``is_ert`` and ``is_prt`` mark its two actions.

A session that begins in this layout counts no generations, because flask-praetorian copies unknown claims into the
refreshed token and so would copy a counter unchanged. A session that was counted before keeps its counter: without it,
the next machine with another layout could not distinguish an honest token from a reused one. It has no ``auth_time``
until its user confirms the password, because flask-praetorian would show it as a custom claim.
"""

from __future__ import annotations

import attrs

from praetorian_core.errors import ClaimValueError, ConfigurationError, InvalidTokenError
from praetorian_core.principal import make_principal
from praetorian_core.token.claims import SESSION_TYP, ActionClaims, Claims, SessionClaims
from praetorian_core.token.layouts.fields import (
    ABSENT,
    custom_claims,
    encoded_identity,
    malformed,
    put_session_marks,
    take_integer_identity,
    take_name,
    take_session_marks,
    take_session_times,
    take_time,
)
from praetorian_core.token.layouts.layout import EncodedClaims, Layout
from praetorian_core.token.strict_json import JSONValue

_FLAGS = {"registration": "is_ert", "reset": "is_prt"}
"""The two actions of flask-praetorian and the claims that mark them."""


@attrs.frozen
class _FlaskPraetorian:
    name: str = "FLASK_PRAETORIAN"
    marker: str = "rls"
    counts_generations: bool = False
    carries_auth_time: bool = False

    def read(self, typ: str | None, payload: dict[str, JSONValue], *, with_roles: bool) -> Claims:
        if typ is not None and typ.upper() != SESSION_TYP:
            raise InvalidTokenError(f"header 'typ' does not fit the layout {self.name}; expected {SESSION_TYP!r}")
        # An absent id is reported as an absent string.
        is_string = type(payload.get("id", "")) is str
        identity = take_name(payload, "id") if is_string else take_integer_identity(payload)
        times = take_session_times(payload)
        token_id = take_name(payload, "jti")
        roles = _take_roles(payload)
        action = _take_action(payload)
        if action is not None:
            return ActionClaims(
                identity=identity,
                action=action,
                token_id=token_id,
                issued_at=times[0],
                expires_at=times[1],
                claims=custom_claims(payload),
            )
        generation = take_time(payload, "gen") if "gen" in payload else None
        epoch, csrf, authenticated_at = take_session_marks(payload)
        custom = custom_claims(payload)
        if not with_roles:
            roles = frozenset[str]()
        principal = make_principal(identity, roles, custom, token_id, times, authenticated_at, epoch)
        return SessionClaims(principal, generation, csrf)

    def write(self, claims: Claims, *, with_roles: bool) -> EncodedClaims:
        payload: dict[str, object]
        if isinstance(claims, ActionClaims):
            payload = {
                "jti": claims.token_id,
                "id": encoded_identity(claims.identity),
                "rls": "",
                "iat": claims.issued_at,
                "exp": claims.expires_at,
                "rf_exp": claims.expires_at,
                self._flag(claims.action): True,
            }
            return EncodedClaims(typ=SESSION_TYP, payload={**payload, **claims.claims})
        principal = claims.principal
        payload = {
            "jti": principal.session_id,
            "id": encoded_identity(principal.identity),
            "rls": _join_roles(principal.roles) if with_roles else "",
            "iat": principal.issued_at,
            "exp": principal.access_expires_at,
            "rf_exp": principal.refresh_expires_at,
        }
        if claims.generation is not None:
            payload["gen"] = claims.generation
        put_session_marks(payload, claims)
        return EncodedClaims(typ=SESSION_TYP, payload={**payload, **principal.claims})

    def _flag(self, action: str) -> str:
        if action not in _FLAGS:
            raise ConfigurationError(
                f"the layout {self.name} supports only the actions {' and '.join(map(repr, _FLAGS))}; got {action!r}; "
                "write Settings(layout=STANDARD)"
            )
        return _FLAGS[action]


def _take_roles(payload: dict[str, JSONValue]) -> frozenset[str]:
    roles = payload.pop("rls", ABSENT)
    if type(roles) is not str:
        raise malformed("rls", roles, "a string of comma-separated role names")
    return frozenset(filter(None, map(str.strip, roles.split(","))))


def _join_roles(roles: frozenset[str]) -> str:
    for role in roles:
        # A comma inside a name would split it: "guest,admin" would be read as two roles, one of them "admin".
        if "," in role or role != role.strip():
            raise ClaimValueError(
                "rls", "would hold a role name with a comma or with leading or trailing blanks; rename the role"
            )
    return ",".join(sorted(roles))


def _take_action(payload: dict[str, JSONValue]) -> str | None:
    marked: list[str] = []
    for action, flag in _FLAGS.items():
        if flag in payload:
            # flask-praetorian tests only for presence: it accepts "is_prt": false as a reset token.
            value = payload.pop(flag)
            if value is not True:
                raise malformed(flag, value, "true, or no such claim")
            marked.append(action)
    if len(marked) > 1:
        raise InvalidTokenError("claims 'is_ert' and 'is_prt' exclude each other")
    return marked[0] if marked else None


FLASK_PRAETORIAN: Layout = _FlaskPraetorian()
