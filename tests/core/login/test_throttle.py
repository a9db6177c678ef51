"""LoginThrottle: the limits, and which logins they must not reject."""

from __future__ import annotations

import logging
import threading
import time
import unicodedata

import pytest
from tests.support import PASSWORD

from praetorian_core.errors import AuthenticationError, ConfigurationError, LoginThrottledError
from praetorian_core.guard import Guard
from praetorian_core.login import LoginThrottle
from praetorian_core.questions import CompareAndSetState, GetState, IncrementState
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_core.token import KeyRing, generate_secret

WINDOW = 900
START = 2_000_000 * WINDOW
"""The first second of a window."""

HERE, THERE = "8.8.8.8", "9.9.9.9"


class Login:
    """A throttle with a store, as a login uses it."""

    def __init__(self, store=None, **limits):
        self.throttle = LoginThrottle(**{"window": WINDOW} | limits)
        self.store = MemoryStore() if store is None else store

    def attempt(self, username="alice", source=HERE, now=START):
        """Count an attempt; return its reservation."""
        return self._settle(self.throttle.reserve(username, source, now))

    def succeed(self, username="alice", source=HERE, now=START):
        """Count an attempt and give it back."""
        self._settle(self.attempt(username, source, now).succeed(now))

    def allowed(self, username="alice", source=HERE, now=START, most=200):
        """Return how many attempts pass before the first refusal."""
        for number in range(most):
            try:
                self.attempt(username, source, now)
            except LoginThrottledError:
                return number
        return most

    def passes(self, username="alice", source=HERE, now=START):
        """Return whether an attempt would pass, without counting it."""
        try:
            reservation = self.attempt(username, source, now)
        except LoginThrottledError:
            return False
        for key in reservation.counts:
            self.store.increment(key, -1, expires_at=reservation.expires_at, now=now)
        return True

    def held(self, now):
        """Return what the store holds at an instant."""
        return self.store.get(*(key.decode() for key in self.store._entries), now=now)

    def _settle(self, flow):
        answer = None
        while True:
            try:
                question = flow.send(answer)
            except StopIteration as done:
                return done.value
            match question:
                case GetState(keys, now):
                    answer = self.store.get(*keys, now=now)
                case CompareAndSetState(key, expected, new, expires_at, now):
                    answer = self.store.compare_and_set(key, expected, new, expires_at=expires_at, now=now)
                case IncrementState(key, amount, expires_at, now):
                    answer = self.store.increment(key, amount, expires_at=expires_at, now=now)


