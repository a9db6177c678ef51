"""Login: checks a username and a password, at the same cost for every failure."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from praetorian_core.errors import (
    AuthenticationError,
    InvalidUserError,
    LoginThrottledError,
    ServiceUnavailableError,
)
from praetorian_core.events import LoginFailed, LoginSucceeded, LoginThrottled, LoginUncounted
from praetorian_core.flows.context import FlowContext, require_active
from praetorian_core.login.throttle import Reservation
from praetorian_core.questions import (
    CheckPassword,
    Emit,
    FindUser,
    Flow,
    ReadIdentity,
    ReadPassword,
    RenewPassword,
    ask,
)
from praetorian_core.token.strict_json import is_text

T = TypeVar("T")


def authenticate(
    context: FlowContext, username: object, password: object, source: str | None, now: int
) -> Flow[object]:
    """Return the user with this username and password.

    An unknown name, a wrong password and an inactive account cost one hash each and raise the same error. The order is:
    count the attempt, look up the user, check the password, check that the account is active. So only the right
    password reveals that an account is inactive.

    Raises:
        AuthenticationError: The login failed.
        LoginThrottledError: There were too many attempts before this one; nothing was looked up.
        ServiceUnavailableError: A call failed.
    """
    reservation = yield from _reserve(context, username, source, now)
    user = None
    # No user has such a name, and databases reject such text with errors of their own.
    if type(username) is str and username and is_text(username) and "\0" not in username:
        user = yield from ask(FindUser(username))
    hashed = None if user is None else (yield from ask(ReadPassword(user)))
    try:
        check = yield from ask(CheckPassword(password, hashed))
    except ServiceUnavailableError:
        # No hash was computed, so the attempt does not count.
        if reservation is not None:
            yield from _unless_allowed(context, reservation.cancel(now), source, now)
        raise
    if user is None or check.matches is not True:
        yield from _fail(user, source, now)
    try:
        yield from require_active(user)
    except InvalidUserError:
        yield from _fail(user, source, now)
    if reservation is not None:
        yield from _unless_allowed(context, reservation.succeed(now), source, now)
    if check.outdated and context.renews_passwords and type(password) is str and type(hashed) is str:
        # A failure is reported by the runner. The old hash stays valid, and the next login tries again.
        with suppress(ServiceUnavailableError):
            yield from ask(RenewPassword(user, password, hashed))
    identity = yield from _name(user)
    yield from ask(Emit(LoginSucceeded(at=now, identity=identity, source=source)))
    return user


def _reserve(context: FlowContext, username: object, source: str | None, now: int) -> Flow[Reservation | None]:
    if context.throttle is None:
        return None
    try:
        return (yield from _unless_allowed(context, context.throttle.reserve(username, source, now), source, now))
    except LoginThrottledError:
        yield from ask(Emit(LoginThrottled(at=now, source=source)))
        raise


def _unless_allowed(context: FlowContext, counting: Flow[T], source: str | None, now: int) -> Flow[T | None]:
    """Return the result of counting; None if it fails and ``PRAETORIAN_THROTTLE_FAILURE`` is ``allow``."""
    try:
        return (yield from counting)
    except ServiceUnavailableError:
        if context.settings.throttle_failure != "allow":
            raise
    yield from ask(Emit(LoginUncounted(at=now, source=source)))
    return None


def _fail(user: object, source: str | None, now: int) -> Flow[None]:
    identity = None if user is None else (yield from _name(user))
    yield from ask(Emit(LoginFailed(at=now, identity=identity, source=source)))
    raise AuthenticationError


def _name(user: object) -> Flow[str]:
    # Only the identity: reading the roles may cost a query, and the time of a failure must not reveal that a user exists.
    return str((yield from ask(ReadIdentity(user))))
