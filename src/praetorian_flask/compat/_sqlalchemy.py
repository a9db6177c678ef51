"""Stores a renewed hash for a user that SQLAlchemy maps; see ``_saving``.

Facts:

* A row that the application's own transaction has changed is locked until that transaction ends. A second connection
  would wait for it, and the thread that has to end it would wait for the second connection.
* A thread that holds one connection of an exhausted pool and waits for another one is in the same position.

So the hash is stored at once only if the session has written nothing and the pool has a connection to spare, and
otherwise when the session's transaction ends.
"""

from __future__ import annotations

import logging
from typing import cast

import attrs

# These modules have the names in SQLAlchemy 1.4 too, which Flask-SQLAlchemy 3.0 allows.
from sqlalchemy import String, Table, event, inspect, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import NoInspectionAvailable, SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, object_session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.state import InstanceState
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.dml import Update

_LOG = logging.getLogger("praetorian")
_WARNED = set[str]()

_WRITTEN = "praetorian.written"
_PENDING = "praetorian.pending"


@attrs.frozen
class _Renewal:
    """One hash to store.

    Attributes:
        engine: The database.
        statement: Stores the hash if the old one is still there.
    """

    engine: Engine
    statement: Update

    def run(self) -> bool:
        """Store the hash, and return whether the old one was still there."""
        try:
            with self.engine.connect() as connection, connection.begin():
                return connection.execute(self.statement).rowcount == 1
        except SQLAlchemyError as error:
            # The text may hold the statement's parameters, the hash among them.
            _LOG.warning("a renewed password hash could not be stored: %s", type(error).__name__)
            return False


def save_hash(user: object, old: str, new: str) -> bool:
    """Store a new hash for a user in place of the old one; see ``_saving.save_hash``."""
    try:
        found: object = inspect(user)
    except NoInspectionAvailable:
        return False
    session = object_session(user)
    if not isinstance(found, InstanceState) or session is None:
        return False
    state = cast("InstanceState[object]", found)
    if state.identity is None:
        return False
    for attribute in state.mapper.column_attrs:
        column = attribute.columns[0]
        if state.dict.get(attribute.key) != old:
            continue
        length = column.type.length if isinstance(column.type, String) else None
        if length is not None and length < len(new):
            _warn_of_short_column(str(column), length, len(new))
            return False
        engine = session.get_bind(state.mapper)
        table: object = column.table
        if not isinstance(engine, Engine) or not isinstance(table, Table):
            return False
        keys = zip(state.mapper.primary_key, state.identity, strict=True)
        # The type of a table's columns is not known.
        changed = update(table)  # pyright: ignore[reportUnknownArgumentType]
        statement = changed.where(column == old, *(key == value for key, value in keys))
        renewal = _Renewal(engine, statement.values({column: new}))
        if _can_run_now(session, engine):
            if not renewal.run():
                return False
        else:
            session.info.setdefault(_PENDING, []).append(renewal)
        set_committed_value(user, attribute.key, new)
        return True
    return False


def _can_run_now(session: Session, engine: Engine) -> bool:
    if session.info.get(_WRITTEN) or session.new or session.dirty or session.deleted:
        return False
    pool = engine.pool
    return not isinstance(pool, QueuePool) or pool.checkedout() < pool.size()


@event.listens_for(Session, "after_flush")
def _note_flush(session: Session, _context: object) -> None:
    session.info[_WRITTEN] = True


@event.listens_for(Session, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    if not state.is_select:
        state.session.info[_WRITTEN] = True


@event.listens_for(Session, "after_transaction_end")
def _note_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is not None:
        return
    session.info.pop(_WRITTEN, None)
    for renewal in cast("list[_Renewal]", session.info.pop(_PENDING, [])):
        renewal.run()


def _warn_of_short_column(column: str, length: int, needed: int) -> None:
    if column not in _WARNED:
        _WARNED.add(column)
        _LOG.warning(
            "old password hashes are not renewed, because the column %s holds %d characters and an Argon2id hash has %d; "
            "see docs/migration.md",
            column,
            length,
            needed,
        )
