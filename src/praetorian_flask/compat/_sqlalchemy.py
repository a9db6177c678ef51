"""Stores a renewed hash for a user that SQLAlchemy maps; see ``_saving``."""

from __future__ import annotations

import logging
from typing import cast

from sqlalchemy import Engine, String, Table, inspect, update
from sqlalchemy.exc import NoInspectionAvailable, SQLAlchemyError
from sqlalchemy.orm import InstanceState, object_session
from sqlalchemy.orm.attributes import set_committed_value

_LOG = logging.getLogger("praetorian")
_WARNED = set[str]()


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
        try:
            with engine.connect() as connection, connection.begin():
                done = connection.execute(statement.values({column: new})).rowcount == 1
        except SQLAlchemyError as error:
            # The text may hold the statement's parameters, the hash among them.
            _LOG.warning("a renewed password hash could not be stored: %s", type(error).__name__)
            return False
        if done:
            set_committed_value(user, attribute.key, new)
        return done
    return False


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
