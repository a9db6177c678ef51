"""The store of each URL. The rejected URLs are in test_url.py."""

from __future__ import annotations

import asyncio
import sys
import uuid
from urllib.parse import quote

import pytest
from tests.support import RING

from praetorian_core import AsyncGuard, AsyncRedisStore, Guard, MemoryStore, RedisStore, Settings, SQLiteStore
from praetorian_core.errors import ConfigurationError
from praetorian_core.stores.by_url import open_async_store, open_store
from praetorian_core.stores.url import StoreURL
from praetorian_core.token import generate_secret

REDIS = [
    "redis://localhost:7000/3",
    "rediss://localhost:7000/3",
    "valkey://localhost:7000/3",
    "valkeys://localhost:7000/3",
]


class TestOpenStore:
    def test_memory(self):
        """``memory://`` opens a MemoryStore."""

        assert MemoryStore is type(open_store("memory://", 2.0))

    def test_relative_path(self, tmp_path, monkeypatch):
        """Three slashes: a path relative to the working directory."""
        monkeypatch.chdir(tmp_path)
        store = open_store("sqlite:///state.db", 2.0)

        assert (SQLiteStore, True) == (type(store), (tmp_path / "state.db").exists())

    def test_absolute_path(self, tmp_path):
        """Four slashes: an absolute path."""
        path = tmp_path / "state of the app.db"
        open_store(f"sqlite:///{path}", 2.0)

        assert path.exists()

    def test_sqlite_waits(self, tmp_path):
        """The time-out is how long the store waits for a lock."""

        assert 7.0 == open_store(f"sqlite:///{tmp_path}/state.db", 7.0)._timeout

    @pytest.mark.parametrize("url", REDIS)
    def test_redis(self, url):
        """A server's host, port and database, with TLS where the scheme says so."""
        store = open_store(url, 0.5)
        pool = store._client.connection_pool

        assert (RedisStore, "localhost", 7000, 3, 0.5) == (
            type(store),
            *(pool.connection_kwargs[name] for name in ("host", "port", "db", "socket_timeout")),
        )
        assert url.startswith(("rediss:", "valkeys:")) is (pool.connection_class.__name__ == "SSLConnection")

    def test_socket(self):
        """``unix://`` opens a socket of this machine."""

        assert (
            "/run/valkey.sock"
            == open_store("unix:///run/valkey.sock", 2.0)._client.connection_pool.connection_kwargs["path"]
        )

    @pytest.mark.parametrize("url", REDIS)
    def test_redis_for_asyncio(self, url):
        """Under asyncio the store of Redis is asynchronous."""

        assert AsyncRedisStore is type(open_async_store(url, 2.0))

    def test_others_for_asyncio(self, tmp_path):
        """Under asyncio the other stores are the same."""

        assert MemoryStore is type(open_async_store("memory://", 2.0))
        assert SQLiteStore is type(open_async_store(f"sqlite:///{tmp_path}/state.db", 2.0))


class TestStoreURL:
    @pytest.mark.parametrize("url", ["memory://", "sqlite:///x", "unix:///x", *REDIS])
    def test_nothing_is_opened(self, url, tmp_path, monkeypatch):
        """A check creates no file and connects to no server."""
        monkeypatch.chdir(tmp_path)
        StoreURL(url)

        assert [] == list(tmp_path.iterdir())


class TestPrefix:
    @pytest.mark.parametrize(("query", "prefix"), [("", "praetorian:"), ("?prefix=shop:", "shop:")])
    @pytest.mark.parametrize("open_it", [open_store, open_async_store])
    def test_option_of_the_url(self, query, prefix, open_it):
        """The option ``prefix`` begins every key, so that two applications can share a server."""
        store = open_it(StoreURL(f"redis://localhost{query}"), 2.0)

        assert ("MGET", f"{prefix}key") == store._commands.get(("key",))


class TestPassword:
    """A real server whose user has a password of characters that a URL reserves."""

    PASSWORD = "p@ss#w/?%:&+ [ü]"

    @pytest.fixture
    def url(self, valkey):
        """Return the URL of a user of the shared server."""
        name = f"user-{uuid.uuid4().hex}"
        with valkey.client() as client:
            client.execute_command("ACL", "SETUSER", name, "on", f">{self.PASSWORD}", "~*", "&*", "+@all")
            yield f"redis://{name}:{quote(self.PASSWORD, safe='')}@127.0.0.1:{valkey.port}/0?prefix={name}:"
            client.execute_command("ACL", "DELUSER", name)

    def test_blocking(self, url):
        """The password reaches the server, and the prefix begins the key."""
        store = open_store(url, 5.0)
        store.increment("key", 1, expires_at=2_000_000_000, now=1_000)

        assert ["1"] == store.get("key", now=1_000)
        assert url.partition("prefix=")[2].encode() + b"key" in store._client.keys("user-*")
        store.close()

    def test_asyncio(self, url):
        """The same under asyncio."""

        async def use():
            store = open_async_store(url, 5.0)
            await store.increment("key", 1, expires_at=2_000_000_000, now=1_000)
            got = await store.get("key", now=1_000)
            await store.aclose()
            return got

        assert ["1"] == asyncio.run(use())

    def test_unencoded(self, url):
        """Without the encoding the URL names another server, and is rejected."""
        with pytest.raises(ConfigurationError, match="unencoded '#'"):
            open_store(url.replace(quote(self.PASSWORD, safe=""), "p@ss#w"), 5.0)


class TestGuards:
    def test_setting(self, tmp_path):
        """PRAETORIAN_STORE and PRAETORIAN_STORE_TIMEOUT make the guard's store."""
        config = {
            "SECRET_KEY": generate_secret(),
            "PRAETORIAN_STORE": f"sqlite:///{tmp_path}/state.db",
            "PRAETORIAN_STORE_TIMEOUT": 3,
        }
        store = Guard(None, Settings.from_mapping(config))._services.store

        assert (SQLiteStore, 3) == (type(store), store._timeout)

    @pytest.mark.parametrize(("kind", "expected"), [(Guard, RedisStore), (AsyncGuard, AsyncRedisStore)])
    def test_redis(self, kind, expected):
        """A Guard opens a RedisStore, an AsyncGuard an AsyncRedisStore."""
        guard = kind(None, Settings(keys=RING, store="redis://localhost", store_timeout=0.5))

        assert expected is type(guard._services.store)

    def test_what_cannot_be_opened(self, tmp_path):
        """A file that cannot be created is found at start."""
        settings = Settings(keys=RING, store=f"sqlite:///{tmp_path}/nowhere/state.db")
        with pytest.raises(ConfigurationError, match="the SQLite store cannot use"):
            Guard(None, settings)

    def test_redis_py_is_missing(self, monkeypatch):
        """A missing redis-py is found at start."""
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(ConfigurationError, match=r"praetorian-core\[redis\]"):
            Guard(None, Settings(keys=RING, store="redis://localhost"))

    def test_for_asyncio_only(self):
        """A Guard rejects an asynchronous store."""
        with pytest.raises(ConfigurationError, match=r"store.get is a coroutine function.*AsyncGuard"):
            Guard(None, Settings(keys=RING), store=AsyncRedisStore("redis://localhost"))


class TestEviction:
    @pytest.mark.parametrize("eviction", ["refuse", "warn"])
    @pytest.mark.parametrize("open_it", [open_store, open_async_store])
    def test_passed_on(self, eviction, open_it):
        """``PRAETORIAN_STORE_EVICTION`` reaches the Redis store."""
        store = open_it("redis://localhost", 2.0, eviction)

        assert (eviction == "refuse") is store._check._refuses
