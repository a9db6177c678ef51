"""State in one process: the three verbs, to the second, from many threads, and without growing for ever."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError
from praetorian_core.stores.memory import MemoryStore

UNTIL = 1_000


@pytest.fixture
def store():
    """Return an empty store."""
    return MemoryStore()


class TestRead:
    def test_absent(self, store):
        """A key that was never written has no value."""

        assert [None] == store.get("k", now=0)

    def test_no_keys(self, store):
        """Nothing asked, nothing answered."""

        assert [] == store.get(now=0)

    def test_in_order(self, store):
        """Values come in the order of the keys, absent and repeated ones included."""
        store.compare_and_set("a", None, "1", expires_at=UNTIL, now=0)
        store.compare_and_set("b", None, "2", expires_at=UNTIL, now=0)

        assert ["2", None, "1", "2"] == store.get("b", "c", "a", "b", now=0)

    @pytest.mark.parametrize(
        ("now", "expected"),
        [(0, "v"), (UNTIL - 1, "v"), (UNTIL, None), (UNTIL + 1, None)],
        ids=["start", "until-1", "until", "until+1"],
    )
    def test_expiry(self, store, now, expected):
        """An entry lives up to its ``until`` and not in that second."""
        store.compare_and_set("k", None, "v", expires_at=UNTIL, now=0)

        assert [expected] == store.get("k", now=now)

    def test_changes_nothing(self, store):
        """Reading removes nothing: the present is an argument, and another caller's may be earlier."""
        store.compare_and_set("k", None, "v", expires_at=UNTIL, now=0)
        store.get("k", now=UNTIL)

        assert ["v"] == store.get("k", now=UNTIL - 1)

    def test_keys_are_exact(self, store):
        """A key is compared whole and with letter case."""
        store.compare_and_set("key", None, "v", expires_at=UNTIL, now=0)

        assert [None, None, None, "v"] == store.get("KEY", "ke", "key ", "key", now=0)


class TestSwap:
    @pytest.mark.parametrize(
        ("live", "expected", "done"),
        [
            pytest.param(None, None, True, id="absent-as-expected"),
            pytest.param(None, "a", False, id="absent-but-a-expected"),
            pytest.param(None, "", False, id="absent-but-empty-expected"),
            pytest.param("a", "a", True, id="a-as-expected"),
            pytest.param("a", "A", False, id="a-but-capital-expected"),
            pytest.param("a", "b", False, id="a-but-b-expected"),
            pytest.param("a", None, False, id="a-but-absent-expected"),
            pytest.param("", "", True, id="empty-as-expected"),
            pytest.param("", None, False, id="empty-but-absent-expected"),
            pytest.param("None", None, False, id="the-word-none-but-absent-expected"),
        ],
    )
    def test_table(self, store, live, expected, done):
        """The key is set iff its live value equals what was expected; None is absence and nothing else."""
        if live is not None:
            store.compare_and_set("k", None, live, expires_at=UNTIL, now=0)

        assert done is store.compare_and_set("k", expected, "new", expires_at=UNTIL, now=0)
        assert ["new" if done else live] == store.get("k", now=0)

    @pytest.mark.parametrize(
        ("now", "expected", "done"),
        [
            pytest.param(UNTIL - 1, "old", True, id="until-1-live"),
            pytest.param(UNTIL - 1, None, False, id="until-1-not-absent"),
            pytest.param(UNTIL, "old", False, id="until-not-live"),
            pytest.param(UNTIL, None, True, id="until-absent"),
            pytest.param(UNTIL + 1, "old", False, id="until+1-not-live"),
            pytest.param(UNTIL + 1, None, True, id="until+1-absent"),
        ],
    )
    def test_expiry(self, store, now, expected, done):
        """An expired entry is absent, from the second of its ``until`` on."""
        store.compare_and_set("k", None, "old", expires_at=UNTIL, now=0)

        assert done is store.compare_and_set("k", expected, "new", expires_at=UNTIL + 500, now=now)

    @pytest.mark.parametrize("expires_at", [UNTIL - 500, UNTIL, UNTIL + 500], ids=["sooner", "the-same", "later"])
    def test_sets_the_deadline_anew(self, store, expires_at):
        """Each swap says until when, be it sooner or later than before."""
        store.compare_and_set("k", None, "a", expires_at=UNTIL, now=0)
        store.compare_and_set("k", "a", "b", expires_at=expires_at, now=0)

        assert ["b"] == store.get("k", now=expires_at - 1)
        assert [None] == store.get("k", now=expires_at)

    def test_a_refused_swap_leaves_the_deadline(self, store):
        """What was not written did not extend anything either."""
        store.compare_and_set("k", None, "a", expires_at=UNTIL, now=0)
        store.compare_and_set("k", "x", "b", expires_at=UNTIL + 500, now=0)

        assert [None] == store.get("k", now=UNTIL)

    def test_other_keys_are_left_alone(self, store):
        """A swap of one key is a swap of one key."""
        store.compare_and_set("a", None, "1", expires_at=UNTIL, now=0)
        store.compare_and_set("b", None, "2", expires_at=UNTIL, now=0)
        store.compare_and_set("a", "1", "3", expires_at=UNTIL, now=0)

        assert ["3", "2"] == store.get("a", "b", now=0)


