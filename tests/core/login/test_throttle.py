"""How many login attempts there may be, and whom that must not hurt."""

from __future__ import annotations

import logging
import threading
import time
import unicodedata

import pytest

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
PASSWORD = "correct horse battery staple"


class Door:
    """A throttle with a store: what a login sees of it."""

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

    def is_open(self, username="alice", source=HERE, now=START):
        """Tell whether an attempt would pass, without counting it."""
        try:
            reservation = self.attempt(username, source, now)
        except LoginThrottledError:
            return False
        for key in reservation.owed:
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
        """Ten a window for one source at one account, a hundred at one account (SP 800-63B-4 §3.2.2)."""
        sources = [f"8.8.{number}.8" for number in range(30)]
        door = Door()

        assert (10, 10) == (door.allowed(source=sources[0]), door.allowed(source=sources[1]))
        assert 80 == sum(door.allowed(source=source) for source in sources[2:])

    def test_default_of_a_source(self):
        """A hundred a window for one source, at all accounts together."""
        door = Door()
        passed = [door.allowed(f"user{number}", most=1) for number in range(120)]

        assert 100 == sum(passed)

    @pytest.mark.parametrize("limit", [1, 2, 7])
    @pytest.mark.parametrize("name", ["per_account_and_source", "per_account", "per_source"])
    def test_exact(self, name, limit):
        """Exactly as many attempts pass as a limit says."""
        assert limit == Door(**{name: limit}).allowed()

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_account_alone(self, limit):
        """Without a source the account alone is counted."""
        assert limit == Door(per_account=limit, per_account_and_source=1, per_source=1).allowed(source=None)

    def test_across_sources(self):
        """The account's limit counts all sources that have not logged in to it together."""
        door = Door(per_account=3)
        passed = [door.is_open(source=HERE) and door.attempt(source=f"8.8.8.{n}") is not None for n in range(3)]

        assert [True, True, True] == passed
        assert not door.is_open(source=THERE)
        assert not door.is_open(source=None)

    def test_across_accounts(self):
        """The source's limit counts all accounts together (password spraying)."""
        door = Door(per_source=3)
        for name in ("alice", "bob", "carol"):
            door.attempt(name)

        assert (False, True, True) == (door.is_open("dave"), door.is_open("dave", THERE), door.is_open("dave", None))

    def test_refused_attempts(self):
        """A refused attempt is not counted: knocking on a closed door keeps it closed no longer, and hurts no other."""
        door = Door(per_account_and_source=2, per_account=3)
        for _ in range(50):
            door.allowed(most=1)

        assert door.is_open(source=THERE)

    @pytest.mark.parametrize(("late", "expected"), [(0, 900), (1, 899), (899, 1)])
    def test_retry_after(self, late, expected):
        """A refusal says how many seconds are left of the window (RFC 9110 §10.2.3)."""
        door = Door(per_account=1)
        door.attempt(now=START)
        with pytest.raises(LoginThrottledError) as refusal:
            door.attempt(now=START + late)

        assert expected == refusal.value.retry_after

    @pytest.mark.parametrize(("now", "expected"), [(START + 899, False), (START + 900, True), (START + 901, True)])
    def test_window(self, now, expected):
        """A window ends at its last second, and the next one counts anew."""
        door = Door(per_account=1)
        door.attempt(now=START)

        assert expected is door.is_open(now=now)

    def test_aligned(self):
        """Windows are aligned to the clock, so at the edge of two of them twice as many attempts follow each other."""
        door = Door(per_account_and_source=5)

        assert (5, 5) == (door.allowed(now=START - 1), door.allowed(now=START))

    def test_any_lifespan(self):
        """A window is given as any lifespan."""
        door = Door(window="1 minute", per_account=1)
        door.attempt(now=START)

        assert (False, True) == (door.is_open(now=START + 59), door.is_open(now=START + 60))

    @pytest.mark.parametrize("name", ["per_account_and_source", "per_account", "per_source"])
    @pytest.mark.parametrize("limit", [0, -1, True, 1.0, "10", None], ids=repr)
    def test_bad_limit(self, name, limit):
        """A limit that is no positive integer is refused by its name."""
        with pytest.raises(ConfigurationError, match=f"{name} is "):
            LoginThrottle(**{name: limit})

    @pytest.mark.parametrize("window", [0, -1, "", "soon", None, True, 1.5], ids=repr)
    def test_bad_window(self, window):
        """So is a window that is no lifespan."""
        with pytest.raises(ConfigurationError, match="window is "):
            LoginThrottle(window=window)


