"""``SQLiteStore``: its file, its purge, its connections and forks. The conformance suite covers the rest."""

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

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError
from praetorian_core.stores.sqlite import SQLiteStore

NOW, EXPIRES_AT = 1_000, 2_000
HERE = Path(__file__).parent


@pytest.fixture
def path(tmp_path):
    """Return the path of a store."""
    return tmp_path / "state.db"


@pytest.fixture
def store(path):
    """Return an empty store."""
    made = SQLiteStore(path)
    yield made
    made.close()


def rows(path):
    """Return all entries of the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT key, value, expires_at FROM praetorian ORDER BY key").fetchall()


class TestFile:
    def test_survives(self, path):
        """A new store on the same file finds what the former one wrote."""
        SQLiteStore(path).compare_and_set("k", None, "ended", expires_at=EXPIRES_AT, now=NOW)

        assert ["ended"] == SQLiteStore(path).get("k", now=NOW)

    @pytest.mark.parametrize("change", ["removed", "replaced", "moved"])
    @pytest.mark.parametrize("is_connected", [True, False], ids=["connected", "unconnected"])
    def test_another_file_at_the_path(self, is_connected, change, path, tmp_path):
        """A file that is removed, replaced or moved in use takes no more writes: no other process would see them."""
        store = SQLiteStore(path)
        other = tmp_path / "other.db"
        SQLiteStore(other).close()
        if not is_connected:
            store.close()
        if change == "replaced":
            Path(other).replace(path)
        elif change == "moved":
            Path(path).rename(tmp_path / "moved.db")
        else:
            Path(path).unlink()
        for call in (
            lambda: store.get("k", now=NOW),
            lambda: store.compare_and_set("k", None, "ended", expires_at=EXPIRES_AT, now=NOW),
            lambda: store.increment("k", 1, expires_at=EXPIRES_AT, now=NOW),
        ):
            with pytest.raises(ServiceUnavailableError, match="was removed or replaced while it was in use; restart"):
                call()

        assert (change == "replaced") == Path(path).exists()

    @pytest.mark.parametrize("kind", [str, Path])
    def test_path(self, kind, path):
        """A path is a str or a Path."""

        assert [None] == SQLiteStore(kind(path)).get("k", now=NOW)

    def test_write_ahead_log(self, store, path):
        """The file uses write-ahead logging, so readers continue while a process writes."""
        with closing(sqlite3.connect(path)) as connection:
            assert [("wal",)] == connection.execute("PRAGMA journal_mode").fetchall()

    def test_synced(self, store):
        """Every commit is synced, so a power loss loses no committed write."""
        store.get("k", now=NOW)

        assert [(2,)] == store._idle[0].execute("PRAGMA synchronous").fetchall()

    @pytest.mark.parametrize("bad", ["", ":memory:"])
    def test_no_file(self, bad):
        """A database in memory would be another one for each connection."""
        with pytest.raises(ConfigurationError, match=r"must be a file; got .*MemoryStore"):
            SQLiteStore(bad)

    @pytest.mark.parametrize(("path", "found"), [(b"state.db", "bytes"), (None, "NoneType"), (7, "int")])
    def test_no_path(self, path, found):
        """A path is text, or an object that has one as text."""
        with pytest.raises(ConfigurationError, match=rf"must be a str or a pathlib\.Path; got {found}$"):
            SQLiteStore(path)

    def test_chdir(self, tmp_path, monkeypatch):
        """A relative path keeps leading to the same file after ``chdir``."""
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path)
        store = SQLiteStore("state.db")
        store.compare_and_set("k", None, "ended", expires_at=EXPIRES_AT, now=NOW)
        store.close()
        monkeypatch.chdir(tmp_path / "elsewhere")

        assert ["ended"] == store.get("k", now=NOW)
        assert [] == list((tmp_path / "elsewhere").iterdir())

    def test_location(self, path, monkeypatch):
        """The log shows the absolute path."""
        monkeypatch.chdir(path.parent)
        store = SQLiteStore("state.db")

        assert str(path) == store.location

    def test_no_folder(self, tmp_path):
        """A missing folder is found at start, and named."""
        with pytest.raises(ConfigurationError, match="nowhere") as caught:
            SQLiteStore(tmp_path / "nowhere" / "state.db")

        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)

    def test_another_file(self, path):
        """A file that is not a database is found at start, and not changed."""
        path.write_bytes(b"not a database, and longer than the header of one " * 20)
        with pytest.raises(ConfigurationError, match=r"cannot use .*state.db.*expected the path of an SQLite file"):
            SQLiteStore(path)

        assert path.read_bytes().startswith(b"not a database")

    def test_another_table(self, path):
        """A database with a table of that name and other columns is found at start."""
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE praetorian (id)")
        with pytest.raises(ConfigurationError, match="no such column"):
            SQLiteStore(path)

    def test_application_database(self, path):
        """Other tables in the database do not matter."""
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE users (id)")

        assert SQLiteStore(path).compare_and_set("k", None, "v", expires_at=EXPIRES_AT, now=NOW)


def pass_time(path, seconds):
    """Let the machine's monotonic clock be later than at the last write, as far as the file knows."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE praetorian_purge SET read_at = read_at - ?", (seconds,))


