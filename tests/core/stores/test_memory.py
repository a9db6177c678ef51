"""``MemoryStore``: its bounds, what it removes and when, and its threads. The conformance suite covers the rest."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core import Guard, KeyRing, Settings, generate_secret
from praetorian_core.errors import AuthenticationError, ConfigurationError, RevokedTokenError, ServiceUnavailableError
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.purging import CONFIRMED_AFTER, TOLERANCE
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

EXPIRES_AT = 1_000
PURGED = 1_020
"""The first full minute after ``EXPIRES_AT``."""
YEARS = 10 * 365 * 86_400


class Machine:
    """Time as a machine sees it: a monotonic clock, and a clock that can be wrong."""

    def __init__(self):
        self.elapsed = 0.0
        self.now = 0

    def __call__(self):
        """Return the monotonic time."""
        return self.elapsed

    def pass_time(self, seconds):
        """Let both clocks go on."""
        self.elapsed += seconds
        self.now += seconds


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def store(machine):
    """Return an empty store that measures time with the machine's monotonic clock."""
    return MemoryStore(elapsed=machine)


def put(store, key, *, expires_at=EXPIRES_AT, now=0, value="ended"):
    """Write an entry, whatever its current value is."""
    return store.compare_and_set(key, *store.get(key, now=now), value, expires_at=expires_at, now=now)


def count(store, key, amount=1, *, expires_at=EXPIRES_AT, now=0):
    """Add to a counter."""
    return store.increment(key, amount, expires_at=expires_at, now=now)


class TestGet:
    def test_changes_nothing(self, store):
        """Reading removes nothing: another caller's ``now`` may be earlier."""
        put(store, "k")
        store.get("k", now=EXPIRES_AT)

        assert ["ended"] == store.get("k", now=EXPIRES_AT - 1)


class TestIncrement:
    def test_large_sums(self, store):
        """A counter does not overflow."""
        count(store, "k", 2**63)

        assert 2**64 == count(store, "k", 2**63)

    def test_not_a_number(self, store):
        """A value that is not a number raises, and the store stays usable."""
        put(store, "k", value="text")
        with pytest.raises(ValueError, match="text"):
            count(store, "k")

        assert ["text"] == store.get("k", now=0)

    def test_expired_and_counted(self, store, machine):
        """An expired entry that is counted on moves to the counters; its minute is purged when it comes."""
        put(store, "k", value="1")
        count(store, "k", now=EXPIRES_AT, expires_at=9 * EXPIRES_AT)
        machine.pass_time(PURGED)
        put(store, "other", now=machine.now, expires_at=9 * EXPIRES_AT)

        assert ["1"] == store.get("k", now=machine.now)
        assert [[b"other"]] == list(store._sessions._minutes.values())

    def test_of_an_entry(self, store):
        """A number written by ``compare_and_set`` can be counted on, and is gone at zero."""
        for key in ("a", "k", "b"):
            put(store, key, value="1")
        put(store, "k", value="1", expires_at=2 * EXPIRES_AT)

        assert [2, 0] == [count(store, "k", amount) for amount in (1, -2)]
        assert 2 == len(store)
        assert (["1"], 2) == (store.get("a", now=0), len(store))


