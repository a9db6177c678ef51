"""The application: users in a table, resources and set-up.

The methods of ``User`` block, so ``AsyncGuard`` runs them in worker threads. ``scoped_session`` keeps one session per
thread, and that session keeps its transaction. Without ``after_thread_call=Session.remove`` a later request in the same
thread would read the users as they were when the transaction began.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable

from falcon.asgi import App, Request, Response
from sqlalchemy import JSON, Connection, Engine, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

from praetorian_core import AsyncGuard, KeyRing, PasswordHasher, Settings
from praetorian_core.clock import Clock, system_clock
from praetorian_falcon import (
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_token,
    current_user,
    init_app,
)

Session = scoped_session(sessionmaker())


class Base(DeclarativeBase):
    """Base class of the tables."""


class User(Base):
    """A user.

    The roles are a column of the row. A relationship would have to be loaded eagerly, because the user leaves its
    session when the call ends.
    """

    __tablename__ = "users"

    identity: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    rolenames: Mapped[list[str]] = mapped_column(JSON)
    is_active: Mapped[bool] = mapped_column(default=True)

    @classmethod
    def lookup(cls, username: str) -> User | None:
        """Return the user with this name."""
        return Session.scalar(select(cls).where(cls.name == username))

    @classmethod
    def identify(cls, identity: int) -> User | None:
        """Return the user with this identity."""
        return Session.get(cls, identity)

    def is_valid(self) -> bool:
        """Return whether the account is active."""
        return self.is_active


def open_database(url: str) -> Engine:
    """Return an engine; SQLite gets a write-ahead log and real transactions, as other databases have."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html, "Enabling Non-Legacy SQLite Transactional Modes"
        event.listen(engine, "connect", _prepare_connection)
        event.listen(engine, "begin", _begin)
    Base.metadata.create_all(engine)
    return engine


def _prepare_connection(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


class Login:
    """POST logs in, PUT refreshes the token."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Exchange username and password for a token."""
        user = await authenticate(req, *await credentials(req))
        resp.media = {"access_token": await current_guard(req).issue(user)}

    async def on_put(self, req: Request, resp: Response) -> None:
        """Exchange a token whose access lifespan has expired."""
        resp.media = {"access_token": await current_guard(req).refresh(current_token(req))}


@auth_required
class Me:
    """The authenticated user."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return name and roles as they are in the database."""
        user = await current_user(req, User)
        resp.media = {"name": user.name, "roles": user.rolenames}


def create_app(
    url: str = "sqlite:///users.db",
    secret: str | None = None,
    *,
    passwords: PasswordHasher | None = None,
    clock: Clock = system_clock,
    after_thread_call: Callable[[], object] | None = Session.remove,
) -> App[Request, Response]:
    """Return a new application.

    Args:
        url: The database.
        secret: Signing secret; by default the environment variable SECRET_KEY.
        passwords: Password hasher; tests pass a cheap one.
        clock: Clock; tests pass a frozen one.
        after_thread_call: Ends the session of a worker thread; a test passes None to show the fault.
    """
    Session.remove()
    Session.configure(bind=open_database(url))
    keys = KeyRing.from_secret(os.environ["SECRET_KEY"] if secret is None else secret)
    guard = AsyncGuard(
        User,
        Settings(keys=keys),
        passwords=passwords or PasswordHasher(),
        clock=clock,
        after_thread_call=after_thread_call,
    )
    app = init_app(App(), guard)
    app.add_route("/login", Login())
    app.add_route("/me", Me())
    return app