class TestPurge:
    def test_eight_per_write(self, store, path):
        """A write removes eight expired entries at most; after some writes all are gone."""
        for number in range(20):
            store.compare_and_set(f"old{number}", None, "v", expires_at=EXPIRES_AT, now=NOW)
        pass_time(path, 1_000)
        held = []
        for _ in range(3):
            store.increment("n", 1, expires_at=2 * EXPIRES_AT, now=EXPIRES_AT)
            held.append(len(rows(path)))

        assert [13, 5, 1] == held

    @pytest.mark.parametrize(
        ("now", "held"), [(EXPIRES_AT - 1, 2), (EXPIRES_AT, 1)], ids=["expires_at-1", "expires_at"]
    )
    def test_not_early(self, store, path, now, held):
        """An entry is removed from its expiry on, not a second before."""
        store.compare_and_set("k", None, "v", expires_at=EXPIRES_AT, now=NOW)
        pass_time(path, 1_000)
        store.compare_and_set("new", None, "v", expires_at=2 * EXPIRES_AT, now=now)

        assert held == len(rows(path))

    def test_restart_of_the_machine(self, store, path):
        """After a restart the monotonic clock is earlier; entries are kept, and the purge goes on from there."""
        store.compare_and_set("k", None, "v", expires_at=EXPIRES_AT, now=NOW)
        pass_time(path, -1_000_000_000)
        store.increment("n", 1, expires_at=2 * EXPIRES_AT, now=EXPIRES_AT)
        assert 2 == len(rows(path))

        pass_time(path, 1_000)
        store.increment("n", 1, expires_at=2 * EXPIRES_AT, now=EXPIRES_AT)
        assert 1 == len(rows(path))

    def test_wrong_clock_at_start(self, path):
        """A process that starts while the clock is years ahead removes nothing."""
        SQLiteStore(path).compare_and_set("k", None, "ended", expires_at=EXPIRES_AT, now=NOW)
        later = NOW + 10 * 365 * 86_400
        started = SQLiteStore(path)
        for number in range(20):
            started.increment(f"n{number}", 1, expires_at=later + 900, now=later)

        assert ["ended"] == SQLiteStore(path).get("k", now=EXPIRES_AT - 1)


class TestConnections:
    def test_used_again(self, store):
        """Calls one after another use one connection."""
        for _ in range(10):
            store.get("k", now=NOW)

        assert 1 == len(store._idle)

    def test_close(self, store):
        """``close`` closes the connections; a later call opens a new one."""
        store.get("k", now=NOW)
        store.close()
        assert [] == store._idle

        assert [None] == store.get("k", now=NOW)

    def test_garbage(self, path):
        """A store without references closes its connections, so Python does not warn (a warning is an error here)."""
        SQLiteStore(path).get("k", now=NOW)
        gc.collect()

    def test_a_failed_call(self, store):
        """A call that fails leaves no lock and no partial write."""
        store.compare_and_set("k", None, "text", expires_at=EXPIRES_AT, now=NOW)
        with pytest.raises(ValueError, match="text"):
            store.increment("k", 1, expires_at=EXPIRES_AT, now=NOW)

        assert store.compare_and_set("k", "text", "v", expires_at=EXPIRES_AT, now=NOW)

    @pytest.mark.parametrize("verb", ["get", "compare_and_set", "increment"])
    def test_locked(self, verb, path):
        """A writer waits for another writer up to its time-out; a reader does not wait."""
        store = SQLiteStore(path, timeout=0.05)
        calls = {
            "get": lambda: store.get("k", now=NOW),
            "compare_and_set": lambda: store.compare_and_set("k", None, "v", expires_at=EXPIRES_AT, now=NOW),
            "increment": lambda: store.increment("k", 1, expires_at=EXPIRES_AT, now=NOW),
        }
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            if verb == "get":
                assert [None] == calls[verb]()
            else:
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    calls[verb]()
            other.execute("COMMIT")

        assert calls[verb]() in ([None], True, 1)

    def test_locked_by_a_thread(self, path):
        """A writer waits for another thread up to its time-out too; a reader does not wait."""
        store = SQLiteStore(path, timeout=0.05)
        with store._transaction(NOW):
            with pytest.raises(sqlite3.OperationalError, match="locked by other threads"):
                store.increment("k", 1, expires_at=EXPIRES_AT, now=NOW)
            assert [None] == store.get("k", now=NOW)

        assert 1 == store.increment("k", 1, expires_at=EXPIRES_AT, now=NOW)

    def test_locked_at_start(self, path):
        """A file that is locked for longer than the time-out is reported at start."""
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("CREATE TABLE users (id)")
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(ConfigurationError, match="locked"):
                SQLiteStore(path, timeout=0.05)

    def test_waited_for_at_start(self, path):
        """A file that is unlocked in time is waited for."""
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("CREATE TABLE users (id)")
            other.execute("BEGIN EXCLUSIVE")
            release = threading.Timer(0.2, other.execute, ["COMMIT"])
            release.start()
            store = SQLiteStore(path, timeout=20)
            release.join()

        assert [None] == store.get("k", now=NOW)


