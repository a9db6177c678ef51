"""The table of facts has teeth: for every fact there is a store that lacks just that, and is found."""

import asyncio
import itertools
import threading
import time

import attrs
import pytest

from praetorian_core import MemoryStore
from praetorian_core.testing.stores import FACTS, THREADS, Fact, prove

BY_NAME = {fact.name: fact for fact in FACTS}
PATIENCE = 30  # seconds after which threads that should have met give up


# ---------------------------------------------------------------- stores that read wrongly


class KnowsWhatWasNeverWritten(MemoryStore):
    def get(self, *keys, now):
        return [value or "" for value in super().get(*keys, now=now)]


class AnswersUnasked(MemoryStore):
    def get(self, *keys, now):
        return super().get(*keys, now=now) or [None]


class AnswersWithATuple(MemoryStore):
    def get(self, *keys, now):
        return tuple(super().get(*keys, now=now))


class AnswersInItsOwnOrder(MemoryStore):
    def get(self, *keys, now):
        return super().get(*sorted(keys), now=now)


class LeavesOutWhatIsAbsent(MemoryStore):
    def get(self, *keys, now):
        return [value for value in super().get(*keys, now=now) if value is not None]


class AnswersEachKeyOnce(MemoryStore):
    def get(self, *keys, now):
        return super().get(*dict.fromkeys(keys), now=now)


class ReadsNumbers(MemoryStore):
    def get(self, *keys, now):
        return [int(value) if value and value.isdigit() else value for value in super().get(*keys, now=now)]


class ReadsBytes(MemoryStore):
    def get(self, *keys, now):
        return [None if value is None else value.encode() for value in super().get(*keys, now=now)]


class ReadsByItsOwnClock(MemoryStore):
    def get(self, *keys, now):
        return super().get(*keys, now=int(time.time()))


class ReadsASecondTooLong(MemoryStore):
    def get(self, *keys, now):
        return super().get(*keys, now=now - 1)


class ForgetsOnReading(MemoryStore):
    """It takes the present of one call for everybody's."""

    latest = 0

    def get(self, *keys, now):
        self.latest = max(self.latest, now)
        return super().get(*keys, now=self.latest)


class Word(str):
    __slots__ = ()


class ReadsWords(MemoryStore):
    """Equal to text, and no ``str`` to a guard."""

    def get(self, *keys, now):
        return [None if value is None else Word(value) for value in super().get(*keys, now=now)]


# ---------------------------------------------------------------- stores that take a key for another


class KeyedStore(MemoryStore):
    """Good, unless ``name`` of a subclass takes two keys for one."""

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


class CutsKeys(KeyedStore):
    def name(self, key):
        return key[:36]


# ---------------------------------------------------------------- stores that swap wrongly


class StripsValues(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new.strip(), expires_at=expires_at, now=now)


class SwapsByItsOwnClock(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        present = int(time.time())
        return super().compare_and_set(key, expected, new, expires_at=present + expires_at - now, now=present)


class CountsSecondsIn32Bits(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new, expires_at=min(expires_at, 2**31 - 1), now=now)


class HoldsWhatIsOver(MemoryStore):
    """At least for a second, as where an expiry of 0 means a mistake, or none."""

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new, expires_at=max(expires_at, now + 1), now=now)


