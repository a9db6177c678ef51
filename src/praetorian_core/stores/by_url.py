"""Opens the store that ``PRAETORIAN_STORE`` names.

``memory://``
    One process.
``sqlite:///relative/path.db``, ``sqlite:////absolute/path.db``
    The processes of one machine.
``redis://host:6379/0``, ``rediss://`` with TLS, ``unix:///path`` for a socket, ``valkey://``, ``valkeys://`` with TLS
    Many machines.
"""

from __future__ import annotations

from praetorian_core.errors import ConfigurationError
from praetorian_core.messages import type_name
from praetorian_core.protocols import AsyncStore, Store
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.sqlite import SQLiteStore

_EXPECTED = "the URL of a store"
_WRITE = "write 'memory://', 'sqlite:///path/to/file.db' or 'redis://host:6379/0'"
_REDIS = {"redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis", "valkeys": "rediss"}
"""The scheme that redis-py understands."""


def check_url(url: object) -> None:
    """Raise if no store can be opened by this URL, as far as the text of the URL shows.

    Raises:
        ConfigurationError: The URL is of no known kind. The message does not repeat it, because it may hold a password.
    """
    if type(url) is not str:
        raise ConfigurationError(f"PRAETORIAN_STORE must be {_EXPECTED}; got {type_name(url)}; {_WRITE}")
    scheme, mark, rest = url.partition("://")
    if mark and scheme == "memory" and not rest:
        return
    if mark and scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return
    if mark and scheme in _REDIS and rest:
        return
    raise ConfigurationError(f"PRAETORIAN_STORE must be {_EXPECTED}; got another text; {_WRITE}")


def open_store(url: str, timeout: float) -> Store:
    """Return the store of a URL that ``check_url`` accepts.

    Args:
        url: The URL.
        timeout: How long a call waits for the store, in seconds.

    Raises:
        ConfigurationError: The store cannot be used.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "memory":
        return MemoryStore()
    if scheme == "sqlite":
        return SQLiteStore(rest[1:], timeout=timeout)
    from praetorian_core.stores.redis import RedisStore

    return RedisStore(f"{_REDIS[scheme]}://{rest}", timeout=timeout)


def open_async_store(url: str, timeout: float) -> Store | AsyncStore:
    """Return the store for asyncio: ``AsyncRedisStore``, or the store of ``open_store``, whose calls run in threads."""
    scheme, _, rest = url.partition("://")
    if scheme not in _REDIS:
        return open_store(url, timeout)
    from praetorian_core.stores.redis import AsyncRedisStore

    return AsyncRedisStore(f"{_REDIS[scheme]}://{rest}", timeout=timeout)
