"""State in an SQLite file: for the processes of one machine.

Facts:

* Committed writes survive a process crash and, since every commit is synced, a power loss.
* Write-ahead logging lets readers continue while a process writes. A writer takes the lock with ``BEGIN IMMEDIATE``,
  before it reads: a transaction that began as a reader cannot wait for the lock, and would fail (sqlite.org/wal.html,
  sqlite.org/lang_transaction.html).
* No connection is open during a fork. A child that inherits one believes that it holds the parent's locks; when the
  parent ends, SQLite deletes the log that the child goes on to write to (sqlite.org/howtocorrupt.html §2.6).
* If another file takes the path, open connections go on writing to the former one, and no other process sees it. So each
  call checks that the path still leads to the file that was opened at start.
* Which expired entries may be removed is remembered in the file, so that a process that starts while the clock is wrong
  removes none: see ``purging``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from praetorian_core import forking
from praetorian_core.errors import ConfigurationError, ServiceUnavailableError
from praetorian_core.stores.purging import PurgeTime, next_purge_time

_PURGED_PER_WRITE = 8
_PAUSE = 0.01  # seconds between two attempts to create a file that other processes create too

_TABLE = """
    CREATE TABLE IF NOT EXISTS praetorian (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL)
    WITHOUT ROWID
"""
_INDEX = "CREATE INDEX IF NOT EXISTS praetorian_expires_at ON praetorian (expires_at)"
_PURGE_TABLE = """
    CREATE TABLE IF NOT EXISTS praetorian_purge
    (id INTEGER PRIMARY KEY, seconds INTEGER NOT NULL, read_at REAL NOT NULL, ahead_since REAL)
"""
_GET = "SELECT value, expires_at FROM praetorian WHERE key = ? AND expires_at > ?"
_SET = "INSERT OR REPLACE INTO praetorian (key, value, expires_at) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM praetorian WHERE key = ?"
_GET_PURGE_TIME = "SELECT seconds, read_at, ahead_since FROM praetorian_purge"
_SET_PURGE_TIME = "INSERT OR REPLACE INTO praetorian_purge (id, seconds, read_at, ahead_since) VALUES (0, ?, ?, ?)"
_PURGE = f"""
    DELETE FROM praetorian WHERE key IN (
        SELECT key FROM praetorian WHERE expires_at <= ? ORDER BY expires_at LIMIT {_PURGED_PER_WRITE}
    )
