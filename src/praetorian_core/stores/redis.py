"""State in Redis or Valkey: for many machines.

Facts:

* Each verb is one command and one round trip: ``MGET`` for ``read``, a script for the other two. A script runs alone in
  the server, so what it reads cannot change before it writes (valkey.io/topics/eval-intro).
* An entry is its ``until``, a blank and its value. Whether it is live is judged by that and by the ``now`` of the call;
  the server's own time to live, which begins to run when the entry is written, only clears away what is dead.
* Every key begins with a digest in braces, the hash tag of a cluster, so the keys of one call lie in one slot
  (valkey.io/topics/cluster-spec).
* The server must not evict (``maxmemory-policy noeviction``): to forget an ended session would be to open it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import inspect
import re
from collections.abc import Awaitable
from typing import Protocol, TypeAlias, cast

from praetorian_core.errors import ConfigurationError
from praetorian_core.stores.redis_url import read_redis_url

_LIVE = """
local entry = redis.call('GET', KEYS[1])
local until_, live = 0, false
if entry then
    local blank = string.find(entry, ' ', 1, true)
    until_ = tonumber(string.sub(entry, 1, blank - 1))
    if until_ > tonumber(ARGV[1]) then live = string.sub(entry, blank + 1) end
end
"""

# ARGV: now, "absent" or "=" and the expected value, the new entry, its seconds to live
_SWAP = f"""{_LIVE}
if (live and '=' .. live or 'absent') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
return 1
"""

# ARGV: now, amount, the until of a new counter, its seconds to live
_ADD = f"""{_LIVE}
local sum = tonumber(ARGV[2])
if live then sum = sum + tonumber(live) end
local total = string.format('%.0f', sum)
if total == '0' then redis.call('DEL', KEYS[1])
elseif live then redis.call('SET', KEYS[1], string.format('%.0f', until_) .. ' ' .. total, 'KEEPTTL')
else redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. total, 'EX', ARGV[4]) end
return sum
"""

_LONGEST = 10**12
"""How many seconds to live Redis is told at most; it takes some more."""

_MOST_CONNECTIONS = 50
"""How many connections a process holds at most to a server named by a URL; a call that finds none free waits."""

_PREFIX = re.compile(r"[!-z|~]*")


class RedisClient(Protocol):
    """What a store needs of a redis-py client: ``redis.Redis``, a Sentinel's or a ``RedisCluster``."""

    def execute_command(self, *args: object) -> object:
        """Send a command and return the reply."""
        ...


class AsyncRedisClient(Protocol):
    """The same of ``redis.asyncio``."""

    def execute_command(self, *args: object) -> Awaitable[object]:
        """Send a command and return the reply."""
        ...


_Command: TypeAlias = tuple[object, ...]


class _Script:
    """A script, and the digest under which a server that has seen it knows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        # The server's name for it, not a matter of security.
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def by_digest(self, arguments: _Command) -> _Command:
        return ("EVALSHA", self.digest, 1, *arguments)

    def in_full(self, arguments: _Command) -> _Command:
        return ("EVAL", self.text, 1, *arguments)


_SWAP_SCRIPT = _Script(_SWAP)
_ADD_SCRIPT = _Script(_ADD)


def _seconds_to_live(expires_at: int, now: int) -> int:
    return min(max(expires_at - now, 1), _LONGEST)


class _Commands:
    """What both stores say to the server, and how they read its answers."""

    def __init__(self, prefix: str) -> None:
        # A brace would be taken for the hash tag.
        if type(prefix) is not str or not _PREFIX.fullmatch(prefix):
            detail = f"the prefix is {prefix!r}; expected ASCII without blanks and braces, such as 'praetorian:'"
            raise ConfigurationError(detail)
        self._prefix = prefix

    def read(self, keys: tuple[str, ...]) -> list[str]:
        prefix = self._prefix
        return [prefix + key for key in keys]

    def compare_and_set(self, key: str, expected: str | None, new: str, expires_at: int, now: int) -> _Command:
        wanted = "absent" if expected is None else f"={expected}"
        return (self._prefix + key, now, wanted, f"{expires_at} {new}", _seconds_to_live(expires_at, now))

    def increment(self, key: str, amount: int, expires_at: int, now: int) -> _Command:
        return (self._prefix + key, now, amount, expires_at, _seconds_to_live(expires_at, now))


def _live(entries: object, now: int) -> list[str | None]:
    """Return the live values of a reply to ``MGET``."""
    return [None if entry is None else _value(entry, now) for entry in cast("list[bytes | str | None]", entries)]


def _value(entry: bytes | str, now: int) -> str | None:
    """Return the value of an entry that is live; what is none of ours raises, and so refuses."""
    # A client may have been told to decode.
    expires_at, blank, value = (entry.decode() if isinstance(entry, bytes) else entry).partition(" ")
    if not blank:
        msg = "an entry that is not ours; expected a time, a blank and a value"
        raise ValueError(msg)
    return value if now < int(expires_at) else None


def _is_async(server: object) -> bool:
    return inspect.iscoroutinefunction(getattr(server, "execute_command", None))


def _is_unknown(error: Exception) -> bool:
    """Tell whether a server has not seen a script yet; redis-py's class for it stays unimported."""
    return type(error).__name__ == "NoScriptError"