class TestRoom:
    def test_a_source_over_its_limit(self):
        """It leaves nothing behind at the names that it makes up, so it cannot fill the memory (facts 105)."""
        door = Door(per_source=3)
        for number in range(3):
            door.attempt(f"user{number}")
        before = len(door.store)
        for number in range(100):
            with pytest.raises(LoginThrottledError):
                door.attempt(f"nobody{number}")

        assert before == len(door.store)


class TestSuccess:
    def test_clears_its_own(self):
        """A success forgets the earlier failures of this source at this account."""
        door = Door(per_account_and_source=3)
        door.attempt()
        door.attempt()
        door.succeed()

        assert 3 == door.allowed()

    def test_clears_no_other(self):
        """It forgets neither those of another source, nor those at another account, nor the source's own total."""
        door = Door(per_account_and_source=2, per_source=4)
        for username, source in [("alice", THERE), ("alice", THERE), ("bob", HERE), ("bob", HERE), ("carol", HERE)]:
            door.attempt(username, source)
        door.succeed("alice", HERE)

        assert (False, False, 1) == (
            door.is_open("alice", THERE),
            door.is_open("bob", HERE),
            door.allowed("dave", HERE),
        )

    def test_account_total_stays(self):
        """The account's total keeps the failures of strangers: a success elsewhere opens no door for a guesser."""
        door = Door(per_account=3)
        door.attempt(source=THERE)
        door.attempt(source=THERE)
        door.succeed(source=HERE)

        assert 1 == door.allowed(source="7.7.7.7")

    def test_without_source(self):
        """Without a source a success takes back its own attempt and forgets nothing."""
        door = Door(per_account=3)
        door.attempt(source=None)
        door.succeed(source=None)

        assert 2 == door.allowed(source=None)

    def test_costs_nothing(self):
        """Any number of successes fits into a window."""
        door = Door(per_account_and_source=2, per_account=2, per_source=2)
        for _ in range(20):
            door.succeed()

        assert 2 == door.allowed()

    def test_owner(self):
        """An owner whose source is known is never locked out of an account by strangers (ASVS 6.1.1)."""
        door = Door(per_account=5)
        door.succeed(source=HERE)
        for number in range(50):
            door.allowed(source=f"9.9.9.{number}", most=1)

        assert (False, True) == (door.is_open(source=THERE), door.is_open(source=HERE))

    def test_known_for_a_window(self):
        """A source is known for one window from its last success on, whatever window that was in."""
        door = Door(per_account=1)
        door.succeed(source=HERE, now=START + 800)
        now = START + 800 + WINDOW
        door.attempt(source=THERE, now=now - 1)

        assert (True, False) == (door.is_open(source=HERE, now=now - 1), door.is_open(source=HERE, now=now))

    def test_known_again(self):
        """Another success prolongs that."""
        door = Door(per_account=1)
        door.succeed(source=HERE, now=START + 100)
        door.succeed(source=HERE, now=START + 800)
        door.attempt(source=THERE, now=START + 1000)

        assert door.is_open(source=HERE, now=START + 1001)

    def test_known_is_not_trusted(self):
        """A known source has its own limit all the same."""
        door = Door(per_account_and_source=3)
        door.succeed()

        assert 3 == door.allowed()

    def test_known_at_one_account(self):
        """Who is known at one account is a stranger at another."""
        door = Door(per_account=1)
        door.succeed("alice", HERE)
        door.attempt("bob", THERE)

        assert not door.is_open("bob", HERE)

    def test_parallel(self):
        """Successes side by side leave no debt: a guesser at that source gets no attempt more."""
        door = Door(per_account_and_source=3, per_account=50)
        reservations = [door.attempt(), door.attempt(), door.attempt()]
        for reservation in reservations:
            door._settle(reservation.succeed(START))

        assert 3 == door.allowed()

    def test_questions(self):
        """A reservation asks for the mark of a known source, then counts; the account's counter is between the others."""
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
        """Spellings that some database takes for one name share its counters, so none gets a guesser further."""
        door = Door(per_account=1)
        door.attempt("alice", None)

        assert not door.is_open(name, None)

    @pytest.mark.parametrize("name", ["alice2", "a lice", "bob", "alice@example.org", "\u0430lice"], ids=ascii)
    def test_other(self, name):
        """Another name has counters of its own."""
        door = Door(per_account=1)
        door.attempt("alice", None)

        assert door.is_open(name, None)

    def test_sharp_s(self):
        """Letter case is folded, not merely lowered."""
        door = Door(per_account=1)
        door.attempt("STRASSE", None)

        assert not door.is_open("straße", None)

    @pytest.mark.parametrize("name", [None, 7, b"alice", ["alice"], {"$ne": ""}, "", "  ", "\u200b"], ids=repr)
    def test_no_name(self, name):
        """What is no name is counted as one account: it can be hammered no more than any other."""
        door = Door(per_account=1)
        door.attempt(None, None)

        assert not door.is_open(name, None)

    def test_surrogate(self):
        """A text that UTF-8 cannot carry is counted too."""
        assert 2 == Door(per_account=2).allowed("\ud800", None)

    def test_unknown(self):
        """Known or not, every name has the same questions and the same limits: the throttle never asks who exists."""
        assert Door().allowed("alice") == Door().allowed("nobody-of-this-name")

    def test_long(self):
        """A name of a megabyte is counted at once: normalizing it whole would take hours (CVE-2025-27556 is alike)."""
        name = "a" + "\u0301" * 500_000 + "\u0316" * 500_000
        before = time.process_time()
        Door().attempt(name, None)

        assert time.process_time() - before < 1
        assert not unicodedata.is_normalized("NFKC", name[:1000] + name[-1000:])

    def test_cut(self):
        """Names that begin alike for 256 characters share their counters, which only makes them stricter."""
        door = Door(per_account=1)
        door.attempt("x" * 256 + "a", None)

        assert (False, True) == (door.is_open("x" * 256 + "b", None), door.is_open("x" * 255 + "b", None))

    def test_not_in_clear(self):
        """Neither names nor addresses lie in the store in clear."""
        door = Door()
        door.attempt("alice@example.org", HERE)
        door.succeed("alice@example.org", "2606:4700::1")
        held = repr(door.store._entries)

        assert [] == [text for text in ("alice", "example", HERE, "2606", "4700") if text in held]
        assert 0 < len(door.store)

    def test_one_slot(self):
        """Counters and mark of one account lie in one slot of a Redis cluster; the source's own in its own."""
        door = Door()
        door.attempt()
        slots = [key[: key.index(b"}") + 1] for key in door.store._entries]

        assert (3, 2) == (len(slots), len(set(slots)))

    def test_forgotten(self):
        """A counter may go with its window, so the table is bounded by what one window can bring."""
        door = Door()
        door.attempt()

        assert ["1"] * 3 == door.held(START + WINDOW - 1)
        assert [None] * 3 == door.held(START + WINDOW)


