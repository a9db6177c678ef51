"""A login, question by question."""

from __future__ import annotations

import asyncio
import enum

import attrs
import pytest
from tests.support import NOW, RING, KeyedStore

from praetorian_core.errors import AuthenticationError, ConfigurationError, LoginThrottledError, ServiceUnavailableError
from praetorian_core.events import LoginFailed, LoginSucceeded, LoginThrottled, LoginUncounted
from praetorian_core.flows import FlowContext, authenticate
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.questions import (
    Account,
    CheckActive,
    CheckPassword,
    CompareAndSetState,
    Emit,
    FindUser,
    GetState,
    IncrementState,
    PasswordCheck,
    ReadAccount,
    RenewPassword,
)
from praetorian_core.settings import Settings
from praetorian_core.token import STANDARD, TokenCodec

SOURCE = "8.8.8.8"
CODEC = TokenCodec(ring=RING, layout=STANDARD, accept_layouts=(STANDARD,))
USER = object()
HASH = "the stored hash"
ACCOUNT = Account(1, HASH)
MATCH = PasswordCheck(matches=True, outdated=False)
OUTDATED = PasswordCheck(matches=True, outdated=True)
MISMATCH = PasswordCheck(matches=False, outdated=False)


def context(*, throttle=None, renews_passwords=False, **settings):
    """Return the context of a guard."""
    return FlowContext(
        settings=Settings(keys=RING, **settings),
        codec=CODEC,
        throttle=throttle,
        has_store=False,
        renews_passwords=renews_passwords,
    )


def attempt(username="alice", password="secret", source=None, **chosen):
    """Return a login that waits for its first answer."""
    return authenticate(context(**chosen), username, password, source, NOW)


def checked(**chosen):
    """Return a login that waits for the check of the password."""
    flow = attempt(**chosen)
    next(flow)
    flow.send(USER)
    assert flow.send(ACCOUNT) == CheckPassword("secret", HASH)
    return flow


@attrs.define
class World:
    """Answers a login's questions, and keeps them."""

    user: object = USER
    account: Account = ACCOUNT
    check: PasswordCheck = MATCH
    active: object = True
    failing: tuple[type, ...] = ()
    error: BaseException | None = None
    store: KeyedStore = attrs.field(factory=KeyedStore)
    asked: list[object] = attrs.field(factory=list)

    def log_in(self, flow):
        """Run a login; return its result or its error."""
        answer, error = None, None
        while True:
            try:
                question = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as done:
                return done.value
            except BaseException as raised:  # noqa: BLE001  (the result of a login)
                return raised
            self.asked.append(question)
            answer, error = None, None
            if isinstance(question, self.failing):
                self.failing, error = (), self.error
            else:
                answer = self.answer(question)

    def answer(self, question):
        match question:
            case FindUser(username):
                return None if username is None else self.user
            case ReadAccount(user):
                return Account() if user is None else self.account
            case CheckPassword():
                return self.check
            case CheckActive(user):
                return user is not None and self.active
            case GetState(keys, now):
                return self.store.get(*keys, now=now)
            case IncrementState(key, amount, expires_at, now):
                return self.store.increment(key, amount, expires_at=expires_at, now=now)
            case CompareAndSetState(key, expected, new, expires_at, now):
                return self.store.compare_and_set(key, expected, new, expires_at=expires_at, now=now)

    @property
    def kinds(self):
        return [type(question).__name__ for question in self.asked]


