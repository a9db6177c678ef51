"""A login, question by question."""

from __future__ import annotations

import pytest
from tests.support import NOW, RING

from praetorian_core.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidUserError,
    LoginThrottledError,
    ServiceUnavailableError,
)
from praetorian_core.events import LoginFailed, LoginSucceeded, LoginThrottled
from praetorian_core.flows import FlowContext, authenticate
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.questions import (
    CheckActive,
    CheckPassword,
    Emit,
    FindUser,
    IncrementState,
    PasswordCheck,
    ReadIdentity,
    ReadPassword,
    RenewPassword,
)
from praetorian_core.settings import Settings
from praetorian_core.token import STANDARD, TokenCodec

CODEC = TokenCodec(ring=RING, layout=STANDARD, accept_layouts=(STANDARD,))
USER = object()
YES, NO = True, False
HASH = "the stored hash"
MATCH = PasswordCheck(matches=True, outdated=False)
OUTDATED = PasswordCheck(matches=True, outdated=True)
NO_MATCH = PasswordCheck(matches=False, outdated=False)
IDENTITY = 1


def context(*, throttle=None, renews_passwords=False):
    """Return the rules of a guard."""
    return FlowContext(
        settings=Settings(keys=RING),
        codec=CODEC,
        throttle=throttle,
        has_store=False,
        renews_passwords=renews_passwords,
    )


def attempt(username="alice", password="secret", source=None, **chosen):
    """Return a login that waits for its first answer."""
    return authenticate(context(**chosen), username, password, source, NOW)


def checked(**chosen):
    """Return a login whose password question is open."""
    flow = attempt(**chosen)
    next(flow)
    flow.send(USER)
    assert flow.send(HASH) == CheckPassword("secret", HASH)
    return flow


class TestAuthenticate:
    def test_success(self):
        """Name, hash, password, validity, and then who it was: in this order."""
        flow = attempt(source="8.8.8.8")
        asked = [
            next(flow),
            flow.send(USER),
            flow.send(HASH),
            flow.send(MATCH),
            flow.send(YES),
            flow.send(IDENTITY),
        ]

        assert asked == [
            FindUser("alice"),
            ReadPassword(USER),
            CheckPassword("secret", HASH),
            CheckActive(USER),
            ReadIdentity(USER),
            Emit(LoginSucceeded(at=NOW, identity="1", source="8.8.8.8")),
        ]
        with pytest.raises(StopIteration) as done:
            flow.send(None)
        assert USER is done.value.value

    def test_unknown(self):
        """For an unknown name a password is checked against nothing, which costs the same (CVE-2024-39329)."""
        flow = attempt(source="8.8.8.8")
        asked = [next(flow), flow.send(None), flow.send(NO_MATCH)]

        assert asked == [
            FindUser("alice"),
            CheckPassword("secret", None),
            Emit(LoginFailed(at=NOW, identity=None, source="8.8.8.8")),
        ]
        with pytest.raises(AuthenticationError):
            flow.send(None)

    def test_wrong_password(self):
        """A wrong password fails without asking whether the user is valid (CVE-2026-22746)."""
        flow = checked()
        asked = [flow.send(NO_MATCH), flow.send(IDENTITY)]

        assert asked == [ReadIdentity(USER), Emit(LoginFailed(at=NOW, identity="1", source=None))]
        with pytest.raises(AuthenticationError):
            flow.send(None)

    def test_disabled(self):
        """A disabled account is found out only behind the right password, and gets the same answer (ASVS 6.3.8)."""
        flow = checked()
        asked = [flow.send(MATCH), flow.send(NO), flow.send(IDENTITY)]

        assert asked == [
            CheckActive(USER),
            ReadIdentity(USER),
            Emit(LoginFailed(at=NOW, identity="1", source=None)),
        ]
        with pytest.raises(AuthenticationError):
            flow.send(None)

    def test_nobody_who_matches(self):
        """A hasher that said yes to nobody would let nobody in."""
        flow = attempt()
        next(flow)
        flow.send(None)
        flow.send(MATCH)

        with pytest.raises(AuthenticationError):
            flow.send(None)

    @pytest.mark.parametrize("matches", [None, 1, "yes"], ids=repr)
    def test_sloppy_match(self, matches):
        """Only ``True`` is a match."""
        flow = checked()

        assert ReadIdentity(USER) == flow.send(PasswordCheck(matches=matches, outdated=False))

    @pytest.mark.parametrize("answer", [None, 0, "yes"], ids=repr)
    def test_inactive(self, answer):
        """An account that is not active fails like a wrong password: the next question names the user for the event."""
        flow = checked()
        flow.send(MATCH)

        assert ReadIdentity(USER) == flow.send(answer)
        assert LoginFailed is type(flow.send(1).event)
        with pytest.raises(AuthenticationError):
            flow.send(None)

    @pytest.mark.parametrize("username", [None, 7, b"alice", ["alice"], {"$ne": ""}, "", "a\0b", "\ud800"], ids=repr)
    def test_no_name(self, username):
        """What no user can be called is not looked up, and is hashed for all the same."""
        assert CheckPassword("secret", None) == next(attempt(username))

    @pytest.mark.parametrize("username", [" ", "Alice ", "a" * 300, "ålice", "a\nb"], ids=repr)
    def test_odd_name(self, username):
        """A name is looked up exactly as it is."""
        assert FindUser(username) == next(attempt(username))

    @pytest.mark.parametrize("password", [None, 7, b"secret", "", "x" * 10_000], ids=lambda value: repr(value)[:20])
    def test_odd_password(self, password):
        """A password is handed to the hasher exactly as it is, which judges it at the usual cost."""
        flow = attempt(password=password)
        next(flow)
        flow.send(USER)

        assert CheckPassword(password, HASH) == flow.send(HASH)

    @pytest.mark.parametrize("hashed", [None, "", 7], ids=repr)
    def test_odd_hash(self, hashed):
        """So is whatever is stored."""
        flow = attempt()
        next(flow)
        flow.send(USER)

        assert CheckPassword("secret", hashed) == flow.send(hashed)

    @pytest.mark.parametrize("questions", range(5))
    def test_failures_refuse(self, questions):
        """Whichever call fails, nobody is let in."""
        flow = attempt()
        next(flow)
        for answer in [USER, HASH, MATCH, True][:questions]:
            flow.send(answer)

        with pytest.raises(ServiceUnavailableError):
            flow.throw(ServiceUnavailableError())


