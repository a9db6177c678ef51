"""Logins of an AsyncGuard: equal paths, and attempts that are taken back when a task is cancelled."""

from __future__ import annotations

import asyncio
import threading

import attrs
import pytest
from tests.support import NOW, PASSWORD, RING, AsyncUsers, KeyedStore

from praetorian_core import AsyncGuard, Settings
from praetorian_core.errors import AuthenticationError
from praetorian_core.executor import Executor
from praetorian_core.hash_turn import HashTurn
from praetorian_core.login import LoginThrottle
from praetorian_core.login.hash_queue import HashExecutor
from praetorian_core.stores.sqlite import SQLiteStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

SOURCE = "8.8.8.8"
COST = {"time_cost": 3, "memory_cost": 64}
ALICE = MemoryUser(identity=1, username="alice", password=cheapest_hasher(**COST).hash(PASSWORD))
OLD = attrs.evolve(ALICE, identity=2, username="old", password=cheapest_hasher().hash(PASSWORD))
USERS = [
    ALICE,
    OLD,
    attrs.evolve(ALICE, identity=3, username="disabled", valid=False),
    attrs.evolve(OLD, identity=4, username="disabled and old", valid=False),
    attrs.evolve(ALICE, identity=5, username="no hash", password=None),
    attrs.evolve(ALICE, identity=6, username="malformed hash", password="x"),
]
FAILURES = {
    "wrong password": ("alice", "wrong"),
    "unknown name": ("unknown", PASSWORD),
    "invalid name": ("a\0b", PASSWORD),
    "no name": (None, PASSWORD),
    "wrong password, old hash": ("old", "wrong"),
    "disabled, right password": ("disabled", PASSWORD),
    "disabled, wrong password": ("disabled", "wrong"),
    "disabled, right password, old hash": ("disabled and old", PASSWORD),
    "disabled, wrong password, old hash": ("disabled and old", "wrong"),
    "no hash": ("no hash", PASSWORD),
    "malformed hash": ("malformed hash", PASSWORD),
}


class SlowStore:
    """A store whose coroutines wait at one call, and end it even so."""

    def __init__(self, method, number):
        self.inner, self.calls = KeyedStore(), 0
        self.method, self.number = method, number
        self.waiting, self.go = asyncio.Event(), asyncio.Event()

    async def _call(self, method, *args, **options):
        if method == self.method:
            self.calls += 1
            if self.calls == self.number:
                self.waiting.set()
                await self.go.wait()
        return getattr(self.inner, method)(*args, **options)

    async def get(self, *keys, now):
        return await self._call("get", *keys, now=now)

    async def compare_and_set(self, *args, **options):
        return await self._call("compare_and_set", *args, **options)

    async def increment(self, *args, **options):
        return await self._call("increment", *args, **options)


def make_guard(users, store, hasher, **limits):
    return AsyncGuard(
        users,
        Settings(keys=RING),
        store=store,
        passwords=hasher,
        throttle=LoginThrottle(**limits),
        clock=FrozenClock(NOW),
    )


class TestEqualPaths:
    @pytest.fixture
    def hops(self, monkeypatch):
        """Return the list of changes between the event loop and other threads."""
        seen = []

        def watch(owner, name, label):
            original = getattr(owner, name)

            async def run(*args, **options):
                seen.append(label)
                return await original(*args, **options)

            monkeypatch.setattr(owner, name, run)

        watch(asyncio, "to_thread", "application")
        watch(Executor, "run", "store")
        watch(HashExecutor, "run", "hasher")
        return seen

    @pytest.mark.parametrize("source", [None, SOURCE, "2606:4700::1"])
    def test_hops(self, hops, tmp_path, source):
        """Every failed login changes threads equally often and in the same order, with a store that blocks."""
        hasher = cheapest_hasher(**COST)
        found = {}
        for name, (username, password) in FAILURES.items():
            store = SQLiteStore(tmp_path / f"{name}.db")
            guard = make_guard(MemoryUsers(USERS), store, hasher)
            hops.clear()
            with pytest.raises(AuthenticationError):
                asyncio.run(guard.authenticate(username, password, source=source))
            store.close()
            found[name] = tuple(hops)

        assert dict.fromkeys(found, found["wrong password"]) == found
        assert 1 == found["wrong password"].count("hasher")
        assert 3 == found["wrong password"].count("application")

    @pytest.mark.parametrize("password", [PASSWORD, "Cafe\u0301 au lait"], ids=["NFC", "NFD"])
    def test_work(self, password):
        """Every failed login does the work of one hash, or of two if the presented text is not in NFC."""
        hasher = cheapest_hasher(**COST)
        guard = make_guard(MemoryUsers(USERS), KeyedStore(), hasher)
        works = {}
        for name, (username, presented) in FAILURES.items():
            before = hasher.work
            with pytest.raises(AuthenticationError):
                asyncio.run(guard.authenticate(username, password if presented == PASSWORD else presented))
            works[name] = hasher.work - before
        expected = {name: 192 * (2 if FAILURES[name][1] == PASSWORD != password else 1) for name in works}

        # Padding lacks at most one KiB per pass but one: 0.001 % of a real hash.
        assert {name for name in works if not expected[name] - 5 <= works[name] <= expected[name]} == set()