class TestAdd:
    def test_counts(self, store):
        """A counter begins at nothing, and each call returns the sum."""

        assert [1, 3, 2, 2, 0] == [
            store.increment("k", amount, expires_at=UNTIL, now=0) for amount in (1, 2, -1, 0, -2)
        ]

    def test_zero(self, store):
        """A counter that stands at zero is no entry: attempts that were given back take no room (facts 105)."""
        store.increment("k", 2, expires_at=UNTIL, now=0)
        store.increment("k", -2, expires_at=UNTIL, now=0)

        assert ([None], 0) == (store.get("k", now=0), len(store))

    @pytest.mark.parametrize(
        ("now", "expected"), [(UNTIL - 1, 6), (UNTIL, 1), (UNTIL + 1, 1)], ids=["until-1", "until", "until+1"]
    )
    def test_expiry(self, store, now, expected):
        """From its ``until`` on a counter begins anew."""
        store.increment("k", 5, expires_at=UNTIL, now=0)

        assert expected == store.increment("k", 1, expires_at=UNTIL + 500, now=now)

    @pytest.mark.parametrize("expires_at", [UNTIL - 500, UNTIL + 500], ids=["sooner", "later"])
    def test_a_live_counter_keeps_its_deadline(self, store, expires_at):
        """A window is not moved by what is counted in it: only a new counter takes the ``until``."""
        store.increment("k", 1, expires_at=UNTIL, now=0)
        store.increment("k", 1, expires_at=expires_at, now=0)

        assert ["2"] == store.get("k", now=UNTIL - 1)
        assert [None] == store.get("k", now=UNTIL)

    def test_a_new_counter_takes_the_deadline(self, store):
        """The twin: where the old counter is over, the next one lives until what its first call says."""
        store.increment("k", 1, expires_at=UNTIL, now=0)
        store.increment("k", 1, expires_at=UNTIL + 500, now=UNTIL)

        assert ["1"] == store.get("k", now=UNTIL + 499)
        assert [None] == store.get("k", now=UNTIL + 500)

    def test_large_sums(self, store):
        """A counter does not overflow."""
        store.increment("k", 2**63, expires_at=UNTIL, now=0)

        assert 2**64 == store.increment("k", 2**63, expires_at=UNTIL, now=0)

    def test_a_counter_is_text_to_the_other_verbs(self, store):
        """``get`` and ``compare_and_set`` see the decimal digits, as in any database."""
        store.increment("k", 12, expires_at=UNTIL, now=0)

        assert store.compare_and_set("k", "12", "40", expires_at=UNTIL, now=0)
        assert 42 == store.increment("k", 2, expires_at=UNTIL, now=0)

    def test_a_value_that_is_no_number(self, store):
        """What cannot be counted raises, changes nothing, and leaves the store usable."""
        store.compare_and_set("k", None, "text", expires_at=UNTIL, now=0)
        with pytest.raises(ValueError, match="text"):
            store.increment("k", 1, expires_at=UNTIL, now=0)

        assert ["text"] == store.get("k", now=0)


