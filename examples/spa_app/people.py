"""The users. A real application has them in its database."""

from __future__ import annotations

import attrs

from praetorian_core import PasswordHasher

PASSWORD = "correct horse battery staple"
"""The password of both users."""


@attrs.frozen
class Person:
    """A user: Praetorian reads ``identity``, ``password`` and ``rolenames``."""

    identity: int
    name: str
    password: str = attrs.field(repr=False)
    rolenames: tuple[str, ...] = ()


class People:
    """The user source."""

    def __init__(self, passwords: PasswordHasher) -> None:
        """Create two users."""
        hashed = passwords.hash(PASSWORD)
        self._people = [Person(1, "ada", hashed), Person(2, "eve", hashed)]

    def lookup(self, username: str) -> Person | None:
        """Return the person with this name."""
        return next((person for person in self._people if person.name == username), None)

    def identify(self, identity: int) -> Person | None:
        """Return the person with this identity."""
        return next((person for person in self._people if person.identity == identity), None)