async def closed_in_the_queue(guard, hasher):
    """Step a login until it waits for the hasher, and close it there."""
    login = guard.authenticate("alice", PASSWORD, source=SOURCE)
    while not hasher._queue._waiting.size:
        awaited = login.send(None)
        while awaited is not None and not awaited.done() and not hasher._queue._waiting.size:
            awaited._asyncio_future_blocking = False
            await asyncio.sleep(0.001)
    login.close()


class TestTakenBack:
    """A login whose hash did not begin leaves no count, however its task ends."""

    @pytest.mark.parametrize(
        ("method", "number"),
        [("get", 1), ("get", 2), ("get", 3), ("get", 4), *[("increment", number) for number in range(1, 7)]],
    )
    def test_store(self, method, number):
        """A task is cancelled at any call of the store; the call that counts is ended first."""

        async def main():
            store = SlowStore(method, number)
            guard = make_guard(AsyncUsers(USERS), store, cheapest_hasher(**COST))
            task = asyncio.create_task(guard.authenticate("alice", PASSWORD, source=SOURCE))
            await store.waiting.wait()
            task.cancel()
            await asyncio.sleep(0)
            store.go.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            return store.inner.held(NOW)

        assert {} == asyncio.run(main())

    @pytest.mark.parametrize("answer", [OSError(), "rubbish"], ids=["failure", "rubbish"])
    def test_store_fails(self, answer):
        """A store that fails while its task is cancelled changes nothing: the task is cancelled."""

        async def main():
            store = SlowStore("increment", 2)
            increment = store.increment

            async def fail(*args, **options):
                await increment(*args, **options)
                if store.calls == 2 and isinstance(answer, OSError):
                    raise answer
                return answer if store.calls == 2 else store.calls

            store.increment = fail
            guard = make_guard(AsyncUsers(USERS), store, cheapest_hasher(**COST))
            task = asyncio.create_task(guard.authenticate("alice", PASSWORD, source=SOURCE))
            await store.waiting.wait()
            task.cancel()
            await asyncio.sleep(0)
            store.go.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())

    def test_lookup(self):
        """A task is cancelled in the look-up."""

        async def main():
            waiting = asyncio.Event()

            async def lookup(name):
                waiting.set()
                await asyncio.Event().wait()

            store, users = KeyedStore(), AsyncUsers(USERS)
            users.lookup = lookup
            guard = make_guard(users, store, cheapest_hasher(**COST))
            for _ in range(10):
                task = asyncio.create_task(guard.authenticate("alice", PASSWORD, source=SOURCE))
                await waiting.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            return store.held(NOW)

        assert {} == asyncio.run(main())

    @pytest.mark.parametrize("end", ["cancel", "close"])
    def test_in_the_queue(self, end):
        """A task is cancelled, or its coroutine closed, while it waits for the hasher: its owner can log in."""
        hasher = cheapest_hasher(**COST, max_concurrent=1)
        store = KeyedStore()
        guard = make_guard(MemoryUsers(USERS), store, hasher)
        go = threading.Event()

        async def main():
            busy = asyncio.create_task(guard._services.hash_executor.run(go.wait, HashTurn()))
            await asyncio.sleep(0)
            for _ in range(10):
                if end == "cancel":
                    task = asyncio.create_task(guard.authenticate("alice", PASSWORD, source=SOURCE))
                    while not hasher._queue._waiting.size:  # noqa: ASYNC110  (the queue has no asyncio event)
                        await asyncio.sleep(0.001)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                else:
                    await closed_in_the_queue(guard, hasher)
            held = store.held(NOW)
            go.set()
            await busy
            return held, await guard.authenticate("alice", PASSWORD, source=SOURCE)

        assert ({}, ALICE) == asyncio.run(main())

    def test_while_hashing(self):
        """A guess whose hash has begun stays counted: a client that goes away gets no free guesses."""
        hasher = cheapest_hasher(**COST)
        store = KeyedStore()
        guard = make_guard(MemoryUsers(USERS), store, hasher)
        begun, go, compute = threading.Event(), threading.Event(), hasher._argon2

        def slowly(*args):
            begun.set()
            go.wait(10)
            return compute(*args)

        hasher._argon2 = slowly

        async def main():
            task = asyncio.create_task(guard.authenticate("alice", "wrong", source=SOURCE))
            await asyncio.to_thread(begun.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            go.set()

        asyncio.run(main())

        assert ["1"] * 6 == list(store.held(NOW).values())
