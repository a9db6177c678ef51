"""Operating a guard: close it, check its store, and read about failures in the log."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support import NOW, PASSWORD

from praetorian_core import AsyncGuard, Guard, KeyRing, MemoryStore, Settings, SQLiteStore, generate_secret
from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.events import CallFailed
from praetorian_core.hash_turn import HashTurn
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

RING = KeyRing.from_secret(generate_secret())


class World:
    """A guard of either kind, its user and its events."""

    def __init__(self, kind=Guard, *, store=None, store_url=None, passwords=None, **settings):
        self.heard = []
        self.alice = MemoryUser(identity=1, username="alice", rolenames=[])
        self.hasher = passwords or cheapest_hasher()
        options = {} if store is None else {"store": store}
        self.guard = kind(
            MemoryUsers([self.alice]),
            Settings(keys=RING, store=store_url, **settings),
            passwords=self.hasher,
            clock=FrozenClock(NOW),
            on_event=self.heard.append,
            **options,
        )
        issuer = Guard(MemoryUsers(), Settings(keys=RING), clock=FrozenClock(NOW), passwords=None)
        self.token = issuer.issue(self.alice)


class Broken:
    """A store that always fails, and has no location."""

    def get(self, *keys, now):
        raise ConnectionError

    compare_and_set = increment = get


class Blocking(MemoryStore):
    """A store whose ``get`` waits until it is let go."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def get(self, *keys, now):
        self.go.wait(30)
        return super().get(*keys, now=now)


def with_busy_default_executor(work):
    """Run work while the only thread of the event loop's default executor is busy."""
    go = threading.Event()

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = asyncio.create_task(asyncio.to_thread(go.wait))
        await asyncio.sleep(0)
        try:
            return await work()
        finally:
            go.set()
            await busy

    return asyncio.run(main())


