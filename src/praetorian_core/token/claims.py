"""What a token says, as typed values, and how each of the two wire layouts spells it.

Every claim is checked for its type and none is coerced: ``"1"`` and ``true`` are not integers (RFC 7519 §2). Nothing
here knows the time; see ``lifecycle.py``.

A *session* token has two deadlines and opens routes. An *action* token serves one purpose once and opens nothing
(RFC 8725 §3.12). In the layout ``STANDARD`` their ``typ`` tells them apart; in ``FLASK_PRAETORIAN`` a flag claim does, as
in the library of that name, whose tokens it reads and writes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeAlias, cast

import attrs

from praetorian_core.errors import (
    ClaimCollisionError,
    ClaimValueError,
    ConfigurationError,
    InvalidTokenError,
    MissingClaimError,
)
from praetorian_core.principal import Principal, make_principal
from praetorian_core.token.strict_json import JSONValue, check_value, is_text

SESSION_TYP = "JWT"
ACTION_TYP = "action+jwt"

MAX_TIME = 2**53 - 1
"""The last second that every JSON parser reads exactly (RFC 7493 §2.2)."""

MAX_IDENTITY = 2**63 - 1
MAX_NAME = 255
"""The longest identity, session id, role or action name in characters."""

# The codec judges these, for both kinds and both layouts alike.
_JUDGED_ELSEWHERE = frozenset({"iss", "aud", "nbf"})

RESERVED = _JUDGED_ELSEWHERE | {
    *("sub", "id", "iat", "exp"),
    *("roles", "rf_exp", "sid", "gen", "epoch", "csrf"),
    *("action", "jti", "pwf"),
    *("rls", "is_ert", "is_prt"),
}
"""Every name that either layout gives a meaning; no custom claim takes one, in any letter case."""

_LEGACY_ACTIONS = {"registration": "is_ert", "reset": "is_prt"}


class SessionClaims(NamedTuple):
    """What a session token says; a tuple, because one is made for every verification.

    Attributes:
        principal: Who acts, and until when.
        generation: How often the session was refreshed; None where the layout does not count.
        epoch: Which epoch of the user's sessions this one belongs to; None before the first was ended.
        csrf: What a cookie request's CSRF header must equal; None where no cookies are used.
    """

    principal: Principal
    generation: int | None = 0
    epoch: str | None = None
    csrf: str | None = None

    def __repr__(self) -> str:
        """Show all but the CSRF value."""
        return f"SessionClaims({self.principal!r}, generation={self.generation!r}, epoch={self.epoch!r})"


@attrs.frozen(kw_only=True)
class ActionClaims:
    """What an action token says.

    Attributes:
        identity: For whom it was issued.
        action: What it is good for.
        token_id: The token's own id, under which it is spent.
        issued_at: When it was issued, in seconds since the epoch.
        expires_at: From when on it is dead, in seconds since the epoch.
        fingerprint: What binds it to the password of its time; None where nothing does.
        claims: The custom claims, read-only.
    """

    identity: object
    action: str
    token_id: str
    issued_at: int
    expires_at: int
    fingerprint: str | None = None
    claims: Mapping[str, object] = attrs.field(factory=dict[str, object], hash=False)


Claims: TypeAlias = SessionClaims | ActionClaims


@attrs.frozen(kw_only=True)
class EncodedClaims:
    """Claims as they go over the wire: the header's ``typ`` and the payload's members."""

    typ: str
    payload: dict[str, object]


class Layout(Protocol):
    """One way to spell claims."""

    @property
    def name(self) -> str:
        """How the layout is called in configuration."""
        ...

    @property
    def counts_generations(self) -> bool:
        """Whether a refreshed token says how often it was refreshed."""
        ...

    def read(self, typ: str | None, payload: dict[str, JSONValue], *, with_roles: bool) -> Claims:
        """Return the typed claims, or refuse; the payload is taken apart on the way."""
        ...

    def write(self, claims: Claims, *, with_roles: bool) -> EncodedClaims:
        """Return what goes over the wire, or refuse what this layout cannot spell."""
        ...


def check_custom_claims(claims: Mapping[str, object]) -> None:
    """Accept custom claims that will come back as they were given.

    Raises:
        ClaimCollisionError: A name is reserved, in some letter case.
        ClaimValueError: A value is not a JSON value, or would come back as another one.
    """
    for name, value in claims.items():
        if not name or not is_text(name):
            raise ClaimValueError(name, "has no usable name; expected a non-empty text")
        if name.casefold() in RESERVED:
            raise ClaimCollisionError(name)
        try:
            # The payload itself is the first object around the value.
            check_value(value, depth=1)
        except ValueError as error:
            raise ClaimValueError(name, str(error)) from None


_REPRESENTATIONS = (object.__str__, BaseException.__str__)
"""How things are put into words that say nothing of it: containers and most classes are."""


def encode_identity(identity: object) -> int | str:
    """Return an identity as a token carries it: an integer as such, anything else as its text.

    Raises:
        ConfigurationError: The identity is None, a boolean, out of range or not a short non-empty text.
    """
    if type(identity) is int:
        if -MAX_IDENTITY <= identity <= MAX_IDENTITY:
            return identity
        detail = "user.identity is an integer beyond 64 bits; expected one up to 2**63 - 1, or a str"
        raise ConfigurationError(detail)
    if identity is None or isinstance(identity, bool | float | bytes):
        detail = f"user.identity is {type(identity).__name__}; expected an int, a str or something like a UUID"
        raise ConfigurationError(detail)
    if callable(identity) or type(identity).__str__ in _REPRESENTATIONS:
        # The text of such a thing is its representation, which may hold anything: for a method, the whole user.
        detail = (
            f"user.identity is {type(identity).__name__}, which has no text of its own; expected an int, a str or "
            "something like a UUID (of a method, make a property)"
        )
        raise ConfigurationError(detail)
    try:
        text = str(identity)
    except Exception as error:
        detail = f"the text of user.identity cannot be made: {type(error).__name__}"
        raise ConfigurationError(detail) from error
    if not _is_name(text):
        detail = f"user.identity is a text of {len(text)} characters; expected 1 to {MAX_NAME} characters"
        raise ConfigurationError(detail)
    return text


def encode_roles(rolenames: object) -> frozenset[str]:
    """Return a user's role names, checked.

    Raises:
        ConfigurationError: ``rolenames`` is not a list of non-empty str. Reading a wrong one as "no roles" or as
            letters of a name could grant what nobody gave.
    """
    if not isinstance(rolenames, list | tuple | set | frozenset):
        detail = f"user.rolenames is {type(rolenames).__name__}; expected a list of str"
        raise ConfigurationError(detail)
    roles: set[str] = set()
    for role in cast("Iterable[object]", rolenames):
        if type(role) is not str or not _is_name(role):
            found = type(role).__name__ if type(role) is not str else f"a text of {len(role)} characters"
            detail = f"user.rolenames holds {found}; expected str of 1 to {MAX_NAME} characters"
            raise ConfigurationError(detail)
        roles.add(role)
    return frozenset(roles)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and is_text(text)


# ---------------------------------------------------------------- reading single claims
#
# What is read is taken out of the payload, so that in the end what is left is custom.


class _Absent(enum.Enum):
    """Tells an absent claim from one that is null."""

    ABSENT = enum.auto()


_ABSENT: Final = _Absent.ABSENT


def _wrong(name: str, found: JSONValue | _Absent, expected: str) -> InvalidTokenError:
    if found is _ABSENT:
        return MissingClaimError(name)
    return InvalidTokenError(f"claim {name!r} is {type(found).__name__}; expected {expected}")


def _time(payload: dict[str, JSONValue], name: str) -> int:
    return _as_time(name, payload.pop(name, _ABSENT))


def _as_time(name: str, value: JSONValue | _Absent) -> int:
    if type(value) is int and 0 <= value <= MAX_TIME:
        return value
    raise _wrong(name, value, "an integer from 0 to 2**53 - 1 (RFC 7519 §2)")


def _name(payload: dict[str, JSONValue], name: str) -> str:
    value = payload.pop(name, _ABSENT)
    if type(value) is str and 0 < len(value) <= MAX_NAME:
        return value
    raise _wrong(name, value, f"a string of 1 to {MAX_NAME} characters")


def _integer_identity(payload: dict[str, JSONValue]) -> int:
    identity = payload.pop("id")
    if type(identity) is int and -MAX_IDENTITY <= identity <= MAX_IDENTITY:
        return identity
    raise _wrong("id", identity, "an integer up to 2**63 - 1")


def _times(payload: dict[str, JSONValue]) -> tuple[int, int]:
    issued_at, expires_at = _time(payload, "iat"), _time(payload, "exp")
    if issued_at > expires_at:
        raise _disordered("iat", issued_at, "exp", expires_at)
    return issued_at, expires_at


def _session_times(payload: dict[str, JSONValue]) -> tuple[int, int, int]:
    take = payload.pop
    issued_at, expires_at, refresh_expires_at = take("iat", _ABSENT), take("exp", _ABSENT), take("rf_exp", _ABSENT)
    if (
        type(issued_at) is int
        and type(expires_at) is int
        and type(refresh_expires_at) is int
        and 0 <= issued_at <= expires_at <= refresh_expires_at <= MAX_TIME
    ):
        return issued_at, expires_at, refresh_expires_at
    # Something is wrong with one of them: look again, one by one, to say what.
    issued_at, expires_at = _as_time("iat", issued_at), _as_time("exp", expires_at)
    refresh_expires_at = _as_time("rf_exp", refresh_expires_at)
    if issued_at > expires_at:
        raise _disordered("iat", issued_at, "exp", expires_at)
    raise _disordered("exp", expires_at, "rf_exp", refresh_expires_at)


def _disordered(name: str, earlier: int, later_name: str, later: int) -> InvalidTokenError:
    return InvalidTokenError(f"claim {name!r} is later than {later_name!r} ({earlier} > {later})")


def _custom(rest: dict[str, JSONValue]) -> Mapping[str, object]:
    custom: dict[str, object] = {}
    for name, value in rest.items():
        if name.casefold() not in RESERVED:
            custom[name] = value
        elif name not in _JUDGED_ELSEWHERE:
            detail = f"claim {name!r} has no place in this kind of token"
            raise InvalidTokenError(detail)
    return MappingProxyType(custom)


# ---------------------------------------------------------------- the two layouts


@attrs.frozen
class _Standard:
    name: str = "STANDARD"
    counts_generations: bool = True

    def read(self, typ: str | None, payload: dict[str, JSONValue], *, with_roles: bool) -> Claims:
        subject = _name(payload, "sub")
        identity: int | str = subject
        if "id" in payload:
            identity = _integer_identity(payload)
            if str(identity) != subject:
                detail = "claims 'sub' and 'id' name different identities"
                raise InvalidTokenError(detail)
        if typ == SESSION_TYP:
            return self._read_session(identity, payload, with_roles=with_roles)
        if typ == ACTION_TYP:
            return self._read_action(identity, payload)
        detail = f"header 'typ' does not fit the layout {self.name}; expected {SESSION_TYP!r} or {ACTION_TYP!r}"
        raise InvalidTokenError(detail)

    def _read_session(self, identity: int | str, payload: dict[str, JSONValue], *, with_roles: bool) -> SessionClaims:
        times = _session_times(payload)
        session_id = _name(payload, "sid")
        generation = _time(payload, "gen") if "gen" in payload else 0
        epoch = _name(payload, "epoch") if "epoch" in payload else None
        csrf = _name(payload, "csrf") if "csrf" in payload else None
        # Roles that nobody asks for must be well-formed all the same.
        roles = _role_array(payload) if with_roles or "roles" in payload else frozenset[str]()
        return SessionClaims(
            make_principal(
                identity,
                roles if with_roles else frozenset(),
                _custom(payload),
                session_id,
                times,
            ),
            generation,
            epoch,
            csrf,
        )

    def _read_action(self, identity: int | str, payload: dict[str, JSONValue]) -> ActionClaims:
        issued_at, expires_at = _times(payload)
        return ActionClaims(
            identity=identity,
            action=_name(payload, "action"),
            token_id=_name(payload, "jti"),
            issued_at=issued_at,
            expires_at=expires_at,
            fingerprint=_name(payload, "pwf") if "pwf" in payload else None,
            claims=_custom(payload),
        )

    def write(self, claims: Claims, *, with_roles: bool) -> EncodedClaims:
        payload: dict[str, object] = {}
        if isinstance(claims, ActionClaims):
            identity = encode_identity(claims.identity)
            payload.update(
                action=claims.action,
                jti=claims.token_id,
                iat=claims.issued_at,
                exp=claims.expires_at,
            )
            if claims.fingerprint is not None:
                payload["pwf"] = claims.fingerprint
            typ, custom = ACTION_TYP, claims.claims
        else:
            principal = claims.principal
            identity = encode_identity(principal.identity)
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
            if claims.epoch is not None:
                payload["epoch"] = claims.epoch
            if claims.csrf is not None:
                payload["csrf"] = claims.csrf
            typ, custom = SESSION_TYP, principal.claims
        payload["sub"] = str(identity)
        if type(identity) is int:
            payload["id"] = identity
        return EncodedClaims(typ=typ, payload={**payload, **custom})


def _role_array(payload: dict[str, JSONValue]) -> frozenset[str]:
    roles = payload.pop("roles", _ABSENT)
    if type(roles) is not list:
        raise _wrong("roles", roles, "an array of strings")
    for role in roles:
        if type(role) is not str:
            raise _wrong("roles", role, "strings only in the array")
    return frozenset(cast("list[str]", roles))


@attrs.frozen
class _FlaskPraetorian:
    name: str = "FLASK_PRAETORIAN"
    # flask-praetorian copies every claim it does not know into the refreshed token, a counter among them.
    counts_generations: bool = False

    def read(self, typ: str | None, payload: dict[str, JSONValue], *, with_roles: bool) -> Claims:
        if typ is not None and typ.upper() != SESSION_TYP:
            detail = f"header 'typ' does not fit the layout {self.name}; expected {SESSION_TYP!r}"
            raise InvalidTokenError(detail)
        # A missing id is missed as a text.
        spelt_as_text = type(payload.get("id", "")) is str
        identity = _name(payload, "id") if spelt_as_text else _integer_identity(payload)
        times = _session_times(payload)
        token_id = _name(payload, "jti")
        roles = _role_text(payload)
        epoch = _name(payload, "epoch") if "epoch" in payload else None
        action = _flagged_action(payload)
        custom = _custom(payload)
        if action is not None:
            return ActionClaims(
                identity=identity,
                action=action,
                token_id=token_id,
                issued_at=times[0],
                expires_at=times[1],
                claims=custom,
            )
        return SessionClaims(
            make_principal(identity, roles if with_roles else frozenset(), custom, token_id, times),
            None,
            epoch,
        )

    def write(self, claims: Claims, *, with_roles: bool) -> EncodedClaims:
        payload: dict[str, object]
        if isinstance(claims, ActionClaims):
            if claims.action not in _LEGACY_ACTIONS:
                known = " and ".join(repr(action) for action in _LEGACY_ACTIONS)
                detail = (
                    f"the layout {self.name} has no word for the action {claims.action!r}, only for {known}; "
                    "mint with Settings(layout=STANDARD)"
                )
                raise ConfigurationError(detail)
            payload = {
                "jti": claims.token_id,
                "id": encode_identity(claims.identity),
                "rls": "",
                "iat": claims.issued_at,
                "exp": claims.expires_at,
                "rf_exp": claims.expires_at,
                _LEGACY_ACTIONS[claims.action]: True,
            }
            custom = claims.claims
        else:
            principal = claims.principal
            payload = {
                "jti": principal.session_id,
                "id": encode_identity(principal.identity),
                "rls": _join_roles(principal.roles) if with_roles else "",
                "iat": principal.issued_at,
                "exp": principal.access_expires_at,
                "rf_exp": principal.refresh_expires_at,
            }
            if claims.epoch is not None:
                payload["epoch"] = claims.epoch
            custom = principal.claims
        return EncodedClaims(typ=SESSION_TYP, payload={**payload, **custom})


def _role_text(payload: dict[str, JSONValue]) -> frozenset[str]:
    roles = payload.pop("rls", _ABSENT)
    if type(roles) is not str:
        raise _wrong("rls", roles, "a string of role names with commas between them")
    return frozenset(filter(None, map(str.strip, roles.split(","))))


def _join_roles(roles: frozenset[str]) -> str:
    for role in roles:
        # A comma inside a name would make two roles of it, and "guest,admin" an admin.
        if "," in role or role != role.strip():
            raise ClaimValueError("rls", "would hold a role name with a comma or a blank at its end; rename the role")
    return ",".join(sorted(roles))


def _flagged_action(payload: dict[str, JSONValue]) -> str | None:
    flagged: list[str] = []
    for action, flag in _LEGACY_ACTIONS.items():
        if flag in payload:
            # flask-praetorian only asks whether the flag is there: to it, false is a reset token too.
            value = payload.pop(flag)
            if value is not True:
                raise _wrong(flag, value, "true, or no such claim")
            flagged.append(action)
    if len(flagged) > 1:
        detail = "claims 'is_ert' and 'is_prt' exclude each other"
        raise InvalidTokenError(detail)
    return flagged[0] if flagged else None


STANDARD: Layout = _Standard()
"""``sub``, ``roles``, ``sid``: registered names where there are any (RFC 7519 §4.1)."""

FLASK_PRAETORIAN: Layout = _FlaskPraetorian()
"""``jti``, ``id``, ``rls``: what flask-praetorian reads and writes."""


def layout_of(payload: Mapping[str, JSONValue]) -> Layout:
    """Tell by which layout a payload is spelt.

    Raises:
        InvalidTokenError: It has the marks of both, or of none.
    """
    if ("rls" in payload) is ("sub" in payload):
        detail = "the payload is of no known layout; expected one of the claims 'sub' and 'rls'"
        raise InvalidTokenError(detail)
    return FLASK_PRAETORIAN if "rls" in payload else STANDARD
