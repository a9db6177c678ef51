"""Cases of ``get``, of expiry, and of the values that a store must keep."""

from __future__ import annotations

from praetorian_core.testing.store_suite.fixture import EXPIRES_AT, NOW, Case, Fixture, expect

MAX_VALUE = 50_000
"""The length that a value may have: the index of a user with 100 sessions and long labels."""


def _absent(fixture: Fixture) -> None:
    expect("a key that was never written", [None], fixture.connect().get(fixture.key(), now=NOW))


def _no_keys(fixture: Fixture) -> None:
    expect("get() without keys", [], fixture.connect().get(now=NOW))


def _order(fixture: Fixture) -> None:
    store, first, second = fixture.connect(), fixture.key(), fixture.key()
    store.compare_and_set(first, None, "1", expires_at=EXPIRES_AT, now=NOW)
    store.compare_and_set(second, None, "2", expires_at=EXPIRES_AT, now=NOW)
    found = store.get(second, fixture.key(), first, second, now=NOW)
    expect("get() of b, an absent key, a and b", ["2", None, "1", "2"], found)


def _exact_values(fixture: Fixture) -> None:
    store = fixture.connect()
    for value in (
        "ended",
        "3 1767225600",
        "7",
        "0",
        "-1",
        "None",
        "",
        " ",
        "a b c",
        "\\'\"%_{}:?$1\n",
        "x" * MAX_VALUE,
    ):
        key = fixture.key()
        store.compare_and_set(key, None, value, expires_at=EXPIRES_AT, now=NOW)
        expect(f"the value written as {value[:200]!r}", [value], store.get(key, now=NOW))


def _exact_keys(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    store.compare_and_set(f"{key}Ab", None, "v", expires_at=EXPIRES_AT, now=NOW)
    others = (f"{key}AB", f"{key}ab", f"{key}A", f"{key}Ab ", f"{key}A%", f"{key}A_", f"{key}A*")
    expect("get() of similar keys", [None] * len(others), store.get(*others, now=NOW))
    expect("get() of the key itself", ["v"], store.get(f"{key}Ab", now=NOW))


def _expiry(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW)
    for name, now, expected in (
        ("the start", NOW, "v"),
        ("expires_at-1", EXPIRES_AT - 1, "v"),
        ("expires_at", EXPIRES_AT, None),
        ("expires_at+1", EXPIRES_AT + 1, None),
        ("expires_at-1, read again", EXPIRES_AT - 1, "v"),
    ):
        expect(f"an entry at {name}", [expected], store.get(key, now=now))


def _any_time(fixture: Fixture) -> None:
    store = fixture.connect()
    # The longest lifespan that the settings accept, and a time after 2038.
    for now, life in ((NOW, 400_000_000 * 86_400), (4_000_000_000, 30 * 86_400)):
        key = fixture.key()
        store.compare_and_set(key, None, "v", expires_at=now + life, now=now)
        expect(f"an entry of {life} s written at {now}, in its last second", ["v"], store.get(key, now=now + life - 1))
        expect("the same entry at expires_at", [None], store.get(key, now=now + life))


def _written_expired(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    found = store.compare_and_set(key, None, "v", expires_at=NOW, now=NOW)
    expect("compare_and_set() of an entry that has expired already", [True], [found])
    expect("that entry", [None], store.get(key, now=NOW))
    counter = fixture.key()
    expect("the sum of a counter that has expired already", 3, store.increment(counter, 3, expires_at=NOW, now=NOW))
    expect("that counter", [None], store.get(counter, now=NOW))


CASES = (
    Case("a key that was never written is absent", _absent),
    Case("get() without keys returns an empty list", _no_keys),
    Case("values are returned in the order of the keys", _order),
    Case("a value is returned exactly as it was written", _exact_values),
    Case("keys are compared exactly, with their letter case", _exact_keys),
    Case("an entry expires at expires_at, by the now of the call", _expiry),
    Case("every lifespan and every now is accepted", _any_time),
    Case("an entry that has expired when it is written is absent", _written_expired),
)
