"""The store on SQLite, and on PostgreSQL where this machine has one; elsewhere those tests are not collected."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, delete, event, select

from praetorian_core import Guard, KeyRing, Settings, generate_secret
from praetorian_core.errors import EarlyRefreshError, PraetorianError, ReusedTokenError, RevokedTokenError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers
from praetorian_core.testing.store_suite import CASES, Case, check

from . import METADATA, STATE, SQLAlchemyStore
from .postgresql import find_programs, running

PROGRAMS = find_programs()
DATABASES = ["sqlite"] if PROGRAMS is None else ["sqlite", "postgresql"]
NOW, UNTIL = 1_000, 2_000
CLIENTS = 32


@contextmanager
def url_of(database: str, folder: Path) -> Iterator[URL]:
    """Give the URL of a new database."""
    if database == "sqlite":
        yield URL.create("sqlite", database=str(folder / "state.sqlite"))
    else:
        assert PROGRAMS is not None
        with running(PROGRAMS) as url:
            yield url


def hurry(connection: sqlite3.Connection, _: object) -> None:
    """Let commits not wait for the disk: nothing here has to survive."""
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return a database that all tests share."""
    # In SQLite one writes after the other: the last of many waits for a while.
    arguments = {"timeout": 30} if request.param == "sqlite" else {}
    with url_of(request.param, tmp_path_factory.mktemp("database")) as url:
        made = create_engine(url, pool_size=CLIENTS, connect_args=arguments)
        if request.param == "sqlite":
            event.listen(made, "connect", hurry)
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
    """Return under which keys there is a row."""
    with engine.connect() as connection:
        return set(connection.scalars(select(STATE.c.key)))


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """Let many threads begin at the same moment; return what each of them returned."""
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
        """Nor does nothing that is added to nothing."""
        store.increment("a", 1, expires_at=UNTIL, now=NOW)
        store.increment("a", -1, expires_at=UNTIL, now=NOW)
        store.increment("b", 0, expires_at=UNTIL, now=NOW)

        assert set() == keys(engine)

    def test_writes_clear_away_what_is_over(self, engine: Engine, store: SQLAlchemyStore) -> None:
        """A few rows each, so that none has to pay for all."""
        for number in range(10):
            store.compare_and_set(f"old {number}", None, "v", expires_at=UNTIL, now=NOW)
        store.compare_and_set("live", None, "v", expires_at=UNTIL + 1, now=NOW)
        assert 11 == len(keys(engine))

        store.compare_and_set("a", None, "v", expires_at=UNTIL + 1, now=UNTIL)
        assert 4 == len(keys(engine))
        store.increment("b", 1, expires_at=UNTIL + 1, now=UNTIL)
        assert {"live", "a", "b"} == keys(engine)

    def test_nobody_waits_in_a_circle(self, engine: Engine, store: SQLAlchemyStore) -> None:
        """Many who write clear away the same rows at once, among them those that others write anew."""
        for number in range(CLIENTS * 4):
            store.compare_and_set(f"k{number}", None, "v", expires_at=UNTIL, now=NOW)

        def renew(first: int) -> list[bool]:
            mine = [(first + step * 5) % CLIENTS for step in range(4)]
            return [store.compare_and_set(f"k{number}", None, "v", expires_at=UNTIL * 2, now=UNTIL) for number in mine]

        won = sum(sum(outcome) for outcome in at_once(CLIENTS, renew))
        assert CLIENTS == won
        assert {f"k{number}" for number in range(CLIENTS)} == keys(engine)


class World:
    """A guard on a store, and one user."""

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
    def test_ends_a_session(self, world: World) -> None:
        """And no other."""
        token, other = world.guard.issue(world.alice), world.guard.issue(world.alice)
        world.guard.revoke(token)

        with pytest.raises(RevokedTokenError):
            world.guard.verify(token)
        assert 1 == world.guard.verify(other).identity

    def test_ends_all_sessions_of_a_user(self, world: World) -> None:
        """And none that begins afterwards."""
        token = world.guard.issue(world.alice)
        world.guard.revoke_user(1)

        with pytest.raises(RevokedTokenError):
            world.guard.verify(token)
        assert 1 == world.guard.verify(world.guard.issue(world.alice)).identity

    def test_refreshes_once(self, world: World) -> None:
        """Whoever comes with the old token after the grace ends the session, the successor's included."""
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

    def test_redeems_once(self, world: World) -> None:
        """Of many who come with one action token at the same moment, one may act."""
        token = world.guard.issue_action(world.alice, "invite")

        def redeem(_: int) -> str:
            try:
                return world.guard.redeem_action(token, "invite").username
            except PraetorianError as error:
                return error.code

        assert {"alice": 1, ReusedTokenError.code: CLIENTS - 1} == Counter(at_once(CLIENTS, redeem))
