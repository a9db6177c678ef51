"""For each case of the suite there is a store with exactly that fault, and the suite finds it."""

import asyncio
import itertools
import threading
import time

import attrs
import pytest

from praetorian_core import MemoryStore
from praetorian_core.testing.store_suite import CASES, Case, check
from praetorian_core.testing.store_suite.fixture import THREADS

BY_NAME = {case.name: case for case in CASES}
PATIENCE = 30  # seconds; a thread that waits longer at a barrier fails


# ---------------------------------------------------------------- faulty get()


class ReturnsEmptyForAbsent(MemoryStore):
    def get(self, *keys, now):
        return [value or "" for value in super().get(*keys, now=now)]


class ReturnsNoneForNoKeys(MemoryStore):
    def get(self, *keys, now):
        return super().get(*keys, now=now) or [None]


class ReturnsATuple(MemoryStore):
    def get(self, *keys, now):
        return tuple(super().get(*keys, now=now))


class ReturnsInKeyOrder(MemoryStore):
    def get(self, *keys, now):
        return super().get(*sorted(keys), now=now)


class OmitsAbsentValues(MemoryStore):
    def get(self, *keys, now):
        return [value for value in super().get(*keys, now=now) if value is not None]


class ReturnsEachKeyOnce(MemoryStore):
    def get(self, *keys, now):
        return super().get(*dict.fromkeys(keys), now=now)


class ReturnsIntegers(MemoryStore):
    def get(self, *keys, now):
        return [int(value) if value and value.isdigit() else value for value in super().get(*keys, now=now)]


class ReturnsBytes(MemoryStore):
    def get(self, *keys, now):
        return [None if value is None else value.encode() for value in super().get(*keys, now=now)]


class ReadsByMachineClock(MemoryStore):
    def get(self, *keys, now):
        return super().get(*keys, now=int(time.time()))


class ReadsASecondTooLong(MemoryStore):
    def get(self, *keys, now):
        return super().get(*keys, now=now - 1)


class RemembersTheLatestNow(MemoryStore):
    """Expires entries by the latest now of any earlier call."""

    latest = 0

    def get(self, *keys, now):
        self.latest = max(self.latest, now)
        return super().get(*keys, now=self.latest)


class StrSubclass(str):
    __slots__ = ()


class ReturnsStrSubclass(MemoryStore):
    """Equal to a ``str``, but of another type."""

    def get(self, *keys, now):
        return [None if value is None else StrSubclass(value) for value in super().get(*keys, now=now)]


# ---------------------------------------------------------------- faulty keys


class KeyedStore(MemoryStore):
    """Correct, unless a subclass's ``name`` maps two keys to one."""

    def name(self, key):
        return key

    def get(self, *keys, now):
        return super().get(*(self.name(key) for key in keys), now=now)

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(self.name(key), expected, new, expires_at=expires_at, now=now)

    def increment(self, key, amount, *, expires_at, now):
        return super().increment(self.name(key), amount, expires_at=expires_at, now=now)


class IgnoresLetterCase(KeyedStore):
    def name(self, key):
        return key.lower()


class IgnoresTrailingBlanks(KeyedStore):
    def name(self, key):
        return key.rstrip()


class TruncatesKeys(KeyedStore):
    def name(self, key):
        return key[:36]


# ---------------------------------------------------------------- faulty compare_and_set()


class StripsValues(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new.strip(), expires_at=expires_at, now=now)


class WritesByMachineClock(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        present = int(time.time())
        return super().compare_and_set(key, expected, new, expires_at=present + expires_at - now, now=present)


class LimitsExpiryTo32Bits(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new, expires_at=min(expires_at, 2**31 - 1), now=now)


class KeepsExpiredValues(MemoryStore):
    """Keeps them for one second, as a store does that cannot express a lifetime of 0."""

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new, expires_at=max(expires_at, now + 1), now=now)


