"""State in a file: what is peculiar to SQLite. What holds of every store is in test_conformance.py."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from praetorian_core.errors import ConfigurationError
from praetorian_core.stores import sqlite
from praetorian_core.stores.sqlite import SQLiteStore

NOW, UNTIL = 1_000, 2_000
HERE = Path(__file__).parent


@pytest.fixture
def path(tmp_path):
    """Return where a store may be."""
    return tmp_path / "state.db"


@pytest.fixture
def store(path):
    """Return an empty store."""
    made = SQLiteStore(path)
    yield made
    made.close()


def rows(path):
    """Return all that the file holds."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT key, value, until FROM praetorian ORDER BY key").fetchall()


class TestFile:
    def test_survives(self, path):
        """What one process wrote, the next one finds."""
        SQLiteStore(path).compare_and_set("k", None, "ended", expires_at=UNTIL, now=NOW)

        assert ["ended"] == SQLiteStore(path).get("k", now=NOW)

    @pytest.mark.parametrize("kind", [str, Path])
    def test_path(self, kind, path):
        """A path is a text or a Path."""

        assert [None] == SQLiteStore(kind(path)).get("k", now=NOW)

    def test_write_ahead_log(self, store, path):
        """Readers go on while somebody writes."""
        with closing(sqlite3.connect(path)) as connection:
            assert [("wal",)] == connection.execute("PRAGMA journal_mode").fetchall()

    def test_synced(self, store):
        """Every commit is synced: a power cut loses nothing that was acknowledged."""
        store.get("k", now=NOW)

        assert [(2,)] == store._idle[0].execute("PRAGMA synchronous").fetchall()

    @pytest.mark.parametrize("bad", ["", ":memory:"])
    def test_no_file(self, bad):
        """A database of one connection alone would be a new one for each thread."""
        with pytest.raises(ConfigurationError, match=r"expected a file, or MemoryStore\(\) for no file"):
            SQLiteStore(bad)

    def test_no_folder(self, tmp_path):
        """A folder that is missing is found at start, and named."""
        with pytest.raises(ConfigurationError, match="nowhere") as caught:
            SQLiteStore(tmp_path / "nowhere" / "state.db")

        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)

    def test_another_file(self, path):
        """A file that is something else is left alone, and found at start."""
        path.write_bytes(b"not a database, and longer than the header of one " * 20)
        with pytest.raises(ConfigurationError, match=r"cannot use .*state.db.*expected the path of a file of SQLite's"):
            SQLiteStore(path)

        assert path.read_bytes().startswith(b"not a database")

    def test_another_table(self, path):
        """So is a database with a table of that name and other columns."""
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE praetorian (id)")
        with pytest.raises(ConfigurationError, match="no such column"):
            SQLiteStore(path)

    def test_another_s_database(self, path):
        """The twin: tables of the application's own do not matter."""
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE users (id)")

        assert SQLiteStore(path).compare_and_set("k", None, "v", expires_at=UNTIL, now=NOW)


class TestPurge:
    def test_a_write_removes_eight_at_most(self, store, path):
        """No call pays for all that has expired, and in the end nothing of it is held."""
        for number in range(20):
            store.compare_and_set(f"old{number}", None, "v", expires_at=UNTIL, now=NOW)
        held = []
        for _ in range(3):
            store.increment("n", 1, expires_at=2 * UNTIL, now=UNTIL)
            held.append(len(rows(path)))

        assert [13, 5, 1] == held

    @pytest.mark.parametrize(("now", "held"), [(UNTIL - 1, 2), (UNTIL, 1)], ids=["until-1", "expires_at"])
    def test_nothing_goes_early(self, store, path, now, held):
        """An entry is removed from its ``until`` on, not a second before."""
        store.compare_and_set("k", None, "v", expires_at=UNTIL, now=NOW)
        store.compare_and_set("new", None, "v", expires_at=2 * UNTIL, now=now)

        assert held == len(rows(path))


