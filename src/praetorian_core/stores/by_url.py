"""Which store a URL means, for ``PRAETORIAN_STORE``.

``memory://``
    This process alone.
``sqlite:///relative/path.db``, ``sqlite:////absolute/path.db``
    The processes of one machine.
``redis://host:6379/0``, ``rediss://`` with TLS, ``unix:///path`` for a socket, ``valkey://``, ``valkeys://``
    Many machines.
"""

from __future__ import annotations

from praetorian_core.errors import ConfigurationError
from praetorian_core.protocols import AsyncStore, Store
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.sqlite import SQLiteStore

_EXPECTED = "'memory://', 'sqlite:///path/to/file.db' or 'redis://host:6379/0'"
_REDIS = {"redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis", "valkeys": "rediss"}
"""Which scheme redis-py is told."""


def check_url(url: object) -> None:
    """Return iff a store could be opened by this URL, as far as that can be told without opening it.

    Raises:
        ConfigurationError: It is of no known kind. A URL may hold a password, so it is not repeated.
    """
    if type(url) is not str:
        detail = f"PRAETORIAN_STORE is {type(url).__name__}; expected {_EXPECTED}"
        raise ConfigurationError(detail)
    scheme, mark, rest = url.partition("://")
    if mark and scheme == "memory" and not rest:
        return
    if mark and scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return
    if mark and scheme in _REDIS and rest:
        return
    detail = f"PRAETORIAN_STORE is a URL of another kind; expected {_EXPECTED}"
    raise ConfigurationError(detail)


def open_store(url: str, timeout: float) -> Store:
    """Return the store of a URL that was checked.

    Args:
        url: The URL.
        timeout: How long a call may wait for the store, in seconds.

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
    """Return the same for asyncio, which waits for Redis itself and lets threads wait for SQLite; see ``open_store``."""
    scheme, _, rest = url.partition("://")
    if scheme not in _REDIS:
        return open_store(url, timeout)
    from praetorian_core.stores.redis import AsyncRedisStore

    return AsyncRedisStore(f"{_REDIS[scheme]}://{rest}", timeout=timeout)
