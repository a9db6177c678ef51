"""Bound how many password hashes run at once: ``HashQueue`` for threads, ``HashExecutor`` for asyncio.

One hash takes 64 MiB and a core for a tenth of a second. More of them at once than there are cores finish no earlier
and can exhaust the memory, so calls wait, and the number of waiting calls is bounded.

The wait is fair. Waiting calls form a tree of their clients' networks, and the branches of every node take turns: one
client, one site or one provider can delay its own logins, but not those of others. If the queue is full, the branch that
waits with the most calls loses its newest one.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from praetorian_core import forking
from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.hash_turn import HashTurn

T = TypeVar("T")

_NO_NETWORK = ("",)
"""Calls without a network share one branch."""


class HashQueue:
    """Admits a bounded number of calls at once; a bounded number waits.

    A turn is waiting, active or neither. Leaving removes it from both, whatever happened before. A semaphore only
    counts: an interrupt between acquiring and recording that would lose a slot for good.

    Args:
        max_concurrent: The most calls at once.
        max_waiting: The most calls that wait.
        max_wait: The longest wait, in seconds.

    Attributes:
        computations: The number of hashes computed so far.
        work: Their passes times memory, in KiB.
    """

    def __init__(self, *, max_concurrent: int, max_waiting: int, max_wait: float) -> None:
        """Start with no calls."""
        self.max_concurrent = max_concurrent
        self.max_waiting = max_waiting
        self.max_wait = max_wait
        self.computations: int = 0
        self.work: int = 0
        self._start()
        forking.register(self)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._active: set[HashTurn] = set()
        self._waiting = _Branch()
        self._wake: dict[HashTurn, Callable[[], None]] = {}

    @contextmanager
    def slot(self, turn: HashTurn) -> Generator[None, None, None]:
        """Hold a slot; a turn that is active already keeps its slot.

        Raises:
            ServiceUnavailableError: The queue is full, or no slot became free in time.
        """
        woken = threading.Event()
        try:
            if not self.enter(turn, woken.set):
                woken.wait(self.max_wait)
                self.confirm(turn)
            turn.begun = True
            yield
        finally:
            self.leave(turn)

    def enter(self, turn: HashTurn, wake: Callable[[], None]) -> bool:
        """Return whether the turn is active; otherwise it waits, and ``wake`` is called when that ends.

        Raises:
            ServiceUnavailableError: The queue is full.
        """
        with self._lock:
            # No turn waits while a slot is free, so this overtakes none.
            if turn in self._active or len(self._active) < self.max_concurrent:
                self._active.add(turn)
                return True
            self._waiting.add(turn)
            self._wake[turn] = wake
            if self._waiting.size > self.max_waiting:
                dropped = self._waiting.busiest(turn)
                self._waiting.remove(dropped)
                self._notify(dropped)
                if dropped is turn:
                    self._reject(f"{self.max_waiting} waiting")
            return False

    def confirm(self, turn: HashTurn) -> None:
        """Return if the turn is active after its wait.

        Raises:
            ServiceUnavailableError: No slot became free in time, or the turn was dropped.
        """
        with self._lock:
            if turn in self._active:
                return
            self._reject(
                f"no free slot within {self.max_wait} s" if turn in self._wake else "dropped for other clients"
            )

    def leave(self, turn: HashTurn) -> None:
        """Release the slot or the place of a turn, if it has one, and wake the turns that follow."""
        with self._lock:
            if self._wake.pop(turn, None) is not None:
                self._waiting.remove(turn)
            self._active.discard(turn)
            while self._waiting.size and len(self._active) < self.max_concurrent:
                following = self._waiting.pop()
                if self._notify(following):
                    self._active.add(following)

    def record(self, work: int) -> None:
        """Count a hash that is computed in a slot."""
        with self._lock:
            self.computations += 1
            self.work += work

    def _notify(self, turn: HashTurn) -> bool:
        try:
            self._wake.pop(turn)()
        except RuntimeError:
            # Its event loop is closed, so the call will never run.
            return False
        return True

    def _reject(self, found: str) -> NoReturn:
        detail = f"password hashing is full: {self.max_concurrent} running, {found}"
        raise ServiceUnavailableError(detail, retry_after=math.ceil(self.max_wait))

    def before_fork(self) -> None:
        """Hold the lock, so that no other thread holds it in the child."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Release the lock."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Forget all turns, which a fork copies without their threads."""
        self._start()


class _Branch:
    """Waiting turns below one network, in a tree.

    Attributes:
        size: The number of turns in the branch.
        branches: The branches below it, by network; the first one is served next.
        turns: The turns of the branch itself; the first one is served next.
    """

    __slots__ = ("branches", "size", "turns")

    def __init__(self) -> None:
        self.size = 0
        self.branches: dict[str, _Branch] = {}
        self.turns: dict[HashTurn, None] = {}

    def add(self, turn: HashTurn) -> None:
        """Add a turn at the end of its branch."""
        branch = self
        for network in turn.networks or _NO_NETWORK:
            branch.size += 1
            branch = branch.branches.setdefault(network, _Branch())
        branch.size += 1
        branch.turns[turn] = None

    def remove(self, turn: HashTurn) -> None:
        """Remove a turn."""
        branch = self
        for network in turn.networks or _NO_NETWORK:
            branch.size -= 1
            following = branch.branches[network]
            if following.size == 1:
                del branch.branches[network]
            branch = following
        branch.size -= 1
        del branch.turns[turn]

    def pop(self) -> HashTurn:
        """Remove and return the next turn; its branch is then the last one of every node."""
        self.size -= 1
        if self.turns:
            turn = next(iter(self.turns))
            del self.turns[turn]
            return turn
        network, branch = next(iter(self.branches.items()))
        turn = branch.pop()
        del self.branches[network]
        if branch.size:
            self.branches[network] = branch
        return turn

    def busiest(self, newest: HashTurn) -> HashTurn:
        """Return the newest turn of the branch with the most turns; of equal branches, that of ``newest``."""
        branch, path = self, list(newest.networks or _NO_NETWORK)
        while branch.branches:
            own = path.pop(0) if path else None
            network = max(branch.branches, key=lambda name: (branch.branches[name].size, name == own))
            if network != own:
                path = []
            branch = branch.branches[network]
        return next(reversed(branch.turns))


class HashExecutor:
    """Runs hashing in threads of its own under asyncio.

    A call waits in the queue without a thread, and its slot is held until its thread is done, even if the task was
    cancelled. In the event loop's default threads, logins that wait would block every other blocking call.

    Args:
        queue: The queue of the hasher.
    """

    def __init__(self, queue: HashQueue) -> None:
        """Threads start when they are needed."""
        self._queue = queue
        self._start()
        forking.register(self)

    def _start(self) -> None:
        self._pool = ThreadPoolExecutor(self._queue.max_concurrent, thread_name_prefix="praetorian-hash")

    def before_fork(self) -> None:
        """Nothing to prepare."""

    def after_fork_in_parent(self) -> None:
        """Nothing to undo."""

    def after_fork_in_child(self) -> None:
        """Start a new pool: a fork copies it without its threads."""
        self._start()

    def close(self) -> None:
        """Let the threads end once they are idle; a later call starts new ones."""
        self._pool.shutdown(wait=False)
        self._start()

    async def run(self, call: Callable[[], T], turn: HashTurn) -> T:
        """Return the call's result; context variables are passed on to the thread.

        Args:
            call: Calls the hasher with the same turn.
            turn: Its place in the queue.

        Raises:
            ServiceUnavailableError: The queue is full, or no slot became free in time.
        """
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        try:
            if not self._queue.enter(turn, lambda: _wake(loop, woken)):
                await asyncio.wait({woken}, timeout=self._queue.max_wait)
                self._queue.confirm(turn)
            work = self._pool.submit(contextvars.copy_context().run, call)
        except BaseException:
            self._queue.leave(turn)
            raise
        work.add_done_callback(lambda _: self._queue.leave(turn))
        try:
            return await asyncio.wrap_future(work)
        except BaseException:
            # A call that is running cannot be stopped, so its hash will be computed.
            if not work.done() and not work.cancel():
                turn.begun = True
            raise


def _wake(loop: asyncio.AbstractEventLoop, woken: asyncio.Future[None]) -> None:
    loop.call_soon_threadsafe(woken.set_result, None)
