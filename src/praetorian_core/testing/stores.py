"""What every store must do: a table of facts, to be proven of whatever store.

The author of a store says how to get a handle on it, and proves every fact; ``prove`` returns what differs, and an empty
list is a pass::

    @pytest.mark.parametrize("fact", FACTS, ids=str)
    def test_store(fact):
        assert prove(lambda: MyStore(database), fact) == []

``connect`` is called whenever a handle is needed, several times a fact: each call may return a handle of its own, as
each process of an application has one, or the same object again where there is only one. An ``AsyncStore`` is proven
alike; its coroutines run on one event loop, in a thread, and where it has ``aclose`` that is awaited before the loop
ends. Every fact uses keys that were never used before, so the
state need not be cleared. Nothing here knows a test runner.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeAlias, TypeVar, cast

import attrs

from praetorian_core.protocols import AsyncStore, Store

T = TypeVar("T")

Connect: TypeAlias = Callable[[], Store | AsyncStore]

NOW = 1_000
UNTIL = 2_000
"""Long ago: a store that asks its own clock for the present is found out."""

THREADS = 16


@attrs.frozen(kw_only=True)
class Bench:
    """What a fact is tried on.

    Attributes:
        connect: Returns a handle on the store, whose calls block.
        key: Returns a key that was never used, as long as those that Praetorian uses.
    """

    connect: Callable[[], Store]
    key: Callable[[], str]


@attrs.frozen
class Fact:
    """Something that holds of every store.

    Attributes:
        name: The fact in words.
        check: Tries it, and raises ``DifferentError`` where it does not hold.
    """

    name: str
    check: Callable[[Bench], None] = attrs.field(repr=False)

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class DifferentError(Exception):
    """Something came back that was not expected."""


def prove(connect: Connect, fact: Fact) -> list[str]:
    """Try a fact on a store.

    Args:
        connect: Returns a handle on the store.
        fact: One of ``FACTS``.

    Returns:
        What differs from what is expected, in words; an empty list is a pass.
    """
    mark = secrets.token_hex(16)

    def key() -> str:
        return f"{{{mark}}}:s:{secrets.token_urlsafe(16)}"

    try:
        with _blocking(connect) as handle:
            fact.check(Bench(connect=handle, key=key))
    except DifferentError as difference:
        return [str(difference)]
    except Exception as error:  # noqa: BLE001  (whatever comes through is a finding, not the end of the test)
        return [f"{type(error).__name__} came through: {error}"]
    return []


def _expect(what: str, expected: object, found: object) -> None:
    # True is 1 to Python, and not to whoever tests for True; nor is a subclass of str good enough for a guard.
    if _typed(expected) != _typed(found):
        msg = f"{what} is {found!r}; expected {expected!r}"
        raise DifferentError(msg)


def _typed(value: object) -> object:
    if type(value) is list:
        return [_typed(item) for item in cast("list[object]", value)]
    return type(value), value


@contextmanager
def _blocking(connect: Connect) -> Generator[Callable[[], Store], None, None]:
    """Give handles whose calls block, whatever kind of store it is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def make() -> Store | AsyncStore:
        # Where a loop runs, because a client may bind itself to it when it is made.
        return connect()

    handles: list[_Blocking] = []

    def handle() -> Store:
        handles.append(_Blocking(asyncio.run_coroutine_threadsafe(make(), loop).result(), loop))
        return handles[-1]

    try:
        yield handle
    finally:
        try:
            for opened in handles:
                opened.close()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


@attrs.frozen
class _Blocking:
    """A store whose calls block: what has to be awaited is awaited on the loop."""

    store: Store | AsyncStore
    loop: asyncio.AbstractEventLoop

    def get(self, *keys: str, now: int) -> list[str | None]:
        return self._settle(self.store.get(*keys, now=now))

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        return self._settle(self.store.compare_and_set(key, expected, new, expires_at=expires_at, now=now))

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        return self._settle(self.store.increment(key, amount, expires_at=expires_at, now=now))

    def close(self) -> None:
        close = cast("Callable[[], object] | None", getattr(self.store, "aclose", None))
        if close is not None:
            self._settle(close())

    def _settle(self, answer: T | Awaitable[T]) -> T:
        async def wait(pending: Awaitable[T]) -> T:
            return await pending

        if inspect.isawaitable(answer):
            return asyncio.run_coroutine_threadsafe(wait(answer), self.loop).result()
        return answer


