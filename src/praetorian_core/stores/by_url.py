"""Opens the store that ``PRAETORIAN_STORE`` names."""

from __future__ import annotations

from praetorian_core.protocols import AsyncStore, Store
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.redis import AsyncRedisStore, RedisStore
from praetorian_core.stores.redis.server_check import Eviction
from praetorian_core.stores.sqlite import SQLiteStore
from praetorian_core.stores.url import StoreURL

_DEFAULT_PREFIX = "praetorian:"


def open_store(url: str | StoreURL, timeout: float, eviction: Eviction = "refuse") -> Store:
    """Return the store of a URL.

    Args:
        url: The URL.
        timeout: How long a call waits for the store, in seconds.
        eviction: What to do if a Redis server may evict entries.

    Raises:
        ConfigurationError: The URL is invalid, or the store cannot be used.
    """
    url = _checked(url)
    if url.kind == "memory":
        return MemoryStore()
    if url.kind == "sqlite":
        return SQLiteStore(url.reveal_target(), timeout=timeout)
    prefix = url.prefix or _DEFAULT_PREFIX
    return RedisStore(url.reveal_target(), prefix=prefix, timeout=timeout, eviction=eviction)


def open_async_store(url: str | StoreURL, timeout: float, eviction: Eviction = "refuse") -> Store | AsyncStore:
    """Return the store for asyncio: ``AsyncRedisStore``, or the store of ``open_store``, whose calls run in threads."""
    url = _checked(url)
    if url.kind != "redis":
        return open_store(url, timeout, eviction)
    prefix = url.prefix or _DEFAULT_PREFIX
    return AsyncRedisStore(url.reveal_target(), prefix=prefix, timeout=timeout, eviction=eviction)


def _checked(url: str | StoreURL) -> StoreURL:
    return url if isinstance(url, StoreURL) else StoreURL(url)
