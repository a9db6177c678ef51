"""Stores a renewed password hash in the application's database, without a callback of the application.

flask-praetorian renewed a hash in memory only. A user of SQLAlchemy is updated with one statement of its own, in a
transaction of its own, and only if the old hash is still stored. So nothing else that the application has changed is
committed, and a password that was changed meanwhile is not overwritten. If the application's transaction has written, the
hash is stored when that transaction ends. Any other user class is left to the application.
"""

from __future__ import annotations

import importlib
import sys

_SQLALCHEMY = "praetorian_flask.compat._sqlalchemy"


def save_hash(user: object, old: str, new: str) -> bool:
    """Store a new hash for a user in place of the old one.

    Args:
        user: The user.
        old: The hash that was verified.
        new: The hash to store.

    Returns:
        Whether the new hash is stored, now or when the transaction ends.
    """
    return prepare() and importlib.import_module(_SQLALCHEMY).save_hash(user, old, new) is True


def prepare() -> bool:
    """Begin to watch which sessions of SQLAlchemy have written; return whether the application uses SQLAlchemy."""
    # An application that does not use SQLAlchemy has not imported it.
    if "sqlalchemy.orm" not in sys.modules:
        return False
    importlib.import_module(_SQLALCHEMY)
    return True
