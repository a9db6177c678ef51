"""What an application and its database implement, as Protocols of one to three methods.

Nothing here has to be inherited from: a class that has the methods fits.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import NoReturn, Protocol, TypeVar

U_co = TypeVar("U_co", covariant=True)


class UserSource(Protocol[U_co]):
    """The application's user class, as far as a guard needs it.

    The class itself is handed to the guard. Both methods are class methods, and both return ``None`` where there is no
    such user. An instance has ``identity``, ``password`` (the stored hash) and, unless roles are disabled,
    ``rolenames`` (a list of str). An optional method, by default ``is_valid``, says whether the user may still act.

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


class AsyncUserSource(Protocol[U_co]):
    """The same user class with coroutine methods, for ``AsyncGuard`` only."""

    def lookup(self, username: str, /) -> Awaitable[U_co | None]:
        """See ``UserSource.lookup``."""
        ...

    def identify(self, identity: NoReturn, /) -> Awaitable[U_co | None]:
        """See ``UserSource.identify``."""
        ...


class Store(Protocol):
    """State that outlives a request: three verbs that any database offers in a few lines.

    Keys and values are short strings of ASCII. ``until`` and ``now`` are seconds since the epoch: an entry is absent, and
    may go, once ``now >= until``. The present is always handed in, never read from a clock of the store's own. A store
    that cannot answer raises, whatever it likes; it never guesses. ``praetorian_core.testing.store_suite`` tests a store.
    """

    def get(self, *keys: str, now: int) -> list[str | None]:
        """Return the live value of each key, in order; None for an absent or expired one."""
        ...

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """Set the key to ``new``, until ``until``, iff its live value equals ``expected`` (None: absent); atomically."""
        ...

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """Add to the key's counter atomically and return the sum.

        A counter is its decimal digits. A new one lives until ``until``, a live one keeps its end, and one that comes
        to zero is absent: attempts that are given back take no room.
        """
        ...


class AsyncStore(Protocol):
    """The same three verbs as coroutines."""

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