class TestClose:
    def test_plain(self, tmp_path):
        """A guard that opened its store closes it, without a ``ResourceWarning``."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            world = World(**store_url(tmp_path))
            world.guard.verify(world.token)
            world.guard.close()
            assert [] == world.guard._services.store._idle
            del world
            gc.collect()

    def test_async(self, tmp_path):
        """So does an ``AsyncGuard``, which ends its threads too."""
        others = set(threading.enumerate())
        world = World(AsyncGuard, **store_url(tmp_path))

        async def main():
            await world.guard.verify(world.token)
            await world.guard.aclose()

        asyncio.run(main())

        assert [] == world.guard._services.store._idle
        assert [] == [thread for thread in set(threading.enumerate()) - others if is_running(thread)]

    def test_again(self, tmp_path):
        """A closed guard can be closed again, and opens its store again when it is used."""
        world = World(**store_url(tmp_path))
        world.guard.close()
        world.guard.close()

        assert 1 == world.guard.verify(world.token).identity
        world.guard.close()

    def test_context_manager(self, tmp_path):
        """``with`` closes the guard, also after an exception."""
        world = World(**store_url(tmp_path))
        with contextlib.suppress(LookupError), world.guard as guard:
            guard.verify(world.token)
            raise LookupError

        assert [] == world.guard._services.store._idle

    def test_async_context_manager(self, tmp_path):
        """So does ``async with``."""
        world = World(AsyncGuard, **store_url(tmp_path))

        async def main():
            async with world.guard as guard:
                await guard.verify(world.token)

        asyncio.run(main())

        assert [] == world.guard._services.store._idle

    def test_given_store(self, tmp_path):
        """A store that was handed to the guard stays open: its owner closes it."""
        store = SQLiteStore(tmp_path / "state.db")
        world = World(store=store)
        world.guard.verify(world.token)
        world.guard.close()

        assert 1 == len(store._idle)
        store.close()

    @pytest.mark.parametrize("url", [None, "memory://"])
    def test_nothing_to_close(self, url):
        """A guard without connections can be closed."""
        settings = Settings(keys=RING, store=url)

        assert None is Guard(MemoryUsers(), settings, passwords=None).close()
        assert None is asyncio.run(AsyncGuard(MemoryUsers(), settings, passwords=None).aclose())

    def test_async_store(self, valkey):
        """An asynchronous store is closed on its own loop."""
        world = World(AsyncGuard, store_url=valkey.url)

        async def main(guard):
            async with guard:
                await guard.check_store()

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            asyncio.run(main(world.guard))
            del world
            gc.collect()


class TestCheckStore:
    @pytest.mark.parametrize("store", [None, MemoryStore()], ids=["no store", "memory"])
    def test_healthy(self, store):
        """A store that answers, or no store at all, is healthy."""
        assert None is World(store=store).guard.check_store()
        assert None is asyncio.run(World(AsyncGuard, store=store).guard.check_store())

    def test_failing(self):
        """A store that fails raises, and the failure is reported."""

        class Broken(MemoryStore):
            def get(self, *keys, now):
                raise OSError

        world = World(store=Broken())
        with pytest.raises(ServiceUnavailableError):
            world.guard.check_store()

        assert [CallFailed] == [type(event) for event in world.heard]


class TestLoop:
    def test_memory_store(self):
        """A store that never waits is answered on the event loop: no thread is needed."""
        world = World(AsyncGuard, store=MemoryStore())

        async def verified():
            return await asyncio.wait_for(world.guard.verify(world.token), 5)

        assert 1 == with_busy_default_executor(verified).identity

    def test_blocking_store(self, tmp_path):
        """A store that waits has threads of its own: a busy application does not delay it."""
        world = World(AsyncGuard, store=SQLiteStore(tmp_path / "state.db"), store_timeout=5)

        async def verified():
            return await world.guard.verify(world.token)

        assert 1 == with_busy_default_executor(verified).identity
        world.guard._services.store.close()

    def test_hung_store(self):
        """A hung store rejects its requests and leaves the application's threads alone; it recovers by itself."""
        world = World(AsyncGuard, store=Blocking(), store_timeout=0.05)

        async def main():
            loop = asyncio.get_running_loop()
            loop.set_default_executor(ThreadPoolExecutor(1))
            outcomes = await asyncio.gather(
                *(world.guard.verify(world.token) for _ in range(40)), return_exceptions=True
            )
            answer = await asyncio.to_thread(lambda: "free")
            world.guard._services.store.go.set()
            await until(lambda: not world.guard._services.store_executor._running)
            return {type(outcome) for outcome in outcomes}, answer, await world.guard.verify(world.token)

        kinds, answer, principal = asyncio.run(main())

        assert ({ServiceUnavailableError}, "free", 1) == (kinds, answer, principal.identity)


class HungForever(MemoryStore):
    """A store whose ``get`` is a coroutine function that never answers, or that raises a time-out of its own."""

    go = threading.Event()
    raises = False

    async def get(self, *keys, now):
        if self.raises:
            raise asyncio.TimeoutError
        await asyncio.Event().wait()


class TestTimeout:
    @pytest.mark.parametrize("kind", [Blocking, HungForever])
    def test_own_words(self, kind):
        """A store that exceeds the time-out is reported with the setting, whether it is awaited or runs in a thread."""
        world = World(AsyncGuard, store=kind(), store_timeout=0.05)

        async def main():
            with pytest.raises(ServiceUnavailableError):
                await world.guard.verify(world.token)
            world.guard._services.store.go.set()

        asyncio.run(main())
        (event,) = [event for event in world.heard if isinstance(event, CallFailed)]

        assert ("the store's get", "no answer within 0.05 s; see PRAETORIAN_STORE_TIMEOUT") == (
            event.what,
            event.failure,
        )

    def test_of_the_store(self):
        """A time-out that the store raised itself is reported by its type."""
        store = HungForever()
        store.raises = True
        world = World(AsyncGuard, store=store)
        with pytest.raises(ServiceUnavailableError):
            asyncio.run(world.guard.verify(world.token))
        (event,) = [event for event in world.heard if isinstance(event, CallFailed)]

        assert "TimeoutError" == event.failure
        assert event.where.startswith("test_operation.py:")


