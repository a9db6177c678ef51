"""The demo's users: a SQLAlchemy model that counts how often it is asked for somebody."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from sqlalchemy import JSON, Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from praetorian_core import PasswordHasher

NAME = "alice"
PASSWORD = "correct horse battery staple"
ROLES = ["editor"]


class Base(DeclarativeBase):
    """Where SQLAlchemy gathers the demo's tables."""


class User(Base):
    """A user as Praetorian wants one: ``lookup``, ``identify``, ``identity``, ``password``, ``rolenames``."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    rolenames: Mapped[list[str]] = mapped_column(JSON)

    calls: ClassVar[int] = 0
    """How many times the user store was asked, by anybody, since the start."""
    engine: ClassVar[Engine]

    @property
    def identity(self) -> int:
        """What tokens carry."""
        return self.id

    @classmethod
    def lookup(cls, username: str) -> User | None:
        """Return the user who logs in with this name."""
        cls.calls += 1
        with Session(cls.engine) as session:
            return session.scalar(select(User).where(User.name == username))

    @classmethod
    def identify(cls, identity: int) -> User | None:
        """Return the user of this identity."""
        cls.calls += 1
        with Session(cls.engine) as session:
            return session.get(User, identity)


def fill(database: Path) -> None:
    """Make a database with alice in it, her password hashed at the real cost."""
    User.engine = create_engine(f"sqlite:///{database}")
    Base.metadata.create_all(User.engine)
    with Session(User.engine) as session:
        session.add(User(name=NAME, password=PasswordHasher().hash(PASSWORD), rolenames=ROLES))
        session.commit()
