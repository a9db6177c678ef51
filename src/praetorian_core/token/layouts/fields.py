"""Single claims: reads them from a payload, with their types checked and nothing coerced.

Each ``take`` function removes the claim that it reads, so that in the end only custom claims are left.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from praetorian_core.errors import InvalidTokenError, MissingClaimError
from praetorian_core.frozen import freeze_members
from praetorian_core.token.claims import CODEC_CLAIMS, MAX_IDENTITY, MAX_NAME, MAX_TIME, RESERVED, SessionClaims
from praetorian_core.token.strict_json import JSONValue


class _Absent(enum.Enum):
    """Distinguishes an absent claim from one that is null."""

    ABSENT = enum.auto()


ABSENT: Final = _Absent.ABSENT


def malformed(name: str, found: JSONValue | _Absent, expected: str) -> InvalidTokenError:
    """Return the error for a claim that is absent or of a wrong type."""
    if found is ABSENT:
        return MissingClaimError(name)
    return InvalidTokenError(f"claim {name!r} is {type(found).__name__}; expected {expected}")


def take_name(payload: dict[str, JSONValue], name: str) -> str:
    """Return a claim that is a short non-empty string.

    Raises:
        InvalidTokenError: It is something else.
    """
    value = payload.pop(name, ABSENT)
    if type(value) is str and 0 < len(value) <= MAX_NAME:
        return value
    raise malformed(name, value, f"a string of 1 to {MAX_NAME} characters")


def take_integer_identity(payload: dict[str, JSONValue]) -> int:
    """Return the claim ``id``, which must be an integer.

    Raises:
        InvalidTokenError: It is something else.
    """
    identity = payload.pop("id", ABSENT)
    if type(identity) is int and -MAX_IDENTITY <= identity <= MAX_IDENTITY:
        return identity
    raise malformed("id", identity, "an integer up to 2**63 - 1")


def encoded_identity(identity: object) -> int | str:
    """Return an identity as a claim: what ``encode_identity`` returned, or the text of what was parsed from it."""
    return identity if type(identity) is int else str(identity)


def take_time(payload: dict[str, JSONValue], name: str) -> int:
    """Return a claim that is an integer of seconds, or a counter.

    Raises:
        InvalidTokenError: It is something else.
    """
    return _as_time(name, payload.pop(name, ABSENT))


def _as_time(name: str, value: JSONValue | _Absent) -> int:
    if type(value) is int and 0 <= value <= MAX_TIME:
        return value
    raise malformed(name, value, "an integer from 0 to 2**53 - 1 (RFC 7519 §2)")


def take_action_times(payload: dict[str, JSONValue]) -> tuple[int, int]:
    """Return ``iat`` and ``exp``.

    Raises:
        InvalidTokenError: One is not a time, or they are out of order.
    """
    issued_at, expires_at = take_time(payload, "iat"), take_time(payload, "exp")
    if issued_at > expires_at:
        raise _out_of_order("iat", issued_at, "exp", expires_at)
    return issued_at, expires_at


def take_session_times(payload: dict[str, JSONValue]) -> tuple[int, int, int]:
    """Return ``iat``, ``exp`` and ``rf_exp``.

    Raises:
        InvalidTokenError: One is not a time, or they are out of order.
    """
    take = payload.pop
    issued_at, expires_at, refresh_expires_at = take("iat", ABSENT), take("exp", ABSENT), take("rf_exp", ABSENT)
    if (
        type(issued_at) is int
        and type(expires_at) is int
        and type(refresh_expires_at) is int
        and 0 <= issued_at <= expires_at <= refresh_expires_at <= MAX_TIME
    ):
        return issued_at, expires_at, refresh_expires_at
    # At least one is wrong; check them one by one, so the error names it.
    issued_at, expires_at = _as_time("iat", issued_at), _as_time("exp", expires_at)
    refresh_expires_at = _as_time("rf_exp", refresh_expires_at)
    if issued_at > expires_at:
        raise _out_of_order("iat", issued_at, "exp", expires_at)
    raise _out_of_order("exp", expires_at, "rf_exp", refresh_expires_at)


def take_session_marks(payload: dict[str, JSONValue]) -> tuple[str | None, str | None, int | None]:
    """Return ``epoch``, ``csrf`` and ``auth_time`` of a session token, each None if it is absent.

    Raises:
        InvalidTokenError: One has a wrong type.
    """
    authenticated_at = payload.pop("auth_time", ABSENT)
    # Most tokens have a time here, so it is checked without a call.
    if type(authenticated_at) is not int or not 0 <= authenticated_at <= MAX_TIME:
        authenticated_at = None if authenticated_at is ABSENT else _as_time("auth_time", authenticated_at)
    return (
        take_name(payload, "epoch") if "epoch" in payload else None,
        take_name(payload, "csrf") if "csrf" in payload else None,
        authenticated_at,
    )


def put_session_marks(payload: dict[str, object], claims: SessionClaims) -> None:
    """Add to a payload what ``take_session_marks`` reads."""
    principal = claims.principal
    if principal.authenticated_at is not None:
        payload["auth_time"] = principal.authenticated_at
    if principal.session_epoch is not None:
        payload["epoch"] = principal.session_epoch
    if claims.csrf is not None:
        payload["csrf"] = claims.csrf


def _out_of_order(name: str, earlier: int, later_name: str, later: int) -> InvalidTokenError:
    return InvalidTokenError(f"claim {name!r} is later than {later_name!r} ({earlier} > {later})")


def custom_claims(rest: dict[str, JSONValue]) -> Mapping[str, object]:
    """Return the custom claims: all that is left when the layout has taken its own claims.

    Raises:
        InvalidTokenError: A reserved name is left, in some letter case.
    """
    custom: dict[str, object] = {}
    for name, value in rest.items():
        if name.casefold() not in RESERVED:
            custom[name] = value
        elif name not in CODEC_CLAIMS:
            raise InvalidTokenError(f"claim {name!r} is not allowed in this kind of token")
    return freeze_members(custom)