class TestAuthenticate:
    def test_success(self):
        """The questions of a successful login without a throttle, in order."""
        world = World()

        assert USER is world.log_in(attempt(source=SOURCE))
        assert world.asked == [
            FindUser("alice"),
            ReadAccount(USER),
            CheckPassword("secret", HASH),
            CheckActive(USER),
            Emit(LoginSucceeded(at=NOW, identity="1", source=SOURCE)),
        ]

    def test_unknown(self):
        """For an unknown name a password is checked against no hash, at the same cost (CVE-2024-39329)."""
        world = World(user=None, check=MISMATCH)

        assert AuthenticationError is type(world.log_in(attempt(source=SOURCE)))
        assert world.asked == [
            FindUser("alice"),
            ReadAccount(None),
            CheckPassword("secret", None),
            CheckActive(None),
            Emit(LoginFailed(at=NOW, identity=None, source=SOURCE)),
        ]

    def test_wrong_password(self):
        """A wrong password fails without calling the user's validation method (CVE-2026-22746)."""
        world = World(check=MISMATCH)

        assert AuthenticationError is type(world.log_in(attempt()))
        assert [CheckActive(None), Emit(LoginFailed(at=NOW, identity="1", source=None))] == world.asked[-2:]

    def test_disabled(self):
        """The right password of a disabled account gets the same answer (ASVS 6.3.8)."""
        world = World(active=False)

        assert AuthenticationError is type(world.log_in(attempt()))
        assert [CheckActive(USER), Emit(LoginFailed(at=NOW, identity="1", source=None))] == world.asked[-2:]

    def test_match_without_a_user(self):
        """A hasher that reports a match for an unknown name logs no one in."""
        assert AuthenticationError is type(World(user=None).log_in(attempt()))

    @pytest.mark.parametrize("matches", [None, 1, "yes"], ids=repr)
    def test_truthy_match(self, matches):
        """Only ``True`` is a match."""
        world = World(check=PasswordCheck(matches=matches, outdated=False))

        assert AuthenticationError is type(world.log_in(attempt()))

    @pytest.mark.parametrize("answer", [None, 0, False], ids=repr)
    def test_inactive(self, answer):
        """An account that is not active fails like a wrong password."""
        assert AuthenticationError is type(World(active=answer).log_in(attempt()))

    @pytest.mark.parametrize("username", [None, 7, b"alice", ["alice"], {"$ne": ""}, "", "a\0b", "\ud800"], ids=repr)
    def test_invalid_name(self, username):
        """A value that cannot be a username is not looked up; its password is checked all the same."""
        world = World()

        assert AuthenticationError is type(world.log_in(attempt(username)))
        assert [FindUser(None), ReadAccount(None), CheckPassword("secret", None)] == world.asked[:3]

    @pytest.mark.parametrize("username", [" ", "Alice ", "a" * 300, "ålice", "a\nb"], ids=repr)
    def test_name_is_unchanged(self, username):
        """A name is looked up exactly as it is."""
        assert FindUser(username) == next(attempt(username))

    @pytest.mark.parametrize(
        "username",
        [type("Markup", (str,), {})("alice"), enum.Enum("Name", {"ALICE": "alice"}, type=str).ALICE],
        ids=["subclass-of-str", "member-of-a-str-enum"],
    )
    def test_subclass_of_str(self, username):
        """A username of a subclass of str is looked up, and counted, as the str that it holds."""
        flow = attempt(username, throttle=LoginThrottle(per_account=1))
        question, same = next(flow), next(attempt("alice", throttle=LoginThrottle(per_account=1)))
        assert same == question
        found = flow.send([None])

        assert (FindUser("alice"), str) == (found, type(found.username))

    def test_hash_of_a_subclass_of_str(self):
        """An outdated hash that the application holds as a subclass of str is renewed."""
        account = Account(1, type("Hash", (str,), {})(HASH))
        world = World(account=account, check=OUTDATED)
        world.log_in(attempt(renews_passwords=True))

        assert [RenewPassword(USER, "secret", account.hashed)] == [
            question for question in world.asked if isinstance(question, RenewPassword)
        ]

    @pytest.mark.parametrize("password", [None, 7, b"secret", "", "x" * 10_000], ids=lambda value: repr(value)[:20])
    def test_password_is_unchanged(self, password):
        """A password is given to the hasher exactly as it is."""
        world = World()
        world.log_in(attempt(password=password))

        assert CheckPassword(password, HASH) in world.asked

    @pytest.mark.parametrize("hashed", [None, "", 7], ids=repr)
    def test_hash_is_unchanged(self, hashed):
        """So is any value that is stored as the hash."""
        world = World(account=Account(1, hashed))
        world.log_in(attempt())

        assert CheckPassword("secret", hashed) in world.asked

    @pytest.mark.parametrize("kind", [FindUser, ReadAccount, GetState, IncrementState, CheckPassword, CheckActive])
    def test_failed_call(self, kind):
        """A failed call rejects the login."""
        world = World(failing=(kind,), error=ServiceUnavailableError())

        assert world.error is world.log_in(attempt(throttle=LoginThrottle()))

    @pytest.mark.parametrize("source", [7, b"8.8.8.8", ("8.8.8.8", 80)], ids=repr)
    def test_source_of_another_type(self, source):
        """A source that is neither a str nor None is a configuration error, with and without a throttle."""
        for throttle in (None, LoginThrottle()):
            with pytest.raises(ConfigurationError, match="source must be a str or None"):
                next(attempt(source=source, throttle=throttle))

    def test_turn(self):
        """A hash waits in the line of the client's networks."""
        world = World(check=OUTDATED)
        world.log_in(attempt(source="8.8.8.8:51234", renews_passwords=True))
        turns = [question.turn for question in world.asked if isinstance(question, CheckPassword | RenewPassword)]

        assert [("8.8.8.0/24", "8.8.8.8/32")] * 2 == [turn.networks for turn in turns]


