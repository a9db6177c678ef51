"""The demo's users: a SQLAlchemy model, and for every server a store that counts how often it is asked."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import JSON, Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from praetorian_core import PasswordHasher

NAME = "alice"
PASSWORD = "correct horse battery staple"
ROLES = ["editor"]


class Base(DeclarativeBase):
    """Where SQLAlchemy gathers the demo's tables."""


class User(Base):
    """A user as Praetorian wants one: ``identity``, ``password``, ``rolenames``."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    rolenames: Mapped[list[str]] = mapped_column(JSON)

    @property
    def identity(self) -> int:
        """What tokens carry."""
        return self.id


@dataclass
class Users:
    """What one server asks for users: every server asks the same database and counts for itself.

    A session is opened and closed inside each call, so it does not matter from which thread the call comes.

    Attributes:
        engine: The database.
        calls: How many times this store was asked, by anybody, since the start.
    """

    engine: Engine
    calls: int = 0

    def lookup(self, username: str) -> User | None:
        """Return the user who logs in with this name."""
        self.calls += 1
        with Session(self.engine) as session:
            return session.scalar(select(User).where(User.name == username))

    def identify(self, identity: int) -> User | None:
        """Return the user of this identity."""
        self.calls += 1
        with Session(self.engine) as session:
            return session.get(User, identity)


@contextmanager
def database(file: Path) -> Generator[Engine, None, None]:
    """Make a database with alice in it, her password hashed at the real cost."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(User(name=NAME, password=PasswordHasher().hash(PASSWORD), rolenames=ROLES))
            session.commit()
        yield engine
    finally:
        engine.dispose()
