"""Tables of users and roles, and the database session of a request."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app, g
from sqlalchemy import Engine, ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    """Base class of the tables."""


class Role(Base):
    """One role of one user."""

    __tablename__ = "roles"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class User(Base):
    """A user account. Praetorian uses ``password`` and the members below the columns."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str | None]
    confirmed: Mapped[bool] = mapped_column(default=False)
    roles: Mapped[list[Role]] = relationship()

    @property
    def identity(self) -> int:
        """The identity in tokens."""
        return self.id

    @property
    def rolenames(self) -> list[str]:
        """The roles in tokens, read at each login and refresh."""
        return [role.name for role in self.roles]

    def is_valid(self) -> bool:
        """Return whether the account is active; called at login and refresh."""
        return self.confirmed

    @classmethod
    def lookup(cls, username: str) -> User | None:
        """Return the user with this username."""
        return database().scalar(select(User).where(User.email == username))

    @classmethod
    def identify(cls, identity: int) -> User | None:
        """Return the user with this identity."""
        return database().get(User, identity)


def init_database(app: Flask) -> None:
    """Connect the application to the database at ``DATABASE``, and create the tables."""
    engine = create_engine(cast("str", app.config["DATABASE"]))
    Base.metadata.create_all(engine)
    app.extensions["engine"] = engine

    @app.teardown_appcontext
    def close(_: BaseException | None) -> None:
        session = cast("Session | None", g.pop("database", None))
        if session is not None:
            session.close()


def database() -> Session:
    """Return the database session of this request, which is closed at its end."""
    if "database" not in g:
        g.database = Session(cast("Engine", current_app.extensions["engine"]))
    return cast("Session", g.database)