class TestMaxEntries:
    @pytest.mark.parametrize("name", ["max_entries", "max_counters"])
    @pytest.mark.parametrize("most", [0, -1, True, 1.0, "9", None], ids=repr)
    def test_invalid(self, name, most):
        """The bounds are positive integers; there is no unbounded store."""
        with pytest.raises(ConfigurationError, match=f"{name} must be a positive integer; got {most!r}"):
            MemoryStore(**{name: most})

    def test_full(self):
        """A write that does not fit is rejected: evicting a revocation would make the session valid again."""
        store = MemoryStore(max_entries=2)
        put(store, "a")
        put(store, "b")
        with pytest.raises(ServiceUnavailableError, match="the memory store is full: it holds 2 entries"):
            put(store, "c")

        assert ["ended", "ended", None] == store.get("a", "b", "c", now=0)

    def test_full_and_replaced(self):
        """A full store still replaces the values that it holds."""
        store = MemoryStore(max_entries=2)
        put(store, "a", value="1 0")
        put(store, "b")

        assert put(store, "a")
        assert ["ended"] == store.get("a", now=0)

    def test_full_and_counted(self):
        """A full store still counts, and rejects no login because of it."""
        store = MemoryStore(max_entries=1)
        put(store, "a")

        assert [1, 2] == [count(store, "n"), count(store, "n")]

    def test_full_of_expired_entries(self, machine):
        """If entries have expired by the ``now`` of a write, it takes the place of one, however far ``now`` has jumped."""
        store = MemoryStore(max_entries=2, elapsed=machine)
        put(store, "a")
        put(store, "b")

        assert put(store, "c", expires_at=2 * YEARS, now=YEARS)
        assert 2 == len(store)

    def test_full_of_a_prolonged_entry(self):
        """An entry that has been prolonged does not make room at its former expiry."""
        store = MemoryStore(max_entries=1)
        put(store, "a")
        put(store, "a", expires_at=2 * EXPIRES_AT)
        with pytest.raises(ServiceUnavailableError, match="full"):
            put(store, "c", now=PURGED)

        assert ["ended"] == store.get("a", now=PURGED)


def key_of(account, number=0):
    """Return a key as a guard makes them, with a digest of the account in front."""
    return f"{{{account:032x}}}:s:{number}"


class TestAccountShare:
    @pytest.mark.parametrize(("max_entries", "share"), [(1, 1), (2, 1), (10, 5), (100, 16), (1_000, 62)], ids=str)
    def test_one_account(self, max_entries, share):
        """One account that logs in and out fills its share of the store, and the room of other accounts stays."""
        store = MemoryStore(max_entries=max_entries)
        for number in range(share):
            assert put(store, key_of(1, number))
        if share < max_entries:
            with pytest.raises(
                ServiceUnavailableError, match=f"one account fills its share .* {share} of {max_entries}"
            ):
                put(store, key_of(1, share))
            assert put(store, key_of(2))
        assert put(store, key_of(1, 0))

    def test_share_is_freed(self, store, machine):
        """Removed entries no longer count."""
        store = MemoryStore(max_entries=100, elapsed=machine)
        for number in range(16):
            put(store, key_of(1, number))
        machine.pass_time(PURGED)
        for _ in range(2):
            put(store, key_of(2), expires_at=9 * EXPIRES_AT, now=machine.now)

        assert put(store, key_of(1, 99), expires_at=9 * EXPIRES_AT, now=machine.now)

    def test_revoke_user(self):
        """An account that has filled its share can still be revoked, so a stolen account cannot prevent it."""
        alice = MemoryUser(identity=1, username="alice")
        settings = Settings(keys=KeyRing.from_secret(generate_secret()))
        guard = Guard(MemoryUsers([alice]), settings, store=MemoryStore(max_entries=100), clock=FrozenClock())
        kept = guard.issue(alice)
        # One of the 16 entries lists the sessions.
        for _ in range(15):
            guard.revoke(guard.issue(alice))
        with pytest.raises(ServiceUnavailableError, match="one account fills its share"):
            guard.revoke(guard.issue(alice))
        for _ in range(2):
            guard.revoke_user(1)
        with pytest.raises(RevokedTokenError):
            guard.verify(kept)

        assert 1 == guard.verify(guard.issue(alice)).identity

    def test_guard(self):
        """A user who logs in and out without end keeps no other user from logging out."""
        alice, bob = MemoryUser(identity=1, username="alice"), MemoryUser(identity=2, username="bob")
        settings = Settings(keys=KeyRing.from_secret(generate_secret()))
        guard = Guard(MemoryUsers([alice, bob]), settings, store=MemoryStore(max_entries=50), clock=FrozenClock())
        refused = 0
        for _ in range(100):
            try:
                guard.revoke(guard.issue(alice))
            except ServiceUnavailableError:
                refused += 1
        token = guard.issue(bob)
        guard.revoke(token)

        # One of the 16 entries lists the sessions.
        assert 100 - 15 == refused
        with pytest.raises(RevokedTokenError):
            guard.verify(token)


