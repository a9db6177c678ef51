"""Cases of ``increment``."""

from __future__ import annotations

from praetorian_core.testing.store_suite.fixture import EXPIRES_AT, NOW, Case, Fixture, MismatchError, expect

LATER = EXPIRES_AT + 500


def _sums(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    for amount, total in ((1, 1), (2, 3), (-1, 2), (0, 2), (-3, -1), (1, 0), (1, 1)):
        found = store.increment(key, amount, expires_at=EXPIRES_AT, now=NOW)
        expect(f"the sum after adding {amount}", total, found)


def _zero_is_absent(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    store.increment(key, 2, expires_at=EXPIRES_AT, now=NOW)
    store.increment(key, -2, expires_at=EXPIRES_AT, now=NOW)
    expect("a counter that reached zero", [None], store.get(key, now=NOW))
    expect("the first sum after it reached zero", 1, store.increment(key, 1, expires_at=LATER, now=NOW))
    expect("that counter in its own last second", ["1"], store.get(key, now=LATER - 1))
    nothing = fixture.key()
    expect("an absent counter plus 0", 0, store.increment(nothing, 0, expires_at=EXPIRES_AT, now=NOW))
    expect("the counter after that", [None], store.get(nothing, now=NOW))


def _decimal_digits(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    store.increment(key, 12, expires_at=EXPIRES_AT, now=NOW)
    expect("get() of a counter", ["12"], store.get(key, now=NOW))
    found = store.compare_and_set(key, "12", "40", expires_at=EXPIRES_AT, now=NOW)
    expect("compare_and_set() of a counter", [True], [found])
    expect("the sum after that", 42, store.increment(key, 2, expires_at=EXPIRES_AT, now=NOW))


def _large_sums(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    store.increment(key, 2**52, expires_at=EXPIRES_AT, now=NOW)
    expect("the sum of 2^52 and 1", 2**52 + 1, store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW))


def _expired_starts_again(fixture: Fixture) -> None:
    store = fixture.connect()
    for name, now, total in (
        ("expires_at-1", EXPIRES_AT - 1, 6),
        ("expires_at", EXPIRES_AT, 1),
        ("expires_at+1", EXPIRES_AT + 1, 1),
    ):
        key = fixture.key()
        store.increment(key, 5, expires_at=EXPIRES_AT, now=NOW)
        expect(f"the sum at {name}", total, store.increment(key, 1, expires_at=LATER, now=now))


def _live_keeps_expiry(fixture: Fixture) -> None:
    store = fixture.connect()
    for expires_at in (EXPIRES_AT - 500, LATER):
        key = fixture.key()
        store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
        store.increment(key, 1, expires_at=expires_at, now=NOW)
        expect("a counter a second before its first expires_at", ["2"], store.get(key, now=EXPIRES_AT - 1))
        expect("the same counter at its first expires_at", [None], store.get(key, now=EXPIRES_AT))


def _new_takes_expiry(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
    store.increment(key, 1, expires_at=LATER, now=EXPIRES_AT)
    text = fixture.key()
    store.compare_and_set(text, None, "text", expires_at=EXPIRES_AT, now=NOW)
    found = store.increment(text, 1, expires_at=LATER, now=EXPIRES_AT)
    expect("the sum where a text has expired", 1, found)
    expect("a new counter in its last second", ["1"], store.get(key, now=LATER - 1))
    expect("the same counter at its expires_at", [None], store.get(key, now=LATER))


def _not_a_number(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    store.compare_and_set(key, None, "text", expires_at=EXPIRES_AT, now=NOW)
    try:
        total = store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
    except Exception:  # noqa: BLE001  (a store may raise any exception)
        expect("the value after increment() raised", ["text"], store.get(key, now=NOW))
    else:
        raise MismatchError(f"increment() of a text is {total!r}; expected an exception")


CASES = (
    Case("increment() starts at zero and returns the sum", _sums),
    Case("a counter that reaches zero is absent", _zero_is_absent),
    Case("a counter is its decimal digits for get() and compare_and_set()", _decimal_digits),
    Case("sums are exact up to 2^53", _large_sums),
    Case("an expired counter starts again", _expired_starts_again),
    Case("a live counter keeps its expiry", _live_keeps_expiry),
    Case("a new counter takes the expiry of its first call", _new_takes_expiry),
    Case("increment() of a text raises and changes nothing", _not_a_number),
)
