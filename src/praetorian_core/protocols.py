"""Protocols that an application and its database implement.

A class that has the methods satisfies a protocol; it need not inherit from it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import NoReturn, Protocol, TypeVar

U_co = TypeVar("U_co", covariant=True)

DEFAULT_VALIDATION_METHOD = "is_valid"
"""The method of a user that returns whether the account is active; a class without it has no inactive accounts."""


class UserSource(Protocol[U_co]):
    """The parts of the application's user class that a guard uses.

    The guard receives the class itself. Both methods are class methods and return ``None`` if there is no such user.
    An instance has ``identity``, ``password`` (the stored hash) and, unless roles are disabled, ``rolenames`` (a list
    of str). An optional method, by default ``is_valid``, returns whether the account is active.

    Example::

        class User:
            def __init__(self, identity: int, password: str, rolenames: list[str]) -> None:
                self.identity, self.password, self.rolenames = identity, password, rolenames

            @classmethod
            def lookup(cls, username: str) -> "User | None":
                return by_name.get(username)

            @classmethod
            def identify(cls, identity: int) -> "User | None":
                return by_identity.get(identity)
    """

    def lookup(self, username: str, /) -> U_co | None:
        """Return the user who logs in with this name, or None."""
        ...

    # NoReturn is the type that fits every parameter: an application may write ``identity: int`` or ``identity: UUID``.
    def identify(self, identity: NoReturn, /) -> U_co | None:
        """Return the user whose ``identity`` this is, or None."""
        ...


class UserLike(Protocol):
    """A user whose class the caller does not name."""

    @property
    def identity(self) -> object:
        """What ``identify`` is called with."""
        ...


class AsyncUserSource(Protocol[U_co]):
    """A ``UserSource`` with coroutine methods, for ``AsyncGuard`` only."""

    def lookup(self, username: str, /) -> Awaitable[U_co | None]:
        """See ``UserSource.lookup``."""
        ...

    def identify(self, identity: NoReturn, /) -> Awaitable[U_co | None]:
        """See ``UserSource.identify``."""
        ...


class Store(Protocol):
    """State that outlives a request, with three atomic operations.

    Keys and values are ASCII strings: a key has up to 400 characters, a value usually less than 200 and up to 50,000.
    ``expires_at`` and ``now`` are seconds since the epoch. An entry is absent once ``now >= expires_at``; the ``now`` of
    one call must not delete other entries, because it may be wrong. A store that cannot answer raises an exception of any
    type; it never guesses. ``praetorian_core.testing.store_suite`` checks a store.
    """

    def get(self, *keys: str, now: int) -> list[str | None]:
        """Return the live value of each key, in order; None for an absent or expired one."""
        ...

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """Atomically set ``key`` to ``new``, expiring at ``expires_at``, if its live value equals ``expected``.

        ``expected`` is None for a key without a live value. Return whether the key was set.
        """
        ...

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """Atomically add to the key's counter and return the sum.

        The value of a counter is its decimal digits. A new counter expires at ``expires_at``; a live one keeps its
        expiry. A counter that reaches zero is deleted.
        """
        ...


class AsyncStore(Protocol):
    """A ``Store`` whose operations are coroutines."""

    def get(self, *keys: str, now: int) -> Awaitable[list[str | None]]:
        """See ``Store.get``."""
        ...

    def compare_and_set(
        self, key: str, expected: str | None, new: str, *, expires_at: int, now: int
    ) -> Awaitable[bool]:
        """See ``Store.compare_and_set``."""
        ...

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> Awaitable[int]:
        """See ``Store.increment``."""
        ...