class TestBound:
    def test_full(self):
        """What would not fit is refused: to forget an ended session would be to open it again (facts 105)."""
        store = MemoryStore(max_entries=2)
        store.compare_and_set("a", None, "ended", expires_at=UNTIL, now=0)
        store.increment("b", 1, expires_at=UNTIL, now=0)
        for write in (
            lambda: store.compare_and_set("c", None, "ended", expires_at=UNTIL, now=0),
            lambda: store.increment("c", 1, expires_at=UNTIL, now=0),
        ):
            with pytest.raises(ServiceUnavailableError, match="the memory store is full: it holds 2 entries"):
                write()

        assert ["ended", "1", None] == store.get("a", "b", "c", now=0)

    def test_full_and_written_again(self):
        """The twin: what is there already can change, and room that was given back can be taken."""
        store = MemoryStore(max_entries=2)
        store.compare_and_set("a", None, "1", expires_at=UNTIL, now=0)
        store.increment("b", 1, expires_at=UNTIL, now=0)

        assert store.compare_and_set("a", "1", "ended", expires_at=UNTIL, now=0)
        assert [2, 0] == [store.increment("b", amount, expires_at=UNTIL, now=0) for amount in (1, -2)]
        assert store.compare_and_set("c", None, "ended", expires_at=UNTIL, now=0)

    def test_full_of_what_may_go(self):
        """What has expired makes room before anything is refused."""
        store = MemoryStore(max_entries=2)
        store.compare_and_set("a", None, "ended", expires_at=60, now=0)
        store.compare_and_set("b", None, "ended", expires_at=60, now=0)

        assert store.compare_and_set("c", None, "ended", expires_at=UNTIL, now=60)
        assert 1 == len(store)

    @pytest.mark.parametrize("most", [0, -1, True, 1.0, "9", None], ids=repr)
    def test_no_bound(self, most):
        """A store without an end is not to be had."""
        with pytest.raises(ConfigurationError, match=r"max_entries is .*; expected a positive integer"):
            MemoryStore(max_entries=most)


LATE = UNTIL + 59
"""When the minute of ``UNTIL`` is over in any case."""


