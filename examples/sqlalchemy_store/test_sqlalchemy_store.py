"""Tests the store on SQLite, and on PostgreSQL if it is installed; otherwise those tests are not collected."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, delete, event, select, update

from praetorian_core import Guard, KeyRing, Settings, generate_secret
from praetorian_core.errors import EarlyRefreshError, PraetorianError, ReusedTokenError, RevokedTokenError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers
from praetorian_core.testing.store_suite import CASES, Case, check

from . import METADATA, STATE, SQLAlchemyStore
from .postgresql import find_programs, running

PROGRAMS = find_programs()
DATABASES = ["sqlite"] if PROGRAMS is None else ["sqlite", "postgresql"]
NOW, EXPIRES_AT = 1_000, 2_000
CLIENTS = 32


@contextmanager
def url_of(database: str, folder: Path) -> Iterator[URL]:
    """Yield the URL of a new database."""
    if database == "sqlite":
        yield URL.create("sqlite", database=str(folder / "state.sqlite"))
    else:
        assert PROGRAMS is not None
        with running(PROGRAMS) as url:
            yield url


def do_not_sync(connection: sqlite3.Connection, _: object) -> None:
    """Do not wait for the disk: nothing here must survive."""
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return the database of all tests."""
    # SQLite has one writer at a time: the last of many threads waits.
    arguments = {"timeout": 30} if request.param == "sqlite" else {}
    with url_of(request.param, tmp_path_factory.mktemp("database")) as url:
        made = create_engine(url, pool_size=CLIENTS, connect_args=arguments)
        if request.param == "sqlite":
            event.listen(made, "connect", do_not_sync)
        METADATA.create_all(made)
        yield made
        made.dispose()


@pytest.fixture
def engine(database: Engine) -> Engine:
    """Return a database with an empty table."""
    with database.begin() as connection:
        connection.execute(delete(STATE))
    return database


@pytest.fixture
def store(engine: Engine) -> SQLAlchemyStore:
    return SQLAlchemyStore(engine)


