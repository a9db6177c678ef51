"""The two stores: ``RedisStore`` for ``Guard``, ``AsyncRedisStore`` for ``AsyncGuard``."""

from __future__ import annotations

import asyncio

from praetorian_core import forking
from praetorian_core.errors import ConfigurationError
from praetorian_core.stores.redis import clients
from praetorian_core.stores.redis.clients import AsyncRedisClient, RedisClient
from praetorian_core.stores.redis.commands import (
    COMPARE_AND_SET,
    INCREMENT,
    Command,
    Commands,
    Script,
    is_unknown_script,
    live_values,
    total,
)
from praetorian_core.stores.redis.server_check import Eviction, ServerCheck

_INHERITED: list[object] = []
"""Clients of a parent process. They must not be closed here: closing takes locks that another thread may have held."""


class RedisStore:
    """A ``Store`` in Redis or Valkey, shared by all machines that reach the same server or cluster.

    Safe to share between threads, and to use before and after a fork. See ``AsyncRedisStore`` for a client of
    ``redis.asyncio``.

    Args:
        server: A URL (``redis://``, ``rediss://`` for TLS, or ``unix://``), or a client of redis-py. Set the client's
            ``socket_timeout``: without it a hung server blocks forever. The client may repeat commands.
        prefix: The start of every key, so that applications can share a server.
        timeout: How long a server that a URL names may take to accept a connection and to answer, in seconds.
        eviction: What to do if the server may evict entries: ``refuse`` (raise) or ``warn`` (log a warning).

    Raises:
        ConfigurationError: The URL, the client or an option cannot be used, or redis-py is not installed.

    See:
        valkey.io/topics/eval-intro, valkey.io/topics/cluster-spec, valkey.io/topics/lru-cache
    """

    def __init__(
        self,
        server: str | RedisClient,
        *,
        prefix: str = "praetorian:",
        timeout: float = 2.0,
        eviction: Eviction = "refuse",
    ) -> None:
        """Prepare everything but the connection, which the first call opens."""
        self._commands = Commands(prefix)
        self._url: str | None = None
        self._timeout = timeout
        if isinstance(server, str):
            url = clients.read_url(server)
            self._url = url.server
            self._client = clients.connect(url.server, timeout)
            self._location = url.location
        elif clients.is_async(server):
            raise ConfigurationError(
                "RedisStore needs a client of redis, got one of redis.asyncio; write AsyncRedisStore(client)"
            )
        else:
            clients.check_client(server)
            self._client = server
            self._location = clients.location(server)
        self._check = ServerCheck(self._location, eviction)
        forking.register(self)

    @property
    def location(self) -> str:
        """Where the state is, without a password, for the log."""
        return self._location

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.get``."""
        if not keys:
            return []
        return live_values(self._execute(self._commands.get(keys)), now)

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``protocols.Store.compare_and_set``."""
        return self._run(COMPARE_AND_SET, self._commands.compare_and_set(key, expected, new, expires_at, now)) == 1

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``protocols.Store.increment``."""
        return total(self._run(INCREMENT, self._commands.increment(key, amount, expires_at, now)))

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._client.close()

    def before_fork(self) -> None:
        """See ``forking.Forkable``: nothing to prepare."""

    def after_fork_in_parent(self) -> None:
        """See ``forking.Forkable``: nothing to undo."""

    def after_fork_in_child(self) -> None:
        """See ``forking.Forkable``: connect anew. A client that was passed in is redis-py's own affair."""
        if self._url is not None:
            _INHERITED.append(self._client)
            self._client = clients.connect(self._url, self._timeout)

    def _execute(self, command: Command) -> object:
        if self._check.is_due():
            self._ask_server()
        return self._client.execute_command(*command)

    def _ask_server(self) -> None:
        try:
            info = clients.read_info(self._client)
        except Exception as error:
            if not self._check.accept_error(error):
                raise
        else:
            self._check.accept(info)

    def _run(self, script: Script, arguments: Command) -> object:
        try:
            return self._execute(script.by_digest(arguments))
        except Exception as error:
            if not is_unknown_script(error):
                raise
        return self._client.execute_command(*script.in_full(arguments))