class TestMaxCounters:
    def test_full(self):
        """One counter more evicts one, so that made-up names can refuse no login; revocations are never evicted."""
        store = MemoryStore(max_entries=1, max_counters=3)
        put(store, "session")
        for name in "abcde":
            assert 1 == count(store, name)

        assert ["ended"] == store.get("session", now=0)
        assert 4 == len(store)

    def test_next_to_expire(self):
        """The evicted counter is one of the first minute in which counters expire."""
        store = MemoryStore(max_counters=2)
        count(store, "later", expires_at=2 * EXPIRES_AT)
        count(store, "sooner")
        count(store, "new", expires_at=3 * EXPIRES_AT)

        assert ["1", None, "1"] == store.get("later", "sooner", "new", now=0)

    def test_smallest(self):
        """Of the first eight it is the one with the smallest count: a counter that matters has a larger one."""
        store = MemoryStore(max_counters=8)
        count(store, "attacked", 9)
        for number in range(1_000):
            count(store, f"made up {number}")

        assert ["9"] == store.get("attacked", now=0)
        assert 8 == len(store)

    def test_guard(self):
        """Failed logins under made-up names leave room for a logout and for other logins."""
        hasher = cheapest_hasher()
        alice = MemoryUser(identity=1, username="alice", password=hasher.hash("correct horse"))
        settings = Settings(keys=KeyRing.from_secret(generate_secret()))
        store = MemoryStore(max_entries=4, max_counters=10)
        guard = Guard(MemoryUsers([alice]), settings, store=store, passwords=hasher, clock=FrozenClock())
        for number in range(50):
            with pytest.raises(AuthenticationError):
                guard.authenticate(f"made up {number}", "wrong", source=f"9.9.9.{number}")
        token = guard.issue(guard.authenticate("alice", "correct horse", source="8.8.8.8"))
        guard.revoke(token)

        with pytest.raises(RevokedTokenError):
            guard.verify(token)