FAILURES = {
    "wrong password": ({"check": MISMATCH}, "alice"),
    "unknown name": ({"user": None, "check": MISMATCH}, "bob"),
    "invalid name": ({"check": MISMATCH}, None),
    "disabled, right password": ({"active": False}, "alice"),
    "disabled, right password, old hash": ({"active": False, "check": OUTDATED}, "alice"),
    "disabled, wrong password": ({"active": False, "check": MISMATCH}, "alice"),
    "no stored hash": ({"account": Account(1, None), "check": MISMATCH}, "alice"),
}


class TestEqualPaths:
    """The number of questions reveals nothing: under asyncio each of them is a change of threads."""

    @pytest.mark.parametrize("throttled", [True, False], ids=["throttle", "no throttle"])
    @pytest.mark.parametrize("source", [None, SOURCE, "2606:4700::1"])
    def test_failures(self, source, throttled):
        """Every failure asks the same questions, in the same order."""
        kinds = []
        for answers, username in FAILURES.values():
            world = World(**answers)
            flow = attempt(username, source=source, throttle=LoginThrottle() if throttled else None)
            assert AuthenticationError is type(world.log_in(flow))
            kinds.append(world.kinds)

        assert [kinds[0]] * len(FAILURES) == kinds

    @pytest.mark.parametrize("source", [None, SOURCE, "2606:4700::1"])
    def test_rejected(self, source):
        """So does every attempt over a limit, whether the name exists or not."""
        kinds = []
        for world in (World(check=MISMATCH), World(user=None, check=MISMATCH)):
            throttle = LoginThrottle(per_account=2)
            for number in range(3):
                world.asked.clear()
                outcome = world.log_in(attempt(f"al{chr(0x300) * number}ice", source=source, throttle=throttle))
            assert LoginThrottledError is type(outcome)
            kinds.append(world.kinds)

        assert kinds[0] == kinds[1]


class TestRenewal:
    def kinds(self, *, check=OUTDATED, password="secret", renews_passwords=True, **answers):
        world = World(check=check, **answers)
        self.outcome = world.log_in(attempt(password=password, renews_passwords=renews_passwords))
        return world.kinds

    def test_renews(self):
        """An outdated hash is renewed after everything else is decided."""
        assert ["CheckActive", "RenewPassword", "Emit"] == self.kinds()[-3:]

    def test_nowhere_to_save(self):
        """Without ``save_password`` nothing is hashed."""
        assert "RenewPassword" not in self.kinds(renews_passwords=False)

    def test_up_to_date(self):
        """A hash that is up to date is not renewed."""
        assert "RenewPassword" not in self.kinds(check=MATCH)

    def test_disabled(self):
        """Nothing is renewed for a disabled account."""
        assert "RenewPassword" not in self.kinds(active=False)

    def test_saving_fails(self):
        """A hash that could not be saved rejects no login: the old one remains valid."""
        self.kinds(failing=(RenewPassword,), error=ServiceUnavailableError())

        assert USER is self.outcome

    def test_misconfigured(self):
        """A configuration error is not suppressed."""
        self.kinds(failing=(RenewPassword,), error=ConfigurationError())

        assert ConfigurationError is type(self.outcome)


