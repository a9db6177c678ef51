"""``SQLAlchemyUserMixin``, for user classes of Flask-SQLAlchemy."""

from __future__ import annotations

from typing import Protocol, cast

from praetorian_flask.compat._moved import warn_of
from praetorian_flask.migration_table import NAMES


class _Query(Protocol):
    def filter_by(self, **criteria: object) -> _Query: ...

    def one_or_none(self) -> object | None: ...


class _Row(Protocol):
    id: object
    hashed_password: str
    roles: str | None


class SQLAlchemyUserMixin:
    """Provides what a user class needs, from the columns ``id``, ``username``, ``hashed_password`` and ``roles``."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Warn of the name, at the class that derives from this one."""
        super().__init_subclass__(**kwargs)
        warn_of("SQLAlchemyUserMixin", NAMES["SQLAlchemyUserMixin"].becomes, stacklevel=2)

    @property
    def identity(self) -> object:
        """The value of the column ``id``."""
        return cast("_Row", self).id

    @property
    def password(self) -> str:
        """The value of the column ``hashed_password``."""
        return cast("_Row", self).hashed_password

    @property
    def rolenames(self) -> list[str]:
        """The names in the column ``roles``, which separates them by commas."""
        roles = getattr(self, "roles", None)
        return roles.split(",") if isinstance(roles, str) else []

    @classmethod
    def lookup(cls, username: str) -> object | None:
        """Return the row with this username, or None."""
        return _query(cls).filter_by(username=username).one_or_none()

    @classmethod
    def identify(cls, id: object) -> object | None:  # noqa: A002  (flask-praetorian names it so)
        """Return the row with this id, or None."""
        return _query(cls).filter_by(id=id).one_or_none()


def _query(cls: type) -> _Query:
    return cast("_Query", vars_of(cls))


def vars_of(cls: type) -> object:
    """Return the query of a Flask-SQLAlchemy model, which is made at each access."""
    return getattr(cls, "query")  # noqa: B009  (type checkers do not know the attribute)
