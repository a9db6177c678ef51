"""Cases with several handles, and with many threads at once."""

from __future__ import annotations

from praetorian_core.protocols import Store
from praetorian_core.testing.store_suite.fixture import EXPIRES_AT, NOW, THREADS, Case, Fixture, expect, run_together


def _shared(fixture: Fixture) -> None:
    one, other, key = fixture.connect(), fixture.connect(), fixture.key()
    # A handle that caches what it read would accept a session that another process has ended since.
    expect("a key before the first write", [None], one.get(key, now=NOW))
    expect("the same key through another handle", [None], other.get(key, now=NOW))
    one.compare_and_set(key, None, "1", expires_at=EXPIRES_AT, now=NOW)
    expect("a value that another handle wrote", ["1"], other.get(key, now=NOW))
    other.compare_and_set(key, "1", "2", expires_at=EXPIRES_AT, now=NOW)
    expect("a value that the other handle replaced", ["2"], one.get(key, now=NOW))
    other.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
    expect("the sum of two handles", 4, one.increment(key, 1, expires_at=EXPIRES_AT, now=NOW))


def _one_succeeds(fixture: Fixture) -> None:
    keys = [fixture.key() for _ in range(10)]

    def claim(store: Store, number: int) -> list[bool]:
        return [store.compare_and_set(key, None, str(number), expires_at=EXPIRES_AT, now=NOW) for key in keys]

    outcomes = run_together(fixture, claim)
    for turn, key in enumerate(keys):
        winners = [str(number) for number, succeeded in enumerate(outcomes) if succeeded[turn]]
        expect("the number of threads that claimed one key", 1, len(winners))
        expect("the value of that key", list[object](winners), list[object](fixture.connect().get(key, now=NOW)))


def _no_lost_update(fixture: Fixture) -> None:
    key, steps = fixture.key(), 8
    fixture.connect().compare_and_set(key, None, "0", expires_at=EXPIRES_AT, now=NOW)

    def climb(store: Store, _: int) -> None:
        done = 0
        # Each failure means that another thread took a step, so this many attempts are enough.
        for _ in range(THREADS * steps + 1):
            if done == steps:
                return
            (value,) = store.get(key, now=NOW)
            done += store.compare_and_set(key, value, str(int(value or "0") + 1), expires_at=EXPIRES_AT, now=NOW)

    run_together(fixture, climb)
    expect("the number of steps", [str(THREADS * steps)], fixture.connect().get(key, now=NOW))


def _no_lost_count(fixture: Fixture) -> None:
    key, turns = fixture.key(), 10

    def count(store: Store, _: int) -> list[int]:
        return [store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW) for _ in range(turns)]

    sums = sorted(total for totals in run_together(fixture, count) for total in totals)
    expect("the sums that were returned", list(range(1, THREADS * turns + 1)), sums)


def _cancel_out(fixture: Fixture) -> None:
    key, turns = fixture.key(), 10

    def count_and_cancel(store: Store, _: int) -> None:
        for _ in range(turns):
            store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
            store.increment(key, -1, expires_at=EXPIRES_AT, now=NOW)

    run_together(fixture, count_and_cancel)
    expect("a counter after all increments were cancelled", [None], fixture.connect().get(key, now=NOW))


CASES = (
    Case("every handle reads what any handle wrote", _shared),
    Case("of concurrent compare_and_set() calls exactly one succeeds", _one_succeeds),
    Case("concurrent compare_and_set() calls lose no update", _no_lost_update),
    Case("concurrent increment() calls lose no count", _no_lost_count),
    Case("concurrent increment() calls that cancel out leave no counter", _cancel_out),
)