class TestLimits:
    def test_defaults(self):
        """Ten per window for one source at one account, a hundred at one account (SP 800-63B-4 §3.2.2)."""
        sources = [f"8.8.{number}.8" for number in range(30)]
        login = Login()

        assert (10, 10) == (login.allowed(source=sources[0]), login.allowed(source=sources[1]))
        assert 80 == sum(login.allowed(source=source) for source in sources[2:])

    def test_default_of_a_source(self):
        """A hundred per window for one source, at all accounts together."""
        login = Login()
        passed = [login.allowed(f"user{number}", most=1) for number in range(120)]

        assert 100 == sum(passed)

    @pytest.mark.parametrize("limit", [1, 2, 7])
    @pytest.mark.parametrize("name", ["per_account_and_source", "per_account", "per_source"])
    def test_exact(self, name, limit):
        """Exactly as many attempts pass as the limit."""
        assert limit == Login(**{name: limit}).allowed()

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_account_alone(self, limit):
        """Without a source the account alone is counted."""
        assert limit == Login(per_account=limit, per_account_and_source=1, per_source=1).allowed(source=None)

    def test_across_sources(self):
        """The account's limit counts all sources that have not logged in to it together."""
        login = Login(per_account=3)
        passed = [login.passes(source=HERE) and login.attempt(source=f"8.8.8.{n}") is not None for n in range(3)]

        assert [True, True, True] == passed
        assert not login.passes(source=THERE)
        assert not login.passes(source=None)

    def test_across_accounts(self):
        """The source's limit counts all accounts together (password spraying)."""
        login = Login(per_source=3)
        for name in ("alice", "bob", "carol"):
            login.attempt(name)

        assert (False, True, True) == (login.passes("dave"), login.passes("dave", THERE), login.passes("dave", None))

    def test_refused_attempts(self):
        """A rejected attempt is not counted: it neither prolongs a lockout nor fills another counter."""
        login = Login(per_account_and_source=2, per_account=3)
        for _ in range(50):
            login.allowed(most=1)

        assert login.passes(source=THERE)

    @pytest.mark.parametrize(("late", "expected"), [(0, 900), (1, 899), (899, 1)])
    def test_retry_after(self, late, expected):
        """A rejection carries the seconds until the window ends (RFC 9110 §10.2.3)."""
        login = Login(per_account=1)
        login.attempt(now=START)
        with pytest.raises(LoginThrottledError) as refusal:
            login.attempt(now=START + late)

        assert expected == refusal.value.retry_after

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

    @pytest.mark.parametrize("name", ["per_account_and_source", "per_account", "per_source"])
    @pytest.mark.parametrize("limit", [0, -1, True, 1.0, "10", None], ids=repr)
    def test_bad_limit(self, name, limit):
        """A limit that is not a positive integer raises with its name."""
        with pytest.raises(ConfigurationError, match=f"{name} must be a positive integer"):
            LoginThrottle(**{name: limit})

    @pytest.mark.parametrize("window", [0, -1, "", "soon", None, True, 1.5], ids=repr)
    def test_bad_window(self, window):
        """A window that is not a lifespan raises."""
        with pytest.raises(ConfigurationError, match="window must be "):
            LoginThrottle(window=window)


class TestSize:
    def test_a_source_over_its_limit(self):
        """It creates no counters for the names that it sends, so it cannot fill the store."""
        login = Login(per_source=3)
        for number in range(3):
            login.attempt(f"user{number}")
        before = len(login.store)
        for number in range(100):
            with pytest.raises(LoginThrottledError):
                login.attempt(f"unknown{number}")

        assert before == len(login.store)


