"""The conformance suite on every store of the library, and on every way to open one."""

import pytest
import redis
import redis.asyncio

from praetorian_core import AsyncRedisStore, MemoryStore, RedisStore, SQLiteStore
from praetorian_core.testing.store_suite import CASES, check


@pytest.mark.parametrize("case", CASES, ids=str)
class TestStores:
    def test_memory(self, case):
        """One process."""
        store = MemoryStore()

        assert [] == check(lambda: store, case)

    def test_sqlite(self, case, tmp_path):
        """One object for all threads."""
        store = SQLiteStore(tmp_path / "state.db")

        assert [] == check(lambda: store, case)

    def test_sqlite_handles(self, case, tmp_path):
        """One object per thread, as each process has its own."""

        assert [] == check(lambda: SQLiteStore(tmp_path / "state.db"), case)

    def test_redis(self, case, valkey):
        """By URL, one object for all threads."""
        store = RedisStore(valkey.url)

        assert [] == check(lambda: store, case)
        store.close()

    def test_decoding_client(self, case, valkey):
        """With a client that decodes responses."""
        client = redis.Redis(port=valkey.port, decode_responses=True)

        assert [] == check(lambda: RedisStore(client), case)
        client.close()

    def test_async(self, case, valkey):
        """By URL, for asyncio."""
        store = AsyncRedisStore(valkey.url)

        assert [] == check(lambda: store, case)

    def test_async_client(self, case, valkey):
        """With a client of redis.asyncio."""
        clients = []

        def connect():
            clients.append(redis.asyncio.Redis(port=valkey.port))
            return AsyncRedisStore(clients[-1])

        assert [] == check(connect, case)
