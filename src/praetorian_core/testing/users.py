"""Users without a database."""

from __future__ import annotations

from collections.abc import Iterable

import attrs


@attrs.define(kw_only=True)
class MemoryUser:
    """A user for tests; a test may change its attributes at any time.

    Attributes:
        identity: Identity that tokens carry.
        username: Name for the login.
        password: Stored hash, or None.
        rolenames: Role names.
        valid: Result of ``is_valid``.
    """

    identity: object
    username: str
    password: str | None = attrs.field(default=None, repr=False)
    rolenames: list[str] = attrs.field(factory=list[str])
    valid: bool = True

    def is_valid(self) -> bool:
        """Return whether the account is active."""
        return self.valid


class MemoryUsers:
    """A user source for tests that counts its calls.

    Attributes:
        calls: Number of calls of ``lookup`` and ``identify``.
    """

    def __init__(self, users: Iterable[MemoryUser] = ()) -> None:
        """Start with these users."""
        self._users = list(users)
        self.calls: int = 0

    def add(self, user: MemoryUser) -> MemoryUser:
        """Add a user and return it."""
        self._users.append(user)
        return user

    def remove(self, user: MemoryUser) -> None:
        """Remove a user."""
        self._users.remove(user)

    def lookup(self, username: str) -> MemoryUser | None:
        """Return the user with this name, or None."""
        self.calls += 1
        return next((user for user in self._users if user.username == username), None)

    def identify(self, identity: object) -> MemoryUser | None:
        """Return the user with this identity, or None."""
        self.calls += 1
        return next((user for user in self._users if user.identity == identity), None)