class TestThrottled:
    def test_order(self):
        """Limits are read before the look-up; the attempt is counted after it and before the hash (ASVS 6.3.1)."""
        world = World(check=MISMATCH)
        world.log_in(attempt(source=SOURCE, throttle=LoginThrottle()))

        assert world.kinds == [
            *["GetState"] * 2,
            "FindUser",
            "ReadAccount",
            *["GetState"] * 2,
            *["IncrementState"] * 6,
            "CheckPassword",
            "CheckActive",
            "Emit",
        ]

    @pytest.mark.parametrize("user", [USER, None], ids=["known", "unknown"])
    def test_rejected_by_name(self, user):
        """Over a limit of the name no user is looked up, nothing is written, and an event is emitted."""
        world = World(user=user, check=MISMATCH)
        throttle = LoginThrottle(per_account_and_source=1)
        world.log_in(attempt(source=SOURCE, throttle=throttle))
        world.asked.clear()

        assert LoginThrottledError is type(world.log_in(attempt(source=SOURCE, throttle=throttle)))
        assert ["GetState", "GetState", "Emit"] == world.kinds
        assert Emit(LoginThrottled(at=NOW, source=SOURCE)) == world.asked[-1]

    @pytest.mark.parametrize("user", [USER, None], ids=["known", "unknown"])
    def test_rejected_by_account(self, user):
        """Over a limit of the account nothing is written and nothing is hashed."""
        world = World(user=user, check=MISMATCH)
        throttle = LoginThrottle(per_account=1)
        world.log_in(attempt(source=SOURCE, throttle=throttle))
        world.asked.clear()

        assert LoginThrottledError is type(world.log_in(attempt(source="9.9.9.9", throttle=throttle)))
        assert ["GetState", "GetState", "FindUser", "ReadAccount", "GetState", "Emit"] == world.kinds

    def test_success_takes_back(self):
        """A success leaves only the mark of its source."""
        world = World()
        world.log_in(attempt(source=SOURCE, throttle=LoginThrottle()))
        (key,) = world.store.held(NOW)

        assert key.endswith(":k")

    def test_no_counting(self):
        """If counting fails and the settings allow it, the login goes on uncounted, with one event."""
        world = World(failing=(GetState,), error=ServiceUnavailableError())
        flow = authenticate(context(throttle=LoginThrottle(), throttle_failure="allow"), "alice", "secret", None, NOW)

        assert USER is world.log_in(flow)
        assert [LoginUncounted, LoginSucceeded] == [type(q.event) for q in world.asked if isinstance(q, Emit)]
        assert 0 == len(world.store)


class TestTakenBack:
    """An attempt whose hash did not begin is not counted, however the login ends."""

    @pytest.mark.parametrize("error", [ServiceUnavailableError, asyncio.CancelledError, KeyboardInterrupt, SystemExit])
    @pytest.mark.parametrize("kind", [GetState, FindUser, ReadAccount, IncrementState, CheckPassword])
    def test_before_the_hash(self, kind, error):
        """A failed or interrupted call before the hash leaves no count."""
        for source in (None, SOURCE):
            world = World(failing=(kind,), error=error())
            outcome = world.log_in(attempt(source=source, throttle=LoginThrottle()))

            assert (error, 0) == (type(outcome), len(world.store))

    @pytest.mark.parametrize("number", range(1, 7))
    def test_between_counters(self, number):
        """If counting is interrupted at any counter, the ones before it are taken back."""
        world, flow, counted = World(), attempt(source=SOURCE, throttle=LoginThrottle()), 0
        question = next(flow)
        while counted < number:
            counted += isinstance(question, IncrementState)
            question = flow.send(world.answer(question))
        question = flow.throw(asyncio.CancelledError())
        for _ in range(number - 1):
            question = flow.send(world.answer(question))
        with pytest.raises(asyncio.CancelledError):
            flow.send(world.answer(question))

        assert 0 == len(world.store)

    @pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt])
    def test_after_the_hash_began(self, error):
        """A guess whose hash is computed stays counted, also if the client has gone."""
        world = World()
        flow = attempt(throttle=LoginThrottle())
        question = next(flow)
        while not isinstance(question, CheckPassword):
            question = flow.send(world.answer(question))
        question.turn.begun = True
        with pytest.raises(error):
            flow.throw(error())

        assert ["1"] * 3 == list(world.store.held(NOW).values())

    def test_hashing_failed(self):
        """If the hasher failed, no guess was checked, so the attempt does not count."""
        world = World(failing=(CheckPassword,), error=ServiceUnavailableError())
        world.log_in(attempt(source=SOURCE, throttle=LoginThrottle()))

        assert 0 == len(world.store)

    def test_closed(self):
        """A login that is closed at any question ends without another one."""
        for steps in range(13):
            flow, world = attempt(source=SOURCE, throttle=LoginThrottle()), World()
            question = next(flow)
            for _ in range(steps):
                question = flow.send(world.answer(question))
            flow.close()
