"""Typed claims of session and action tokens, the reserved claim names, and the checks of what an application supplies.

Claims are never coerced: ``"1"`` and ``true`` are not integers (RFC 7519 §2). The layouts encode them; ``lifecycle``
compares their times with the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias, cast

import attrs

from praetorian_core.errors import ClaimCollisionError, ClaimValueError, ConfigurationError
from praetorian_core.principal import Principal
from praetorian_core.token.strict_json import check_value, is_text

SESSION_TYP = "JWT"
ACTION_TYP = "action+jwt"

MAX_TIME = 2**53 - 1
"""The last second that every JSON parser reads exactly (RFC 7493 §2.2)."""

MAX_IDENTITY = 2**63 - 1
MAX_NAME = 255
"""The maximum length of an identity, session id, role or action name, in characters."""

CODEC_CLAIMS = frozenset({"iss", "aud", "nbf"})
"""Validated by ``TokenCodec``, for both kinds of token and every layout."""

RESERVED = CODEC_CLAIMS | {
    *("sub", "id", "iat", "exp"),
    *("roles", "rf_exp", "sid", "gen", "epoch", "csrf"),
    *("action", "jti", "pwf"),
    *("rls", "is_ert", "is_prt"),
}
"""Claim names that a layout uses or may use later. No custom claim may have one, in any letter case."""


class SessionClaims(NamedTuple):
    """The claims of a session token; a tuple, because each verification creates one.

    Attributes:
        principal: The authenticated principal, with the token's times and custom claims.
        generation: How often the session was refreshed; None where the layout does not count.
        epoch: The epoch of the user's sessions to which this one belongs; None before the first ``revoke_user``.
    """

    principal: Principal
    generation: int | None = 0
    epoch: str | None = None


@attrs.frozen(kw_only=True)
class ActionClaims:
    """The claims of an action token.

    Attributes:
        identity: The identity of the user for whom it was issued.
        action: The name of the one action that it allows.
        token_id: The token's id, under which it is spent.
        issued_at: When it was issued, in seconds since the epoch.
        expires_at: When it expires, in seconds since the epoch.
        fingerprint: Binds the token to the password hash at its issue; None where it is not bound.
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


def check_custom_claims(claims: Mapping[str, object]) -> None:
    """Raise unless custom claims survive a token unchanged.

    Raises:
        ClaimCollisionError: A name is reserved, in some letter case.
        ClaimValueError: A value is not a JSON value, or JSON would change it.
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
"""``__str__`` methods that fall back to ``repr``; such text cannot identify a user."""


def encode_identity(identity: object) -> int | str:
    """Return an identity as a token carries it: an integer unchanged, anything else as its text.

    Raises:
        ConfigurationError: The identity is None, a boolean, out of range or not a short non-empty text.
    """
    if type(identity) is int:
        if -MAX_IDENTITY <= identity <= MAX_IDENTITY:
            return identity
        raise ConfigurationError("user.identity is an integer beyond 64 bits; expected one up to 2**63 - 1, or a str")
    if identity is None or isinstance(identity, bool | float | bytes):
        raise ConfigurationError(
            f"user.identity is {type(identity).__name__}; expected an int, a str or something like a UUID"
        )
    if callable(identity) or type(identity).__str__ in _REPRESENTATIONS:
        # The text of such a thing is its representation, which may hold anything: for a method, the whole user.
        raise ConfigurationError(
            f"user.identity is {type(identity).__name__}, which has no text of its own; expected an int, a str or "
            "something like a UUID (of a method, make a property)"
        )
    try:
        text = str(identity)
    except Exception as error:
        raise ConfigurationError(f"str(user.identity) raised {type(error).__name__}") from error
    if not _is_name(text):
        raise ConfigurationError(
            f"user.identity is a text of {len(text)} characters; expected 1 to {MAX_NAME} characters"
        )
    return text


def encode_roles(rolenames: object) -> frozenset[str]:
    """Return a user's role names, checked.

    Raises:
        ConfigurationError: ``rolenames`` is not a list of non-empty str. A coerced value could grant a role that the
            application never gave.
    """
    if not isinstance(rolenames, list | tuple | set | frozenset):
        raise ConfigurationError(f"user.rolenames is {type(rolenames).__name__}; expected a list of str")
    roles: set[str] = set()
    for role in cast("Iterable[object]", rolenames):
        if type(role) is not str or not _is_name(role):
            found = type(role).__name__ if type(role) is not str else f"a text of {len(role)} characters"
            raise ConfigurationError(f"user.rolenames holds {found}; expected str of 1 to {MAX_NAME} characters")
        roles.add(role)
    return frozenset(roles)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and is_text(text)
