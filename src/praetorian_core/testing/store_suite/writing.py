"""Cases of ``compare_and_set``."""

from __future__ import annotations

from praetorian_core.testing.store_suite.fixture import EXPIRES_AT, NOW, Case, Fixture, expect

LATER = EXPIRES_AT + 500
FAR_AHEAD = NOW + 10 * 365 * 86_400


def _compares(fixture: Fixture) -> None:
    store = fixture.connect()
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
        key = fixture.key()
        if live is not None:
            store.compare_and_set(key, None, live, expires_at=EXPIRES_AT, now=NOW)
        what = f"compare_and_set() that expects {expected!r} and finds {live!r}"
        matches = live == expected
        expect(what, matches, store.compare_and_set(key, expected, "new", expires_at=EXPIRES_AT, now=NOW))
        expect(f"the value after {what}", ["new" if matches else live], store.get(key, now=NOW))


def _expired_is_absent(fixture: Fixture) -> None:
    store = fixture.connect()
    for name, now, expected, succeeds in (
        ("the live value at expires_at-1", EXPIRES_AT - 1, "old", True),
        ("absence at expires_at-1", EXPIRES_AT - 1, None, False),
        ("the former value at expires_at", EXPIRES_AT, "old", False),
        ("absence at expires_at", EXPIRES_AT, None, True),
    ):
        key = fixture.key()
        store.compare_and_set(key, None, "old", expires_at=EXPIRES_AT, now=NOW)
        found = store.compare_and_set(key, expected, "new", expires_at=LATER, now=now)
        expect(f"compare_and_set() that expects {name}", succeeds, found)


def _replaces_expiry(fixture: Fixture) -> None:
    store = fixture.connect()
    for expires_at in (EXPIRES_AT - 500, EXPIRES_AT, LATER):
        key = fixture.key()
        store.compare_and_set(key, None, "a", expires_at=EXPIRES_AT, now=NOW)
        store.compare_and_set(key, "a", "b", expires_at=expires_at, now=NOW)
        expect(f"an entry set to expire at {expires_at}, a second before", ["b"], store.get(key, now=expires_at - 1))
        expect("the same entry at expires_at", [None], store.get(key, now=expires_at))


def _failure_changes_nothing(fixture: Fixture) -> None:
    store, key = fixture.connect(), fixture.key()
    store.compare_and_set(key, None, "a", expires_at=EXPIRES_AT, now=NOW)
    store.compare_and_set(key, "x", "b", expires_at=LATER, now=NOW)
    expect("the value after a failed compare_and_set()", ["a"], store.get(key, now=EXPIRES_AT - 1))
    expect("the same entry at its expires_at", [None], store.get(key, now=EXPIRES_AT))


def _one_key(fixture: Fixture) -> None:
    store, first, second = fixture.connect(), fixture.key(), fixture.key()
    store.compare_and_set(first, None, "1", expires_at=EXPIRES_AT, now=NOW)
    store.compare_and_set(second, None, "2", expires_at=EXPIRES_AT, now=NOW)
    store.compare_and_set(first, "1", "3", expires_at=EXPIRES_AT, now=NOW)
    expect("both values after compare_and_set() of one", ["3", "2"], store.get(first, second, now=NOW))


def _purge_keeps_live(fixture: Fixture) -> None:
    store, prolonged, counter = fixture.connect(), fixture.key(), fixture.key()
    store.compare_and_set(prolonged, None, "a", expires_at=EXPIRES_AT, now=NOW)
    store.compare_and_set(prolonged, "a", "b", expires_at=LATER, now=NOW)
    store.increment(counter, 1, expires_at=LATER, now=NOW)
    for _ in range(40):
        # Give a store that purges while it writes something to purge.
        store.compare_and_set(fixture.key(), None, "v", expires_at=EXPIRES_AT, now=NOW)
    for _ in range(20):
        store.compare_and_set(fixture.key(), None, "v", expires_at=LATER, now=EXPIRES_AT + 100)
        store.increment(fixture.key(), 1, expires_at=LATER, now=EXPIRES_AT + 100)
    expect("live entries after a purge", ["b", "1"], store.get(prolonged, counter, now=EXPIRES_AT + 100))


def _wrong_clock(fixture: Fixture) -> None:
    store, session, counter = fixture.connect(), fixture.key(), fixture.key()
    store.compare_and_set(session, None, "ended", expires_at=EXPIRES_AT, now=NOW)
    store.increment(counter, 1, expires_at=EXPIRES_AT, now=NOW)
    for _ in range(40):
        store.compare_and_set(fixture.key(), None, "v", expires_at=FAR_AHEAD + 1_000, now=FAR_AHEAD)
        store.increment(fixture.key(), 1, expires_at=FAR_AHEAD + 1_000, now=FAR_AHEAD)
        store.get(session, counter, now=FAR_AHEAD)
    # Through a new handle too, as a process that starts while the clock is wrong.
    other = fixture.connect()
    for _ in range(10):
        other.increment(fixture.key(), 1, expires_at=FAR_AHEAD + 1_000, now=FAR_AHEAD)
    found = store.get(session, counter, now=EXPIRES_AT - 1)
    expect("live entries after calls with a now ten years ahead", ["ended", "1"], found)


CASES = (
    Case("compare_and_set() succeeds only if the current value is the expected one", _compares),
    Case("compare_and_set() treats an expired entry as absent", _expired_is_absent),
    Case("compare_and_set() replaces the expiry, be it earlier or later", _replaces_expiry),
    Case("a failed compare_and_set() changes neither value nor expiry", _failure_changes_nothing),
    Case("compare_and_set() changes only its own key", _one_key),
    Case("removing expired entries keeps live ones", _purge_keeps_live),
    Case("calls with a now far ahead remove no live entry", _wrong_clock),
)
