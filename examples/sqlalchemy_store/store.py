"""Praetorian's state in the application's own database, with SQLAlchemy Core.

    engine = create_engine("postgresql+psycopg://user@host/name")
    METADATA.create_all(engine)  # or a migration
    guard = Guard(User, settings, store=SQLAlchemyStore(engine))

``test_sqlalchemy_store.py`` tests it on SQLite, and on PostgreSQL with its default isolation level READ COMMITTED.

* One statement decides. An UPDATE or DELETE changes the row only while it holds the expected value, and the primary key
  allows one INSERT.
* No transaction reads before it writes: in SQLite a writer can wait for the lock, a reader that becomes a writer cannot
  (sqlite.org/lang_transaction.html §2.1).
* Each successful write removes a few expired rows, last of all, and skips rows that another transaction has locked, so no
  two transactions wait for each other. The clock of the database decides what is removed: a machine whose clock is ahead
  for a moment must not remove revocations.

Text must be compared exactly. SQLite and PostgreSQL do so by default, MySQL with a collation that ends in ``_bin``.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    case,
    cast,
    delete,
    extract,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

METADATA = MetaData()
STATE = Table(
    "praetorian_state",
    METADATA,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("kept_until", BigInteger, nullable=False, index=True),
)
PURGED_PER_WRITE = 8
DATABASE_TIME = cast(extract("epoch", func.current_timestamp()), BigInteger)


class SQLAlchemyStore:
    """A ``praetorian_core.protocols.Store`` in the table ``praetorian_state``.

    Args:
        engine: The database. Threads can share an engine; a process must not share it with the process that it forked.
    """

    def __init__(self, engine: Engine) -> None:
        """Take a connection from this engine's pool for each call."""
        self._engine = engine

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``Store.get``."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(STATE).where(STATE.c.key.in_(keys), STATE.c.expires_at > now))
            values: dict[str, str] = {row.key: row.value for row in rows}
        return [values.get(key) for key in keys]

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``Store.compare_and_set``."""
        with suppress(IntegrityError), self._engine.begin() as connection:
            if expected is None:
                _delete_expired(connection, key, now)
            succeeds = _replace(connection, key, expected, {"value": new} | _life(expires_at, now), now)
            if succeeds:
                _purge(connection)
            return succeeds
        return False

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``Store.increment``."""
        while True:
            with suppress(IntegrityError), self._engine.begin() as connection:
                _delete_expired(connection, key, now)
                live = connection.scalar(select(STATE.c.value).where(STATE.c.key == key).with_for_update())
                total = amount if live is None else int(live) + amount
                # A live counter keeps its expiry.
                new = {"value": str(total)} | (_life(expires_at, now) if live is None else {})
                # A counter at zero is deleted.
                if _replace(connection, key, live, new if total else None, now):
                    _purge(connection)
                    return total
            # Another transaction changed the counter first: count again.


def _life(expires_at: int, now: int) -> dict[str, object]:
    """Return the columns that say when a row expires, and how long it is kept by the clock of the database."""
    by_database = DATABASE_TIME + (expires_at - now)
    return {"expires_at": expires_at, "kept_until": case((by_database > expires_at, by_database), else_=expires_at)}


def _delete_expired(connection: Connection, key: str, now: int) -> None:
    connection.execute(delete(STATE).where(STATE.c.key == key, STATE.c.expires_at <= now))


def _purge(connection: Connection) -> None:
    some = select(STATE.c.key).where(STATE.c.kept_until <= DATABASE_TIME).limit(PURGED_PER_WRITE)
    connection.execute(delete(STATE).where(STATE.c.key.in_(some.with_for_update(skip_locked=True))))


def _replace(connection: Connection, key: str, expected: str | None, new: dict[str, object] | None, now: int) -> bool:
    if expected is not None:
        change = delete(STATE) if new is None else update(STATE).values(new)
        held: tuple[ColumnElement[bool], ...] = (
            STATE.c.key == key,
            STATE.c.value == expected,
            STATE.c.expires_at > now,
        )
        return connection.execute(change.where(*held)).rowcount == 1
    if new is not None:
        # Raises IntegrityError if the key is taken.
        connection.execute(insert(STATE).values(key=key, **new))
    return True