class RejectsExpiredValues(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return expires_at > now and super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class IgnoresExpected(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, *super().get(key, now=now), new, expires_at=expires_at, now=now)


class TreatsEmptyAsAbsent(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        return (live or None) == (expected or None) and super().compare_and_set(
            key, live, new, expires_at=expires_at, now=now
        )


class ComparesAsNumbers(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        try:
            same = float(live) == float(expected)
        except (TypeError, ValueError):
            same = live == expected
        return same and super().compare_and_set(key, live, new, expires_at=expires_at, now=now)


class ReturnsOneForTrue(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return int(super().compare_and_set(key, expected, new, expires_at=expires_at, now=now))


class ComparesExpiredValues(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=0)


class KeepsFirstExpiry(MemoryStore):
    def __init__(self):
        super().__init__()
        self.ends = {}

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new, expires_at=self.ends.setdefault(key, expires_at), now=now)


class KeepsLatestExpiry(KeepsFirstExpiry):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        self.ends[key] = max(expires_at, self.ends.get(key, 0))
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class FailureChangesExpiry(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        done = super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)
        if not done:
            (live,) = super().get(key, now=now)
            super().compare_and_set(key, live, live, expires_at=expires_at, now=now)
        return done


class FailureWrites(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        super().compare_and_set(key, live, new, expires_at=expires_at, now=now)
        return live == expected


class DropsBackslashes(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new.replace("\\", ""), expires_at=expires_at, now=now)


class ComparesPatterns(MemoryStore):
    """Compares like SQL's ``value LIKE expected``."""

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        if live is not None and expected in {"_", "%"}:
            expected = live
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class PurgesByFirstExpiry(MemoryStore):
    def __init__(self):
        super().__init__()
        self.ends = {}

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        for other in [known for known, end in self.ends.items() if end <= now]:
            del self.ends[other]
            super().compare_and_set(other, *super().get(other, now=now), "", expires_at=now, now=now)
        self.ends.setdefault(key, expires_at)
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class PurgesByOneReading(MemoryStore):
    """Removes every entry that has expired by the now of any single call."""

    def __init__(self):
        super().__init__()
        self.ends = {}

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        for other in [known for known, end in self.ends.items() if end <= now]:
            del self.ends[other]
            super().compare_and_set(other, None, "", expires_at=now, now=now)
        self.ends[key] = expires_at
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


# ---------------------------------------------------------------- faulty increment()


class ReturnsFormerSum(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return super().increment(key, amount, expires_at=expires_at, now=now) - amount


class NeverBelowZero(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return max(super().increment(key, amount, expires_at=expires_at, now=now), 0)


class ReturnsSumAsText(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return str(super().increment(key, amount, expires_at=expires_at, now=now))


class KeepsZero(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        total = super().increment(key, amount, expires_at=expires_at, now=now)
        if total == 0:
            super().compare_and_set(key, None, "0", expires_at=expires_at, now=now)
        return total


class CountsUnderAnotherKey(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return super().increment(f"{key} counter", amount, expires_at=expires_at, now=now)


class LimitsSumTo32Bits(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return min(super().increment(key, amount, expires_at=expires_at, now=now), 2**31 - 1)


class AddsToExpiredCounter(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return super().increment(key, amount, expires_at=expires_at, now=0)


class CountsByMachineClock(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        present = int(time.time())
        return super().increment(key, amount, expires_at=present + expires_at - now, now=present)


class MovesCounterExpiry(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        total = super().increment(key, amount, expires_at=expires_at, now=now)
        super().compare_and_set(key, str(total), str(total), expires_at=expires_at, now=now)
        return total


class KeepsFormerCounterExpiry(MemoryStore):
    def __init__(self):
        super().__init__()
        self.ends = {}

    def increment(self, key, amount, *, expires_at, now):
        return super().increment(key, amount, expires_at=self.ends.setdefault(key, expires_at), now=now)


class IgnoresTexts(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        try:
            return super().increment(key, amount, expires_at=expires_at, now=now)
        except ValueError:
            return amount


class ReplacesTexts(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        try:
            return super().increment(key, amount, expires_at=expires_at, now=now)
        except ValueError:
            super().compare_and_set(key, *super().get(key, now=now), "0", expires_at=expires_at, now=now)
            raise


class KeepsZeroPlusZero(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        total = super().increment(key, amount, expires_at=expires_at, now=now)
        if amount == 0:
            super().compare_and_set(key, None, "0", expires_at=expires_at, now=now)
        return total


class KeepsExpiryOfZero(MemoryStore):
    def __init__(self):
        super().__init__()
        self.ends = {}

    def increment(self, key, amount, *, expires_at, now):
        if now >= self.ends.get(key, now):
            self.ends[key] = expires_at
        return super().increment(key, amount, expires_at=self.ends[key], now=now)


class KeepsExpiredCounters(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return super().increment(key, amount, expires_at=max(expires_at, now + 1), now=now)


class ParsesExpiredText(MemoryStore):
    """Parses a text as a counter though it has expired."""

    def increment(self, key, amount, *, expires_at, now):
        (former,) = super().get(key, now=0)
        try:
            int(former or "0")
        except ValueError:
            return 0
        return super().increment(key, amount, expires_at=expires_at, now=now)


# ---------------------------------------------------------------- faulty under concurrency


class MeetingStore(MemoryStore):
    """Correct, unless a subclass calls ``meet`` between its read and its write.

    ``meet`` makes all threads of a case wait for each other, so that every run shows the race. The thread that created
    the store prepares and checks the case; it does not wait.
    """

    def __init__(self):
        super().__init__()
        self.maker = threading.get_ident()
        self.barrier = threading.Barrier(THREADS, timeout=PATIENCE)

    def meet(self):
        if threading.get_ident() != self.maker:
            self.barrier.wait()


class NeverReplaces(MemoryStore):
    """Rejects every compare_and_set() of a key but the first."""

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return expected is None and super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class ReadsThenWrites(MeetingStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        if live != expected:
            return False
        self.meet()
        # Overwrite the current value.
        while not super().compare_and_set(key, *super().get(key, now=now), new, expires_at=expires_at, now=now):
            pass
        return True


class ReadsThenCounts(MeetingStore):
    def increment(self, key, amount, *, expires_at, now):
        (live,) = super().get(key, now=now)
        total = int(live or "0") + amount
        self.meet()
        while not super().compare_and_set(key, *super().get(key, now=now), str(total), expires_at=expires_at, now=now):
            pass
        return total


class LosesOneDecrement(MeetingStore):
    def __init__(self):
        super().__init__()
        self.given_back = itertools.count()

    def increment(self, key, amount, *, expires_at, now):
        if amount < 0 and threading.get_ident() != self.maker and next(self.given_back) == 0:
            return 0
        return super().increment(key, amount, expires_at=expires_at, now=now)


class CachesAbsence(MemoryStore):
    """A handle on a shared store that caches absent keys for one second."""

    def __init__(self, state):
        self.state = state
        self.absent = set()

    def get(self, *keys, now):
        values = [None if (key, now) in self.absent else self.state.get(key, now=now)[0] for key in keys]
        self.absent |= {(key, now) for key, value in zip(keys, values, strict=True) if value is None}
        return values

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        self.absent.discard((key, now))
        return self.state.compare_and_set(key, expected, new, expires_at=expires_at, now=now)

    def increment(self, key, amount, *, expires_at, now):
        self.absent.discard((key, now))
        return self.state.increment(key, amount, expires_at=expires_at, now=now)


class Down(MemoryStore):
    def get(self, *keys, now):
        raise ConnectionRefusedError("connection refused")


# ---------------------------------------------------------------- asyncio


@attrs.frozen
class AsyncMemoryStore:
    """Correct, with nothing to close."""

    store: MemoryStore = attrs.field(factory=MemoryStore)

    async def get(self, *keys, now):
        await asyncio.sleep(0)
        return self.store.get(*keys, now=now)

    async def compare_and_set(self, key, expected, new, *, expires_at, now):
        await asyncio.sleep(0)
        return self.store.compare_and_set(key, expected, new, expires_at=expires_at, now=now)

    async def increment(self, key, amount, *, expires_at, now):
        await asyncio.sleep(0)
        return self.store.increment(key, amount, expires_at=expires_at, now=now)


@attrs.frozen
class ClosableStore(AsyncMemoryStore):
    """Bound to the event loop on which it is created; records the loop on which it is closed."""

    loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.get_running_loop)
    closed_on: list[asyncio.AbstractEventLoop] = attrs.field(factory=list)

    async def aclose(self):
        await asyncio.sleep(0)
        self.closed_on.append(asyncio.get_running_loop())


@attrs.frozen
class AsyncReadsThenWrites(AsyncMemoryStore):
    """Writes after all tasks have read: ``MeetingStore`` for asyncio."""

    waiting: list[asyncio.Future[None]] = attrs.field(factory=list)

    async def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = self.store.get(key, now=now)
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        if len(self.waiting) == THREADS:
            while self.waiting:
                self.waiting.pop().set_result(None)
        await asyncio.wait_for(turn, PATIENCE)
        return live == expected and self.store.compare_and_set(
            key, *self.store.get(key, now=now), new, expires_at=expires_at, now=now
        )


# ---------------------------------------------------------------- the suite


def shared(make):
    """Return a ``connect`` that always returns the same store."""
    store = make()
    return lambda: store


BROKEN = [
    (ReturnsEmptyForAbsent, "a key that was never written is absent"),
    (ReturnsATuple, "a key that was never written is absent"),
    (OmitsAbsentValues, "a key that was never written is absent"),
    (ReturnsNoneForNoKeys, "get() without keys returns an empty list"),
    (ReturnsATuple, "get() without keys returns an empty list"),
    (ReturnsInKeyOrder, "values are returned in the order of the keys"),
    (OmitsAbsentValues, "values are returned in the order of the keys"),
    (ReturnsEachKeyOnce, "values are returned in the order of the keys"),
    (ReturnsIntegers, "a value is returned exactly as it was written"),
    (ReturnsBytes, "a value is returned exactly as it was written"),
    (ReturnsStrSubclass, "a value is returned exactly as it was written"),
    (DropsBackslashes, "a value is returned exactly as it was written"),
    (StripsValues, "a value is returned exactly as it was written"),
    (IgnoresLetterCase, "keys are compared exactly, with their letter case"),
    (IgnoresTrailingBlanks, "keys are compared exactly, with their letter case"),
    (TruncatesKeys, "keys are compared exactly, with their letter case"),
    (ReadsByMachineClock, "an entry expires at expires_at, by the now of the call"),
    (WritesByMachineClock, "an entry expires at expires_at, by the now of the call"),
    (ReadsASecondTooLong, "an entry expires at expires_at, by the now of the call"),
    (RemembersTheLatestNow, "an entry expires at expires_at, by the now of the call"),
    (LimitsExpiryTo32Bits, "every lifespan and every now is accepted"),
    (KeepsExpiredValues, "an entry that has expired when it is written is absent"),
    (KeepsExpiredCounters, "an entry that has expired when it is written is absent"),
    (RejectsExpiredValues, "an entry that has expired when it is written is absent"),
    (IgnoresExpected, "compare_and_set() succeeds only if the current value is the expected one"),
    (TreatsEmptyAsAbsent, "compare_and_set() succeeds only if the current value is the expected one"),
    (ComparesAsNumbers, "compare_and_set() succeeds only if the current value is the expected one"),
    (FailureWrites, "compare_and_set() succeeds only if the current value is the expected one"),
    (ComparesPatterns, "compare_and_set() succeeds only if the current value is the expected one"),
    (ReturnsOneForTrue, "compare_and_set() succeeds only if the current value is the expected one"),
    (ComparesExpiredValues, "compare_and_set() treats an expired entry as absent"),
    (KeepsFirstExpiry, "compare_and_set() replaces the expiry, be it earlier or later"),
    (KeepsLatestExpiry, "compare_and_set() replaces the expiry, be it earlier or later"),
    (FailureChangesExpiry, "a failed compare_and_set() changes neither value nor expiry"),
    (FailureWrites, "a failed compare_and_set() changes neither value nor expiry"),
    (TruncatesKeys, "compare_and_set() changes only its own key"),
    (PurgesByFirstExpiry, "removing expired entries keeps live ones"),
    (PurgesByOneReading, "calls with a now far ahead remove no live entry"),
    (ReturnsFormerSum, "increment() starts at zero and returns the sum"),
    (NeverBelowZero, "increment() starts at zero and returns the sum"),
    (ReturnsSumAsText, "increment() starts at zero and returns the sum"),
    (KeepsZero, "a counter that reaches zero is absent"),
    (CountsUnderAnotherKey, "a counter is its decimal digits for get() and compare_and_set()"),
    (ReturnsIntegers, "a counter is its decimal digits for get() and compare_and_set()"),
    (LimitsSumTo32Bits, "sums are exact up to 2^53"),
    (AddsToExpiredCounter, "an expired counter starts again"),
    (CountsByMachineClock, "an expired counter starts again"),
    (MovesCounterExpiry, "a live counter keeps its expiry"),
    (KeepsFormerCounterExpiry, "a new counter takes the expiry of its first call"),
    (ParsesExpiredText, "a new counter takes the expiry of its first call"),
    (KeepsZeroPlusZero, "a counter that reaches zero is absent"),
    (KeepsExpiryOfZero, "a counter that reaches zero is absent"),
    (IgnoresTexts, "increment() of a text raises and changes nothing"),
    (ReplacesTexts, "increment() of a text raises and changes nothing"),
    (ReadsThenWrites, "of concurrent compare_and_set() calls exactly one succeeds"),
    (AsyncReadsThenWrites, "of concurrent compare_and_set() calls exactly one succeeds"),
    (ReadsThenWrites, "concurrent compare_and_set() calls lose no update"),
    (NeverReplaces, "concurrent compare_and_set() calls lose no update"),
    (ReadsThenCounts, "concurrent increment() calls lose no count"),
    (LosesOneDecrement, "concurrent increment() calls that cancel out leave no counter"),
    (KeepsZero, "concurrent increment() calls that cancel out leave no counter"),
]
APART = ["every handle reads what any handle wrote", "of concurrent compare_and_set() calls exactly one succeeds"]


class TestCases:
    @pytest.mark.parametrize("case", CASES, ids=str)
    @pytest.mark.parametrize("make", [MemoryStore, KeyedStore, MeetingStore, AsyncMemoryStore])
    def test_good(self, make, case):
        """Every case passes for a correct store, and for the base classes of the faulty ones."""

        assert [] == check(shared(make), case)

    @pytest.mark.parametrize(("make", "name"), BROKEN, ids=[f"{make.__name__}-{name}" for make, name in BROKEN])
    def test_broken(self, make, name):
        """The case of a store's fault fails because of a returned value, not because the store crashed."""
        (difference,) = check(shared(make), BY_NAME[name])

        assert "; expected " in difference

    @pytest.mark.parametrize("name", APART)
    def test_handles_apart(self, name):
        """Handles without shared state fail."""

        assert [] != check(MemoryStore, BY_NAME[name])

    def test_remembered_absence(self):
        """A handle with a cache that misses another handle's write fails."""
        state = MemoryStore()

        assert ["a value that another handle wrote is [None]; expected ['1']"] == check(
            lambda: CachesAbsence(state), BY_NAME["every handle reads what any handle wrote"]
        )

    def test_each_case_can_fail(self):
        """There is a faulty store for each case."""

        assert set(BY_NAME) == {name for _, name in BROKEN} | set(APART)

    def test_names(self):
        """A case is shown by its name, and names are unique."""

        assert len(CASES) == len(BY_NAME)
        assert list(BY_NAME) == [str(case) for case in CASES]


class TestCheck:
    def test_mismatch(self):
        """The text names the step, the value found and the value expected."""

        assert ["a counter that reached zero is ['0']; expected [None]"] == check(
            shared(KeepsZero), BY_NAME["a counter that reaches zero is absent"]
        )

    def test_type(self):
        """1 is not accepted for True."""

        assert ["compare_and_set() that expects None and finds None is 1; expected True"] == check(
            shared(ReturnsOneForTrue),
            BY_NAME["compare_and_set() succeeds only if the current value is the expected one"],
        )

    def test_store_raises(self):
        """An exception of the store is returned, not raised."""

        assert ["the store raised ConnectionRefusedError: connection refused"] == check(shared(Down), CASES[0])

    def test_connect_raises(self):
        """So is an exception of ``connect``."""

        def connect():
            raise ConnectionRefusedError("connection refused")

        assert ["the store raised ConnectionRefusedError: connection refused"] == check(connect, CASES[0])

    def test_thread_raises(self):
        """So is an exception in one of the threads."""

        class Full(MemoryStore):
            def increment(self, key, amount, *, expires_at, now):
                raise MemoryError("full")

        assert ["the store raised MemoryError: full"] == check(
            shared(Full), BY_NAME["concurrent increment() calls lose no count"]
        )

    def test_too_few_handles(self):
        """If ``connect`` fails for one thread, no other thread waits at the barrier."""
        store, left = MemoryStore(), iter(range(THREADS - 1))

        def connect():
            if next(left, None) is None:
                raise ConnectionError("too many clients")
            return store

        assert ["the store raised ConnectionError: too many clients"] == check(
            connect, BY_NAME["of concurrent compare_and_set() calls exactly one succeeds"]
        )

    def test_close_raises(self):
        """An exception of ``aclose`` is returned, and the loop's thread ends."""

        class Stuck(AsyncMemoryStore):
            async def aclose(self):
                raise ConnectionError("no answer")

        before = set(threading.enumerate())
        assert ["the store raised ConnectionError: no answer"] == check(shared(Stuck), CASES[0])
        assert set() == set(threading.enumerate()) - before

    def test_unused_keys(self):
        """No key is returned twice, within a case or over several runs."""
        keys = []
        takes_keys = Case("keys", lambda fixture: keys.extend(fixture.key() for _ in range(10)))
        for _ in range(3):
            assert [] == check(MemoryStore, takes_keys)

        assert 30 == len(set(keys))

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_repeated(self, case):
        """A case that passed passes again on the same store."""
        connect = shared(MemoryStore)

        assert [[], []] == [check(connect, case) for _ in range(2)]

    def test_closes_handles(self):
        """Each handle with ``aclose`` is closed once, on the loop on which it was created."""
        opened = []
        state = MemoryStore()

        def connect():
            opened.append(ClosableStore(state))
            return opened[-1]

        assert [] == check(connect, BY_NAME["every handle reads what any handle wrote"])
        assert 2 == len(opened)
        assert [[handle.loop] for handle in opened] == [handle.closed_on for handle in opened]

    def test_closes_after_a_failure(self):
        """Handles are closed when the case fails."""
        opened = []

        def connect():
            opened.append(ClosableStore())
            return opened[-1]

        assert [] != check(connect, BY_NAME["every handle reads what any handle wrote"])
        assert [1, 1] == [len(handle.closed_on) for handle in opened]

    @pytest.mark.parametrize("make", [MemoryStore, AsyncMemoryStore, Down])
    def test_leaves_no_thread(self, make):
        """The loop's thread ends, whether the case passes or fails."""
        before = set(threading.enumerate())
        check(shared(make), CASES[0])

        assert set() == set(threading.enumerate()) - before
