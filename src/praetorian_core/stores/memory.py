"""State in the memory of one process: for tests, for development, and for an application that is one process.

Other processes do not see it, and a restart loses it.

Facts:

* A million ended sessions take less than 240 bytes each, including the table that finds them: keys and values are bytes,
  and an entry is one object, its expiry in eight bytes before its value.
* Entries are grouped by the minute in which they expire, and each write removes up to eight expired ones, without a scan
  and without a thread. Each entry is listed in exactly one minute. If its expiry has moved, the purge finds it in the
  old minute and lists it in the new one. A wrong clock removes nothing: see ``purging``.
* The store is bounded. It rejects a write that does not fit, because evicting a revocation would make the session valid
  again. Counters have a bound of their own: attempts to log in cannot use up the room for revocations.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from array import array
from collections.abc import Callable
from typing import ClassVar

from praetorian_core import forking
from praetorian_core.clock import NEVER
from praetorian_core.errors import ConfigurationError, ServiceUnavailableError
from praetorian_core.stores.purging import PurgeTime, next_purge_time

_MINUTE = 60
_PURGED_PER_WRITE = 8
_EXPIRY_BYTES = 8
_FORK_PATIENCE = 5  # seconds
_LOOKED_AT = 8
_BUCKETS = 65_536


def _pack(value: str, expires_at: int) -> bytes:
    return expires_at.to_bytes(_EXPIRY_BYTES, "big") + value.encode()


def _value(entry: bytes) -> str:
    return entry[_EXPIRY_BYTES:].decode()


def _expiry(entry: bytes) -> int:
    return int.from_bytes(entry[:_EXPIRY_BYTES], "big")


def _minute(expires_at: int) -> int:
    """Return the first minute in which an entry has expired."""
    return -(-expires_at // _MINUTE)


def _bucket(name: bytes) -> int:
    # Keys begin with a digest of the account in braces. Python salts the hash of bytes, so an attacker cannot choose
    # accounts of one bucket.
    return hash(name.partition(b"}")[0]) % _BUCKETS


class _Sessions:
    """Entries written by ``compare_and_set``: never evicted, and no account may hold more than its share."""

    __slots__ = ("_max_entries", "_minutes", "_order", "_per_bucket", "_share", "entries")

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._share = max(max_entries // 16, min(max_entries // 2, 16), 1)
        self._per_bucket = array("I", [0]) * _BUCKETS
        self.entries: dict[bytes, bytes] = {}
        # The keys that expire in each minute, and those minutes as a heap.
        self._minutes: dict[int, list[bytes]] = {}
        self._order: list[int] = []

    def write(self, name: bytes, value: str, expires_at: int, now: int) -> None:
        if name not in self.entries:
            bucket = _bucket(name)
            # Rejecting the write protects nothing if an entry has expired by the time of this call.
            if len(self.entries) >= self._max_entries and not self._purge(now, 1):
                raise ServiceUnavailableError(
                    f"the memory store is full: it holds {self._max_entries} entries, its max_entries"
                )
            # An account has one entry that never expires, its epoch: an account that has filled its share by logging in
            # and out can still be revoked.
            if self._per_bucket[bucket] >= self._share and expires_at != NEVER:
                raise ServiceUnavailableError(
                    f"one account fills its share of the memory store: {self._share} of {self._max_entries} entries"
                )
            self._per_bucket[bucket] += 1
            self._list(name, expires_at)
        self.entries[name] = _pack(value, expires_at)

    def remove(self, name: bytes) -> None:
        """Remove an entry at once. It takes a scan of its minute; no flow of a guard needs it."""
        self._minutes[self._listed_in(name)].remove(name)
        self._drop(name)

    def purge(self, purge_time: int) -> None:
        self._purge(purge_time, _PURGED_PER_WRITE)

    def _list(self, name: bytes, expires_at: int) -> None:
        minute = _minute(expires_at)
        names = self._minutes.get(minute)
        if names is None:
            self._minutes[minute] = names = []
            heapq.heappush(self._order, minute)
        names.append(name)

    def _listed_in(self, name: bytes) -> int:
        # An entry whose expiry has moved is still listed in its former minute.
        minute = _minute(_expiry(self.entries[name]))
        if name in self._minutes.get(minute, ()):
            return minute
        return next(minute for minute, names in self._minutes.items() if name in names)

    def _purge(self, purge_time: int, most: int) -> int:
        """Remove a few expired entries; return how many."""
        removed = 0
        for _ in range(_PURGED_PER_WRITE):
            if removed == most or not self._order or self._order[0] * _MINUTE > purge_time:
                break
            names = self._minutes[self._order[0]]
            if names:
                name = names.pop()
                expires_at = _expiry(self.entries[name])
                if expires_at > purge_time:
                    self._list(name, expires_at)
                else:
                    self._drop(name)
                    removed += 1
            if not names:
                del self._minutes[heapq.heappop(self._order)]
        return removed

    def _drop(self, name: bytes) -> None:
        del self.entries[name]
        self._per_bucket[_bucket(name)] -= 1


class _Counters:
    """Entries written by ``increment``: removed at once at zero; if there is no room, the least useful one is evicted."""

    __slots__ = ("_max_counters", "_minutes", "_order", "entries")

    def __init__(self, max_counters: int) -> None:
        self._max_counters = max_counters
        self.entries: dict[bytes, bytes] = {}
        # As in _Sessions, with a dict for each minute: a counter can be removed from its middle.
        self._minutes: dict[int, dict[bytes, None]] = {}
        self._order: list[int] = []

    def write(self, name: bytes, value: str, expires_at: int) -> None:
        former = self.entries.get(name)
        if former is not None and _expiry(former) != expires_at:
            self.remove(name)
            former = None
        if former is None:
            if len(self.entries) >= self._max_counters:
                self._evict()
            minute = _minute(expires_at)
            if minute not in self._minutes:
                self._minutes[minute] = {}
                heapq.heappush(self._order, minute)
            self._minutes[minute][name] = None
        self.entries[name] = _pack(value, expires_at)

    def remove(self, name: bytes) -> None:
        del self._minutes[_minute(_expiry(self.entries.pop(name)))][name]
        # The first minute is never empty, so it holds the next counter to purge or to evict.
        while self._order and not self._minutes[self._order[0]]:
            del self._minutes[heapq.heappop(self._order)]

    def purge(self, purge_time: int) -> None:
        for _ in range(_PURGED_PER_WRITE):
            if not self._order or self._order[0] * _MINUTE > purge_time:
                return
            self.remove(next(iter(self._minutes[self._order[0]])))

    def _evict(self) -> None:
        # Of the counters that expire next, the one with the smallest count: made-up names are counted once each, and
        # must not displace the counter of the account that is under attack.
        names = itertools.islice(self._minutes[self._order[0]], _LOOKED_AT)
        self.remove(min(names, key=lambda name: int(_value(self.entries[name]))))


class MemoryStore:
    """A ``Store`` in this process.

    Safe to share between threads: one lock makes each method atomic. Safe to create before a fork; parent and child then
    have a store each.

    Args:
        max_entries: The most ended sessions, refreshed sessions and spent action tokens. A write that needs one more
            raises ``ServiceUnavailableError``. A million of them take about a fifth of a gigabyte. One account may hold
            a sixteenth of them.
        max_counters: The most counters of login attempts. One more evicts a counter that expires soon.

    Raises:
        ConfigurationError: ``max_entries`` or ``max_counters`` is not a positive integer.
    """

    __slots__ = ("__weakref__", "_counters", "_elapsed", "_held", "_lock", "_purge_time", "_sessions")

    location: ClassVar[str] = "memory"
    """Where the state is, for the log."""

    def __init__(
        self,
        *,
        max_entries: int = 1_000_000,
        max_counters: int = 250_000,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create an empty store; ``elapsed`` is a monotonic clock in seconds, for tests."""
        for name, value in (("max_entries", max_entries), ("max_counters", max_counters)):
            if type(value) is not int or value < 1:
                raise ConfigurationError(f"{name} must be a positive integer; got {value!r}")
        self._sessions = _Sessions(max_entries)
        self._counters = _Counters(max_counters)
        self._elapsed = elapsed
        self._purge_time: PurgeTime | None = None
        self._lock = threading.Lock()
        self._held = False
        forking.register(self)

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.get``."""
        with self._lock:
            return [None if (live := self._live(key.encode(), now)) is None else _value(live) for key in keys]

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``protocols.Store.compare_and_set``."""
        name = key.encode()
        with self._lock:
            live = self._live(name, now)
            if (None if live is None else _value(live)) != expected:
                return False
            self._purge(now)
            self._sessions.write(name, new, expires_at, now)
            if name in self._counters.entries:
                self._counters.remove(name)
            return True

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``protocols.Store.increment``."""
        name = key.encode()
        with self._lock:
            live = self._live(name, now)
            total = amount if live is None else int(_value(live)) + amount
            self._purge(now)
            if total:
                # A live counter keeps its expiry.
                self._counters.write(name, str(total), expires_at if live is None else _expiry(live))
            elif name in self._counters.entries:
                self._counters.remove(name)
            if name in self._sessions.entries:
                self._sessions.remove(name)
            return total

    def close(self) -> None:
        """Do nothing: there is nothing to close, and the state stays."""

    def __len__(self) -> int:
        """Return the number of entries and counters held, including expired ones that are not removed yet."""
        return len(self._sessions.entries) + len(self._counters.entries)

    def before_fork(self) -> None:
        """See ``forking.Forkable``: no thread is in the middle of a write while the memory is copied."""
        self._held = self._lock.acquire(timeout=_FORK_PATIENCE)

    def after_fork_in_parent(self) -> None:
        """See ``forking.Forkable``."""
        if self._held:
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """See ``forking.Forkable``."""
        self._lock = threading.Lock()

    def _live(self, name: bytes, now: int) -> bytes | None:
        entry = self._sessions.entries.get(name) or self._counters.entries.get(name)
        return entry if entry is not None and now < _expiry(entry) else None

    def _purge(self, now: int) -> None:
        self._purge_time = next_purge_time(self._purge_time, now, self._elapsed)
        self._sessions.purge(self._purge_time.seconds)
        self._counters.purge(self._purge_time.seconds)