class TestConnections:
    def test_used_again(self, store):
        """Calls one after another share one connection."""
        for _ in range(10):
            store.get("k", now=NOW)

        assert 1 == len(store._idle)

    def test_close(self, store):
        """After ``close`` nothing is open, and a later call opens anew."""
        store.get("k", now=NOW)
        store.close()
        assert [] == store._idle

        assert [None] == store.get("k", now=NOW)

    def test_forgotten(self, path):
        """A store that nobody holds closes its connections itself (a warning would be an error here)."""
        SQLiteStore(path).get("k", now=NOW)
        gc.collect()

    def test_a_failed_call(self, store):
        """A transaction that breaks off leaves no lock behind, and nothing half done."""
        store.compare_and_set("k", None, "text", expires_at=UNTIL, now=NOW)
        with pytest.raises(ValueError, match="text"):
            store.increment("k", 1, expires_at=UNTIL, now=NOW)

        assert store.compare_and_set("k", "text", "v", expires_at=UNTIL, now=NOW)

    @pytest.mark.parametrize("verb", ["get", "compare_and_set", "increment"])
    def test_locked_by_somebody(self, verb, path):
        """Who holds the file for longer than the time-out is waited for so long; a reader does not wait at all."""
        store = SQLiteStore(path, timeout=0.05)
        calls = {
            "get": lambda: store.get("k", now=NOW),
            "compare_and_set": lambda: store.compare_and_set("k", None, "v", expires_at=UNTIL, now=NOW),
            "increment": lambda: store.increment("k", 1, expires_at=UNTIL, now=NOW),
        }
        with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            if verb == "get":
                assert [None] == calls[verb]()
            else:
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    calls[verb]()
            somebody.execute("COMMIT")

        assert calls[verb]() in ([None], True, 1)

    def test_locked_at_start(self, path):
        """A file that somebody holds for longer than the time-out is found at start."""
        with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
            somebody.execute("CREATE TABLE users (id)")
            somebody.execute("BEGIN EXCLUSIVE")
            with pytest.raises(ConfigurationError, match="locked"):
                SQLiteStore(path, timeout=0.05)

    def test_waited_for_at_start(self, path):
        """The twin: one that is let go in time is waited for."""
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as somebody:
            somebody.execute("CREATE TABLE users (id)")
            somebody.execute("BEGIN EXCLUSIVE")
            release = threading.Timer(0.2, somebody.execute, ["COMMIT"])
            release.start()
            store = SQLiteStore(path, timeout=20)
            release.join()

        assert [None] == store.get("k", now=NOW)


FORKING = """
import os, sys
from praetorian_core import SQLiteStore

store = SQLiteStore(sys.argv[1])
store.compare_and_set("parent", None, "v", expires_at=2_000, now=1_000)
child = os.fork()
if child == 0:
    store.compare_and_set("child", None, "v", expires_at=2_000, now=1_000)
    sys.exit(0 if len(store._idle) == 1 else 9)
_, status = os.waitpid(child, 0)
store.increment("parent's", 1, expires_at=2_000, now=1_000)
print(os.waitstatus_to_exitcode(status), store.get("parent", "child", "parent's", now=1_000))
"""


class TestProcesses:
    def test_fork(self, path):
        """A child opens connections of its own and leaves its parent's alone."""
        command = [sys.executable, "-W", "error", "-c", FORKING, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert ("0 ['v', 'v', '1']\n", "") == (done.stdout, done.stderr)

    def test_all_begin_at_once(self, path):
        """Many processes that make the file at the same moment all succeed."""
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            results = pool.map(_make, [str(path / f"../{number % 4}.db") for number in range(32)], chunksize=1)

        assert [True] * 32 == results

    def test_killed(self, path):
        """200 writers killed at a random moment each: nothing that was acknowledged is missing."""
        command = [sys.executable, str(HERE / "killing.py"), f"sqlite:///{path}", "200"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert "" == done.stderr
        found = json.loads(done.stdout)
        assert 0 == found["missing"]
        assert 200 < found["acknowledged"]


def _make(path):
    store = SQLiteStore(path)
    done = store.compare_and_set(str(os.getpid()) + os.urandom(8).hex(), None, "v", expires_at=UNTIL, now=NOW)
    store.close()
    return done


class TestAbandoned:
    def test_nobody_closes_a_parent_s(self, store, monkeypatch):
        """What was opened in another process is neither used nor closed, nor by the end of the store."""
        store.get("k", now=NOW)
        connections = list(store._idle)
        # As a child finds it: made by a process of another number.
        monkeypatch.setattr(store, "_process", 0)
        store.close()
        store.get("k", now=NOW)

        assert connections == sqlite._ABANDONED.pop()
        assert [1] == [connection.execute("SELECT 1").fetchone()[0] for connection in connections]
        connections[0].close()
