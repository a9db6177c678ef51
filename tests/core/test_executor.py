"""The bounded pool of threads under asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading

import pytest

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.executor import CallTimeoutError, Executor


async def until(holds):
    """Wait until threads have made something true."""
    while not holds():  # noqa: ASYNC110  (threads set no event of a loop)
        await asyncio.sleep(0)


class TestExecutor:
    def test_own_threads(self):
        """Calls run in the pool's own threads and see the caller's context variables."""
        seen = contextvars.ContextVar("seen", default="nothing")
        threads = Executor("hashing", threads=2, queue=32)

        def call():
            return seen.get(), threading.current_thread().name.startswith("praetorian-hash")

        async def main():
            seen.set("the request")
            return await asyncio.gather(*(threads.run(call) for _ in range(8)))

        assert [("the request", True)] * 8 == asyncio.run(main())

    def test_full(self):
        """A call beyond the threads and the queue is rejected, and may be repeated in a second."""
        threads = Executor("hashing", threads=1, queue=1)
        go = threading.Event()

        async def main():
            tasks = [asyncio.create_task(threads.run(go.wait)) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(ServiceUnavailableError) as refusal:
                await threads.run(go.wait)
            go.set()
            return refusal.value.retry_after, await asyncio.gather(*tasks), await threads.run(go.is_set)

        assert (1, [True, True], True) == asyncio.run(main())

    def test_cancelled(self):
        """A task cancelled in the queue frees its place, and its call is never made."""
        threads = Executor("hashing", threads=1, queue=1)
        go, calls = threading.Event(), []

        async def main():
            first = asyncio.create_task(threads.run(go.wait))
            second = asyncio.create_task(threads.run(lambda: calls.append("second")))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            third = asyncio.create_task(threads.run(lambda: calls.append("third")))
            await asyncio.sleep(0)
            go.set()
            await asyncio.gather(first, third)

        asyncio.run(main())

        assert ["third"] == calls

    def test_fork(self):
        """After a fork, which copies the pool without its threads, the child starts its own (gunicorn --preload)."""
        threads = Executor("hashing", threads=1, queue=16)
        assert 1 == asyncio.run(threads.run(lambda: 1))
        threads._process = -1

        assert 2 == asyncio.run(threads.run(lambda: 2))
        assert os.getpid() == threads._process


class TestTimeout:
    limit = 0.05

    def test_in_time(self):
        """A call within its time-out returns its result, and raises what it raises."""
        threads = Executor("the store", threads=1, queue=1)

        async def main():
            with pytest.raises(LookupError):
                await threads.run({}.popitem, timeout=60)
            return await threads.run(lambda: 1, timeout=60)

        assert 1 == asyncio.run(main())

    def test_exceeded(self):
        """A call that exceeds its time-out is given up, and its thread serves others once it returns."""
        threads = Executor("the store", threads=1, queue=1)
        go = threading.Event()

        async def main():
            with pytest.raises(CallTimeoutError):
                await threads.run(go.wait, timeout=self.limit)
            go.set()
            await until(lambda: not threads._running)
            return await threads.run(lambda: 1, timeout=60)

        assert 1 == asyncio.run(main())

    def test_waiting_does_not_count(self):
        """The time-out starts with the call: one that waits for a thread longer than that succeeds."""
        threads = Executor("the store", threads=1, queue=10)
        go = threading.Event()

        async def main():
            first = asyncio.create_task(threads.run(go.wait, timeout=60))
            await until(lambda: threads._running)
            second = asyncio.create_task(threads.run(lambda: "second", timeout=self.limit))
            await asyncio.wait({second}, timeout=3 * self.limit)
            go.set()
            return await first, await second

        assert (True, "second") == asyncio.run(main())

    def test_stuck(self):
        """While every thread runs a call that exceeded its time-out, others are rejected at once, also in the queue."""
        threads = Executor("the store", threads=1, queue=10)
        go, calls = threading.Event(), []

        async def main():
            hung = asyncio.create_task(threads.run(go.wait, timeout=self.limit))
            await until(lambda: threads._running)
            waiting = asyncio.create_task(threads.run(lambda: calls.append("waiting"), timeout=self.limit))
            for task in (hung, waiting):
                await asyncio.wait({task})
            with pytest.raises(ServiceUnavailableError, match="the store does not answer: 1 calls exceeded"):
                await threads.run(lambda: calls.append("new"), timeout=self.limit)
            go.set()
            return type(hung.exception()), type(waiting.exception())

        assert (CallTimeoutError, ServiceUnavailableError) == asyncio.run(main())
        assert [] == calls

    def test_cancelled(self):
        """A cancelled task frees its place in the queue, and its call is never made."""
        threads = Executor("the store", threads=1, queue=1)
        go, calls = threading.Event(), []

        async def main():
            first = asyncio.create_task(threads.run(go.wait, timeout=60))
            second = asyncio.create_task(threads.run(lambda: calls.append("second"), timeout=60))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            third = asyncio.create_task(threads.run(lambda: calls.append("third"), timeout=60))
            await asyncio.sleep(0)
            go.set()
            await asyncio.gather(first, third)

        asyncio.run(main())

        assert ["third"] == calls


class TestClose:
    def test_ends_threads(self):
        """Closing ends the threads; a later call starts new ones."""
        threads = Executor("hashing", threads=1, queue=1)
        first = asyncio.run(threads.run(threading.current_thread))
        threads.close()
        first.join(5)

        assert not first.is_alive()
        assert 1 == asyncio.run(threads.run(lambda: 1))