def keys(engine: Engine) -> set[str]:
    """Return the keys of all rows."""
    with engine.connect() as connection:
        return set(connection.scalars(select(STATE.c.key)))


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """Run the work in many threads that start together; return their results."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> object:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


class TestSQLAlchemyStore:
    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_case(self, engine: Engine, case: Case) -> None:
        """The store passes the conformance suite."""

        assert [] == check(lambda: SQLAlchemyStore(engine), case)

    def test_counters_at_zero_leave_no_row(self, engine: Engine, store: SQLAlchemyStore) -> None:
        """A counter at zero has no row."""
        store.increment("a", 1, expires_at=EXPIRES_AT, now=NOW)
        store.increment("a", -1, expires_at=EXPIRES_AT, now=NOW)
        store.increment("b", 0, expires_at=EXPIRES_AT, now=NOW)

        assert set() == keys(engine)

    def test_purge(self, engine: Engine, store: SQLAlchemyStore) -> None:
        """Each write removes a few rows that have expired by the clock of the database."""
        for number in range(10):
            store.compare_and_set(f"old {number}", None, "v", expires_at=EXPIRES_AT, now=NOW)
        store.compare_and_set("live", None, "v", expires_at=EXPIRES_AT + 1, now=NOW)
        store.compare_and_set("a", None, "v", expires_at=EXPIRES_AT + 1, now=EXPIRES_AT)
        assert 12 == len(keys(engine))

        pass_time(engine, "old %")
        store.compare_and_set("a", "v", "w", expires_at=EXPIRES_AT + 1, now=EXPIRES_AT)
        assert 4 == len(keys(engine))
        store.increment("b", 1, expires_at=EXPIRES_AT + 1, now=EXPIRES_AT)
        assert {"live", "a", "b"} == keys(engine)

    def test_kept_by_the_database_clock(self, engine: Engine, store: SQLAlchemyStore) -> None:
        """A machine whose clock is ahead writes rows that live as long by the clock of the database."""
        present = int(time.time())
        for ahead in (-3_600, 0, 3_600):
            store.compare_and_set(f"k{ahead}", None, "v", expires_at=present + 86_400, now=present + ahead)
        with engine.connect() as connection:
            rows = connection.execute(select(STATE.c.key, STATE.c.kept_until))
            kept: dict[str, int] = {row.key: row.kept_until - present for row in rows}

        assert 86_400 == kept["k3600"]
        assert 86_400 <= kept["k0"] <= 86_400 + 60
        assert 90_000 <= kept["k-3600"] <= 90_000 + 60

    def test_no_deadlock(self, engine: Engine, store: SQLAlchemyStore) -> None:
        """Many threads purge the same rows at once, among them rows that other threads write."""
        for number in range(CLIENTS * 4):
            store.compare_and_set(f"k{number}", None, "v", expires_at=EXPIRES_AT, now=NOW)

        pass_time(engine, "k%")

        def renew(first: int) -> list[bool]:
            mine = [(first + step * 5) % CLIENTS for step in range(4)]
            return [
                store.compare_and_set(f"k{number}", None, "v", expires_at=EXPIRES_AT * 2, now=EXPIRES_AT)
                for number in mine
            ]

        won = sum(sum(outcome) for outcome in at_once(CLIENTS, renew))
        assert CLIENTS == won
        assert {f"k{number}" for number in range(CLIENTS)} == keys(engine)


def pass_time(engine: Engine, pattern: str) -> None:
    """Let the rows of some keys have expired by the clock of the database."""
    with engine.begin() as connection:
        connection.execute(update(STATE).where(STATE.c.key.like(pattern)).values(kept_until=0))


class World:
    """A guard with the store, and one user."""

    def __init__(self, store: SQLAlchemyStore) -> None:
        self.clock = FrozenClock()
        self.alice = MemoryUser(identity=1, username="alice")
        settings = Settings(keys=KeyRing.from_secret(generate_secret()))
        self.guard = Guard(MemoryUsers([self.alice]), settings, store=store, clock=self.clock)
        self.settings = settings


@pytest.fixture
def world(store: SQLAlchemyStore) -> World:
    return World(store)


class TestGuard:
    def test_revoke(self, world: World) -> None:
        """``revoke`` ends one session and no other."""
        token, other = world.guard.issue(world.alice), world.guard.issue(world.alice)
        world.guard.revoke(token)

        with pytest.raises(RevokedTokenError):
            world.guard.verify(token)
        assert 1 == world.guard.verify(other).identity

    def test_revoke_user(self, world: World) -> None:
        """``revoke_user`` ends all earlier sessions of a user and no later one."""
        token = world.guard.issue(world.alice)
        world.guard.revoke_user(1)

        with pytest.raises(RevokedTokenError):
            world.guard.verify(token)
        assert 1 == world.guard.verify(world.guard.issue(world.alice)).identity

    def test_refresh_once(self, world: World) -> None:
        """A refresh of the old token after the grace ends the session, including the successor."""
        token = world.guard.issue(world.alice)
        with pytest.raises(EarlyRefreshError):
            world.guard.refresh(token)
        world.clock.tick(world.settings.access_lifespan)
        successor = world.guard.refresh(token)
        assert 1 == world.guard.verify(successor).identity

        world.clock.tick(world.settings.refresh_grace)
        with pytest.raises(ReusedTokenError):
            world.guard.refresh(token)
        with pytest.raises(RevokedTokenError):
            world.guard.verify(successor)

    def test_redeem_once(self, world: World) -> None:
        """Of many simultaneous requests with one action token, one succeeds."""
        token = world.guard.issue_action(world.alice, "invite")

        def redeem(_: int) -> str:
            try:
                return world.guard.redeem_action(token, "invite").username
            except PraetorianError as error:
                return error.code

        assert {"alice": 1, ReusedTokenError.code: CLIENTS - 1} == Counter(at_once(CLIENTS, redeem))
