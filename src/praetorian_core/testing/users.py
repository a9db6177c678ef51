"""Users without a database."""

from __future__ import annotations

from collections.abc import Iterable

import attrs


@attrs.define(kw_only=True)
class MemoryUser:
    """A user for tests; its attributes may be changed while a test runs.

    Attributes:
        identity: What tokens carry.
        username: What logs in.
        password: The stored hash.
        rolenames: The role names.
        valid: What ``is_valid`` says.
    """

    identity: object
    username: str
    password: str | None = attrs.field(default=None, repr=False)
    rolenames: list[str] = attrs.field(factory=list[str])
    valid: bool = True

    def is_valid(self) -> bool:
        """Tell whether the user may still act."""
        return self.valid


class MemoryUsers:
    """A user source for tests, which counts how often it is asked.

    Attributes:
        calls: How many times ``lookup`` or ``identify`` was called.
    """

    def __init__(self, users: Iterable[MemoryUser] = ()) -> None:
        """Begin with some users."""
        self._users = list(users)
        self.calls: int = 0

    def add(self, user: MemoryUser) -> MemoryUser:
        """Add a user and return it."""
        self._users.append(user)
        return user

    def remove(self, user: MemoryUser) -> None:
        """Forget a user."""
        self._users.remove(user)

    def lookup(self, username: str) -> MemoryUser | None:
        """Return the user of this name, or None."""
        self.calls += 1
        return next((user for user in self._users if user.username == username), None)

    def identify(self, identity: object) -> MemoryUser | None:
        """Return the user of this identity, or None."""
        self.calls += 1
        return next((user for user in self._users if user.identity == identity), None)