def _together(bench: Bench, work: Callable[[Store, int], T]) -> list[T]:
    """Let many threads begin the work at once, each with a handle of its own, and return what each of them returned."""
    # All of them before anybody waits for the others, since a database may not have as many.
    handles = [bench.connect() for _ in range(THREADS)]
    barrier = threading.Barrier(THREADS)

    def begin(number: int) -> T:
        barrier.wait()
        return work(handles[number], number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


# ---------------------------------------------------------------- read


def _absent(bench: Bench) -> None:
    _expect("a key that was never written", [None], bench.connect().get(bench.key(), now=NOW))


def _nothing_asked(bench: Bench) -> None:
    _expect("the answer to no key", [], bench.connect().get(now=NOW))


def _in_order(bench: Bench) -> None:
    store, first, second = bench.connect(), bench.key(), bench.key()
    store.compare_and_set(first, None, "1", expires_at=UNTIL, now=NOW)
    store.compare_and_set(second, None, "2", expires_at=UNTIL, now=NOW)
    found = store.get(second, bench.key(), first, second, now=NOW)
    _expect("the answer to b, an absent key, a and b", ["2", None, "1", "2"], found)


def _text(bench: Bench) -> None:
    store = bench.connect()
    for value in ("ended", "3 1767225600", "7", "0", "-1", "None", "", " ", "a b c", "\\'\"%_{}:?$1\n", "x" * 200):
        key = bench.key()
        store.compare_and_set(key, None, value, expires_at=UNTIL, now=NOW)
        _expect(f"what was written as {value!r}", [value], store.get(key, now=NOW))


def _exact_keys(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    store.compare_and_set(f"{key}Ab", None, "v", expires_at=UNTIL, now=NOW)
    others = (f"{key}AB", f"{key}ab", f"{key}A", f"{key}Ab ", f"{key}A%", f"{key}A_", f"{key}A*")
    _expect("the answer to keys that are only alike", [None] * len(others), store.get(*others, now=NOW))
    _expect("the answer to the key itself", ["v"], store.get(f"{key}Ab", now=NOW))


def _expiry(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    store.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW)
    for name, now, expected in (
        ("start", NOW, "v"),
        ("until-1", UNTIL - 1, "v"),
        ("until", UNTIL, None),
        ("until+1", UNTIL + 1, None),
        ("until-1 once more", UNTIL - 1, "v"),
    ):
        _expect(f"an entry at {name}", [expected], store.get(key, now=now))


def _far_off(bench: Bench) -> None:
    store = bench.connect()
    # The longest lifespan that the settings take, and a present beyond the clock of any machine.
    for now, life in ((NOW, 400_000_000 * 86_400), (4_000_000_000, 30 * 86_400)):
        key = bench.key()
        store.compare_and_set(key, None, "v", expires_at=now + life, now=now)
        _expect(f"an entry of {life} s at {now}, in its last second", ["v"], store.get(key, now=now + life - 1))
        _expect("the same at its until", [None], store.get(key, now=now + life))


def _stillborn(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    _expect(
        "a swap whose entry is over already", [True], [store.compare_and_set(key, None, "v", expires_at=NOW, now=NOW)]
    )
    _expect("that entry", [None], store.get(key, now=NOW))
    counter = bench.key()
    _expect("the sum of a counter that is over already", 3, store.increment(counter, 3, expires_at=NOW, now=NOW))
    _expect("that counter", [None], store.get(counter, now=NOW))


# ---------------------------------------------------------------- swap


def _swaps(bench: Bench) -> None:
    store = bench.connect()
    for live, expected in (
        (None, None),
        (None, "a"),
        (None, ""),
        ("a", "a"),
        ("a", "A"),
        ("a", "b"),
        ("a", "a "),
        ("a", "_"),
        ("a", "%"),
        ("a", None),
        ("", ""),
        ("", None),
        ("None", None),
        ("absent", None),
        (None, "absent"),
        ("7", "07"),
        ("7", "7.0"),
    ):
        key = bench.key()
        if live is not None:
            store.compare_and_set(key, None, live, expires_at=UNTIL, now=NOW)
        what = f"a swap that expects {expected!r} of {live!r}"
        done = live == expected
        _expect(what, done, store.compare_and_set(key, expected, "new", expires_at=UNTIL, now=NOW))
        _expect(f"the value after {what}", ["new" if done else live], store.get(key, now=NOW))


def _swap_and_expiry(bench: Bench) -> None:
    store = bench.connect()
    for name, now, expected, done in (
        ("the live value at until-1", UNTIL - 1, "old", True),
        ("absence at until-1", UNTIL - 1, None, False),
        ("the former value at until", UNTIL, "old", False),
        ("absence at until", UNTIL, None, True),
    ):
        key = bench.key()
        store.compare_and_set(key, None, "old", expires_at=UNTIL, now=NOW)
        _expect(
            f"a swap that expects {name}",
            done,
            store.compare_and_set(key, expected, "new", expires_at=UNTIL + 500, now=now),
        )


def _swap_sets_the_end(bench: Bench) -> None:
    store = bench.connect()
    for expires_at in (UNTIL - 500, UNTIL, UNTIL + 500):
        key = bench.key()
        store.compare_and_set(key, None, "a", expires_at=UNTIL, now=NOW)
        store.compare_and_set(key, "a", "b", expires_at=expires_at, now=NOW)
        _expect(f"an entry swapped to end at {expires_at}, a second before", ["b"], store.get(key, now=expires_at - 1))
        _expect("the same at its until", [None], store.get(key, now=expires_at))


def _refused_swap(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    store.compare_and_set(key, None, "a", expires_at=UNTIL, now=NOW)
    store.compare_and_set(key, "x", "b", expires_at=UNTIL + 500, now=NOW)
    _expect("the value after a refused swap", ["a"], store.get(key, now=UNTIL - 1))
    _expect("the same at the end that it had", [None], store.get(key, now=UNTIL))


def _one_key(bench: Bench) -> None:
    store, first, second = bench.connect(), bench.key(), bench.key()
    store.compare_and_set(first, None, "1", expires_at=UNTIL, now=NOW)
    store.compare_and_set(second, None, "2", expires_at=UNTIL, now=NOW)
    store.compare_and_set(first, "1", "3", expires_at=UNTIL, now=NOW)
    _expect("both values after a swap of one", ["3", "2"], store.get(first, second, now=NOW))


def _outlives_the_others(bench: Bench) -> None:
    store, longer, counter = bench.connect(), bench.key(), bench.key()
    store.compare_and_set(longer, None, "a", expires_at=UNTIL, now=NOW)
    store.compare_and_set(longer, "a", "b", expires_at=UNTIL + 500, now=NOW)
    store.increment(counter, 1, expires_at=UNTIL + 500, now=NOW)
    for _ in range(40):
        # Whoever clears away in passing has something to clear.
        store.compare_and_set(bench.key(), None, "v", expires_at=UNTIL, now=NOW)
    for _ in range(20):
        store.compare_and_set(bench.key(), None, "v", expires_at=UNTIL + 500, now=UNTIL + 100)
        store.increment(bench.key(), 1, expires_at=UNTIL + 500, now=UNTIL + 100)
    _expect("what lives on while others are cleared away", ["b", "1"], store.get(longer, counter, now=UNTIL + 100))


# ---------------------------------------------------------------- add


def _counts(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    for amount, total in ((1, 1), (2, 3), (-1, 2), (0, 2), (-3, -1), (1, 0), (1, 1)):
        _expect(f"the sum after adding {amount}", total, store.increment(key, amount, expires_at=UNTIL, now=NOW))


def _zero(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    store.increment(key, 2, expires_at=UNTIL, now=NOW)
    store.increment(key, -2, expires_at=UNTIL, now=NOW)
    _expect("a counter that came to zero", [None], store.get(key, now=NOW))
    _expect("the sum of a counter that begins again", 1, store.increment(key, 1, expires_at=UNTIL + 500, now=NOW))
    _expect("the same in its own last second", ["1"], store.get(key, now=UNTIL + 499))
    nothing = bench.key()
    _expect("nothing, added to nothing", 0, store.increment(nothing, 0, expires_at=UNTIL, now=NOW))
    _expect("what is left of it", [None], store.get(nothing, now=NOW))


def _counter_is_text(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    store.increment(key, 12, expires_at=UNTIL, now=NOW)
    _expect("a counter that is read", ["12"], store.get(key, now=NOW))
    _expect("a swap of a counter", [True], [store.compare_and_set(key, "12", "40", expires_at=UNTIL, now=NOW)])
    _expect("the sum after adding to it", 42, store.increment(key, 2, expires_at=UNTIL, now=NOW))


def _large_sums(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    store.increment(key, 2**52, expires_at=UNTIL, now=NOW)
    _expect("the sum of 2^52 and 1", 2**52 + 1, store.increment(key, 1, expires_at=UNTIL, now=NOW))


def _counter_and_expiry(bench: Bench) -> None:
    store = bench.connect()
    for name, now, total in (("until-1", UNTIL - 1, 6), ("until", UNTIL, 1), ("until+1", UNTIL + 1, 1)):
        key = bench.key()
        store.increment(key, 5, expires_at=UNTIL, now=NOW)
        _expect(f"the sum at {name}", total, store.increment(key, 1, expires_at=UNTIL + 500, now=now))


def _counter_keeps_its_end(bench: Bench) -> None:
    store = bench.connect()
    for expires_at in (UNTIL - 500, UNTIL + 500):
        key = bench.key()
        store.increment(key, 1, expires_at=UNTIL, now=NOW)
        store.increment(key, 1, expires_at=expires_at, now=NOW)
        _expect("a counter a second before its first until", ["2"], store.get(key, now=UNTIL - 1))
        _expect("the same at its first until", [None], store.get(key, now=UNTIL))


def _new_counter_takes_its_end(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    store.increment(key, 1, expires_at=UNTIL, now=NOW)
    store.increment(key, 1, expires_at=UNTIL + 500, now=UNTIL)
    text = bench.key()
    store.compare_and_set(text, None, "text", expires_at=UNTIL, now=NOW)
    _expect("the sum upon a text that is over", 1, store.increment(text, 1, expires_at=UNTIL + 500, now=UNTIL))
    _expect("a new counter in its last second", ["1"], store.get(key, now=UNTIL + 499))
    _expect("the same at its until", [None], store.get(key, now=UNTIL + 500))


def _no_number(bench: Bench) -> None:
    store, key = bench.connect(), bench.key()
    store.compare_and_set(key, None, "text", expires_at=UNTIL, now=NOW)
    try:
        total = store.increment(key, 1, expires_at=UNTIL, now=NOW)
    except Exception:  # noqa: BLE001  (whatever a store raises)
        _expect("the value that could not be counted", ["text"], store.get(key, now=NOW))
    else:
        msg = f"adding to a text returned {total!r}; expected it to raise"
        raise DifferentError(msg)


# ---------------------------------------------------------------- many at once


def _is_shared(bench: Bench) -> None:
    one, other, key = bench.connect(), bench.connect(), bench.key()
    # Whoever remembers what was read would let in a session that another process has ended since.
    _expect("a key that nobody wrote yet", [None], one.get(key, now=NOW))
    _expect("the same to another handle", [None], other.get(key, now=NOW))
    one.compare_and_set(key, None, "1", expires_at=UNTIL, now=NOW)
    _expect("what another handle wrote", ["1"], other.get(key, now=NOW))
    other.compare_and_set(key, "1", "2", expires_at=UNTIL, now=NOW)
    _expect("what the other handle wrote upon it", ["2"], one.get(key, now=NOW))
    other.increment(key, 1, expires_at=UNTIL, now=NOW)
    _expect("the sum over two handles", 4, one.increment(key, 1, expires_at=UNTIL, now=NOW))


def _one_wins(bench: Bench) -> None:
    keys = [bench.key() for _ in range(10)]

    def spend(store: Store, number: int) -> list[bool]:
        return [store.compare_and_set(key, None, str(number), expires_at=UNTIL, now=NOW) for key in keys]

    outcomes = _together(bench, spend)
    for turn, key in enumerate(keys):
        winners = [str(number) for number, done in enumerate(outcomes) if done[turn]]
        _expect("the number of those who won one key", 1, len(winners))
        _expect("the value that is left", list[object](winners), list[object](bench.connect().get(key, now=NOW)))


def _no_step_is_lost(bench: Bench) -> None:
    key, steps = bench.key(), 8
    bench.connect().compare_and_set(key, None, "0", expires_at=UNTIL, now=NOW)

    def climb(store: Store, _: int) -> None:
        won = 0
        # Who loses lost to somebody's step, and there are no more steps than these.
        for _ in range(THREADS * steps + 1):
            if won == steps:
                return
            (value,) = store.get(key, now=NOW)
            won += store.compare_and_set(key, value, str(int(value or "0") + 1), expires_at=UNTIL, now=NOW)

    _together(bench, climb)
    _expect("the number of steps", [str(THREADS * steps)], bench.connect().get(key, now=NOW))


def _no_count_is_lost(bench: Bench) -> None:
    key, turns = bench.key(), 10

    def count(store: Store, _: int) -> list[int]:
        return [store.increment(key, 1, expires_at=UNTIL, now=NOW) for _ in range(turns)]

    sums = sorted(total for totals in _together(bench, count) for total in totals)
    _expect("all sums that were told", list(range(1, THREADS * turns + 1)), sums)


def _nothing_is_left_of_it(bench: Bench) -> None:
    key, turns = bench.key(), 10

    def borrow(store: Store, _: int) -> None:
        for _ in range(turns):
            store.increment(key, 1, expires_at=UNTIL, now=NOW)
            store.increment(key, -1, expires_at=UNTIL, now=NOW)

    _together(bench, borrow)
    _expect("what is left of counts that were all given back", [None], bench.connect().get(key, now=NOW))


FACTS: tuple[Fact, ...] = (
    Fact("a key that was never written is absent", _absent),
    Fact("nothing asked, nothing answered", _nothing_asked),
    Fact("values come in the order of the keys", _in_order),
    Fact("a value comes back as the text that it was", _text),
    Fact("keys are compared whole, and with their letter case", _exact_keys),
    Fact("an entry lives up to its until, by the present of the call", _expiry),
    Fact("no lifespan is too long, and no present too late", _far_off),
    Fact("an entry that is over when it is written is absent", _stillborn),
    Fact("a swap is done iff the live value is the expected one", _swaps),
    Fact("an expired entry is absent to a swap", _swap_and_expiry),
    Fact("a swap sets the end anew, sooner or later", _swap_sets_the_end),
    Fact("a refused swap changes neither value nor end", _refused_swap),
    Fact("a swap of one key is a swap of one key", _one_key),
    Fact("what is live stays when others are cleared away", _outlives_the_others),
    Fact("a counter begins at nothing, and every call tells the sum", _counts),
    Fact("a counter at zero is absent", _zero),
    Fact("a counter is its decimal digits", _counter_is_text),
    Fact("sums are exact up to 2^53", _large_sums),
    Fact("a counter begins anew at its until", _counter_and_expiry),
    Fact("a live counter keeps its end", _counter_keeps_its_end),
    Fact("a new counter takes the end of its first call", _new_counter_takes_its_end),
    Fact("what is no number cannot be counted, and stays", _no_number),
    Fact("what one handle writes, every other sees", _is_shared),
    Fact("of many who swap at once, one wins", _one_wins),
    Fact("of many swaps in a row, none is lost", _no_step_is_lost),
    Fact("of many who count at once, no count is lost", _no_count_is_lost),
    Fact("counts that are given back at once leave nothing", _nothing_is_left_of_it),
)
"""The table."""