def run_forks(mode, path, forks):
    """Return what ``forking.py`` prints."""
    # Python 3.12 warns of every fork with threads, which is what is tested here.
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", str(HERE / "forking.py")]
    done = subprocess.run([*command, mode, str(path), str(forks)], capture_output=True, text=True, check=False)
    assert "" == done.stderr
    return json.loads(done.stdout)


def ended(path, *names):
    """Return how many of the sessions another process finds ended."""
    return SQLiteStore(path).get(*names, now=NOW).count("ended")


class TestFork:
    def test_orphans(self, path):
        """40 children write after their parent, which had a connection open at the fork, is gone: no write is lost."""
        assert [0] * 40 == run_forks("orphans", path, 40)

        assert 40 == ended(path, *(f"child {number}" for number in range(40)))
        assert 40 == ended(path, *(f"parent of child {number}" for number in range(40)))

    def test_writers(self, path):
        """20 children write although threads of the parent were writing at the fork; none stays locked."""
        assert [0] * 20 == run_forks("writers", path, 20)

        assert 21 == ended(path, "parent", *(f"child {number}" for number in range(20)))

    def test_no_connection_is_inherited(self, store):
        """At the fork itself no connection is open, and afterwards both sides open their own."""
        store.get("k", now=NOW)
        store.before_fork()
        inherited = list(store._idle)
        store.after_fork_in_parent()
        assert [] == inherited

        assert [None] == store.get("k", now=NOW)

    def test_fork_by_c_code(self, store, path):
        """After a fork by C code (uWSGI) the child closes what it inherited before it writes."""
        store.get("k", now=NOW)
        store.after_fork_in_child()
        assert [] == store._idle

        assert store.compare_and_set("k", None, "ended", expires_at=EXPIRES_AT, now=NOW)

    def test_call_that_does_not_end(self, path):
        """A fork waits for a call in progress for a bounded time; the child then raises instead of losing writes."""
        store = SQLiteStore(path, timeout=0.05)
        with store._connection():
            store.before_fork()
            store.after_fork_in_child()
            with pytest.raises(ServiceUnavailableError, match=r"forked while a call .* was in progress"):
                store.get("k", now=NOW)


class TestProcesses:
    def test_start_together(self, path):
        """Processes that create the file at the same moment all succeed."""
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            results = pool.map(_make, [str(path / f"../{number % 4}.db") for number in range(32)], chunksize=1)

        assert [True] * 32 == results

    def test_killed(self, path):
        """200 writers are killed, each at a random moment: no acknowledged write is missing."""
        command = [sys.executable, str(HERE / "killing.py"), f"sqlite:///{path}", "200"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert "" == done.stderr
        found = json.loads(done.stdout)
        assert 0 == found["missing"]
        assert 200 <= found["acknowledged"]


def _make(path):
    store = SQLiteStore(path)
    done = store.compare_and_set(str(os.getpid()) + os.urandom(8).hex(), None, "v", expires_at=EXPIRES_AT, now=NOW)
    store.close()
    return done
