"""Check a username and a password; every failure does the same work and asks the same questions.

``Login`` holds the steps that a login shares with the confirmation of a session's password (``confirmation.py``).
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple, NoReturn, TypeVar

from praetorian_core.errors import AuthenticationError, LoginThrottledError, ServiceUnavailableError
from praetorian_core.events import LoginFailed, LoginSucceeded, LoginThrottled, LoginUncounted
from praetorian_core.flows.context import FlowContext
from praetorian_core.hash_turn import HashTurn
from praetorian_core.login.source import source_networks
from praetorian_core.login.throttle import LoginAttempt, Reservation
from praetorian_core.questions import (
    Account,
    CheckActive,
    CheckPassword,
    Emit,
    FindUser,
    Flow,
    PasswordCheck,
    ReadAccount,
    RenewPassword,
    ask,
)
from praetorian_core.token.strict_json import is_text

T = TypeVar("T")


def authenticate(
    context: FlowContext, username: object, password: object, source: str | None, now: int
) -> Flow[object]:
    """Return the user whose username and password these are.

    An unknown name, a wrong password and a disabled account cost the same work, ask the same questions and get the same
    answer. The order is: the limits of the source and the name are read, the user is looked up, the attempt is counted
    under the name and under the account, the password is checked, and only the right password makes the validation
    method run, so the answer reveals nothing of the account without it.

    Raises:
        AuthenticationError: The attempt failed, for any reason.
        LoginThrottledError: A limit was reached; the password was not checked.
        ServiceUnavailableError: A call that the decision depends on failed.
        ConfigurationError: The source is neither a str nor None.
    """
    login = Login(context, source, now)
    # A framework may hand over a subclass of str, such as markupsafe.Markup. Not str(): of a member of an enum, that is
    # its name.
    name = str.__str__(username) if isinstance(username, str) else username
    attempt = None if context.throttle is None else context.throttle.attempt(name, source, now)
    counted = yield from login.count(attempt, ask(FindUser(_name_to_look_up(name))))
    check = yield from login.check_password(password, counted)
    matches = check.matches is True
    # Asked for every attempt, so that the number of questions does not depend on the password.
    active = yield from ask(CheckActive(counted.user if matches else None))
    if not matches or not active:
        yield from login.fail(counted.account)
    yield from login.succeed(counted, password, check)
    yield from ask(Emit(LoginSucceeded(at=now, identity=str(counted.account.identity), source=source)))
    return counted.user


def _name_to_look_up(username: object) -> str | None:
    # Databases raise errors of their own for a text that no user can have as a name.
    if type(username) is str and username and is_text(username) and "\0" not in username:
        return username
    return None


class Counted(NamedTuple):
    """A counted attempt.

    Attributes:
        user: The user; None if there is none.
        account: The user's account.
        reservation: Takes the attempt back; None if attempts are not counted.
    """

    user: object
    account: Account
    reservation: Reservation | None


class Login:
    """One check of a password, with what each of its steps needs."""

    def __init__(self, context: FlowContext, source: str | None, now: int) -> None:
        """Prepare the check; nothing is counted yet.

        Args:
            context: Shared context of the guard's flows.
            source: The client's address; None to count by account alone.
            now: The current time, in seconds since the epoch.

        Raises:
            ConfigurationError: The source is neither a str nor None.
        """
        self._context = context
        self._source = source
        self._now = now
        self._turn = HashTurn(source_networks(source))

    def count(self, attempt: LoginAttempt | None, find_user: Flow[object]) -> Flow[Counted]:
        """Return the counted attempt, with the user and their account.

        Args:
            attempt: The attempt; None if attempts are not counted.
            find_user: Returns the user, or None.

        Raises:
            LoginThrottledError: A limit was reached.
        """
        reservation = None
        try:
            if attempt is not None:
                attempt = yield from self._unless_allowed(attempt.check())
            user = yield from find_user
            account = yield from ask(ReadAccount(user))
            if attempt is not None:
                reservation = yield from self._unless_allowed(attempt.reserve(account.identity, account.hashed))
        except LoginThrottledError:
            yield from ask(Emit(LoginThrottled(at=self._now, source=self._source)))
            raise
        return Counted(user, account, reservation)

    def check_password(self, password: object, counted: Counted) -> Flow[PasswordCheck]:
        """Return whether the password matches; take the attempt back if no hash was computed."""
        try:
            return (yield from ask(CheckPassword(password, counted.account.hashed, self._turn)))
        except GeneratorExit:
            # A generator that is closed cannot ask.
            raise
        except BaseException as error:
            reservation = counted.reservation
            if reservation is not None and (isinstance(error, ServiceUnavailableError) or not self._turn.begun):
                yield from self._unless_allowed(reservation.cancel(self._now))
            raise

    def fail(self, account: Account) -> Flow[NoReturn]:
        """Raise; the attempt stays counted."""
        identity = None if account.identity is None else str(account.identity)
        yield from ask(Emit(LoginFailed(at=self._now, identity=identity, source=self._source)))
        raise AuthenticationError

    def succeed(self, counted: Counted, password: object, check: PasswordCheck) -> Flow[None]:
        """Take the attempt back, and renew an outdated hash."""
        user, account, reservation = counted
        if reservation is not None:
            known_until = self._now + self._context.settings.refresh_lifespan
            yield from self._unless_allowed(reservation.succeed(self._now, known_until))
        renews = check.outdated and self._context.renews_passwords
        if renews and isinstance(password, str) and isinstance(account.hashed, str):
            # The runner reports a failure. The old hash remains valid, and the next login tries again.
            with suppress(ServiceUnavailableError):
                yield from ask(RenewPassword(user, password, account.hashed, self._turn))

    def _unless_allowed(self, counting: Flow[T]) -> Flow[T | None]:
        """Return the result of counting; None if it fails and the settings allow logins that are not counted."""
        try:
            return (yield from counting)
        except ServiceUnavailableError:
            if self._context.settings.throttle_failure != "allow":
                raise
        yield from ask(Emit(LoginUncounted(at=self._now, source=self._source)))
        return None
