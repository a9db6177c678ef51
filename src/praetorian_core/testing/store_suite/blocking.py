"""Makes the calls of every store block, so that each case is written once for ``Store`` and ``AsyncStore``."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

import attrs

from praetorian_core.protocols import AsyncStore, Store

T = TypeVar("T")

Connect: TypeAlias = Callable[[], Store | AsyncStore]
"""Returns a handle on the store under test."""


@contextmanager
def blocking(connect: Connect) -> Generator[Callable[[], Store], None, None]:
    """Yield a function that opens blocking handles. At the end, close those that have ``aclose``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def open_handle() -> Store | AsyncStore:
        # On the running loop, because an asyncio client may bind itself to that loop when it is created.
        return connect()

    handles: list[_BlockingStore] = []

    def connect_blocking() -> Store:
        handles.append(_BlockingStore(asyncio.run_coroutine_threadsafe(open_handle(), loop).result(), loop))
        return handles[-1]

    try:
        yield connect_blocking
    finally:
        try:
            for handle in handles:
                handle.close()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


@attrs.frozen
class _BlockingStore:
    """A store whose calls block: coroutines run on the loop, in another thread."""

    store: Store | AsyncStore
    loop: asyncio.AbstractEventLoop

    def get(self, *keys: str, now: int) -> list[str | None]:
        return self._result(self.store.get(*keys, now=now))

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        return self._result(self.store.compare_and_set(key, expected, new, expires_at=expires_at, now=now))

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        return self._result(self.store.increment(key, amount, expires_at=expires_at, now=now))

    def close(self) -> None:
        aclose: Callable[[], object] | None = getattr(self.store, "aclose", None)
        if aclose is not None:
            self._result(aclose())

    def _result(self, answer: T | Awaitable[T]) -> T:
        async def wait(pending: Awaitable[T]) -> T:
            return await pending

        if inspect.isawaitable(answer):
            return asyncio.run_coroutine_threadsafe(wait(answer), self.loop).result()
        return answer
