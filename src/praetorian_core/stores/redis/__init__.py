"""State in Redis or Valkey: for many machines."""

from praetorian_core.stores.redis.clients import AsyncRedisClient, RedisClient
from praetorian_core.stores.redis.store import AsyncRedisStore, RedisStore

__all__ = ["AsyncRedisClient", "AsyncRedisStore", "RedisClient", "RedisStore"]
