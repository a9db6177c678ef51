"""LoginThrottle: the limits, and which logins they must not reject."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest
from tests.support import PASSWORD, KeyedStore

from praetorian_core.errors import AuthenticationError, ConfigurationError, LoginThrottledError, ServiceUnavailableError
from praetorian_core.guard import Guard
from praetorian_core.login import LoginThrottle
from praetorian_core.questions import CompareAndSetState, GetState, IncrementState
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_core.token import KeyRing, generate_secret

WINDOW = 900
DAY, WEEK = 86_400, 7 * 86_400
SESSION = 30 * DAY
START = 2_000_000 * WINDOW
"""The first second of a window."""
WEEKS = 3000 * WEEK
"""The first second of a week."""

HERE, THERE = "8.8.8.8", "9.9.9.9"
MANY = [f"{number}.8.8.8" for number in range(11, 100)]
"""Sources in different networks."""


class Login:
    """A throttle with a store, as a login uses it."""

    def __init__(self, store=None, **limits):
        self.throttle = LoginThrottle(**{"window": WINDOW} | limits)
        self.store = KeyedStore() if store is None else store
        self.identities = {}
        self.hashed = "a stored hash"
        self.reads = self.writes = 0

    def attempt(self, username="alice", source=HERE, now=START):
        """Count an attempt; return its reservation."""
        attempt = self.throttle.attempt(username, source, now)
        self.settle(attempt.check())
        identity = self.identities.get(username)
        return self.settle(attempt.reserve(identity, None if identity is None else self.hashed))

    def fail(self, username="alice", source=HERE, now=START):
        """Count an attempt that fails."""
        self.attempt(username, source, now)

    def succeed(self, username="alice", source=HERE, now=START):
        """Count an attempt that succeeds."""
        self.settle(self.attempt(username, source, now).succeed(now, now + SESSION))

    def allowed(self, username="alice", source=HERE, now=START, most=200):
        """Return how many failing attempts pass before the first rejection."""
        for number in range(most):
            try:
                self.fail(username, source, now)
            except LoginThrottledError:
                return number
        return most

    def passes(self, username="alice", source=HERE, now=START):
        """Return whether an attempt would pass, without counting it."""
        try:
            reservation = self.attempt(username, source, now)
        except LoginThrottledError:
            return False
        self.settle(reservation.cancel(now))
        return True

    def held(self, now=START):
        """Return the live entries of the store."""
        return self.store.held(now)

    def settle(self, flow):
        answer = None
        while True:
            try:
                question = flow.send(answer)
            except StopIteration as done:
                return done.value
            match question:
                case GetState(keys, now):
                    self.reads += 1
                    answer = self.store.get(*keys, now=now)
                case CompareAndSetState(key, expected, new, expires_at, now):
                    self.writes += 1
                    answer = self.store.compare_and_set(key, expected, new, expires_at=expires_at, now=now)
                case IncrementState(key, amount, expires_at, now):
                    self.writes += 1
                    answer = self.store.increment(key, amount, expires_at=expires_at, now=now)


def sent(flow, answer):
    """Return the next question; None at the end."""
    try:
        return flow.send(answer)
    except StopIteration:
        return None


def go_on(flow, login, answer):
    """Answer increments until the flow ends."""
    question = flow.send(answer)
    while question is not None:
        total = login.store.increment(question.key, question.amount, expires_at=question.expires_at, now=START)
        question = sent(flow, total)


LIMITS = ["per_account_and_source", "per_account", "per_source", "per_network", "consecutive_failures"]


class TestLimits:
    def test_defaults(self):
        """Ten per window for one source at one account, a hundred at one account (SP 800-63B-4 §3.2.2)."""
        login = Login()

        assert (10, 10) == (login.allowed(source=MANY[0]), login.allowed(source=MANY[1]))
        assert 80 == sum(login.allowed(source=source) for source in MANY[2:])

    def test_default_of_a_source(self):
        """A hundred per window for one source, at all accounts together."""
        login = Login()
        passed = [login.allowed(f"user{number}", most=1) for number in range(120)]

        assert 100 == sum(passed)

    @pytest.mark.parametrize("network", ["8.8.8.{}", "2606:4700:1:{:x}::1"], ids=["IPv4 /24", "IPv6 /48"])
    def test_default_of_a_network(self, network):
        """A thousand per window for one network, at all accounts together."""
        login = Login()
        passed = [login.allowed(f"user{number}", network.format(number % 200), most=1) for number in range(1200)]

        assert 1000 == sum(passed)

    @pytest.mark.parametrize("limit", [1, 2, 7])
    @pytest.mark.parametrize("name", LIMITS)
    def test_exact(self, name, limit):
        """Exactly as many attempts pass as the limit."""
        assert limit == Login(**{name: limit}).allowed()

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_account_alone(self, limit):
        """Without a source the account alone is counted."""
        limits = {"per_account_and_source": 1, "per_source": 1, "per_network": 1}
        assert limit == Login(per_account=limit, **limits).allowed(source=None)

    def test_across_sources(self):
        """The account's limit counts all sources that are not known to it together."""
        login = Login(per_account=3)
        passed = [login.passes(source=HERE) and login.attempt(source=source) is not None for source in MANY[:3]]

        assert [True, True, True] == passed
        assert not login.passes(source=THERE)
        assert not login.passes(source=None)

    def test_across_accounts(self):
        """The source's limit counts all accounts together (password spraying)."""
        login = Login(per_source=3)
        for name in ("alice", "bob", "carol"):
            login.attempt(name)

        assert (False, True, True) == (login.passes("dave"), login.passes("dave", THERE), login.passes("dave", None))

    def test_networks(self):
        """The limit of a network counts its addresses together, and no address of the next network."""
        login = Login(per_network=3)
        for number in range(3):
            login.attempt(f"user{number}", f"8.8.8.{number}")

        assert (False, True) == (login.passes("bob", "8.8.8.9"), login.passes("bob", "8.8.9.9"))

    @pytest.mark.parametrize(("late", "expected"), [(0, 900), (1, 899), (899, 1)])
    def test_retry_after(self, late, expected):
        """A rejection carries the seconds until the window ends (RFC 9110 §10.2.3)."""
        login = Login(per_account=1)
        login.attempt(now=START)
        with pytest.raises(LoginThrottledError) as rejection:
            login.attempt(now=START + late)

        assert expected == rejection.value.retry_after

    @pytest.mark.parametrize(("now", "expected"), [(START + 899, False), (START + 900, True), (START + 901, True)])
    def test_window(self, now, expected):
        """A window ends at its last second, and the next one counts from zero."""
        login = Login(per_account=1)
        login.attempt(now=START)

        assert expected is login.passes(now=now)

    def test_aligned(self):
        """Windows are aligned to the clock, so across a boundary twice as many attempts follow each other."""
        login = Login(per_account_and_source=5)

        assert (5, 5) == (login.allowed(now=START - 1), login.allowed(now=START))

    def test_any_lifespan(self):
        """A window can be any lifespan."""
        login = Login(window="1 minute", per_account=1)
        login.attempt(now=START)

        assert (False, True) == (login.passes(now=START + 59), login.passes(now=START + 60))

    @pytest.mark.parametrize("name", LIMITS)
    @pytest.mark.parametrize("limit", [0, -1, True, 1.0, "10", None], ids=repr)
    def test_bad_limit(self, name, limit):
        """A limit that is not a positive integer raises with its name."""
        with pytest.raises(ConfigurationError, match=f"{name} must be a positive integer"):
            LoginThrottle(**{name: limit})

    @pytest.mark.parametrize("name", ["window", "failure_memory"])
    @pytest.mark.parametrize("window", [0, -1, "", "soon", None, True, 1.5], ids=repr)
    def test_bad_lifespan(self, window, name):
        """A time that is not a lifespan raises with its name."""
        with pytest.raises(ConfigurationError, match=f"{name} must be"):
            LoginThrottle(**{name: window})


