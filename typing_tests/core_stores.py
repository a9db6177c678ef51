"""Stores and their conformance suite, as an application types them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.cluster import RedisCluster

from praetorian_core import AsyncGuard, AsyncRedisStore, Guard, MemoryStore, RedisStore, Settings, SQLiteStore
from praetorian_core.protocols import AsyncStore, Store
from praetorian_core.testing.store_suite import CASES, Case, check

if TYPE_CHECKING:
    from typing_extensions import assert_type


def stores(client: Redis, async_client: AsyncRedis, cluster: RedisCluster) -> list[Store | AsyncStore]:
    return [
        MemoryStore(),
        MemoryStore(max_entries=1_000, max_counters=1_000),
        SQLiteStore("state.db"),
        SQLiteStore(Path("state.db"), timeout=1.5),
        RedisStore("redis://localhost"),
        RedisStore(client, prefix="shop:"),
        RedisStore(cluster, eviction="warn"),
        AsyncRedisStore("redis://localhost", timeout=1.5, eviction="refuse"),
        AsyncRedisStore(async_client),
    ]


def verbs(store: SQLiteStore) -> None:
    assert_type(store.get("a", "b", now=1), list[str | None])
    assert_type(store.compare_and_set("a", None, "1", expires_at=2, now=1), bool)
    assert_type(store.increment("a", 1, expires_at=2, now=1), int)
    assert_type(store.location, str)
    store.close()


async def awaited(store: AsyncRedisStore) -> None:
    assert_type(await store.get("a", "b", now=1), list[str | None])
    assert_type(await store.compare_and_set("a", None, "1", expires_at=2, now=1), bool)
    assert_type(await store.increment("a", 1, expires_at=2, now=1), int)
    await store.aclose()


def guards(settings: Settings) -> None:
    Guard(None, settings, store=RedisStore("redis://localhost"))
    AsyncGuard(None, settings, store=AsyncRedisStore("redis://localhost"))
    AsyncGuard(None, settings, store=SQLiteStore("state.db"))


def conformance() -> None:
    assert_type(CASES, tuple[Case, ...])
    assert_type(check(MemoryStore, CASES[0]), list[str])