class TestRenewal:
    def outdated(self, *, renews_passwords=True, password="secret"):
        flow = attempt(password=password, renews_passwords=renews_passwords)
        next(flow)
        flow.send(USER)
        flow.send(HASH)
        flow.send(OUTDATED)
        return flow

    def test_renews(self):
        """An outdated hash is made anew once everything else is decided."""
        flow = self.outdated()

        assert RenewPassword(USER, "secret", HASH) == flow.send(YES)
        assert ReadIdentity(USER) == flow.send(None)

    def test_nowhere_to_save(self):
        """Without ``save_password`` nothing is hashed in vain."""
        assert ReadIdentity(USER) == self.outdated(renews_passwords=NO).send(YES)

    def test_up_to_date(self):
        """A hash that is up to date is left alone."""
        flow = checked(renews_passwords=True)
        flow.send(MATCH)

        assert ReadIdentity(USER) == flow.send(YES)

    def test_disabled(self):
        """Nothing is renewed for a user who may not act."""
        assert ReadIdentity(USER) == self.outdated().send(NO)

    def test_saving_fails(self):
        """A hash that could not be saved refuses nobody: the old one still holds."""
        flow = self.outdated()
        flow.send(YES)

        assert ReadIdentity(USER) == flow.throw(ServiceUnavailableError())

    def test_misconfigured(self):
        """What the programmer has to repair is not passed over."""
        flow = self.outdated()
        flow.send(YES)

        with pytest.raises(ConfigurationError):
            flow.throw(ConfigurationError())


class TestThrottled:
    def test_first(self):
        """An attempt is counted before anybody is looked up or anything hashed (ASVS 6.3.1)."""
        flow = attempt(throttle=LoginThrottle())

        assert IncrementState is type(next(flow))
        assert FindUser("alice") == flow.send(1)

    def test_refused(self):
        """Over the limit nobody is looked up; the refusal is told once the attempt was taken back."""
        flow = attempt(throttle=LoginThrottle(per_account=3), source=None)
        next(flow)

        assert -1 == flow.send(4).amount
        assert Emit(LoginThrottled(at=NOW, source=None)) == flow.send(3)
        with pytest.raises(LoginThrottledError):
            flow.send(None)

    def test_given_back(self):
        """A success takes its attempt back before it is told."""
        flow = attempt(throttle=LoginThrottle())
        counted = next(flow)
        flow.send(1)
        flow.send(USER)
        flow.send(HASH)
        flow.send(MATCH)
        returned = flow.send(YES)

        assert (counted.key, -1) == (returned.key, returned.amount)
        assert ReadIdentity(USER) == flow.send(0)

    @pytest.mark.parametrize("answers", [(None, NO_MATCH), (USER, HASH, NO_MATCH, IDENTITY)], ids=["unknown", "wrong"])
    def test_kept(self, answers):
        """A failure stays counted: what follows it is the announcement and the end."""
        flow = attempt(throttle=LoginThrottle())
        next(flow)
        asked = flow.send(1)
        for answer in answers:
            asked = flow.send(answer)

        assert LoginFailed is type(asked.event)
        with pytest.raises(AuthenticationError):
            flow.send(None)

    def test_disabled_is_kept(self):
        """The right password of a disabled account stays counted too."""
        flow = attempt(throttle=LoginThrottle())
        next(flow)
        for answer in [1, USER, HASH, MATCH]:
            flow.send(answer)

        assert ReadIdentity(USER) == flow.throw(InvalidUserError())

    def test_full(self):
        """A hasher that is full computed nothing, so the attempt is given back: an overload locks nobody out."""
        flow = attempt(throttle=LoginThrottle())
        counted = next(flow)
        for answer in [1, USER, HASH]:
            flow.send(answer)
        returned = flow.throw(ServiceUnavailableError())

        assert (counted.key, -1) == (returned.key, returned.amount)
        with pytest.raises(ServiceUnavailableError):
            flow.send(0)

    def test_full_without_a_throttle(self):
        """Without a throttle there is nothing to give back."""
        flow = attempt()
        for answer in [None, USER, HASH]:
            flow.send(answer)

        with pytest.raises(ServiceUnavailableError):
            flow.throw(ServiceUnavailableError())
