"""The demo's users: a SQLAlchemy model, and a user store for each server that counts its calls."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import JSON, Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from praetorian_core import PasswordHasher
from story import NAME, PASSWORD

ROLES = ["editor"]


class Base(DeclarativeBase):
    """Holds the metadata of the demo's tables."""


class User(Base):
    """A user with the three attributes that Praetorian reads: ``identity``, ``password``, ``rolenames``."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    rolenames: Mapped[list[str]] = mapped_column(JSON)

    @property
    def identity(self) -> int:
        """The identity in tokens."""
        return self.id


@dataclass
class Users:
    """The user store of one server. All servers share the database; each counts its own calls.

    Each call opens and closes its own session, so calls may come from any thread.

    Attributes:
        engine: The database.
        calls: The number of calls since the start.
    """

    engine: Engine
    calls: int = 0

    def lookup(self, username: str) -> User | None:
        """Return the user with this username."""
        self.calls += 1
        with Session(self.engine) as session:
            return session.scalar(select(User).where(User.name == username))

    def identify(self, identity: int) -> User | None:
        """Return the user with this identity."""
        self.calls += 1
        with Session(self.engine) as session:
            return session.get(User, identity)


@contextmanager
def database(file: Path) -> Generator[Engine, None, None]:
    """Create a database with one user, whose password is hashed at the default cost."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(User(name=NAME, password=PasswordHasher().hash(PASSWORD), rolenames=ROLES))
            session.commit()
        yield engine
    finally:
        engine.dispose()