class TestSuccess:
    def test_clears_its_own(self):
        """A success clears the earlier failures of this source at this account."""
        login = Login(per_account_and_source=3)
        login.attempt()
        login.attempt()
        login.succeed()

        assert 3 == login.allowed()

    def test_clears_no_other(self):
        """It clears neither those of another source, nor those at another account, nor the source's total."""
        login = Login(per_account_and_source=2, per_source=4)
        for username, source in [("alice", THERE), ("alice", THERE), ("bob", HERE), ("bob", HERE), ("carol", HERE)]:
            login.attempt(username, source)
        login.succeed("alice", HERE)

        assert (False, False, 1) == (
            login.passes("alice", THERE),
            login.passes("bob", HERE),
            login.allowed("dave", HERE),
        )

    def test_account_total_stays(self):
        """The account's total keeps the failures of other sources: a success elsewhere allows no further guesses."""
        login = Login(per_account=3)
        login.attempt(source=THERE)
        login.attempt(source=THERE)
        login.succeed(source=HERE)

        assert 1 == login.allowed(source="7.7.7.7")

    def test_without_source(self):
        """Without a source a success takes back its own attempt and clears nothing."""
        login = Login(per_account=3)
        login.attempt(source=None)
        login.succeed(source=None)

        assert 2 == login.allowed(source=None)

    def test_costs_nothing(self):
        """Any number of successes fits into a window."""
        login = Login(per_account_and_source=2, per_account=2, per_source=2)
        for _ in range(20):
            login.succeed()

        assert 2 == login.allowed()

    def test_owner(self):
        """An owner whose source is known is never locked out by other sources (ASVS 6.1.1)."""
        login = Login(per_account=5)
        login.succeed(source=HERE)
        for number in range(50):
            login.allowed(source=f"9.9.9.{number}", most=1)

        assert (False, True) == (login.passes(source=THERE), login.passes(source=HERE))

    def test_known_for_a_window(self):
        """A source is known for the length of a window after its last success."""
        login = Login(per_account=1)
        login.succeed(source=HERE, now=START + 800)
        now = START + 800 + WINDOW
        login.attempt(source=THERE, now=now - 1)

        assert (True, False) == (login.passes(source=HERE, now=now - 1), login.passes(source=HERE, now=now))

    def test_known_again(self):
        """Another success prolongs this."""
        login = Login(per_account=1)
        login.succeed(source=HERE, now=START + 100)
        login.succeed(source=HERE, now=START + 800)
        login.attempt(source=THERE, now=START + 1000)

        assert login.passes(source=HERE, now=START + 1001)

    def test_known_is_limited(self):
        """A known source still has its own limit."""
        login = Login(per_account_and_source=3)
        login.succeed()

        assert 3 == login.allowed()

    def test_known_at_one_account(self):
        """A source that is known to one account is not known to another."""
        login = Login(per_account=1)
        login.succeed("alice", HERE)
        login.attempt("bob", THERE)

        assert not login.passes("bob", HERE)

    def test_parallel(self):
        """Parallel successes leave no negative counter, so that source gets no additional attempt."""
        login = Login(per_account_and_source=3, per_account=50)
        reservations = [login.attempt(), login.attempt(), login.attempt()]
        for reservation in reservations:
            login._settle(reservation.succeed(START))

        assert 3 == login.allowed()

    def test_questions(self):
        """A reservation reads the mark of a known source, then increments each counter."""
        flow = LoginThrottle(window=WINDOW).reserve("alice", HERE, START)
        asked = [next(flow), flow.send([None]), flow.send(1), flow.send(1)]

        assert [GetState, IncrementState, IncrementState, IncrementState] == [type(question) for question in asked]
        assert {(1, START + WINDOW, START)} == {
            (question.amount, question.expires_at, question.now) for question in asked[1:]
        }


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "ALICE",
            "Alice",
            " alice",
            "alice \t",
            "\u3000alice",
            "\uff41lice",
            "\u24d0lice",
            "alice\u200b",
            "\u200dalice",
            "al\u00adice",
            "\ufeffalice",
            "álice",
            "a\u0301lice",
            "ALI\u0327CE",
            "alice\u0345",
            "al\u0000ice",
        ],
        ids=ascii,
    )
    def test_same(self, name):
        """Spellings that some database equates share their counters, so none gives additional attempts."""
        login = Login(per_account=1)
        login.attempt("alice", None)

        assert not login.passes(name, None)

    @pytest.mark.parametrize("name", ["alice2", "a lice", "bob", "alice@example.org", "\u0430lice"], ids=ascii)
    def test_other(self, name):
        """Another name has its own counters."""
        login = Login(per_account=1)
        login.attempt("alice", None)

        assert login.passes(name, None)

    def test_sharp_s(self):
        """Letter case is folded, not only lowered."""
        login = Login(per_account=1)
        login.attempt("STRASSE", None)

        assert not login.passes("straße", None)

    @pytest.mark.parametrize("name", [None, 7, b"alice", ["alice"], {"$ne": ""}, "", "  ", "\u200b"], ids=repr)
    def test_no_name(self, name):
        """Everything that is not a name is counted as one account, with the same limits."""
        login = Login(per_account=1)
        login.attempt(None, None)

        assert not login.passes(name, None)

    def test_surrogate(self):
        """A text that UTF-8 cannot encode is counted too."""
        assert 2 == Login(per_account=2).allowed("\ud800", None)

    def test_unknown(self):
        """Known and unknown names have the same limits."""
        assert Login().allowed("alice") == Login().allowed("unknown")

    def test_long(self):
        """A name of a megabyte is counted at once; normalizing all of it would take hours (similar: CVE-2025-27556)."""
        name = "a" + "\u0301" * 500_000 + "\u0316" * 500_000
        before = time.process_time()
        Login().attempt(name, None)

        assert time.process_time() - before < 1
        assert not unicodedata.is_normalized("NFKC", name[:1000] + name[-1000:])

    def test_cut(self):
        """Names with the same first 256 characters share their counters, which only makes the limit stricter."""
        login = Login(per_account=1)
        login.attempt("x" * 256 + "a", None)

        assert (False, True) == (login.passes("x" * 256 + "b", None), login.passes("x" * 255 + "b", None))

    def test_not_in_clear(self):
        """The store contains neither names nor addresses in clear text."""
        login = Login()
        login.attempt("alice@example.org", HERE)
        login.succeed("alice@example.org", "2606:4700::1")
        held = repr(login.store._entries)

        assert [] == [text for text in ("alice", "example", HERE, "2606", "4700") if text in held]
        assert 0 < len(login.store)

    def test_one_slot(self):
        """Counters and mark of one account are in one slot of a Redis cluster; those of the source in another."""
        login = Login()
        login.attempt()
        slots = [key[: key.index(b"}") + 1] for key in login.store._entries]

        assert (3, 2) == (len(slots), len(set(slots)))

    def test_forgotten(self):
        """A counter expires with its window, so the store is bounded by the attempts of one window."""
        login = Login()
        login.attempt()

        assert ["1"] * 3 == login.held(START + WINDOW - 1)
        assert [None] * 3 == login.held(START + WINDOW)