class TestTwoNames:
    """An account is counted under the identity that was found, whatever name led to it."""

    @pytest.mark.parametrize("limit", [1, 7, 100])
    @pytest.mark.parametrize("source", [None, HERE, "many"])
    def test_many_names(self, source, limit):
        """3,000 guesses under 3,000 names that a database equates are at most the limit of one account."""
        login = Login(per_account=limit)
        passed = 0
        for number in range(3000):
            name = f"alice+{number}@example.org"
            login.identities[name] = 7
            try:
                login.fail(name, MANY[number % len(MANY)] if source == "many" else source)
            except LoginThrottledError:
                continue
            passed += 1

        assert min(limit, 10 if source == HERE else 100) == passed

    def test_name_and_address(self):
        """A name and an address of one account share its counters; each also has its own."""
        login = Login(per_account_and_source=4)
        login.identities = {"alice": 1, "alice@example.org": 1, "bob": 2}
        for name in ("alice", "alice@example.org"):
            login.fail(name)
            login.fail(name)

        assert (False, False, True) == tuple(login.passes(name) for name in login.identities)
        assert login.passes("alice", THERE)

    def test_identity_is_no_name(self):
        """A name that reads like the identity of another account does not share its counters."""
        login = Login(per_account=1)
        login.identities = {"alice": "bob"}
        login.fail("alice", HERE)

        assert login.passes("bob", THERE)

    def test_one_name_two_accounts(self):
        """A name that leads to another account later has the counters of that account."""
        login = Login(per_account=1)
        login.identities = {"alice": 1}
        login.fail("alice", HERE)
        login.identities = {"alice": 2}

        assert login.passes("alice", THERE)


