"""World of a scenario: a clock, users, a store, and settings, over which a target builds its application."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TypedDict

import attrs

from praetorian_core.clock import Clock
from praetorian_core.errors import MissingRoleError, PraetorianError
from praetorian_core.guard import Guard
from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.protocols import Store
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing.adapter_suite.tokens import (
    ACCESS,
    NOW,
    PASSWORD,
    REFRESH,
    csrf_values,
    exhaust_attempts,
    issue_tokens,
)
from praetorian_core.testing.adapter_suite.values import Setting
from praetorian_core.testing.clock import FrozenClock
from praetorian_core.testing.passwords import cheapest_hasher
from praetorian_core.testing.users import MemoryUser, MemoryUsers
from praetorian_core.token.keys import generate_secret

CANARY = "canary"  # part of every secret; no response and no log record may contain it
SECRET = f"canary-{generate_secret()}"

CONFIG: Mapping[str, object] = {
    "SECRET_KEY": SECRET,
    "JWT_REALM": "legion",
    "JWT_ACCESS_LIFESPAN": ACCESS,
    "JWT_REFRESH_LIFESPAN": REFRESH,
}

_COOKIES: Mapping[str, object] = {
    "JWT_PLACES": ["header", "cookie"],
    "PRAETORIAN_TRUSTED_ORIGINS": ["https://app.example"],
}
_SETTINGS: Mapping[Setting, Mapping[str, object]] = {
    Setting.NO_HANDLER: {"DISABLE_PRAETORIAN_ERROR_HANDLER": True},
    Setting.NO_ROLES: {"PRAETORIAN_ROLES_DISABLED": True},
    Setting.OTHER_HEADER: {"JWT_HEADER_NAME": "X-Token", "JWT_HEADER_TYPE": "Token"},
    Setting.ONE_SESSION: {"PRAETORIAN_MAX_SESSIONS": 1, "PRAETORIAN_SESSION_LIMIT": "refuse"},
    Setting.UNCOUNTED_LOGINS: {"PRAETORIAN_THROTTLE_FAILURE": "allow"},
    Setting.IDLE: {"JWT_IDLE_LIFESPAN": ACCESS + 60},
    Setting.COOKIES: _COOKIES,
    Setting.COOKIE_REFRESH: {**_COOKIES, "PRAETORIAN_COOKIE_REFRESH": True},
    Setting.TICKETS: {"JWT_PLACES": ["header", "cookie", "query_ticket"]},
}
_HASHER = cheapest_hasher()
_HASH = _HASHER.hash(PASSWORD)


class OutOfHoursError(MissingRoleError):
    """Error of the application: answered like its parent class, with its own name and code."""

    code = "out_of_hours"
    message = "come back tomorrow"


class FailingUsers(MemoryUsers):
    """User source that fails when it is asked for the user ``broken``."""

    def lookup(self, username: str) -> MemoryUser | None:
        """Return the user of this name, or None; raise for ``broken``."""
        if username == "broken":
            raise RuntimeError(PASSWORD)
        return super().lookup(username)

    def identify(self, identity: object) -> MemoryUser | None:
        """Return the user of this identity, or None; raise for the identity of ``broken``."""
        if identity == 13:
            raise RuntimeError(PASSWORD)
        return super().identify(identity)


class BreakableStore:
    """Memory store that can be broken and copied.

    Attributes:
        is_broken: Whether every call raises ``ConnectionError``.
        is_read_only: Whether every write fails.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._store = MemoryStore()
        self._writes: list[Callable[[MemoryStore], object]] = []
        self.is_broken = False
        self.is_read_only = False

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``Store.get``."""
        return self._working().get(*keys, now=now)

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``Store.compare_and_set``."""
        self._writes.append(lambda store: store.compare_and_set(key, expected, new, expires_at=expires_at, now=now))
        return self._writable().compare_and_set(key, expected, new, expires_at=expires_at, now=now)

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``Store.increment``."""
        self._writes.append(lambda store: store.increment(key, amount, expires_at=expires_at, now=now))
        return self._writable().increment(key, amount, expires_at=expires_at, now=now)

    def copy(self) -> BreakableStore:
        """Return a working store with the same entries, made by the same writes."""
        copy = BreakableStore()
        for write in self._writes:
            write(copy._store)
        return copy

    def _writable(self) -> MemoryStore:
        if self.is_read_only:
            raise ConnectionError(PASSWORD)
        return self._working()

    def _working(self) -> MemoryStore:
        if self.is_broken:
            raise ConnectionError(PASSWORD)
        return self._store


class Options(TypedDict):
    """Options of a guard besides users and settings."""

    store: Store
    throttle: LoginThrottle
    passwords: PasswordHasher
    clock: Clock


@attrs.frozen(eq=False)
class World:
    """Everything that an application of a scenario is built over.

    Attributes:
        clock: Clock that stands at ``NOW``.
        users: Users; the name of each says in which state it is.
        config: Configuration from which the settings are made, for a framework that has a configuration.
        settings: Settings for the guard.
        options: Options for the guard: ``Guard(world.users, world.settings, **world.options)``, ``AsyncGuard`` alike.
        on_error: Hooks for the error handler.
        reported: Codes of the errors that the hooks received.
        tokens: Tokens and ids of sessions by name.
    """

    clock: FrozenClock
    users: FailingUsers
    config: Mapping[str, object]
    settings: Settings
    options: Options
    on_error: tuple[Callable[[PraetorianError], object], ...]
    reported: list[str]
    tokens: Mapping[str, str] = attrs.field(repr=False)


def make_world(setting: Setting = Setting.USUAL) -> World:
    """Return a new world; its tokens are constants, because the clock starts at a constant."""
    clock = FrozenClock(NOW)
    config = {**CONFIG, **_SETTINGS.get(setting, {})}
    # The tokens were issued before the limit was set.
    tokens, entries = _prepared(Setting.USUAL if setting is Setting.ONE_SESSION else setting)
    store = entries.copy()
    store.is_broken = setting in {Setting.BROKEN_STORE, Setting.UNCOUNTED_LOGINS}
    reported: list[str] = []

    def report(error: PraetorianError) -> None:
        reported.append(error.code)

    return World(
        clock=clock,
        users=_users(),
        config=config,
        settings=Settings.from_mapping(config),
        options=_options(store, clock),
        on_error=(_fail, report) if setting is Setting.RAISING_HOOK else (report,),
        reported=reported,
        tokens=tokens,
    )


@functools.cache
def _prepared(setting: Setting) -> tuple[Mapping[str, str], BreakableStore]:
    """Return the tokens of a setting and a store with what became of them."""
    store, clock = BreakableStore(), FrozenClock(NOW)
    settings = Settings.from_mapping({**CONFIG, **_SETTINGS.get(setting, {})})
    guard = Guard(_users(), settings, **_options(store, clock))
    tokens = issue_tokens(guard, clock)
    if settings.uses_cookies:
        tokens |= csrf_values(guard, tokens)
    exhaust_attempts(guard)
    return tokens, store


def _options(store: Store, clock: Clock) -> Options:
    return Options(store=store, throttle=LoginThrottle(per_account_and_source=3), passwords=_HASHER, clock=clock)


def _users() -> FailingUsers:
    return FailingUsers(
        [
            MemoryUser(identity=1, username="alice", password=_HASH, rolenames=["reader"]),
            MemoryUser(identity=2, username="root", password=_HASH, rolenames=["reader", "admin"]),
            MemoryUser(identity=3, username="disabled", password=_HASH, valid=False),
            MemoryUser(identity=5, username="ousted", password=_HASH),
            MemoryUser(identity=6, username="carol", password=_HASH),
            MemoryUser(identity=7, username="dave", password=_HASH),
            MemoryUser(identity=13, username="broken", password=_HASH),
        ]
    )


def _fail(error: PraetorianError) -> None:
    raise RuntimeError(PASSWORD) from error