"""  # noqa: S608  (the number is a constant)


class SQLiteStore:
    """A ``Store`` in a file, shared by all processes of one machine that open it.

    Safe to share between threads, and to use before and after a fork: a fork waits until no call is in progress, and
    parent and child open new connections.

    Args:
        path: The file, in an existing folder; it is created if it is missing. A relative path is resolved now. The file
            must be on a local disk: file locks do not work over a network. Two more files, ``-wal`` and ``-shm``, appear
            beside it.
        timeout: How long a write waits for the writes of other threads, and then for those of other processes, in seconds.

    Raises:
        ConfigurationError: The file cannot be used.

    See:
        sqlite.org/wal.html
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 5.0) -> None:
        """Create the file, so that a mistake in its path is found at start."""
        if not isinstance(path, str | os.PathLike) or not isinstance(path := os.fspath(path), str):
            raise ConfigurationError(
                f"the path of the SQLite store must be a str or a pathlib.Path; got {type(path).__name__}"
            )
        if not path or path == ":memory:":
            raise ConfigurationError(
                f"the path of the SQLite store must be a file; got {path!r} (MemoryStore needs none)"
            )
        # A later chdir must not lead to another file.
        self._path = str(Path(path).absolute())
        self._timeout = timeout
        self._writer = threading.Lock()
        self._gate = threading.Condition()
        self._forking = False
        self._is_unsafe = False
        self._in_use = 0
        self._idle: list[sqlite3.Connection] = []
        self._file: tuple[int, int] | None = None
        weakref.finalize(self, _close_all, self._idle)
        forking.register(self)
        try:
            self._prepare()
            self._file = _file_at(self._path)
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"the SQLite store cannot use {path!r}: {error}; expected the path of an SQLite file, or of a new file, in "
                "an existing folder; this process must have the right to write both"
            ) from error

    @property
    def location(self) -> str:
        """Where the state is, for the log."""
        return self._path

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.get``."""
        with self._connection() as connection:
            return [_live(connection, key, now)[0] for key in keys]

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``protocols.Store.compare_and_set``."""
        with self._transaction(now) as connection:
            if _live(connection, key, now)[0] != expected:
                return False
            connection.execute(_SET, (key, new, expires_at))
            return True

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``protocols.Store.increment``."""
        with self._transaction(now) as connection:
            live, live_expiry = _live(connection, key, now)
            total = amount if live is None else int(live) + amount
            if total == 0:
                connection.execute(_DELETE, (key,))
            else:
                # A live counter keeps its expiry.
                connection.execute(_SET, (key, str(total), expires_at if live is None else live_expiry))
            return total

    def close(self) -> None:
        """Close all connections that are not in use; a later call opens new ones."""
        with self._gate:
            _close_all(self._idle)

    def before_fork(self) -> None:
        """See ``forking.Forkable``: wait for the calls of other threads, and close every connection."""
        self._gate.acquire()
        self._forking = True
        # A call waits for two locks at most, and then for the disk.
        self._gate.wait_for(lambda: self._in_use == 0, timeout=2 * self._timeout + 1)
        _close_all(self._idle)

    def after_fork_in_parent(self) -> None:
        """See ``forking.Forkable``."""
        self._forking = False
        self._gate.notify_all()
        self._gate.release()

    def after_fork_in_child(self) -> None:
        """See ``forking.Forkable``. After a fork by C code, close what was inherited before a call uses it."""
        self._writer = threading.Lock()
        self._gate = threading.Condition()
        self._forking = False
        self._is_unsafe = self._in_use > 0
        _close_all(self._idle)

    def _connect(self) -> sqlite3.Connection:
        # Autocommit: every transaction is one that is written here.
        return sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False)

    def _prepare(self) -> None:
        # If several processes start at once, SQLite does not wait for the one that switches to the log, but fails.
        attempts = int(self._timeout / _PAUSE)
        while True:
            try:
                with self._connection() as connection:
                    connection.execute("PRAGMA journal_mode = WAL")
                    for statement in (_TABLE, _INDEX, _PURGE_TABLE):
                        connection.execute(statement)
                    connection.execute(_GET, ("", 0))
                    connection.execute(_GET_PURGE_TIME)
            except sqlite3.OperationalError as error:
                if attempts == 0 or "locked" not in str(error):
                    raise
                attempts -= 1
                time.sleep(_PAUSE)
            else:
                return

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection, None, None]:
        """Lend a connection to one call. If the call fails, its transaction ends with the connection."""
        with self._gate:
            self._gate.wait_for(lambda: not self._forking)
            if self._is_unsafe:
                raise ServiceUnavailableError(
                    f"this process was forked while a call to {self._path!r} was in progress; its writes would be lost"
                )
            if self._file is not None and self._file != _file_at(self._path):
                raise ServiceUnavailableError(
                    f"the SQLite file {self._path!r} was removed or replaced while it was in use; restart all processes "
                    "that use it"
                )
            self._in_use += 1
            connection = self._idle.pop() if self._idle else None
        healthy = False
        try:
            if connection is None:
                connection = self._connect()
                connection.execute("PRAGMA synchronous = FULL")
            yield connection
            healthy = True
        finally:
            if connection is not None and not healthy:
                connection.close()
            with self._gate:
                self._in_use -= 1
                if connection is not None and healthy:
                    self._idle.append(connection)
                self._gate.notify_all()

    @contextmanager
    def _transaction(self, now: int) -> Generator[sqlite3.Connection, None, None]:
        # SQLite lets a writer sleep and try again; a lock wakes the next thread at once.
        if not self._writer.acquire(timeout=self._timeout):
            raise sqlite3.OperationalError("database is locked by other threads of this process")
        try:
            with self._connection() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_PURGE, (_follow(connection, now).seconds,))
                yield connection
                connection.execute("COMMIT")
        finally:
            self._writer.release()


def _file_at(path: str) -> tuple[int, int] | None:
    """Return what distinguishes the file at a path from every other file; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116  (each call pays for it, and a Path costs twice as much)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _close_all(idle: list[sqlite3.Connection]) -> None:
    while idle:
        idle.pop().close()


def _follow(connection: sqlite3.Connection, now: int) -> PurgeTime:
    """Return the purge time after this reading of the clock, which all processes share."""
    row: tuple[int, float, float | None] | None = connection.execute(_GET_PURGE_TIME).fetchone()
    former = None if row is None else PurgeTime(*row)
    # All processes of a machine share its monotonic clock.
    purge_time = next_purge_time(former, now, time.monotonic)
    if purge_time != former:
        connection.execute(_SET_PURGE_TIME, (purge_time.seconds, purge_time.read_at, purge_time.ahead_since))
    return purge_time


def _live(connection: sqlite3.Connection, key: str, now: int) -> tuple[str | None, int]:
    row: tuple[str, int] | None = connection.execute(_GET, (key, now)).fetchone()
    return (None, 0) if row is None else row