class TestConsecutiveFailures:
    def windows(self, login, count, *, names=("alice",), step=WINDOW, sources=MANY, start=START):
        """Return how many failing attempts of one window each pass, one source after the other."""
        passed = 0
        for number in range(count):
            try:
                login.fail(names[number % len(names)], sources[number % len(sources)], start + number * step)
            except LoginThrottledError:
                continue
            passed += 1
        return passed

    @pytest.mark.parametrize("identity", [None, 1], ids=["unknown", "known"])
    def test_across_windows(self, identity):
        """100 consecutive failures pass over any number of windows (SP 800-63B-4 §3.2.2)."""
        login = Login()
        login.identities = {} if identity is None else {"alice": identity}

        assert 100 == self.windows(login, 300)

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_limit(self, limit):
        """The limit is configurable, and exact."""
        assert limit == self.windows(Login(consecutive_failures=limit), 20)

    def test_many_names(self):
        """Names that lead to one account share the count."""
        login = Login()
        names = [f"alice+{number}" for number in range(300)]
        login.identities = dict.fromkeys(names, 1)

        assert 100 == self.windows(login, 300, names=names)

    def test_success_clears(self):
        """A success ends the series, from a known source too."""
        login = Login(consecutive_failures=5)
        login.succeed(source=HERE)
        for _ in range(2):
            assert 5 == login.allowed(source=THERE, now=START)
            login.succeed(source=HERE, now=START)

        assert 10 > login.allowed(source=THERE, now=START)

    def test_known_source(self):
        """A source that is known to the account is not locked out."""
        login = Login()
        login.succeed(source=HERE)

        assert 100 == self.windows(login, 300)
        assert (True, False) == (
            login.passes(source=HERE, now=START + 300 * WINDOW),
            login.passes(source=THERE, now=START + 300 * WINDOW),
        )

    def test_new_password(self):
        """A new password starts a new series: the limit is one of the authenticator."""
        login = Login(consecutive_failures=3)
        login.identities = {"alice": 1}
        assert 3 == self.windows(login, 10)
        login.hashed = "another stored hash"

        assert login.passes(source=HERE, now=START + 10 * WINDOW)

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            (WEEKS - 1, False),
            (WEEKS, False),
            (WEEKS + WEEK - 1, False),
            (WEEKS + WEEK, True),
        ],
    )
    def test_forgotten(self, now, expected):
        """A failure of the last second of a week is remembered for the whole next week."""
        login = Login(consecutive_failures=1)
        login.fail(now=WEEKS - 1)

        assert expected is login.passes(source=THERE, now=now)

    def test_remembered_longest(self):
        """A failure of the first second of a week is remembered for two weeks."""
        login = Login(consecutive_failures=1)
        login.fail(now=WEEKS)

        assert (False, True) == (login.passes(now=WEEKS + 2 * WEEK - 1), login.passes(now=WEEKS + 2 * WEEK))

    def test_across_weeks(self):
        """Around the end of a week, the failures before and after it are counted together."""
        login = Login(consecutive_failures=5)
        for number in range(3):
            login.fail(source=MANY[number], now=WEEKS - 1)

        assert 2 == sum(login.allowed(source=source, now=WEEKS, most=1) for source in MANY[3:])

    def test_success_after_weeks(self):
        """A success clears the failures of both weeks."""
        login = Login(consecutive_failures=5)
        for number in range(3):
            login.fail(source=MANY[number], now=WEEKS - 1)
        login.succeed(source=HERE, now=WEEKS)

        assert 5 == sum(login.allowed(source=source, now=WEEKS, most=1) for source in MANY)

    def test_slow_guesser(self):
        """Sixteen guesses a day pass 100 times in two weeks: the present week and the one before count together."""
        assert 5 * 100 == self.windows(Login(), 10 * WEEK * 16 // DAY, step=DAY // 16, start=WEEKS)

    @pytest.mark.parametrize(
        ("failed", "now", "expected"),
        [(WEEKS, WEEKS, 2 * WEEK), (WEEKS, WEEKS + 10, 2 * WEEK - 10), (WEEKS - 1, WEEKS, WEEK)],
    )
    def test_retry_after(self, failed, now, expected):
        """A rejection carries the seconds until the failures are forgotten."""
        login = Login(consecutive_failures=1)
        login.fail(now=failed)
        with pytest.raises(LoginThrottledError) as rejection:
            login.attempt(source=THERE, now=now)

        assert expected == rejection.value.retry_after


class TestRejected:
    @pytest.mark.parametrize("name", LIMITS)
    @pytest.mark.parametrize("source", [HERE, "2606:4700::1"])
    def test_writes_nothing(self, name, source):
        """A rejected attempt writes nothing, whichever limit is reached, so it prolongs no lockout."""
        login = Login(**{name: 2})
        login.allowed(source=source)
        before, login.writes = login.held(), 0
        for _ in range(50):
            assert 0 == login.allowed(source=source, most=1)

        assert (0, before) == (login.writes, login.held())

    def test_another_name_of_the_account(self):
        """Under another name, too, an account at its limit rejects before anything is written."""
        login = Login(per_account_and_source=2)
        login.identities = {"alice": 1, "alice@example.org": 1}
        login.fail("alice")
        login.fail("alice@example.org")
        login.fail("bob")
        before, login.writes = login.held(), 0

        assert 0 == login.allowed("alice", most=1)
        assert (0, before) == (login.writes, login.held())

    def test_other_counters(self):
        """It fills no other counter."""
        login = Login(per_account_and_source=2, per_account=3)
        for _ in range(50):
            login.allowed(most=1)

        assert login.passes(source=THERE)

    def test_a_source_over_its_limit(self):
        """A source over its limit creates no counters for the names that it sends, so it cannot fill the store."""
        login = Login(per_source=3)
        for number in range(3):
            login.attempt(f"user{number}")
        before = len(login.store)
        for number in range(100):
            with pytest.raises(LoginThrottledError):
                login.attempt(f"unknown{number}")

        assert before == len(login.store)

    @pytest.mark.parametrize("name", LIMITS)
    def test_lost_race(self, name):
        """An attempt that another one overtakes at the limit takes back what it has counted."""
        login = Login(**{name: 1})
        first = login.throttle.attempt("alice", HERE, START)
        second = login.throttle.attempt("alice", HERE, START)
        flow = second.reserve(None, None)
        question = next(flow)
        while not isinstance(question, IncrementState):
            question = flow.send(login.store.get(*question.keys, now=START))
        reservation = login.settle(first.reserve(None, None))
        before = login.held()
        answer = login.store.increment(question.key, 1, expires_at=question.expires_at, now=START)
        with pytest.raises(LoginThrottledError):
            go_on(flow, login, answer)

        assert before == login.held()
        login.settle(reservation.cancel(START))
        assert {} == login.held()

    @pytest.mark.parametrize("value", ["rubbish", "", "1.5"])
    def test_rubbish(self, value):
        """A counter that is not a number is a failure of the store."""
        login = Login()
        login.attempt()
        for key in login.held():
            login.store.compare_and_set(key, "1", value, expires_at=START + WINDOW, now=START)

        with pytest.raises(ServiceUnavailableError, match="a login counter that is not a number"):
            login.attempt()

    @pytest.mark.parametrize("value", ["rubbish", "a", "a b", "a 1 b"])
    def test_rubbish_of_known_sources(self, value):
        """So is an entry of known sources in an unknown form."""
        login = Login()
        login.succeed()
        ((key, entry),) = login.held().items()
        login.store.compare_and_set(key, entry, value, expires_at=START + WINDOW, now=START)

        with pytest.raises(ServiceUnavailableError, match="known sources in an unknown form"):
            login.attempt()


class TestSuccess:
    def test_clears_its_own(self):
        """A success clears the earlier failures of this source at this account."""
        login = Login(per_account_and_source=3)
        login.fail()
        login.fail()
        login.succeed()

        assert 3 == login.allowed()

    def test_clears_no_other(self):
        """It clears neither those of another source, nor those at another account, nor the source's total."""
        login = Login(per_account_and_source=2, per_source=4)
        for username, source in [("alice", THERE), ("alice", THERE), ("bob", HERE), ("bob", HERE), ("carol", HERE)]:
            login.fail(username, source)
        login.succeed("alice", HERE)

        assert (False, False, 1) == (
            login.passes("alice", THERE),
            login.passes("bob", HERE),
            login.allowed("dave", HERE),
        )

    def test_account_total_stays(self):
        """The account's total keeps the failures of other sources: a success elsewhere allows no further guesses."""
        login = Login(per_account=3)
        login.fail(source=THERE)
        login.fail(source=THERE)
        login.succeed(source=HERE)

        assert 1 == login.allowed(source="7.7.7.7")

    def test_network_total_stays(self):
        """So does the total of the network."""
        login = Login(per_network=3)
        login.fail("bob")
        login.fail("carol")
        login.succeed("alice")

        assert 1 == login.allowed("dave", "8.8.8.9")

    def test_without_source(self):
        """Without a source a success takes back its own attempt and clears only the consecutive failures."""
        login = Login(per_account=3)
        login.fail(source=None)
        login.succeed(source=None)

        assert 2 == login.allowed(source=None)

    def test_costs_nothing(self):
        """Any number of successes fits into a window, and leaves one entry."""
        login = Login(per_account_and_source=2, per_account=2, per_source=2, per_network=2)
        for _ in range(20):
            login.succeed()

        assert 1 == len(login.held())
        assert 2 == login.allowed()

    def test_parallel(self):
        """Parallel successes leave no negative counter, so that source gets no additional attempt."""
        login = Login(per_account_and_source=3, per_account=50)
        reservations = [login.attempt(), login.attempt(), login.attempt()]
        for reservation in reservations:
            login.settle(reservation.succeed(START, START + SESSION))

        assert 3 == login.allowed()

    def test_parallel_after_a_failure(self):
        """Parallel successes that both clear a failure count it once: the counter is zero, neither below nor above."""
        login = Login(per_account_and_source=3, per_account=50)
        login.fail()
        reservations = [login.attempt(), login.attempt()]
        for reservation in reservations:
            login.settle(reservation.succeed(START, START + SESSION))

        assert 3 == login.allowed()

    @pytest.mark.parametrize("late", [WINDOW, 10 * WINDOW])
    def test_cancelled_late(self, late):
        """An attempt that is taken back after its window leaves nothing."""
        login = Login()
        reservation = login.attempt()
        login.settle(reservation.cancel(START + late))

        assert {} == login.held(START + late)


class TestKnownSources:
    def test_owner(self):
        """An owner whose source is known is never locked out by other sources (ASVS 6.1.1)."""
        login = Login(per_account=5)
        login.succeed(source=HERE)
        for source in MANY:
            login.allowed(source=source, most=1)

        assert (False, True) == (login.passes(source=THERE), login.passes(source=HERE))

    def test_other_name(self):
        """Under another name of the account the source is known too."""
        login = Login(per_account=1)
        login.identities = {"alice": 1, "alice@example.org": 1}
        login.succeed("alice")
        login.fail("alice@example.org", THERE)

        assert (True, False) == (login.passes("alice@example.org", HERE), login.passes("alice@example.org", MANY[0]))

    def test_network(self):
        """A neighbour of a known source that uses up the network's limit does not lock it out."""
        login = Login(per_network=1)
        login.succeed("alice", "8.8.8.8")
        login.fail("bob", "8.8.8.9")

        assert (True, False) == (login.passes("alice", "8.8.8.8"), login.passes("alice", "8.8.8.10"))

    @pytest.mark.parametrize(("pause", "expected"), [(SESSION - 1, True), (SESSION, True), (SESSION + DAY, False)])
    def test_lifespan(self, pause, expected):
        """A source is known for at least as long as a session of its last login can last, and less than a day more."""
        login = Login(per_account=1)
        login.succeed(now=START)
        now = START + pause
        login.fail(source=THERE, now=now)

        assert expected is login.passes(source=HERE, now=now)

    @pytest.mark.parametrize(
        ("seconds", "expected"), [(-1, True), (0, False), (1, False)], ids=["end-1", "end", "end+1"]
    )
    def test_end(self, seconds, expected):
        """A source is known until its end, also if another source of the account is known for longer."""
        login = Login(per_account=1)
        login.succeed(source=HERE)
        login.succeed(source=MANY[0], now=START + 20 * DAY)
        now = -(-(START + SESSION) // DAY) * DAY + seconds
        login.fail(source=THERE, now=now)

        assert (expected, True) == (login.passes(source=HERE, now=now), login.passes(source=MANY[0], now=now))

    def test_known_again(self):
        """Another success prolongs this."""
        login = Login(per_account=1)
        login.succeed(now=START)
        login.succeed(now=START + 20 * DAY)
        now = START + 49 * DAY
        login.fail(source=THERE, now=now)

        assert login.passes(source=HERE, now=now)

    def test_written_once_a_day(self):
        """A further login of the same day does not write the mark again."""
        login = Login()
        login.succeed()
        login.writes = 0
        login.succeed()

        # Three counters, up and down.
        assert 6 == login.writes

    def test_known_is_limited(self):
        """A known source still has its own limits."""
        login = Login(per_account_and_source=3)
        login.succeed()

        assert 3 == login.allowed()
        assert 5 == Login(per_source=5).allowed()

    def test_known_at_one_account(self):
        """A source that is known to one account is not known to another."""
        login = Login(per_account=1)
        login.succeed("alice", HERE)
        login.fail("bob", THERE)

        assert not login.passes("bob", HERE)

    def test_bounded(self):
        """One account that logs in from a thousand sources fills one entry, with the latest sixteen."""
        login = Login(per_account=1)
        sources = [f"{number // 250 + 11}.{number % 250}.8.8" for number in range(1000)]
        for number, source in enumerate(sources):
            login.succeed(source=source, now=START + number * DAY // 10)
        now = START + 100 * DAY
        login.fail(source=THERE, now=now)
        ((_, entry),) = [(key, value) for key, value in login.held(now).items() if key.endswith(":k")]

        assert 16 == len(entry.split()) // 2
        assert len(entry) <= 16 * 44
        assert [True] * 16 == [login.passes(source=source, now=now) for source in sources[-16:]]
        assert not login.passes(source=sources[-17], now=now)

    def test_race(self):
        """Two sources that log in at once are both known."""
        login = Login(per_account=2)
        first, second = login.attempt(source=HERE), login.attempt(source=THERE)
        login.settle(first.succeed(START, START + SESSION))
        login.settle(second.succeed(START, START + SESSION))
        login.allowed(source=MANY[0])

        assert (True, True, False) == tuple(login.passes(source=source) for source in (HERE, THERE, MANY[1]))

    def test_lost_every_race(self):
        """A mark that is overtaken again and again is given up; the login stands."""
        login = Login()
        reservation = login.attempt()
        flow = reservation.known_sources.add("a", START + SESSION, START)
        question, sets, others = next(flow, None), 0, 0
        while question is not None:
            if isinstance(question, CompareAndSetState):
                sets, answer = sets + 1, False
            else:
                others, answer = others + 1, [f"b{others} {START + 1}"]
            question = sent(flow, answer)

        assert (4, 4) == (sets, others)


class TestNames:
    def test_compared(self):
        """Names that are compared as equal share their counters."""
        login = Login(per_account=1)
        login.fail("alice", None)

        assert (False, True) == (login.passes("ALICE", None), login.passes("bob", None))

    def test_unknown(self):
        """Known and unknown names have the same limits and the same number of calls of the store."""
        known, unknown = Login(), Login()
        known.identities = {"alice": 1}

        assert known.allowed() == unknown.allowed()
        assert (known.reads, known.writes) == (unknown.reads, unknown.writes)


class TestConfirmation:
    """The user of a session presents no name."""

    def confirm(self, login, identity=1, source=HERE):
        """Count an attempt of the user of a session; return its reservation."""
        attempt = login.throttle.confirmation(source, START)
        login.settle(attempt.check())
        return login.settle(attempt.reserve(identity, login.hashed))

    def confirms(self, login, identity=1, source=HERE, most=200):
        """Return how many failing attempts pass before the first rejection."""
        for number in range(most):
            try:
                self.confirm(login, identity, source)
            except LoginThrottledError:
                return number
        return most

    @pytest.mark.parametrize("limit", [1, 2, 7])
    @pytest.mark.parametrize("name", LIMITS)
    def test_exact(self, name, limit):
        """Each limit of a login is one of a confirmation."""
        assert limit == self.confirms(Login(**{name: limit}))

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_without_a_source(self, limit):
        """Without a source the account alone is counted."""
        limits = {"per_account_and_source": 1, "per_source": 1, "per_network": 1}

        assert limit == self.confirms(Login(per_account=limit, **limits), source=None)

    @pytest.mark.parametrize("source", [HERE, None])
    def test_shared_with_logins(self, source):
        """Confirmations and logins to one account are counted together, so neither gives additional guesses."""
        login = Login(per_account_and_source=5, per_account=5)
        login.identities = {"alice": 1}
        for _ in range(2):
            login.fail("alice", source)
            self.confirm(login, 1, source)

        assert login.passes("alice", source)
        self.confirm(login, 1, source)
        assert (0, False) == (self.confirms(login, 1, source), login.passes("alice", source))

    def test_other_account(self):
        """Another account has its own counters."""
        login = Login(per_account=1)
        self.confirm(login, 1)

        assert (0, 1) == (self.confirms(login, 1), self.confirms(login, 2))

    def test_no_identity(self):
        """An account without an identity is counted too."""
        assert 1 == self.confirms(Login(per_account=1), None)

    def test_success(self):
        """A success takes the attempts back and makes the source known, like a login."""
        login = Login(consecutive_failures=2)
        login.identities = {"alice": 1}
        self.confirm(login)
        login.settle(self.confirm(login).succeed(START, START + SESSION))

        assert 10 == self.confirms(login)
        assert 2 == self.confirms(login, source=THERE)


class TestEntries:
    def test_not_in_clear(self):
        """The store contains neither names, identities, addresses nor hashes in clear text."""
        login = Login()
        login.identities = {"alice@example.org": "identity of alice"}
        login.fail("alice@example.org", HERE)
        login.succeed("alice@example.org", "2606:4700::1")
        held = repr(login.held())

        assert [] == [text for text in ("alice", "example", HERE, "2606", "4700", "stored") if text in held]
        assert 0 < len(login.store)

    def test_slots(self):
        """Entries of one account are in one slot of a Redis cluster; those of name, source and network in others."""
        login = Login()
        login.attempt()
        slots = [key[: key.index("}") + 1] for key in login.held()]

        assert (6, 4) == (len(slots), len(set(slots)))

    def test_one_slot_a_read(self):
        """Every read asks for keys of one slot."""
        attempt = LoginThrottle().attempt("alice", HERE, START)
        for flow in (attempt.check(), attempt.reserve(1, "hash")):
            question = next(flow)
            while isinstance(question, GetState):
                assert 1 == len({key[: key.index("}") + 1] for key in question.keys})
                try:
                    question = flow.send([None] * len(question.keys))
                except StopIteration:
                    break

    def test_forgotten(self):
        """A counter expires with its window, so the store is bounded by the attempts of one window."""
        login = Login()
        login.attempt()

        assert ["1"] * 6 == list(login.held(START + WINDOW - 1).values())
        assert [":f:"] == [key[34:37] for key in login.held(START + WINDOW)]
        assert {} == login.held(START + 2 * WEEK)


class TestSources:
    @pytest.mark.parametrize(
        "other", ["2606:4700::2", "2606:4700::ffff:1", "2606:4700:0:0:ffff:ffff:ffff:ffff", "[2606:4700::1]:443"]
    )
    def test_ipv6_same(self, other):
        """An IPv6 address is counted by its /64, the smallest network of a customer."""
        login = Login(per_source=1)
        login.attempt("alice", "2606:4700::1")

        assert not login.passes("bob", other)

    @pytest.mark.parametrize("other", ["2606:4700:0:1::1", "2606:4701::1", "8.8.8.8"])
    def test_ipv6_other(self, other):
        """The next /64 is another source."""
        login = Login(per_source=1)
        login.attempt("alice", "2606:4700::1")

        assert login.passes("bob", other)

    @pytest.mark.parametrize(
        "other", ["8.8.8.8:1", "8.8.8.8:2", " 8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
    )
    def test_ipv4_same(self, other):
        """Every form of an IPv4 address is the same source."""
        login = Login(per_source=1)
        login.attempt("alice", "8.8.8.8")

        assert not login.passes("bob", other)

    @pytest.mark.parametrize(
        "source", ["127.0.0.1", "10.0.0.1:80", "100.64.0.1", "::1", "", "localhost", "unknown", "8.8.8.8, 9.9.9.9"]
    )
    def test_not_counted(self, source, caplog):
        """A source that identifies no client is not counted: only the account is.

        One warning for any number of logins names the missing setting.
        """
        login = Login(per_account_and_source=1, per_source=1, per_network=1, per_account=5)
        with caplog.at_level(logging.WARNING, logger="praetorian"):
            allowed = [login.allowed("alice", source), login.allowed("bob", source)]

        assert ([5, 5], 1) == (allowed, len(caplog.messages))
        assert "ProxyFix" in caplog.text

    @pytest.mark.parametrize("source", [None, "8.8.8.8", "2606:4700::1", "8.8.8.8:80"])
    def test_counted(self, source, caplog):
        """A routable source, or none, causes no warning."""
        with caplog.at_level(logging.WARNING, logger="praetorian"):
            Login().attempt("alice", source)

        assert [] == caplog.messages


class TestBehindAGuard:
    def make(self, store=None, **limits):
        self.hasher = cheapest_hasher(max_concurrent=8, max_waiting=1000)
        self.users = MemoryUsers([MemoryUser(identity=1, username="alice", password=self.hasher.hash(PASSWORD))])
        self.clock = FrozenClock(START)
        return Guard(
            self.users,
            Settings(keys=KeyRing.from_secret(generate_secret())),
            store=store,
            throttle=LoginThrottle(**limits),
            passwords=self.hasher,
            clock=self.clock,
        )

    def outcome(self, guard, username, password="wrong", source=None):
        """Return everything that a client can observe of an attempt."""
        try:
            guard.authenticate(username, password, source=source)
        except (AuthenticationError, LoginThrottledError) as error:
            return type(error), error.code, error.message, str(error), getattr(error, "retry_after", None)

    @pytest.mark.parametrize("source", [None, HERE])
    def test_unknown(self, source):
        """Known and unknown names get the same answers, attempt for attempt, below and over the limit."""
        guard = self.make(per_account=3, per_account_and_source=3)
        known = [self.outcome(guard, "alice", source=source) for _ in range(6)]
        unknown = [self.outcome(guard, "unknown", source=source) for _ in range(6)]

        assert known == unknown
        assert [AuthenticationError] * 3 + [LoginThrottledError] * 3 == [outcome[0] for outcome in known]

    def test_before_the_hash(self):
        """Over the limit no user is looked up and nothing is hashed, not even for the right password."""
        guard = self.make(per_account=2)
        for _ in range(2):
            self.outcome(guard, "alice")
        before = self.hasher.computations, self.users.calls
        outcome = self.outcome(guard, "alice", PASSWORD)

        assert (LoginThrottledError, before) == (outcome[0], (self.hasher.computations, self.users.calls))

    def test_equated_names(self):
        """3,000 guesses under names that the look-up equates compute a hash for at most the limit of one account."""
        guard = self.make()
        lookup = self.users.lookup
        self.users.lookup = lambda name: lookup(name.partition("+")[0])
        before = self.hasher.computations
        outcomes = [self.outcome(guard, f"alice+{number}", source=MANY[number % 89])[0] for number in range(3000)]

        assert (100, 2900) == (outcomes.count(AuthenticationError), outcomes.count(LoginThrottledError))
        assert 100 == self.hasher.computations - before

    def test_next_window(self):
        """In the next window the right password is accepted again."""
        guard = self.make(per_account=2)
        for _ in range(5):
            self.outcome(guard, "alice")
        self.clock.tick(WINDOW)

        assert None is self.outcome(guard, "alice", PASSWORD)

    def test_shared_store(self):
        """Two guards with one store count together; a guard without a store counts alone."""
        store = MemoryStore()
        first, second = self.make(store, per_account=1), self.make(store, per_account=1)
        third = self.make(per_account=1)
        outcomes = [self.outcome(guard, "alice")[0] for guard in (first, second, third)]

        assert [AuthenticationError, LoginThrottledError, AuthenticationError] == outcomes

    @pytest.mark.parametrize("source", [None, HERE])
    def test_threads(self, source):
        """Fifty parallel guesses compute exactly as many hashes as the limit (ASVS 15.4.2)."""
        guard = self.make(per_account=7, per_account_and_source=7)
        before = self.hasher.computations
        barrier = threading.Barrier(50)
        outcomes = []

        def guess():
            barrier.wait()
            outcomes.append(self.outcome(guard, "alice", source=source)[0])

        threads = [threading.Thread(target=guess) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 7 == self.hasher.computations - before
        assert (7, 43) == (outcomes.count(AuthenticationError), outcomes.count(LoginThrottledError))

    def test_threads_of_the_owner(self):
        """Twenty parallel successful logins leave the counters unchanged."""
        store = KeyedStore()
        guard = self.make(store, per_account=40, per_account_and_source=40)
        threads = [
            threading.Thread(target=guard.authenticate, args=("alice", PASSWORD), kwargs={"source": HERE})
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        (key,) = store.held(START)
        assert key.endswith(":k")

    @pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt, SystemExit, asyncio.CancelledError])
    def test_failed_lookups(self, failure):
        """Ten logins whose look-up fails or is interrupted do not lock the owner out."""
        guard = self.make()

        def fail(name):
            raise failure

        lookup, self.users.lookup = self.users.lookup, fail
        for _ in range(10):
            with pytest.raises(ServiceUnavailableError if failure is OSError else failure):
                guard.authenticate("alice", PASSWORD, source=HERE)
        self.users.lookup = lookup

        assert None is self.outcome(guard, "alice", PASSWORD, HERE)

    @pytest.mark.parametrize("failure", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_interrupted_in_the_queue(self, failure):
        """Nor do ten logins that are interrupted while they wait for the hasher."""
        store = MemoryStore()
        guard = self.make(store)
        slot = self.hasher._queue.slot

        def fail(turn):
            raise failure

        self.hasher._queue.slot = fail
        for _ in range(10):
            with pytest.raises(failure):
                guard.authenticate("alice", PASSWORD, source=HERE)
        self.hasher._queue.slot = slot

        assert 0 == len(store)
        assert None is self.outcome(guard, "alice", PASSWORD, HERE)