class AsyncRedisStore:
    """An ``AsyncStore`` in Redis or Valkey: see ``RedisStore``.

    Args:
        server: A URL or a client of ``redis.asyncio``. A client belongs to one event loop. A server that a URL names gets
            a client for each event loop.
        prefix: The start of every key.
        timeout: How long a server that a URL names may take to accept a connection and to answer, in seconds.
        eviction: What to do if the server may evict entries: ``refuse`` (raise) or ``warn`` (log a warning).

    Raises:
        ConfigurationError: The URL, the client or an option cannot be used, or redis-py is not installed.
    """

    def __init__(
        self,
        server: str | AsyncRedisClient,
        *,
        prefix: str = "praetorian:",
        timeout: float = 2.0,
        eviction: Eviction = "refuse",
    ) -> None:
        """Prepare everything but the connection, which the first call opens."""
        self._commands = Commands(prefix)
        self._clients: dict[asyncio.AbstractEventLoop, AsyncRedisClient] = {}
        self._timeout = timeout
        if isinstance(server, str):
            url = clients.read_url(server)
            # Each event loop gets its own client; this one checks that redis-py accepts the options.
            clients.connect_async(url.server, timeout)
            self._location = url.location
            self._server: str | AsyncRedisClient = url.server
        else:
            clients.check_client(server)
            if not clients.is_async(server):
                raise ConfigurationError(
                    f"AsyncRedisStore needs a client of redis.asyncio; got {type(server).__name__}; "
                    "write RedisStore(client) for a client of redis"
                )
            self._location = clients.location(server)
            self._server = server
        self._check = ServerCheck(self._location, eviction)
        forking.register(self)

    @property
    def location(self) -> str:
        """Where the state is, without a password, for the log."""
        return self._location

    async def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.get``."""
        if not keys:
            return []
        return live_values(await self._execute(self._commands.get(keys)), now)

    async def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``protocols.Store.compare_and_set``."""
        arguments = self._commands.compare_and_set(key, expected, new, expires_at, now)
        return await self._run(COMPARE_AND_SET, arguments) == 1

    async def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``protocols.Store.increment``."""
        return total(await self._run(INCREMENT, self._commands.increment(key, amount, expires_at, now)))

    async def aclose(self) -> None:
        """Close the connections of the running event loop; a later call opens new ones."""
        if isinstance(self._server, str):
            client = self._clients.pop(asyncio.get_running_loop(), None)
            if client is not None:
                await client.aclose()
        else:
            await self._server.aclose()

    def before_fork(self) -> None:
        """See ``forking.Forkable``: nothing to prepare."""

    def after_fork_in_parent(self) -> None:
        """See ``forking.Forkable``: nothing to undo."""

    def after_fork_in_child(self) -> None:
        """See ``forking.Forkable``: connect anew. An inherited client would use the parent's sockets and event loop."""
        _INHERITED.append(self._clients)
        self._clients = {}

    def _client(self) -> AsyncRedisClient:
        if not isinstance(self._server, str):
            return self._server
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = clients.connect_async(self._server, self._timeout)
            # A test may run one event loop after another.
            self._clients = {known: its for known, its in self._clients.items() if not known.is_closed()}
            self._clients[loop] = client
        return client

    async def _execute(self, command: Command) -> object:
        client = self._client()
        if self._check.is_due():
            await self._ask_server(client)
        return await client.execute_command(*command)

    async def _ask_server(self, client: AsyncRedisClient) -> None:
        try:
            info = await clients.read_info_async(client)
        except Exception as error:
            if not self._check.accept_error(error):
                raise
        else:
            self._check.accept(info)

    async def _run(self, script: Script, arguments: Command) -> object:
        try:
            return await self._execute(script.by_digest(arguments))
        except Exception as error:
            if not is_unknown_script(error):
                raise
        return await self._client().execute_command(*script.in_full(arguments))
