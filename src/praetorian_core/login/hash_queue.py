"""Bound how many password hashes run at once.

One hash takes 64 MiB and a core for a tenth of a second. More of them at once than there are cores finish no earlier
and can exhaust the memory, so calls queue, and the queue is bounded.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

from praetorian_core.errors import ServiceUnavailableError


class HashQueue:
    """Admits a bounded number of threads at once, first come, first served; a bounded number waits.

    Each caller is a ticket that is waiting, active or neither. Leaving removes it from both, whatever happened before.
    A semaphore only counts: an interrupt between acquiring and recording that would lose a slot for good.

    Args:
        max_concurrent: The most callers at once.
        max_waiting: The most callers that wait.
        max_wait: The longest wait, in seconds.
    """

    def __init__(self, *, max_concurrent: int, max_waiting: int, max_wait: float) -> None:
        """Start with no callers."""
        self.max_concurrent = max_concurrent
        self.max_waiting = max_waiting
        self.max_wait = max_wait
        self._lock = threading.Lock()
        self._active: set[threading.Event] = set()
        # A dict is ordered, and a ticket can leave from the middle.
        self._waiting: dict[threading.Event, None] = {}

    @contextmanager
    def slot(self) -> Generator[None, None, None]:
        """Hold a slot.

        Raises:
            ServiceUnavailableError: The queue is full, or no slot became free in time.
        """
        ticket = threading.Event()
        try:
            self._enter(ticket)
            yield
        finally:
            self._leave(ticket)

    def _enter(self, ticket: threading.Event) -> None:
        with self._lock:
            # No ticket waits while a slot is free, so this overtakes none.
            if len(self._active) < self.max_concurrent:
                self._active.add(ticket)
                return
            if len(self._waiting) >= self.max_waiting:
                self._reject(f"{len(self._waiting)} waiting")
            self._waiting[ticket] = None
        if not ticket.wait(self.max_wait):
            with self._lock:
                # A slot may have been granted after the timeout.
                if ticket not in self._active:
                    self._reject(f"no free slot within {self.max_wait} s")

    def _leave(self, ticket: threading.Event) -> None:
        with self._lock:
            self._waiting.pop(ticket, None)
            self._active.discard(ticket)
            while self._waiting and len(self._active) < self.max_concurrent:
                following = next(iter(self._waiting))
                del self._waiting[following]
                self._active.add(following)
                following.set()

    def _reject(self, found: str) -> NoReturn:
        detail = f"password hashing is full: {self.max_concurrent} running, {found}"
        raise ServiceUnavailableError(detail, retry_after=math.ceil(self.max_wait))
