"""Praetorian's state in the application's own database: a store in twenty-odd lines of SQLAlchemy Core.

    engine = create_engine("postgresql+psycopg://user@host/name")
    METADATA.create_all(engine)  # or a migration
    guard = Guard(User, settings, store=SQLAlchemyStore(engine))

Proven on SQLite, and on PostgreSQL at its usual isolation level, READ COMMITTED: see ``test_sqlalchemy_store.py``.

* One statement decides. An UPDATE or a DELETE changes the row only while it holds what was expected, and the primary key
  admits one INSERT.
* No transaction reads before it writes: in SQLite a writer can wait for its turn, and a reader who would go on as a
  writer cannot (sqlite.org/lang_transaction.html §2.1).
* Every write that is done clears away a few entries that are over, last of all and passing by those that somebody else
  holds, so no two transactions wait for each other.

Text has to be compared exactly, which is what these two do; MySQL does so with a collation that ends in ``_bin``.
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
    delete,
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
    Column("expires_at", BigInteger, nullable=False, index=True),
)
PURGED_A_WRITE = 8


class SQLAlchemyStore:
    """A ``praetorian_core.protocols.Store`` in the table ``praetorian_state``.

    Args:
        engine: Which database. An engine can be shared between threads, and by no process with the one it forked.
    """

    def __init__(self, engine: Engine) -> None:
        """Take each call's connection from this engine's pool."""
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
                _clear(connection, STATE.c.key == key, now)
            done = _replace(connection, key, expected, {"value": new, "expires_at": expires_at}, now)
            if done:
                _clear(connection, _some_over(now), now)
            return done
        return False

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``Store.increment``."""
        while True:
            with suppress(IntegrityError), self._engine.begin() as connection:
                _clear(connection, STATE.c.key == key, now)
                live = connection.scalar(select(STATE.c.value).where(STATE.c.key == key).with_for_update())
                total = amount if live is None else int(live) + amount
                new: dict[str, object] = {"value": str(total)}
                if live is None:
                    # A live counter keeps its end.
                    new["expires_at"] = expires_at
                # One at zero takes no room.
                if _replace(connection, key, live, new if total else None, now):
                    _clear(connection, _some_over(now), now)
                    return total
            # Whoever was overtaken counts anew.


def _clear(connection: Connection, which: ColumnElement[bool], now: int) -> None:
    connection.execute(delete(STATE).where(which, STATE.c.expires_at <= now))


def _some_over(now: int) -> ColumnElement[bool]:
    some = select(STATE.c.key).where(STATE.c.expires_at <= now).limit(PURGED_A_WRITE)
    return STATE.c.key.in_(some.with_for_update(skip_locked=True))


def _replace(connection: Connection, key: str, expected: str | None, new: dict[str, object] | None, now: int) -> bool:
    if expected is not None:
        change = delete(STATE) if new is None else update(STATE).values(new)
        held = (STATE.c.key == key, STATE.c.value == expected, STATE.c.expires_at > now)
        return connection.execute(change.where(*held)).rowcount == 1
    if new is not None:
        # Raises IntegrityError where the key is taken.
        connection.execute(insert(STATE).values(key=key, **new))
    return True
