"""Praetorian guards an API with one token that has two deadlines.

The core imports no framework. See ``praetorian_flask`` for an adapter.
"""

from praetorian_core.async_guard import AsyncGuard
from praetorian_core.guard import Guard
from praetorian_core.login import LoginThrottle, PasswordHasher
from praetorian_core.policy import all_roles, any_role, authenticated_within
from praetorian_core.principal import Principal
from praetorian_core.session import IssuedSession, SessionInfo
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.redis import AsyncRedisStore, RedisStore
from praetorian_core.stores.sqlite import SQLiteStore
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD, KeyRing, generate_secret

__all__ = [
    "FLASK_PRAETORIAN",
    "STANDARD",
    "AsyncGuard",
    "AsyncRedisStore",
    "Guard",
    "IssuedSession",
    "KeyRing",
    "LoginThrottle",
    "MemoryStore",
    "PasswordHasher",
    "Principal",
    "RedisStore",
    "SQLiteStore",
    "SessionInfo",
    "Settings",
    "all_roles",
    "any_role",
    "authenticated_within",
    "generate_secret",
]