class TestFailures:
    def test_names_the_store(self, tmp_path, monkeypatch):
        """A failed call names its last frame in the application, the store and the setting."""
        path = tmp_path / "state.db"
        world = World(**store_url(tmp_path))
        monkeypatch.setattr(SQLiteStore, "get", raising)
        with pytest.raises(ServiceUnavailableError) as refusal:
            world.guard.verify(world.token)
        (event,) = [event for event in world.heard if isinstance(event, CallFailed)]

        assert ("the store's get", "ConnectionError", f"sqlite:///{path} (PRAETORIAN_STORE)") == (
            event.what,
            event.failure,
            event.target,
        )
        assert event.where.startswith("test_operation.py:")
        assert event.where.endswith(" in raising")
        assert str(path) in str(refusal.value)
        assert "s3cret" not in repr(event) + str(refusal.value)

    def test_names_a_store_object(self, tmp_path, monkeypatch):
        """A store that was passed to the guard is named by its location."""
        store = SQLiteStore(tmp_path / "state.db")
        world = World(store=store)
        monkeypatch.setattr(SQLiteStore, "get", raising)
        with pytest.raises(ServiceUnavailableError):
            world.guard.verify(world.token)
        (event,) = [event for event in world.heard if isinstance(event, CallFailed)]

        assert str(tmp_path / "state.db") == event.target

    def test_names_no_location(self):
        """A store without a location is not named."""
        world = World(store=Broken())
        with pytest.raises(ServiceUnavailableError):
            world.guard.verify(world.token)
        (event,) = [event for event in world.heard if isinstance(event, CallFailed)]

        assert event.target is None

    def test_own_words(self):
        """An outage of the core itself reaches the log in its own words."""
        hasher = cheapest_hasher(max_concurrent=1, max_waiting=0)
        world = World(AsyncGuard, passwords=hasher)
        go = threading.Event()

        async def main():
            busy = asyncio.create_task(world.guard._services.hash_executor.run(go.wait, HashTurn()))
            await asyncio.sleep(0)
            with pytest.raises(ServiceUnavailableError):
                await world.guard.authenticate("alice", PASSWORD)
            go.set()
            await busy

        asyncio.run(main())
        (event,) = [event for event in world.heard if isinstance(event, CallFailed)]

        assert ("the password hasher", "password hashing is full: 1 running, 0 waiting") == (event.what, event.failure)

    def test_application_text(self):
        """The text of an outage that the application raised may hold a secret, so it is left out."""
        world = World()

        def lookup(username):
            raise ServiceUnavailableError("s3cret")

        world.guard._users.lookup = lookup
        with pytest.raises(ServiceUnavailableError):
            world.guard.authenticate("alice", PASSWORD)
        (event,) = [event for event in world.heard if isinstance(event, CallFailed)]

        assert "ServiceUnavailableError" == event.failure

    @pytest.mark.parametrize("log_tracebacks", [True, False])
    def test_traceback(self, caplog, monkeypatch, tmp_path, log_tracebacks):
        """With ``PRAETORIAN_LOG_TRACEBACKS`` the traceback is logged too, and otherwise never."""
        world = World(log_tracebacks=log_tracebacks, **store_url(tmp_path))
        monkeypatch.setattr(SQLiteStore, "get", raising)
        with caplog.at_level(logging.ERROR, logger="praetorian"), pytest.raises(ServiceUnavailableError):
            world.guard.verify(world.token)

        assert log_tracebacks is ("the store's get failed" in caplog.messages)
        assert log_tracebacks is ("in raising" in caplog.text)
        assert log_tracebacks is ("s3cret" in caplog.text)


def raising(self, *keys, now):
    raise ConnectionError("s3cret")


def store_url(tmp_path):
    """Return the settings of a SQLite store."""
    return {"store_url": f"sqlite:///{tmp_path / 'state.db'}"}


def is_running(thread):
    """Return whether a thread still runs after a moment to end."""
    thread.join(5)
    return thread.is_alive()


async def until(holds):
    """Wait until threads have made something true."""
    while not holds():  # noqa: ASYNC110  (threads set no event of a loop)
        await asyncio.sleep(0)