class TestForgetting:
    def test_zero(self, store):
        """A counter that is back at zero takes no room at once, however many were counted after it."""
        for number in range(1_000):
            count(store, f"n{number}", expires_at=EXPIRES_AT + number)
        for number in range(1_000):
            count(store, f"n{number}", -1, expires_at=EXPIRES_AT + number)

        assert 0 == len(store)
        assert ({}, []) == (store._counters._minutes, store._counters._order)

    def test_again_and_again(self, store):
        """The list of a minute does not grow when one counter comes and goes."""
        count(store, "other", expires_at=EXPIRES_AT // 2)
        for _ in range(100):
            count(store, "n")
            count(store, "n", -1)

        assert 2 == len(store._counters._order)
        assert 1 == len(store)

    def test_zero_at_the_bound(self):
        """The room can be taken by the next counter, and nothing is evicted."""
        store = MemoryStore(max_counters=2)
        count(store, "a")
        count(store, "b")
        count(store, "b", -1)
        count(store, "c")

        assert ["1", None, "1"] == store.get("a", "b", "c", now=0)

    def test_prolonged_again_and_again(self, store):
        """However often an entry is written, it is listed once."""
        for turn in range(100):
            put(store, "k", expires_at=EXPIRES_AT + 600 * turn)
            count(store, "n")

        assert [[b"k"]] == list(store._sessions._minutes.values())
        assert [[b"n"]] == [list(names) for names in store._counters._minutes.values()]

    def test_replaced_counter(self, store, machine):
        """An expired counter that starts again is listed once, in its new minute."""
        count(store, "n")
        machine.pass_time(EXPIRES_AT)
        count(store, "n", expires_at=9 * EXPIRES_AT, now=machine.now)

        assert [[b"n"]] == [list(names) for names in store._counters._minutes.values() if names]


class TestPurge:
    def test_eight_per_write(self, store, machine):
        """A write removes eight expired entries at most, and eight expired counters."""
        for number in range(100):
            put(store, f"old{number}")
            count(store, f"old counter{number}")
        machine.pass_time(PURGED)
        put(store, "new", expires_at=2 * EXPIRES_AT, now=machine.now)

        assert 200 + 1 - 16 == len(store)

    @pytest.mark.parametrize("spread", [1, 7, 100], ids=["one-second", "seven-seconds", "a-second-each"])
    def test_all_of_it(self, store, machine, spread):
        """All expired entries are gone after an eighth as many writes, whenever they expired."""
        for number in range(100):
            put(store, f"old{number}", expires_at=EXPIRES_AT + number % spread)
        machine.pass_time(PURGED + 120)
        for _ in range(14):
            put(store, "new", expires_at=2 * EXPIRES_AT, now=machine.now)

        assert 1 == len(store)

    def test_counters_purge(self, store, machine):
        """An application that only counts does not grow either."""
        for number in range(100):
            count(store, f"old{number}")
        machine.pass_time(PURGED)
        for number in range(15):
            count(store, f"new{number}", expires_at=2 * EXPIRES_AT, now=machine.now)

        assert 15 == len(store)

    @pytest.mark.parametrize(
        ("expires_at", "now", "held"),
        [
            pytest.param(960, 959, 2, id="full-minute-1"),
            pytest.param(960, 960, 1, id="full-minute"),
            pytest.param(961, 1019, 2, id="next-minute-1"),
            pytest.param(961, 1020, 1, id="next-minute"),
        ],
    )
    def test_not_early(self, store, machine, expires_at, now, held):
        """An entry is removed from the first full minute after its expiry on, not a second before."""
        put(store, "k", expires_at=expires_at)
        machine.pass_time(now)
        put(store, "new", expires_at=2 * EXPIRES_AT, now=machine.now)

        assert held == len(store)

    def test_steady_flow(self, store):
        """Entries that live ten seconds never are more than those of ten seconds and a minute."""
        for now in range(5_000):
            put(store, f"k{now}", expires_at=now + 10, now=now)
            assert len(store) <= 10 + 60

    def test_prolonged(self, store, machine):
        """An entry that has been prolonged is removed after its last expiry, not after its first."""
        put(store, "k")
        put(store, "k", expires_at=3 * EXPIRES_AT)
        machine.pass_time(2 * EXPIRES_AT)
        put(store, "other", expires_at=9 * EXPIRES_AT, now=machine.now)
        assert ["ended"] == store.get("k", now=machine.now)

        machine.pass_time(2 * EXPIRES_AT)
        put(store, "other", expires_at=9 * EXPIRES_AT, now=machine.now)
        assert 1 == len(store)

    def test_shortened(self, store, machine):
        """An entry that has been shortened is absent at once, and removed after its first expiry at the latest."""
        put(store, "k", expires_at=3 * EXPIRES_AT)
        put(store, "k", expires_at=EXPIRES_AT)
        assert [None] == store.get("k", now=EXPIRES_AT)

        machine.pass_time(4 * EXPIRES_AT)
        put(store, "other", expires_at=9 * EXPIRES_AT, now=machine.now)
        assert 1 == len(store)

    def test_nothing_is_left(self, store, machine):
        """When the last entry is removed, no list of it remains."""
        put(store, "k")
        count(store, "n")
        machine.pass_time(PURGED)
        count(store, "m", 0, now=machine.now)

        tables = (store._sessions, store._counters)
        assert [({}, {}, [])] * 2 == [(table.entries, table._minutes, table._order) for table in tables]


class TestWrongClock:
    def fill(self, store):
        for number in range(100):
            put(store, f"k{number}")

    def held(self, store):
        """Return how many of the entries are live at their last second."""
        return sum(value is not None for value in store.get(*(f"k{n}" for n in range(100)), now=EXPIRES_AT - 1))

    def use(self, store, now):
        """Write a hundred times."""
        for number in range(100):
            count(store, f"n{number}", now=now, expires_at=now + 900)

    def test_ahead(self, store, machine):
        """A clock that is years ahead for a moment removes nothing."""
        self.fill(store)
        self.use(store, YEARS)

        assert 100 == self.held(store)
        machine.pass_time(EXPIRES_AT - 1)
        self.use(store, machine.now)
        assert 100 == self.held(store)

    def test_ahead_for_hours(self, store, machine):
        """Nor does one that is wrong for half a day, as long as the entries' time has not really passed."""
        for number in range(100):
            put(store, f"k{number}", expires_at=2 * CONFIRMED_AFTER)
        for _ in range(12):
            machine.pass_time(3_600)
            self.use(store, machine.now + YEARS)

        assert 100 == sum(value is not None for value in store.get(*(f"k{n}" for n in range(100)), now=machine.now))

    def test_first_reading(self, store, machine):
        """A wrong first reading is corrected by the next one."""
        self.use(store, YEARS)
        self.fill(store)
        self.use(store, YEARS)

        assert 100 == self.held(store)

    def test_purge_goes_on(self, store, machine):
        """After the clock is right again, expired entries are removed as before."""
        self.fill(store)
        self.use(store, YEARS)
        machine.pass_time(PURGED)
        self.use(store, machine.now)

        assert 0 == self.held(store)

    @pytest.mark.parametrize(("ahead", "held"), [(TOLERANCE, 0), (TOLERANCE + 1, 100)], ids=["60", "61"])
    def test_tolerance(self, store, machine, ahead, held):
        """A reading that is up to 60 seconds ahead is followed: entries are kept 60 seconds longer than tokens."""
        put(store, "first", expires_at=9 * EXPIRES_AT, now=960 - ahead)
        for number in range(100):
            put(store, f"k{number}", expires_at=960, now=960 - ahead)
        self.use(store, 960)

        assert held == sum(value is not None for value in store.get(*(f"k{n}" for n in range(100)), now=959))

    @pytest.mark.parametrize(("passed", "held"), [(CONFIRMED_AFTER - 1, 100), (CONFIRMED_AFTER, 0)])
    def test_confirmed(self, store, machine, passed, held):
        """A clock that was set is believed after a day in which every reading agreed."""
        for number in range(100):
            put(store, f"k{number}", expires_at=YEARS)
        self.use(store, 2 * YEARS)
        machine.pass_time(passed)
        self.use(store, 2 * YEARS + passed)

        assert held == sum(value is not None for value in store.get(*(f"k{n}" for n in range(100)), now=0))

    def test_not_confirmed(self, store, machine):
        """One reading that disagrees starts the day again."""
        for number in range(100):
            put(store, f"k{number}", expires_at=YEARS)
        self.use(store, 2 * YEARS)
        machine.pass_time(CONFIRMED_AFTER // 2)
        self.use(store, machine.now)
        machine.pass_time(CONFIRMED_AFTER // 2)
        self.use(store, 2 * YEARS)

        assert 100 == sum(value is not None for value in store.get(*(f"k{n}" for n in range(100)), now=0))

    def test_frequent_readings(self, store, machine):
        """Many readings in one second do not hold the purge time back."""
        self.fill(store)
        self.use(store, YEARS)
        for _ in range(4 * PURGED + 20):
            machine.pass_time(0.25)
            count(store, "n", now=YEARS)

        assert 0 == self.held(store)


KEYS = ("a", "b", "c")
calls = st.lists(
    st.one_of(
        st.tuples(st.just("get"), st.sampled_from(KEYS)),
        st.tuples(
            st.just("compare_and_set"),
            st.sampled_from(KEYS),
            st.sampled_from([None, "0", "1", "2"]),
            st.sampled_from("012"),
            st.integers(0, 6),
        ),
        st.tuples(st.just("increment"), st.sampled_from(KEYS), st.integers(-1, 2), st.integers(0, 6)),
        st.tuples(st.just("tick"), st.integers(1, 4)),
    ),
    max_size=60,
)


class TestModel:
    @given(calls)
    def test_equals_a_dict(self, calls):
        """Any calls in any order: callers cannot see what is purged, or when."""
        store, model, now = MemoryStore(), {}, 0

        def live(key):
            value, expires_at = model.get(key, (None, 0))
            return value if now < expires_at else None

        for call in calls:
            match call:
                case ("get", key):
                    assert [live(key)] == store.get(key, now=now)
                case ("compare_and_set", key, expected, new, life):
                    done = live(key) == expected
                    assert done is store.compare_and_set(key, expected, new, expires_at=now + life, now=now)
                    if done:
                        model[key] = (new, now + life)
                case ("increment", key, amount, life):
                    before = live(key)
                    expires_at = now + life if before is None else model[key][1]
                    total = int(before or 0) + amount
                    model[key] = (str(total), expires_at) if total else (None, 0)
                    assert total == store.increment(key, amount, expires_at=now + life, now=now)
                case ("tick", seconds):
                    now += seconds
        assert [live(key) for key in KEYS] == store.get(*KEYS, now=now)


THREADS = 8


@pytest.fixture
def hasty():
    """Switch threads as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(work):
    """Run the work in all threads, started together; return their results."""
    barrier = threading.Barrier(THREADS)

    def begin(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


@pytest.mark.usefixtures("hasty")
class TestThreads:
    def test_purging_is_safe(self, store):
        """Threads that purge while they write keep live entries."""

        def churn(number):
            for now in range(300):
                store.compare_and_set(f"{number}-{now}", None, "v", expires_at=now + 1, now=now)
            return store.compare_and_set(f"kept-{number}", None, "v", expires_at=EXPIRES_AT, now=300)

        assert [True] * THREADS == together(churn)
        assert ["v"] * THREADS == store.get(*(f"kept-{number}" for number in range(THREADS)), now=300)


def in_child(work):
    """Return the exit status of a forked child that runs the work; 99 if it does not end within a minute."""
    child = os.fork()
    if child == 0:
        timer = threading.Timer(60, os._exit, [99])
        timer.daemon = True
        timer.start()
        try:
            os._exit(work())
        except BaseException:  # noqa: BLE001  (a child must not return into the test)
            os._exit(98)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
class TestFork:
    def test_while_threads_write(self, store):
        """A child can use the store although threads of the parent were writing at the fork."""
        stop = threading.Event()

        def write(number):
            while not stop.is_set():
                count(store, f"n{number}")

        threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            found = [in_child(lambda: 0 if put(store, "child") else 1) for _ in range(40)]
        finally:
            stop.set()
            for thread in threads:
                thread.join()

        assert [0] * 40 == found
        assert put(store, "parent")

    def test_lock_held_by_the_forking_thread(self, store, monkeypatch):
        """A fork from a signal handler that interrupted a write does not wait for ever, and the child is not locked."""
        monkeypatch.setattr("praetorian_core.stores.memory._FORK_PATIENCE", 0.01)
        with store._lock:
            assert 0 == in_child(lambda: 0 if put(store, "child") else 1)

        assert put(store, "parent")

    def test_child(self, store):
        """The child's lock is a new one."""
        former = store._lock
        store.before_fork()
        store.after_fork_in_child()

        assert former is not store._lock
        assert put(store, "k")


class TestInterface:
    def test_close(self, store):
        """Closing keeps the state: a guard may close what it did not open."""
        put(store, "k")
        store.close()

        assert ["ended"] == store.get("k", now=0)

    def test_location(self, store):
        """The log calls it memory."""

        assert "memory" == store.location
