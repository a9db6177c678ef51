"""State in the memory of one process: for tests, for development, and for an application that is one process.

Nothing is shared with other processes, and all of it is gone at a restart.

Facts:

* A million ended sessions are held in less than 240 bytes each, the table that finds them included: keys and values
  are bytes, and what belongs to an entry is one object, its ``until`` in eight bytes before its value.
* Which entries may go is known by the minute, without a scan and without a thread: each write removes a few of them, so
  no call pays for all. Every entry stands in exactly one minute's list. Where its ``until`` was moved, it is found there
  in its old minute and put into its new one.
* It holds an end. What would not fit is refused, because to forget an ended session would be to open it again.
"""

from __future__ import annotations

import heapq
import threading

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError

_MINUTE = 60
_PURGED_A_WRITE = 8
_LOOKED_BACK = 64
_UNTIL_BYTES = 8


def _pack(value: str, expires_at: int) -> bytes:
    return expires_at.to_bytes(_UNTIL_BYTES, "big") + value.encode()


def _until(entry: bytes) -> int:
    return int.from_bytes(entry[:_UNTIL_BYTES], "big")


def _minute(expires_at: int) -> int:
    """Return the first minute in which an entry may go."""
    return -(-expires_at // _MINUTE)


class MemoryStore:
    """A ``Store`` in this process.

    Safe to share between threads: one lock makes each verb atomic.

    Args:
        max_entries: The most entries that are held, those of ended sessions, refreshed sessions and counted logins
            together. A write that would need one more raises ``ServiceUnavailableError``. A million of them take about
            a fifth of a gigabyte.

    Raises:
        ConfigurationError: ``max_entries`` is not a positive integer.
    """

    __slots__ = ("_entries", "_lock", "_max_entries", "_minutes", "_order")

    def __init__(self, *, max_entries: int = 1_000_000) -> None:
        """Begin empty."""
        if type(max_entries) is not int or max_entries < 1:
            detail = f"max_entries is {max_entries!r}; expected a positive integer"
            raise ConfigurationError(detail)
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._entries: dict[bytes, bytes] = {}
        # Which keys may go in which minute, and those minutes in order.
        self._minutes: dict[int, list[bytes]] = {}
        self._order: list[int] = []

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.get``."""
        with self._lock:
            return [self._live(key.encode(), now) for key in keys]

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``protocols.Store.compare_and_set``."""
        name = key.encode()
        with self._lock:
            if self._live(name, now) != expected:
                return False
            self._purge(now)
            self._write(name, new, expires_at)
            return True

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``protocols.Store.increment``."""
        name = key.encode()
        with self._lock:
            live = self._live(name, now)
            total = amount if live is None else int(live) + amount
            self._purge(now)
            if total == 0:
                self._forget(name)
            else:
                # A counter keeps the end that its first call gave it.
                self._write(name, str(total), expires_at if live is None else _until(self._entries[name]))
            return total

    def __len__(self) -> int:
        """Return how many entries are held, those that may go included."""
        return len(self._entries)

    def _live(self, name: bytes, now: int) -> str | None:
        entry = self._entries.get(name)
        return entry[_UNTIL_BYTES:].decode() if entry is not None and now < _until(entry) else None

    def _write(self, name: bytes, value: str, expires_at: int) -> None:
        if name not in self._entries:
            if len(self._entries) >= self._max_entries:
                detail = f"the memory store is full: it holds {self._max_entries} entries, its max_entries"
                raise ServiceUnavailableError(detail)
            self._enlist(name, expires_at)
        self._entries[name] = _pack(value, expires_at)

    def _enlist(self, name: bytes, expires_at: int) -> None:
        minute = _minute(expires_at)
        names = self._minutes.get(minute)
        if names is None:
            self._minutes[minute] = names = []
            heapq.heappush(self._order, minute)
        names.append(name)

    def _forget(self, name: bytes) -> None:
        # A counter at zero takes no room, or a flood of made-up names whose attempts are given back would stay for a
        # whole window. It is among the latest of its minute, unless many more are under way at once.
        entry = self._entries.get(name)
        if entry is None:
            return
        names = self._minutes.get(_minute(_until(entry)), [])
        for index in range(len(names) - 1, max(len(names) - 1 - _LOOKED_BACK, -1), -1):
            if names[index] == name:
                del names[index]
                del self._entries[name]
                return
        # Absent all the same, and removed when its minute comes.
        self._entries[name] = _pack("", 0)

    def _purge(self, now: int) -> None:
        for _ in range(_PURGED_A_WRITE):
            if not self._order or self._order[0] * _MINUTE > now:
                return
            names = self._minutes[self._order[0]]
            if names:
                name = names.pop()
                expires_at = _until(self._entries[name])
                if expires_at > now:
                    self._enlist(name, expires_at)
                else:
                    del self._entries[name]
            if not names:
                del self._minutes[heapq.heappop(self._order)]