class TestPurge:
    def test_a_write_removes_eight_at_most(self, store):
        """No call pays for all that has expired: each write removes eight entries."""
        for number in range(100):
            store.compare_and_set(f"old{number}", None, "v", expires_at=UNTIL, now=0)
        store.compare_and_set("new", None, "v", expires_at=2 * UNTIL, now=LATE)

        assert 100 + 1 - 8 == len(store)

    @pytest.mark.parametrize("spread", [1, 7, 100], ids=["one-second", "seven-seconds", "a-second-each"])
    def test_all_of_it_goes(self, store, spread):
        """What has expired is gone after an eighth as many writes, whenever it expired."""
        for number in range(100):
            store.compare_and_set(f"old{number}", None, "v", expires_at=UNTIL + number % spread, now=0)
        for _ in range(14):
            store.compare_and_set("new", store.get("new", now=LATE + 100)[0], "v", expires_at=2 * UNTIL, now=LATE + 100)

        assert 1 == len(store)
        assert ["v"] == store.get("new", now=LATE + 100)

    def test_new_counters_purge(self, store):
        """An application that only counts does not grow either."""
        for number in range(100):
            store.increment(f"old{number}", 1, expires_at=UNTIL, now=0)
        for number in range(15):
            store.increment(f"new{number}", 1, expires_at=2 * UNTIL, now=LATE)

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
    def test_nothing_goes_early(self, store, expires_at, now, held):
        """An entry is removed at the first full minute from its ``until`` on, not a second before."""
        store.compare_and_set("k", None, "v", expires_at=expires_at, now=0)
        store.compare_and_set("new", None, "v", expires_at=2 * UNTIL, now=now)

        assert held == len(store)

    def test_a_steady_flow_stays_small(self, store):
        """However long it runs, of entries that live ten seconds there are a minute's worth more at most."""
        for now in range(5_000):
            store.compare_and_set(f"k{now}", None, "v", expires_at=now + 10, now=now)
            assert len(store) <= 10 + 60

    def test_an_extended_entry_stays(self, store):
        """A key that was written again is not removed when its first deadline passes, but when its last one does."""
        store.compare_and_set("k", None, "a", expires_at=UNTIL, now=0)
        store.compare_and_set("k", "a", "b", expires_at=3 * UNTIL, now=0)
        store.compare_and_set("other", None, "v", expires_at=9 * UNTIL, now=2 * UNTIL)

        assert ["b"] == store.get("k", now=2 * UNTIL)
        assert 2 == len(store)
        store.compare_and_set("other", "v", "v", expires_at=9 * UNTIL, now=4 * UNTIL)
        assert 1 == len(store)

    def test_a_shortened_entry_goes(self, store):
        """A key that was given less time is absent at once, and goes with its first deadline at the latest."""
        store.compare_and_set("k", None, "a", expires_at=3 * UNTIL, now=0)
        store.compare_and_set("k", "a", "b", expires_at=UNTIL, now=0)
        assert [None] == store.get("k", now=UNTIL)

        store.compare_and_set("other", None, "v", expires_at=9 * UNTIL, now=4 * UNTIL)
        assert 1 == len(store)

    def test_writing_again_costs_nothing(self, store):
        """However often an entry is written, there is one note of when it may go."""
        for turn in range(100):
            store.compare_and_set("k", None if turn == 0 else "v", "v", expires_at=UNTIL + 600 * turn, now=0)
            store.increment("n", 1, expires_at=UNTIL, now=0)

        assert [[b"k", b"n"]] == list(store._minutes.values())
        assert [*store._minutes] == store._order

    def test_giving_back_leaves_nothing(self, store):
        """Counts that are given back leave neither an entry nor a note, whoever else counts beside them."""
        for number in range(200):
            for other in range(20):
                store.increment(f"{number}-{other}", 1, expires_at=UNTIL, now=0)
            for other in range(20):
                store.increment(f"{number}-{other}", -1, expires_at=UNTIL, now=0)

        assert (0, []) == (len(store), [name for names in store._minutes.values() for name in names])

    def test_giving_back_late(self, store):
        """One that is given back after many others is absent at once, and is removed when its minute comes."""
        store.increment("k", 1, expires_at=UNTIL, now=0)
        for number in range(100):
            store.increment(f"n{number}", 1, expires_at=UNTIL, now=0)
        store.increment("k", -1, expires_at=UNTIL, now=0)

        assert (101, [None]) == (len(store), store.get("k", now=0))
        assert 1 == store.increment("k", 1, expires_at=UNTIL, now=0)
        assert 101 == len(store)

    def test_nothing_is_left(self, store):
        """When the last entry has gone, nothing of it is held."""
        store.compare_and_set("k", None, "v", expires_at=UNTIL, now=0)
        store.compare_and_set("k", None, "v", expires_at=0, now=LATE)
        store.increment("n", 1, expires_at=2 * UNTIL, now=LATE)
        store.increment("n", -1, expires_at=2 * UNTIL, now=LATE)
        store.increment("n", 0, expires_at=UNTIL, now=9 * UNTIL)

        assert (0, {}, []) == (len(store), store._minutes, store._order)

    def test_written_after_its_deadline(self, store):
        """An entry that is over when it is written is never read, and goes like all others."""

        assert store.compare_and_set("k", None, "v", expires_at=UNTIL, now=UNTIL)
        assert [None] == store.get("k", now=UNTIL)
        store.compare_and_set("other", None, "v", expires_at=9 * UNTIL, now=LATE)
        assert 1 == len(store)


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
    def test_equals_a_dict_that_forgets_nothing(self, calls):
        """Any calls in any order: what is purged, and when, is never to be seen."""
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
    """Let threads take turns as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(work):
    """Let all threads begin the work at once, and return what each of them returned."""
    barrier = threading.Barrier(THREADS)

    def begin(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


@pytest.mark.usefixtures("hasty")
class TestThreads:
    def test_one_swap_wins(self, store):
        """ASVS 15.4.2: of all who spend the same thing at once exactly one is told that he did."""
        rounds = 100

        def spend(number):
            return [
                store.compare_and_set(f"k{turn}", None, str(number), expires_at=UNTIL, now=0) for turn in range(rounds)
            ]

        wins = together(spend)

        assert [1] * rounds == [sum(outcome) for outcome in zip(*wins, strict=True)]
        for turn in range(rounds):
            winner = next(number for number in range(THREADS) if wins[number][turn])
            assert [str(winner)] == store.get(f"k{turn}", now=0)

    def test_sums_are_exact(self, store):
        """ASVS 15.4.2: no count is lost, and every sum is told once."""
        turns = 500

        def count(_):
            return [store.increment("k", 1, expires_at=UNTIL, now=0) for _ in range(turns)]

        sums = together(count)

        assert [str(THREADS * turns)] == store.get("k", now=0)
        assert list(range(1, THREADS * turns + 1)) == sorted(chain.from_iterable(sums))

    def test_generations_count_up_one_by_one(self, store):
        """Compare-and-swap in a loop loses no step: as many winners as steps."""
        steps = 50
        store.compare_and_set("k", None, "0", expires_at=UNTIL, now=0)

        def climb(_):
            won = 0
            while won < steps:
                (value,) = store.get("k", now=0)
                won += store.compare_and_set("k", value, str(int(value) + 1), expires_at=UNTIL, now=0)

        together(climb)

        assert [str(THREADS * steps)] == store.get("k", now=0)

    def test_purging_is_safe(self, store):
        """Writers that all purge what expires leave what has not."""

        def churn(number):
            for now in range(300):
                store.compare_and_set(f"{number}-{now}", None, "v", expires_at=now + 1, now=now)
            return store.compare_and_set(f"kept-{number}", None, "v", expires_at=UNTIL, now=300)

        assert [True] * THREADS == together(churn)
        assert ["v"] * THREADS == store.get(*(f"kept-{number}" for number in range(THREADS)), now=300)