class TestSources:
    @pytest.mark.parametrize(
        "other", ["2606:4700::2", "2606:4700::ffff:1", "2606:4700:0:0:ffff:ffff:ffff:ffff", "2606:4700::1%eth0"]
    )
    def test_ipv6_same(self, other):
        """An IPv6 address is counted by its /64, the smallest network that a customer gets."""
        door = Door(per_source=1)
        door.attempt("alice", "2606:4700::1")

        assert not door.is_open("bob", other)

    @pytest.mark.parametrize("other", ["2606:4700:0:1::1", "2606:4701::1", "8.8.8.8"])
    def test_ipv6_other(self, other):
        """The next /64 is another source."""
        door = Door(per_source=1)
        door.attempt("alice", "2606:4700::1")

        assert door.is_open("bob", other)

    def test_ipv4_mapped(self):
        """An IPv4 address is the same source in IPv6 clothes (RFC 4291 §2.5.5.2)."""
        door = Door(per_source=1)
        door.attempt("alice", "8.8.8.8")

        assert (False, True) == (door.is_open("bob", "::ffff:8.8.8.8"), door.is_open("bob", "::ffff:8.8.8.9"))

    def test_ipv4_next(self):
        """The next IPv4 address is another source."""
        door = Door(per_source=1)
        door.attempt("alice", "8.8.8.8")

        assert door.is_open("bob", "8.8.8.9")

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
        """A loopback or private source, or a Unix socket's, is everybody's: only the account is counted.

        One warning, however many logins, says which setting is missing.
        """
        door = Door(per_account_and_source=1, per_source=1, per_account=5)
        with caplog.at_level(logging.WARNING, logger="praetorian"):
            allowed = [door.allowed("alice", source), door.allowed("bob", source)]

        assert ([5, 5], 1) == (allowed, len(caplog.messages))
        assert "ProxyFix" in caplog.text

    @pytest.mark.parametrize("source", [None, "8.8.8.8", "2606:4700::1", "a-name"])
    def test_public(self, source, caplog):
        """Any other source, and none at all, is nothing to warn of."""
        with caplog.at_level(logging.WARNING, logger="praetorian"):
            Door().attempt("alice", source)

        assert [] == caplog.messages

    def test_name(self):
        """A source that is no address but is trusted by the framework is counted by its name."""
        door = Door(per_source=1)
        door.attempt("alice", "client-a")

        assert (False, True) == (door.is_open("bob", "client-a"), door.is_open("bob", "client-b"))


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
        """Return all that a client could see of an attempt."""
        try:
            guard.authenticate(username, password, source=source)
        except (AuthenticationError, LoginThrottledError) as error:
            return type(error), error.code, error.message, str(error), getattr(error, "retry_after", None)

    @pytest.mark.parametrize("source", [None, HERE])
    def test_unknown(self, source):
        """Known and unknown names are answered alike, attempt for attempt, before and over the limit."""
        guard = self.make(per_account=3, per_account_and_source=3)
        known = [self.outcome(guard, "alice", source=source) for _ in range(6)]
        unknown = [self.outcome(guard, "nobody", source=source) for _ in range(6)]

        assert known == unknown
        assert [AuthenticationError] * 3 + [LoginThrottledError] * 3 == [outcome[0] for outcome in known]

    def test_before_the_hash(self):
        """Over the limit nobody is looked up and nothing is hashed, not even for the right password."""
        guard = self.make(per_account=2)
        for _ in range(2):
            self.outcome(guard, "alice")
        before = self.hasher.computations, self.users.calls
        outcome = self.outcome(guard, "alice", PASSWORD)

        assert (LoginThrottledError, before) == (outcome[0], (self.hasher.computations, self.users.calls))

    def test_next_window(self):
        """In the next window the right password is good again."""
        guard = self.make(per_account=2)
        for _ in range(5):
            self.outcome(guard, "alice")
        self.clock.tick(WINDOW)

        assert None is self.outcome(guard, "alice", PASSWORD)

    def test_shared_store(self):
        """Two guards on one store count together; two without one count each for itself."""
        store = MemoryStore()
        first, second = self.make(store, per_account=1), self.make(store, per_account=1)
        third = self.make(per_account=1)
        outcomes = [self.outcome(guard, "alice")[0] for guard in (first, second, third)]

        assert [AuthenticationError, LoginThrottledError, AuthenticationError] == outcomes

    @pytest.mark.parametrize("source", [None, HERE])
    def test_threads(self, source):
        """Fifty guesses side by side compute no more hashes than the limit, and exactly so many (ASVS 15.4.2)."""
        guard = self.make(per_account=7, per_account_and_source=7)
        before = self.hasher.computations
        gate = threading.Barrier(50)
        outcomes = []

        def guess():
            gate.wait()
            outcomes.append(self.outcome(guard, "alice", source=source)[0])

        threads = [threading.Thread(target=guess) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 7 == self.hasher.computations - before
        assert (7, 43) == (outcomes.count(AuthenticationError), outcomes.count(LoginThrottledError))

    def test_threads_of_the_owner(self):
        """Twenty good logins side by side leave the counters as they were."""
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