class RedisStore:
    """A ``Store`` in Redis or Valkey, shared by all machines that reach the same server or cluster.

    Safe to share between threads. For ``AsyncGuard`` and a client of ``redis.asyncio`` see ``AsyncRedisStore``.

    Args:
        server: A URL (``redis://``, ``rediss://`` for TLS, or ``unix://``), or a client of redis-py, with the time-outs
            that you want: one without a ``socket_timeout`` waits for ever.
        prefix: What every key begins with.
        timeout: How long a server named by a URL may take to be reached and to answer, in seconds.

    Raises:
        ConfigurationError: The URL, the client or the prefix cannot be used, or redis-py is not installed.

    See:
        valkey.io/topics/eval-intro, valkey.io/topics/cluster-spec
    """

    def __init__(self, server: str | RedisClient, *, prefix: str = "praetorian:", timeout: float = 2.0) -> None:
        """Prepare everything but the connection, which the first call makes."""
        self._commands = _Commands(prefix)
        if isinstance(server, str):
            server = _read_url(server)
            _import_redis()
            self._client = _connect(server, timeout)
        elif _is_async(server):
            raise ConfigurationError(
                "RedisStore needs a client of redis, got one of redis.asyncio; write AsyncRedisStore(client)"
            )
        elif callable(getattr(server, "execute_command", None)):
            self._client = server
        else:
            raise _no_server(server)

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.get``."""
        if not keys:
            return []
        return _live(self._client.execute_command("MGET", *self._commands.read(keys)), now)

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``protocols.Store.compare_and_set``."""
        return self._run(_SWAP_SCRIPT, self._commands.compare_and_set(key, expected, new, expires_at, now)) == 1

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``protocols.Store.increment``."""
        return cast("int", self._run(_ADD_SCRIPT, self._commands.increment(key, amount, expires_at, now)))

    def close(self) -> None:
        """Close the connections; a later call makes new ones."""
        cast("_Closable", self._client).close()

    def _run(self, script: _Script, arguments: _Command) -> object:
        try:
            return self._client.execute_command(*script.by_digest(arguments))
        except Exception as error:
            if not _is_unknown(error):
                raise
        return self._client.execute_command(*script.in_full(arguments))


class AsyncRedisStore:
    """An ``AsyncStore`` in Redis or Valkey: see ``RedisStore``.

    Args:
        server: A URL or a client of ``redis.asyncio``. A client belongs to one event loop; named by a URL, the server
            gets a client for each loop that asks.
        prefix: What every key begins with.
        timeout: How long a server named by a URL may take to be reached and to answer, in seconds.

    Raises:
        ConfigurationError: The URL, the client or the prefix cannot be used, or redis-py is not installed.
    """

    def __init__(self, server: str | AsyncRedisClient, *, prefix: str = "praetorian:", timeout: float = 2.0) -> None:
        """Prepare everything but the connection, which the first call makes."""
        self._commands = _Commands(prefix)
        self._clients: dict[asyncio.AbstractEventLoop, AsyncRedisClient] = {}
        self._timeout = timeout
        if isinstance(server, str):
            server = _read_url(server)
            _import_redis()
            # Each loop gets its own client; this one checks that redis-py accepts the options.
            _connect_async(server, timeout)
        elif not _is_async(server):
            raise _no_server(server)
        self._server = server

    async def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``protocols.Store.get``."""
        if not keys:
            return []
        return _live(await self._client().execute_command("MGET", *self._commands.read(keys)), now)

    async def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``protocols.Store.compare_and_set``."""
        return await self._run(_SWAP_SCRIPT, self._commands.compare_and_set(key, expected, new, expires_at, now)) == 1

    async def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``protocols.Store.increment``."""
        return cast("int", await self._run(_ADD_SCRIPT, self._commands.increment(key, amount, expires_at, now)))

    async def aclose(self) -> None:
        """Close the connections of the running event loop; a later call makes new ones."""
        await cast("_AsyncClosable", self._client()).aclose()

    def _client(self) -> AsyncRedisClient:
        if not isinstance(self._server, str):
            return self._server
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = _connect_async(self._server, self._timeout)
            # A test may run one loop after another.
            self._clients = {known: its for known, its in self._clients.items() if not known.is_closed()}
            self._clients[loop] = client
        return client

    async def _run(self, script: _Script, arguments: _Command) -> object:
        client = self._client()
        try:
            return await client.execute_command(*script.by_digest(arguments))
        except Exception as error:
            if not _is_unknown(error):
                raise
        return await client.execute_command(*script.in_full(arguments))


class _Closable(Protocol):
    def close(self) -> object: ...


class _AsyncClosable(Protocol):
    def aclose(self) -> Awaitable[object]: ...


def _read_url(url: str) -> str:
    read = read_redis_url(url, "server")
    if read.prefix is not None:
        raise ConfigurationError("server must be a URL without a prefix; got the option prefix; write prefix=")
    return read.server


def _no_server(server: object) -> ConfigurationError:
    detail = f"the server of the Redis store is {type(server).__name__}; expected a URL or a client of redis-py"
    return ConfigurationError(detail)


def _import_redis() -> None:
    try:
        importlib.import_module("redis")
    except ImportError:
        detail = 'the Redis store needs redis-py; write: pip install "praetorian-core[redis]"'
        raise ConfigurationError(detail) from None


def _options(timeout: float, retry: object) -> dict[str, object]:
    return {
        "max_connections": _MOST_CONNECTIONS,
        # How long a call waits for one of them.
        "timeout": timeout,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": retry,
    }


def _connect(url: str, timeout: float) -> RedisClient:
    from redis import BlockingConnectionPool, Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # Nothing is tried twice: a script whose answer got lost may have run.
    options = _options(timeout, Retry(NoBackoff(), 0))
    # redis-py does not type its options.
    pool = BlockingConnectionPool.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]
    return Redis.from_pool(pool)


def _connect_async(url: str, timeout: float) -> AsyncRedisClient:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    # Under RESP3 redis-py 8 leaves out its look at whether the server has closed a connection meanwhile.
    options = _options(timeout, Retry(NoBackoff(), 0)) | {"protocol": 2}
    # See _connect.
    pool = BlockingConnectionPool.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]
    return Redis.from_pool(pool)
