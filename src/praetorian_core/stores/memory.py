"""State in the memory of one process: for tests, for development, and for an application that is one process.

Nothing is shared with other processes, and all of it is gone at a restart. Expired entries are found by the second in
which they may go, a few at each write, so that no call pays for all of them (no scan, no thread).
"""

from __future__ import annotations

import heapq
import threading

_PURGED_A_WRITE = 8


class MemoryStore:
    """A ``Store`` in this process.

    Safe to share between threads: one lock makes each verb atomic.
    """

    __slots__ = ("_buckets", "_deadlines", "_entries", "_lock")

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[str, int]] = {}
        # Which keys may go in which second, and those seconds in order.
        self._buckets: dict[int, list[str]] = {}
        self._deadlines: list[int] = []

    def read(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.read``."""
        with self._lock:
            return [self._live(key, now) for key in keys]

    def swap(self, key: str, expected: str | None, new: str, *, until: int, now: int) -> bool:
        """See ``protocols.Store.swap``."""
        with self._lock:
            if self._live(key, now) != expected:
                return False
            self._write(key, new, until)
            self._purge(now)
            return True

    def add(self, key: str, amount: int, *, until: int, now: int) -> int:
        """See ``protocols.Store.add``."""
        with self._lock:
            live = self._live(key, now)
            total = amount if live is None else int(live) + amount
            if total == 0:
                # An absent counter stands at zero, and takes no room.
                self._entries.pop(key, None)
            elif live is None:
                self._write(key, str(total), until)
            else:
                self._entries[key] = (str(total), self._entries[key][1])
            self._purge(now)
            return total

    def __len__(self) -> int:
        """Return how many entries are held, those that may go included."""
        return len(self._entries)

    def _live(self, key: str, now: int) -> str | None:
        entry = self._entries.get(key)
        return entry[0] if entry is not None and now < entry[1] else None

    def _write(self, key: str, value: str, until: int) -> None:
        previous = self._entries.get(key)
        self._entries[key] = (value, until)
        if previous is None or previous[1] != until:
            bucket = self._buckets.get(until)
            if bucket is None:
                self._buckets[until] = bucket = []
                heapq.heappush(self._deadlines, until)
            bucket.append(key)

    def _purge(self, now: int) -> None:
        for _ in range(_PURGED_A_WRITE):
            if not self._deadlines or self._deadlines[0] > now:
                return
            deadline = self._deadlines[0]
            bucket = self._buckets[deadline]
            key = bucket.pop()
            # A key that was written again since has another deadline, and another bucket.
            if key in self._entries and self._entries[key][1] == deadline:
                del self._entries[key]
            if not bucket:
                del self._buckets[deadline]
                heapq.heappop(self._deadlines)
