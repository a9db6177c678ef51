"""State in an SQLite file: for the processes of one machine.

Facts:

* What was acknowledged survives the death of any process and, since each commit is synced, a power cut as well.
* Write-ahead logging lets readers go on while somebody writes. A writer takes the lock with ``BEGIN IMMEDIATE``, before
  it reads: one that began as a reader could not wait for its turn, and would fail instead (sqlite.org/wal.html,
  sqlite.org/lang_transaction.html).
* A connection is used by one call at a time and never after a fork, which SQLite does not survive
  (sqlite.org/howtocorrupt.html §2.6).
"""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import cast

from praetorian_core.errors import ConfigurationError

_PURGED_A_WRITE = 8
_PAUSE = 0.01  # seconds between two attempts to set up a file that others are setting up as well

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS praetorian (key TEXT PRIMARY KEY, value TEXT NOT NULL, until INTEGER NOT NULL)
    WITHOUT ROWID
"""
_INDEX = "CREATE INDEX IF NOT EXISTS praetorian_until ON praetorian (until)"
_READ = "SELECT value, until FROM praetorian WHERE key = ? AND until > ?"
_WRITE = "INSERT OR REPLACE INTO praetorian (key, value, until) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM praetorian WHERE key = ?"
_PURGE = f"""
    DELETE FROM praetorian WHERE key IN (
        SELECT key FROM praetorian WHERE until <= ? ORDER BY until LIMIT {_PURGED_A_WRITE}
    )
"""  # noqa: S608  (a number of ours)


class SQLiteStore:
    """A ``Store`` in a file, shared by all processes of one machine that open it.

    Safe to share between threads. It may be made before a fork: connections are opened when they are first needed.

    Args:
        path: The file, which is made where it is missing, in a folder that exists. It must lie on a disk of this
            machine: file locks do not hold over a network. Two more files, ``-wal`` and ``-shm``, lie beside it.
        timeout: How long a call waits for others to finish, in seconds.

    Raises:
        ConfigurationError: The file cannot be used.

    See:
        sqlite.org/wal.html
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 5.0) -> None:
        """Make the file ready, so that what is wrong with it is found at start."""
        self._path = os.fspath(path)
        if not self._path or self._path == ":memory:":
            detail = f"the path of the SQLite store is {self._path!r}; expected a file, or MemoryStore() for no file"
            raise ConfigurationError(detail)
        self._timeout = timeout
        self._idle: list[sqlite3.Connection] = []
        self._process = os.getpid()
        self._finalizer = weakref.finalize(self, _close, self._idle, self._process)
        try:
            with closing(self._connect()) as connection:
                self._prepare(connection)
        except sqlite3.Error as error:
            detail = (
                f"the SQLite store cannot use {self._path!r}: {error}; expected the path of a file of SQLite's, or of "
                "none yet, that this process may write, in a folder that it may write as well"
            )
            raise ConfigurationError(detail) from error

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.get``."""
        with self._connection() as connection:
            return [_live(connection, key, now)[0] for key in keys]

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``protocols.Store.compare_and_set``."""
        with self._writing(now) as connection:
            if _live(connection, key, now)[0] != expected:
                return False
            connection.execute(_WRITE, (key, new, expires_at))
            return True

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``protocols.Store.increment``."""
        with self._writing(now) as connection:
            live, entry_expiry = _live(connection, key, now)
            total = amount if live is None else int(live) + amount
            if total == 0:
                # An absent counter stands at zero, and takes no room.
                connection.execute(_DELETE, (key,))
            else:
                # A counter keeps the end that its first call gave it.
                connection.execute(_WRITE, (key, str(total), expires_at if live is None else entry_expiry))
            return total

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        _close(self._idle, self._process)

    def _connect(self) -> sqlite3.Connection:
        # Autocommit, so that every transaction is one that is written here.
        return sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # Where several processes begin at once, SQLite does not wait for the one that switches to the log, but fails.
        attempts = int(self._timeout / _PAUSE)
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(_SCHEMA)
                connection.execute(_INDEX)
                connection.execute(_READ, ("", 0))
            except sqlite3.OperationalError as error:
                if attempts == 0 or "locked" not in str(error):
                    raise
                attempts -= 1
                time.sleep(_PAUSE)
            else:
                return

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection, None, None]:
        if self._process != os.getpid():
            # After a fork: what belongs to the parent is neither used nor closed, for that would take its locks away.
            _ABANDONED.append(self._idle)
            self._finalizer.detach()
            self._idle, self._process = [], os.getpid()
            self._finalizer = weakref.finalize(self, _close, self._idle, self._process)
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
            connection.execute("PRAGMA synchronous = FULL")
        try:
            yield connection
        except BaseException:
            # Whatever it was, an unfinished transaction ends with its connection.
            connection.close()
            raise
        self._idle.append(connection)

    @contextmanager
    def _writing(self, now: int) -> Generator[sqlite3.Connection, None, None]:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_PURGE, (now,))
            yield connection
            connection.execute("COMMIT")


_ABANDONED: list[list[sqlite3.Connection]] = []
"""Connections of a parent process, held so that nobody closes them."""


def _close(idle: list[sqlite3.Connection], process: int) -> None:
    if process == os.getpid():
        while idle:
            idle.pop().close()


def _live(connection: sqlite3.Connection, key: str, now: int) -> tuple[str | None, int]:
    row = cast("tuple[str, int] | None", connection.execute(_READ, (key, now)).fetchone())
    return (None, 0) if row is None else row
