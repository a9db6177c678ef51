"""Every store that is shipped, and every way to it, against the facts that hold of all stores."""

import pytest
import redis
import redis.asyncio

from praetorian_core import AsyncRedisStore, MemoryStore, RedisStore, SQLiteStore
from praetorian_core.testing.stores import FACTS, prove


@pytest.mark.parametrize("fact", FACTS, ids=str)
class TestFacts:
    def test_memory(self, fact):
        """One process."""
        store = MemoryStore()

        assert [] == prove(lambda: store, fact)

    def test_sqlite(self, fact, tmp_path):
        """One object for all threads."""
        store = SQLiteStore(tmp_path / "state.db")

        assert [] == prove(lambda: store, fact)

    def test_sqlite_handles(self, fact, tmp_path):
        """An object for each thread, as each process has one."""

        assert [] == prove(lambda: SQLiteStore(tmp_path / "state.db"), fact)

    def test_redis(self, fact, valkey):
        """By URL, one object for all threads."""
        store = RedisStore(valkey.url)

        assert [] == prove(lambda: store, fact)
        store.close()

    def test_decoding_client(self, fact, valkey):
        """By a client of the application's own, which was told to decode what it receives."""
        client = redis.Redis(port=valkey.port, decode_responses=True)

        assert [] == prove(lambda: RedisStore(client), fact)
        client.close()

    def test_async(self, fact, valkey):
        """By URL, for asyncio."""
        store = AsyncRedisStore(valkey.url)

        assert [] == prove(lambda: store, fact)

    def test_async_client(self, fact, valkey):
        """By a client of redis.asyncio, which makes a store for asyncio of a RedisStore."""
        clients = []

        def connect():
            clients.append(redis.asyncio.Redis(port=valkey.port))
            return RedisStore(clients[-1])

        assert [] == prove(connect, fact)
