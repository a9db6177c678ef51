"""Connects to a Redis or Valkey server by URL, and describes a client of redis-py."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Mapping
from typing import Protocol, TypeGuard, cast

from praetorian_core.errors import ConfigurationError
from praetorian_core.stores.redis_url import RedisURL, read_redis_url

_MAX_CONNECTIONS = 50
"""The most connections of a process to a server that a URL names. A call that finds none free waits."""


class RedisClient(Protocol):
    """The methods that a store needs of a redis-py client: ``redis.Redis``, also a Sentinel's, or ``RedisCluster``."""

    def execute_command(self, *args: object) -> object:
        """Send a command and return the reply."""
        ...

    def close(self) -> object:
        """Close the connections."""
        ...


class AsyncRedisClient(Protocol):
    """The same methods of a client of ``redis.asyncio``."""

    def execute_command(self, *args: object) -> Awaitable[object]:
        """Send a command and return the reply."""
        ...

    def aclose(self) -> Awaitable[object]:
        """Close the connections."""
        ...


class _Cluster(Protocol):
    def execute_command(self, *args: object, target_nodes: str) -> object: ...


class _AsyncCluster(Protocol):
    def execute_command(self, *args: object, target_nodes: str) -> Awaitable[object]: ...


def _is_cluster(client: object) -> TypeGuard[_Cluster]:
    return hasattr(client, "get_primaries")


def _is_async_cluster(client: object) -> TypeGuard[_AsyncCluster]:
    return hasattr(client, "get_primaries")


def is_async(client: object) -> bool:
    """Return whether the client's commands are coroutines."""
    return inspect.iscoroutinefunction(getattr(client, "execute_command", None))


def read_info(client: RedisClient) -> object:
    """Return the reply to ``INFO``; of a cluster, the replies of all primaries by node."""
    if _is_cluster(client):
        return client.execute_command("INFO", target_nodes="primaries")
    return client.execute_command("INFO")


def read_info_async(client: AsyncRedisClient) -> Awaitable[object]:
    """Return the same for a client of ``redis.asyncio``."""
    if _is_async_cluster(client):
        return client.execute_command("INFO", target_nodes="primaries")
    return client.execute_command("INFO")


def check_client(client: object) -> None:
    """Raise unless the object is a client that reads from primaries.

    Raises:
        ConfigurationError: It is not, or it may read from a replica, which learns of a revocation later.
    """
    if not callable(getattr(client, "execute_command", None)):
        raise ConfigurationError(
            f"the server of the Redis store must be a URL or a client of redis-py; got {type(client).__name__}"
        )
    for name in ("read_from_replicas", "load_balancing_strategy"):
        if getattr(client, name, None):
            raise ConfigurationError(
                f"the client must read from primaries, because a replica learns of a revocation later; got {name}"
            )


def read_url(url: str) -> RedisURL:
    """Read the URL of a server, and make sure that redis-py is installed.

    Raises:
        ConfigurationError: The message repeats no part of the URL, because any part may be a piece of a password.
    """
    read = read_redis_url(url, "server")
    if read.prefix is not None:
        raise ConfigurationError("server must be a URL without a prefix; got the option prefix; write prefix=")
    try:
        importlib.import_module("redis")
    except ImportError:
        raise ConfigurationError(
            'the Redis store needs redis-py; write: pip install "praetorian-core[redis]"'
        ) from None
    return read


def connect(url: str, timeout: float) -> RedisClient:
    """Return a client that never sends a command twice."""
    from redis import BlockingConnectionPool, Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options = _options(timeout, Retry(NoBackoff(), 0))
    # redis-py does not type its options.
    pool = BlockingConnectionPool.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]
    return Redis.from_pool(pool)


def connect_async(url: str, timeout: float) -> AsyncRedisClient:
    """Return a client of ``redis.asyncio`` that never sends a command twice."""
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    # Under RESP3 redis-py 8 does not notice that the server has closed an idle connection.
    options = _options(timeout, Retry(NoBackoff(), 0)) | {"protocol": 2}
    # See connect.
    pool = BlockingConnectionPool.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]
    return Redis.from_pool(pool)


def _options(timeout: float, retry: object) -> dict[str, object]:
    return {
        "max_connections": _MAX_CONNECTIONS,
        # How long a call waits for a free connection.
        "timeout": timeout,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": retry,
    }


def location(client: object) -> str:
    """Return where a client connects to, without a user name or a password, for the log."""
    pool = getattr(client, "connection_pool", None)
    options = getattr(pool, "connection_kwargs", None)
    if isinstance(options, Mapping):
        known = cast("Mapping[str, object]", options)
        if "path" in known:
            return str(known["path"])
        if "host" in known:
            return f"{known['host']}:{known.get('port', 6379)}"
    service = getattr(pool, "service_name", None)
    if isinstance(service, str):
        return f"the Sentinel service {service}"
    nodes = getattr(getattr(client, "nodes_manager", None), "startup_nodes", None)
    if isinstance(nodes, Mapping):
        return "the cluster of " + ", ".join(sorted(cast("Mapping[str, object]", nodes)))
    return type(client).__name__
