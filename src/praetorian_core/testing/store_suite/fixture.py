"""What a case is made of: its name, its function, and the handles and keys that it works with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import attrs

from praetorian_core.protocols import Store

T = TypeVar("T")

NOW = 1_000
EXPIRES_AT = 2_000
"""In 1970: a store that reads the machine's clock instead of ``now`` fails."""

THREADS = 16


@attrs.frozen(kw_only=True)
class Fixture:
    """The store under test, as a case sees it.

    Attributes:
        connect: Returns a handle on the store. Its calls block, for an ``AsyncStore`` too.
        key: Returns an unused key, as long as the keys that Praetorian uses.
    """

    connect: Callable[[], Store]
    key: Callable[[], str]


@attrs.frozen
class Case:
    """One requirement that every store must meet.

    Attributes:
        name: The requirement in words.
        run: Tests it. Raises ``MismatchError`` if the store does not meet it.
    """

    name: str
    run: Callable[[Fixture], None] = attrs.field(repr=False)

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class MismatchError(Exception):
    """The store returned another value than the expected one."""


def expect(what: str, expected: object, found: object) -> None:
    """Raise ``MismatchError`` unless both values are equal and of the same type.

    ``1 == True`` in Python, and a subclass of ``str`` equals a ``str``; a guard accepts neither.
    """
    if _typed(expected) != _typed(found):
        raise MismatchError(f"{what} is {found!r}; expected {expected!r}")


def _typed(value: object) -> object:
    if type(value) is list:
        return [_typed(item) for item in cast("list[object]", value)]
    return type(value), value


def run_together(fixture: Fixture, work: Callable[[Store, int], T]) -> list[T]:
    """Run ``work`` in many threads that start together, each with its own handle; return their results in order."""
    # Open every handle before a thread waits at the barrier: a database may have fewer connections than threads.
    handles = [fixture.connect() for _ in range(THREADS)]
    barrier = threading.Barrier(THREADS)

    def start(number: int) -> T:
        barrier.wait()
        return work(handles[number], number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))