class RefusesWhatIsOver(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return expires_at > now and super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class SwapsWhateverIsThere(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, *super().get(key, now=now), new, expires_at=expires_at, now=now)


class TakesEmptyForAbsent(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        return (live or None) == (expected or None) and super().compare_and_set(
            key, live, new, expires_at=expires_at, now=now
        )


class ComparesNumbers(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        try:
            same = float(live) == float(expected)
        except (TypeError, ValueError):
            same = live == expected
        return same and super().compare_and_set(key, live, new, expires_at=expires_at, now=now)


class SwapReturnsOne(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return int(super().compare_and_set(key, expected, new, expires_at=expires_at, now=now))


class SwapSeesWhatIsOver(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=0)


class SwapKeepsTheEnd(MemoryStore):
    def __init__(self):
        super().__init__()
        self.ends = {}

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new, expires_at=self.ends.setdefault(key, expires_at), now=now)


class SwapOnlyExtends(SwapKeepsTheEnd):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        self.ends[key] = max(expires_at, self.ends.get(key, 0))
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class RefusedSwapExtends(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        done = super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)
        if not done:
            (live,) = super().get(key, now=now)
            super().compare_and_set(key, live, live, expires_at=expires_at, now=now)
        return done


class RefusedSwapWrites(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        super().compare_and_set(key, live, new, expires_at=expires_at, now=now)
        return live == expected


class DropsBackslashes(MemoryStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return super().compare_and_set(key, expected, new.replace("\\", ""), expires_at=expires_at, now=now)


class ComparesPatterns(MemoryStore):
    """As ``value LIKE expected`` does where letter case counts."""

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        if live is not None and expected in {"_", "%"}:
            expected = live
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class ClearsAwayByTheFirstEnd(MemoryStore):
    def __init__(self):
        super().__init__()
        self.ends = {}

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        for other in [known for known, end in self.ends.items() if end <= now]:
            del self.ends[other]
            super().compare_and_set(other, *super().get(other, now=now), "", expires_at=now, now=now)
        self.ends.setdefault(key, expires_at)
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


# ---------------------------------------------------------------- stores that count wrongly


class TellsTheFormerSum(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return super().increment(key, amount, expires_at=expires_at, now=now) - amount


class NeverBelowZero(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return max(super().increment(key, amount, expires_at=expires_at, now=now), 0)


class SumIsText(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return str(super().increment(key, amount, expires_at=expires_at, now=now))


class ZeroStays(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        total = super().increment(key, amount, expires_at=expires_at, now=now)
        if total == 0:
            super().compare_and_set(key, None, "0", expires_at=expires_at, now=now)
        return total


class CountsElsewhere(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return super().increment(f"{key} counter", amount, expires_at=expires_at, now=now)


class CountsIn32Bits(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return min(super().increment(key, amount, expires_at=expires_at, now=now), 2**31 - 1)


class CountsOnWhatIsOver(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return super().increment(key, amount, expires_at=expires_at, now=0)


class CountsByItsOwnClock(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        present = int(time.time())
        return super().increment(key, amount, expires_at=present + expires_at - now, now=present)


class EndOfCounterMoves(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        total = super().increment(key, amount, expires_at=expires_at, now=now)
        super().compare_and_set(key, str(total), str(total), expires_at=expires_at, now=now)
        return total


class NewCounterTakesItsFormerEnd(MemoryStore):
    def __init__(self):
        super().__init__()
        self.ends = {}

    def increment(self, key, amount, *, expires_at, now):
        return super().increment(key, amount, expires_at=self.ends.setdefault(key, expires_at), now=now)


class CountsTexts(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        try:
            return super().increment(key, amount, expires_at=expires_at, now=now)
        except ValueError:
            return amount


class ClearsAwayTexts(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        try:
            return super().increment(key, amount, expires_at=expires_at, now=now)
        except ValueError:
            super().compare_and_set(key, *super().get(key, now=now), "0", expires_at=expires_at, now=now)
            raise


class NothingStays(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        total = super().increment(key, amount, expires_at=expires_at, now=now)
        if amount == 0:
            super().compare_and_set(key, None, "0", expires_at=expires_at, now=now)
        return total


class ZeroKeepsTheEnd(MemoryStore):
    def __init__(self):
        super().__init__()
        self.ends = {}

    def increment(self, key, amount, *, expires_at, now):
        if now >= self.ends.get(key, now):
            self.ends[key] = expires_at
        return super().increment(key, amount, expires_at=self.ends[key], now=now)


class HoldsCountsThatAreOver(MemoryStore):
    def increment(self, key, amount, *, expires_at, now):
        return super().increment(key, amount, expires_at=max(expires_at, now + 1), now=now)


class TakesWhatIsOverForANumber(MemoryStore):
    """A text that is over is no number either."""

    def increment(self, key, amount, *, expires_at, now):
        (former,) = super().get(key, now=0)
        try:
            int(former or "0")
        except ValueError:
            return 0
        return super().increment(key, amount, expires_at=expires_at, now=now)


# ---------------------------------------------------------------- stores that many may not use at once


class MeetingStore(MemoryStore):
    """Good, unless a subclass meets between what it reads and what it writes.

    There all threads of a fact wait for each other, so that the worst happens every time; whoever made the store, and
    prepares and judges the fact, waits for nobody.
    """

    def __init__(self):
        super().__init__()
        self.maker = threading.get_ident()
        self.barrier = threading.Barrier(THREADS, timeout=PATIENCE)

    def meet(self):
        if threading.get_ident() != self.maker:
            self.barrier.wait()


class NeverSwaps(MemoryStore):
    """Refuses every swap but the first of a key."""

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return expected is None and super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)


class ReadsThenSwaps(MeetingStore):
    def compare_and_set(self, key, expected, new, *, expires_at, now):
        (live,) = super().get(key, now=now)
        if live != expected:
            return False
        self.meet()
        # Whatever is there by now.
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


class LosesOneThatIsGivenBack(MeetingStore):
    def __init__(self):
        super().__init__()
        self.given_back = itertools.count()

    def increment(self, key, amount, *, expires_at, now):
        if amount < 0 and threading.get_ident() != self.maker and next(self.given_back) == 0:
            return 0
        return super().increment(key, amount, expires_at=expires_at, now=now)


class RemembersAbsence(MemoryStore):
    """A handle on a store that is shared, which asks it once a second about a key that was absent."""

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
        raise ConnectionRefusedError("no route to the store")


# ---------------------------------------------------------------- stores for asyncio


@attrs.frozen
class AsyncMemoryStore:
    """Good, and has nothing to close."""

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
    """Belongs to the event loop that runs where it is made, and notes on which one it is closed."""

    loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.get_running_loop)
    closed_on: list[asyncio.AbstractEventLoop] = attrs.field(factory=list)

    async def aclose(self):
        await asyncio.sleep(0)
        self.closed_on.append(asyncio.get_running_loop())


@attrs.frozen
class AsyncReadsThenSwaps(AsyncMemoryStore):
    """Goes on to write when all have read: the ``MeetingStore`` of asyncio."""

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


# ---------------------------------------------------------------- the facts


def shared(make):
    """Return a way to one store, whoever asks."""
    store = make()
    return lambda: store


BROKEN = [
    (KnowsWhatWasNeverWritten, "a key that was never written is absent"),
    (AnswersWithATuple, "a key that was never written is absent"),
    (LeavesOutWhatIsAbsent, "a key that was never written is absent"),
    (AnswersUnasked, "nothing asked, nothing answered"),
    (AnswersWithATuple, "nothing asked, nothing answered"),
    (AnswersInItsOwnOrder, "values come in the order of the keys"),
    (LeavesOutWhatIsAbsent, "values come in the order of the keys"),
    (AnswersEachKeyOnce, "values come in the order of the keys"),
    (ReadsNumbers, "a value comes back as the text that it was"),
    (ReadsBytes, "a value comes back as the text that it was"),
    (ReadsWords, "a value comes back as the text that it was"),
    (DropsBackslashes, "a value comes back as the text that it was"),
    (StripsValues, "a value comes back as the text that it was"),
    (IgnoresLetterCase, "keys are compared whole, and with their letter case"),
    (IgnoresTrailingBlanks, "keys are compared whole, and with their letter case"),
    (CutsKeys, "keys are compared whole, and with their letter case"),
    (ReadsByItsOwnClock, "an entry lives up to its until, by the present of the call"),
    (SwapsByItsOwnClock, "an entry lives up to its until, by the present of the call"),
    (ReadsASecondTooLong, "an entry lives up to its until, by the present of the call"),
    (ForgetsOnReading, "an entry lives up to its until, by the present of the call"),
    (CountsSecondsIn32Bits, "no lifespan is too long, and no present too late"),
    (HoldsWhatIsOver, "an entry that is over when it is written is absent"),
    (HoldsCountsThatAreOver, "an entry that is over when it is written is absent"),
    (RefusesWhatIsOver, "an entry that is over when it is written is absent"),
    (SwapsWhateverIsThere, "a swap is done iff the live value is the expected one"),
    (TakesEmptyForAbsent, "a swap is done iff the live value is the expected one"),
    (ComparesNumbers, "a swap is done iff the live value is the expected one"),
    (RefusedSwapWrites, "a swap is done iff the live value is the expected one"),
    (ComparesPatterns, "a swap is done iff the live value is the expected one"),
    (SwapReturnsOne, "a swap is done iff the live value is the expected one"),
    (SwapSeesWhatIsOver, "an expired entry is absent to a swap"),
    (SwapKeepsTheEnd, "a swap sets the end anew, sooner or later"),
    (SwapOnlyExtends, "a swap sets the end anew, sooner or later"),
    (RefusedSwapExtends, "a refused swap changes neither value nor end"),
    (RefusedSwapWrites, "a refused swap changes neither value nor end"),
    (CutsKeys, "a swap of one key is a swap of one key"),
    (ClearsAwayByTheFirstEnd, "what is live stays when others are cleared away"),
    (TellsTheFormerSum, "a counter begins at nothing, and every call tells the sum"),
    (NeverBelowZero, "a counter begins at nothing, and every call tells the sum"),
    (SumIsText, "a counter begins at nothing, and every call tells the sum"),
    (ZeroStays, "a counter at zero is absent"),
    (CountsElsewhere, "a counter is its decimal digits"),
    (ReadsNumbers, "a counter is its decimal digits"),
    (CountsIn32Bits, "sums are exact up to 2^53"),
    (CountsOnWhatIsOver, "a counter begins anew at its until"),
    (CountsByItsOwnClock, "a counter begins anew at its until"),
    (EndOfCounterMoves, "a live counter keeps its end"),
    (NewCounterTakesItsFormerEnd, "a new counter takes the end of its first call"),
    (TakesWhatIsOverForANumber, "a new counter takes the end of its first call"),
    (NothingStays, "a counter at zero is absent"),
    (ZeroKeepsTheEnd, "a counter at zero is absent"),
    (CountsTexts, "what is no number cannot be counted, and stays"),
    (ClearsAwayTexts, "what is no number cannot be counted, and stays"),
    (ReadsThenSwaps, "of many who swap at once, one wins"),
    (AsyncReadsThenSwaps, "of many who swap at once, one wins"),
    (ReadsThenSwaps, "of many swaps in a row, none is lost"),
    (NeverSwaps, "of many swaps in a row, none is lost"),
    (ReadsThenCounts, "of many who count at once, no count is lost"),
    (LosesOneThatIsGivenBack, "counts that are given back at once leave nothing"),
    (ZeroStays, "counts that are given back at once leave nothing"),
]
APART = ["what one handle writes, every other sees", "of many who swap at once, one wins"]


class TestFacts:
    @pytest.mark.parametrize("fact", FACTS, ids=str)
    @pytest.mark.parametrize("make", [MemoryStore, KeyedStore, MeetingStore, AsyncMemoryStore])
    def test_good(self, make, fact):
        """Of a good store every fact holds, and so it does of what the broken ones are made of."""

        assert [] == prove(shared(make), fact)

    @pytest.mark.parametrize(("make", "name"), BROKEN, ids=[f"{make.__name__}-{name}" for make, name in BROKEN])
    def test_broken(self, make, name):
        """The fact that a store lacks is found missing, by its answers and not by an accident of the store's."""
        (difference,) = prove(shared(make), BY_NAME[name])

        assert "; expected " in difference

    @pytest.mark.parametrize("name", APART)
    def test_handles_apart(self, name):
        """Handles that share nothing are found."""

        assert [] != prove(MemoryStore, BY_NAME[name])

    def test_remembered_absence(self):
        """A handle that misses what another one wrote since it last looked is found."""
        state = MemoryStore()

        assert ["what another handle wrote is [None]; expected ['1']"] == prove(
            lambda: RemembersAbsence(state), BY_NAME["what one handle writes, every other sees"]
        )

    def test_every_fact_has_teeth(self):
        """There is none that a broken store could not fail."""

        assert set(BY_NAME) == {name for _, name in BROKEN} | set(APART)

    def test_names(self):
        """A fact is called by its name, and no two by the same."""

        assert len(FACTS) == len(BY_NAME)
        assert list(BY_NAME) == [str(fact) for fact in FACTS]


class TestProve:
    def test_says_what_differs(self):
        """With what was tried, what came back, and what should have."""

        assert ["a counter that came to zero is ['0']; expected [None]"] == prove(
            shared(ZeroStays), BY_NAME["a counter at zero is absent"]
        )

    def test_true_is_not_one(self):
        """Though they are equal to Python."""

        assert ["a swap that expects None of None is 1; expected True"] == prove(
            shared(SwapReturnsOne), BY_NAME["a swap is done iff the live value is the expected one"]
        )

    def test_what_a_store_raises(self):
        """A store that cannot answer is a finding, not the end of the test."""

        assert ["ConnectionRefusedError came through: no route to the store"] == prove(shared(Down), FACTS[0])

    def test_what_connecting_raises(self):
        """Nor is one that there is no way to."""

        def connect():
            raise ConnectionRefusedError("no route to the store")

        assert ["ConnectionRefusedError came through: no route to the store"] == prove(connect, FACTS[0])

    def test_what_many_threads_raise(self):
        """What comes through in a thread is found as well."""

        class Full(MemoryStore):
            def increment(self, key, amount, *, expires_at, now):
                raise MemoryError("full")

        assert ["MemoryError came through: full"] == prove(
            shared(Full), BY_NAME["of many who count at once, no count is lost"]
        )

    def test_too_few_handles(self):
        """Where not every thread gets a handle, none waits for ever."""
        store, left = MemoryStore(), iter(range(THREADS - 1))

        def connect():
            if next(left, None) is None:
                raise ConnectionError("too many clients")
            return store

        assert ["ConnectionError came through: too many clients"] == prove(
            connect, BY_NAME["of many who swap at once, one wins"]
        )

    def test_what_closing_raises(self):
        """It is a finding as well, and the loop's thread is gone."""

        class Stuck(AsyncMemoryStore):
            async def aclose(self):
                raise ConnectionError("no answer")

        before = set(threading.enumerate())
        assert ["ConnectionError came through: no answer"] == prove(shared(Stuck), FACTS[0])
        assert set() == set(threading.enumerate()) - before

    def test_keys_are_fresh(self):
        """No key is used twice: not within a fact, nor when it is tried again."""
        keys = []
        asks = Fact("keys are asked for", lambda bench: keys.extend(bench.key() for _ in range(10)))
        for _ in range(3):
            assert [] == prove(MemoryStore, asks)

        assert 30 == len(set(keys))

    @pytest.mark.parametrize("fact", FACTS, ids=str)
    def test_state_need_not_be_cleared(self, fact):
        """A fact that held of a store holds of it again."""
        connect = shared(MemoryStore)

        assert [[], []] == [prove(connect, fact) for _ in range(2)]

    def test_closes_what_can_be_closed(self):
        """Each handle of a store for asyncio once, on the loop that ran when it was made."""
        opened = []
        state = MemoryStore()

        def connect():
            opened.append(ClosableStore(state))
            return opened[-1]

        assert [] == prove(connect, BY_NAME["what one handle writes, every other sees"])
        assert 2 == len(opened)
        assert [[handle.loop] for handle in opened] == [handle.closed_on for handle in opened]

    def test_closes_after_a_failure(self):
        """Also where the fact does not hold, or an error came through."""
        opened = []

        def connect():
            opened.append(ClosableStore())
            return opened[-1]

        assert [] != prove(connect, BY_NAME["what one handle writes, every other sees"])
        assert [1, 1] == [len(handle.closed_on) for handle in opened]

    @pytest.mark.parametrize("make", [MemoryStore, AsyncMemoryStore, Down])
    def test_leaves_no_thread(self, make):
        """Whatever the outcome, the loop's thread is gone."""
        before = set(threading.enumerate())
        prove(shared(make), FACTS[0])

        assert set() == set(threading.enumerate()) - before
