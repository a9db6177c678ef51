"""Who is it? A name and a password against what is stored, at the same cost whatever is wrong."""

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
    """Return the user who proved name and password.

    An unknown name, a wrong password and a disabled account cost one hash each and get one answer, in this order: the
    attempt is counted, the user looked up, the password checked, and only then is the user's validity asked, so that
    nobody learns it without the password.

    Raises:
        AuthenticationError: The attempt failed, whatever the reason.
        LoginThrottledError: There were too many attempts before this one; nothing was looked up.
        ServiceUnavailableError: Something that the decision depends on failed.
    """
    reservation = yield from _reserve(context, username, source, now)
    user = None
    # What no user can be called is not looked up: databases refuse such text with errors of their own.
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
    if check.outdated and context.renews_passwords and type(password) is str:
        # The driver tells the operator if that fails. The old hash still holds, and the next login tries again.
        with suppress(ServiceUnavailableError):
            yield from ask(RenewPassword(user, password))
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
    """Return what counting returns; None where it fails and the operator lets such logins go on."""
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
    # The identity alone: to read the roles may cost a query, and a failure must not tell by its time that a user exists.
    return str((yield from ask(ReadIdentity(user))))