class TestSources:
    @pytest.mark.parametrize(
        "other", ["2606:4700::2", "2606:4700::ffff:1", "2606:4700:0:0:ffff:ffff:ffff:ffff", "2606:4700::1%eth0"]
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

    def test_ipv4_mapped(self):
        """An IPv4-mapped IPv6 address is the same source (RFC 4291 §2.5.5.2)."""
        login = Login(per_source=1)
        login.attempt("alice", "8.8.8.8")

        assert (False, True) == (login.passes("bob", "::ffff:8.8.8.8"), login.passes("bob", "::ffff:8.8.8.9"))

    def test_ipv4_next(self):
        """The next IPv4 address is another source."""
        login = Login(per_source=1)
        login.attempt("alice", "8.8.8.8")

        assert login.passes("bob", "8.8.8.9")

    @pytest.mark.parametrize(
        "source",
        [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "192.168.1.1",
            "172.16.0.1",
            "fd00::1",
            "fe80::1%eth0",
            "::ffff:10.0.0.1",
            "0.0.0.0",
            "::",
            "",
            "localhost",
        ],
        ids=repr,
    )
    def test_private(self, source, caplog):
        """A loopback or private source, or that of a Unix socket, is not counted: only the account is.

        One warning for any number of logins names the missing setting.
        """
        login = Login(per_account_and_source=1, per_source=1, per_account=5)
        with caplog.at_level(logging.WARNING, logger="praetorian"):
            allowed = [login.allowed("alice", source), login.allowed("bob", source)]

        assert ([5, 5], 1) == (allowed, len(caplog.messages))
        assert "ProxyFix" in caplog.text

    @pytest.mark.parametrize("source", [None, "8.8.8.8", "2606:4700::1", "a-name"])
    def test_public(self, source, caplog):
        """Any other source, or none, causes no warning."""
        with caplog.at_level(logging.WARNING, logger="praetorian"):
            Login().attempt("alice", source)

        assert [] == caplog.messages

    def test_name(self):
        """A source that is not an address is counted by its name."""
        login = Login(per_source=1)
        login.attempt("alice", "client-a")

        assert (False, True) == (login.passes("bob", "client-a"), login.passes("bob", "client-b"))


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
        store = MemoryStore()
        guard = self.make(store, per_account=40, per_account_and_source=40)
        threads = [
            threading.Thread(target=guard.authenticate, args=("alice", PASSWORD), kwargs={"source": HERE})
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        (key,) = store._entries
        assert ["known"] == store.get(key.decode(), now=START)
