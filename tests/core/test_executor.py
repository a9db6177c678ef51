"""The bounded pool of threads under asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading

import pytest

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.executor import Executor


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
