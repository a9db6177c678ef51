"""A bounded pool of threads for one kind of blocking work under asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from praetorian_core.errors import ServiceUnavailableError

T = TypeVar("T")


class CallTimeoutError(Exception):
    """A call exceeded the time-out of ``Executor.run``."""


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
        self._running: set[_Clock] = set()

    async def run(self, call: Callable[[], T], *, timeout: float | None = None) -> T:
        """Return what the call returns; the caller's context variables are visible to it.

        Args:
            call: The call.
            timeout: How long the call may take, in seconds; None for no limit. Waiting for a thread does not count.

        Raises:
            ServiceUnavailableError: The queue is full, or every thread runs a call that exceeded its time-out.
            CallTimeoutError: The call exceeded the time-out. It keeps its thread until it returns.
        """
        clock = _Clock(timeout)
        answer = asyncio.wrap_future(self._submit(call, clock))
        if timeout is None:
            return await answer
        try:
            while not (await asyncio.wait({answer}, timeout=max(clock.remaining(), 0)))[0]:
                if clock.remaining() <= 0:
                    raise CallTimeoutError
                self._check_progress()
            return answer.result()
        finally:
            # Also if the task is cancelled: a call that still waits for a thread is then never made.
            answer.cancel()

    def close(self) -> None:
        """Let the threads end once they are idle; a later call starts new ones."""
        self._pool.shutdown(wait=False)
        self._start()

    def _submit(self, call: Callable[[], T], clock: _Clock) -> Future[T]:
        if self._process != os.getpid():
            # A fork copies the pool and none of its threads.
            self._start()
        self._check_progress()
        with self._lock:
            if self._accepted >= self._most:
                raise ServiceUnavailableError(
                    f"{self._name} is full: {self._accepted} calls run or wait already", retry_after=1
                )
            self._accepted += 1
        context = contextvars.copy_context()
        work = self._pool.submit(context.run, self._measured, call, clock)
        # Also if the task is cancelled while the call waits: the call is then never made.
        work.add_done_callback(self._finish)
        return work

    def _measured(self, call: Callable[[], T], clock: _Clock) -> T:
        running = self._running
        clock.start()
        running.add(clock)
        try:
            return call()
        finally:
            running.discard(clock)

    def _finish(self, _work: Future[T]) -> None:
        with self._lock:
            self._accepted -= 1

    def _check_progress(self) -> None:
        running = self._running.copy()
        if len(running) >= self._threads and all(clock.remaining() <= 0 for clock in running):
            raise ServiceUnavailableError(
                f"{self._name} does not answer: {len(running)} calls exceeded their time-out and still run"
            )


class _Clock:
    """Measures how long a call has run."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = float("inf") if timeout is None else timeout
        self._began: float | None = None

    def start(self) -> None:
        self._began = time.monotonic()

    def remaining(self) -> float:
        """Return how much of the time-out is left, in seconds: all of it while the call waits for a thread."""
        return self._timeout if self._began is None else self._began + self._timeout - time.monotonic()
