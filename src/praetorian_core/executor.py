"""A bounded pool of threads for one kind of blocking work under asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from praetorian_core.errors import ServiceUnavailableError

T = TypeVar("T")


class Executor:
    """A pool of threads with a bounded queue.

    The event loop's default executor is shared with the application: work that queues there delays every other
    blocking call, and is delayed by it.
    """

    def __init__(self, name: str, *, threads: int, queue: int) -> None:
        """Prepare the pool; threads start when they are needed.

        Args:
            name: Names the work in errors, and the threads.
            threads: The most calls that run at once.
            queue: The most calls that wait for a thread.
        """
        self._name = name
        self._threads = threads
        self._most = threads + queue
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=f"praetorian-{self._name}")
        self._lock = threading.Lock()
        self._accepted = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Return what the call returns; the caller's context variables are visible to it.

        Raises:
            ServiceUnavailableError: The queue is full.
        """
        if self._process != os.getpid():
            # A fork copies the pool and none of its threads.
            self._start()
        with self._lock:
            if self._accepted >= self._most:
                detail = f"{self._name} is full: {self._accepted} calls run or wait already"
                raise ServiceUnavailableError(detail, retry_after=1)
            self._accepted += 1
        context = contextvars.copy_context()
        work = self._pool.submit(context.run, call)
        # Also if the task is cancelled while the call waits: the call is then never made.
        work.add_done_callback(self._finish)
        return await asyncio.wrap_future(work)

    def _finish(self, _work: Future[T]) -> None:
        with self._lock:
            self._accepted -= 1
