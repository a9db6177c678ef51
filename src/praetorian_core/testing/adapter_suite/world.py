"""What an application of the contract is built over: a clock that stands still, users, and tokens with names."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import ParamSpec, TypedDict, TypeVar

import attrs

from praetorian_core.clock import Clock
from praetorian_core.errors import MissingRoleError, PraetorianError
from praetorian_core.guard import Guard
from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.protocols import Store
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing.adapter_suite.values import Setting
from praetorian_core.testing.clock import FrozenClock
from praetorian_core.testing.passwords import cheapest_hasher
from praetorian_core.testing.users import MemoryUser, MemoryUsers
from praetorian_core.token.jws import JWSSigner
from praetorian_core.token.keys import KeyRing, generate_secret

P = ParamSpec("P")
R = TypeVar("R")

NOW = 1_800_000_000  # the first second of a window of the throttle
ACCESS = 15 * 60
REFRESH = 30 * 86_400
CANARY = "canary"  # is in every secret, and may be in no response and no log
PASSWORD = "canary-correct horse battery staple"  # noqa: S105  (of users for tests)
SECRET = f"canary-{generate_secret()}"
THROTTLED = "8.8.4.4"
"""The address from which neither alice nor nobody may log in any more."""

CONFIG: Mapping[str, object] = {
    "SECRET_KEY": SECRET,
    "JWT_REALM": "legion",
    "JWT_ACCESS_LIFESPAN": ACCESS,
    "JWT_REFRESH_LIFESPAN": REFRESH,
}

_SETTINGS: Mapping[Setting, Mapping[str, object]] = {
    Setting.NO_HANDLER: {"DISABLE_PRAETORIAN_ERROR_HANDLER": True},
    Setting.NO_ROLES: {"PRAETORIAN_ROLES_DISABLED": True},
    Setting.UNCOUNTED_LOGINS: {"PRAETORIAN_THROTTLE_FAILURE": "allow"},
}
_HASHER = cheapest_hasher()
_HASH = _HASHER.hash(PASSWORD)


class OutOfHoursError(MissingRoleError):
    """An error of the application's own: answered like the reason that it refines, with its own name and code."""

    code = "out_of_hours"
    message = "come back tomorrow"


class FailingUsers(MemoryUsers):
    """A user source that breaks down when it is asked for one of its users."""

    def lookup(self, username: str) -> MemoryUser | None:
        """Return the user of this name, or None; or break down."""
        if username == "broken":
            raise RuntimeError(PASSWORD)
        return super().lookup(username)

    def identify(self, identity: object) -> MemoryUser | None:
        """Return the user of this identity, or None; or break down."""
        if identity == 13:
            raise RuntimeError(PASSWORD)
        return super().identify(identity)


class BreakableStore:
    """A store that works until it is broken.

    Attributes:
        is_broken: Whether it is.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._store = MemoryStore()
        self.is_broken = False

    def get(self, *keys: str, now: int) -> list[str | None]:
        """See ``Store.get``."""
        return self._whole().get(*keys, now=now)

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        """See ``Store.compare_and_set``."""
        return self._whole().compare_and_set(key, expected, new, expires_at=expires_at, now=now)

    def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        """See ``Store.increment``."""
        return self._whole().increment(key, amount, expires_at=expires_at, now=now)

    def _whole(self) -> MemoryStore:
        if self.is_broken:
            raise ConnectionError(PASSWORD)
        return self._store


class Options(TypedDict):
    """What a guard takes beside users and settings."""

    store: Store
    throttle: LoginThrottle
    passwords: PasswordHasher
    clock: Clock


@attrs.frozen(eq=False)
class World:
    """Everything that an application is built over, and that a scenario needs beside it.

    Attributes:
        clock: Stands at ``NOW``.
        users: Their names say what becomes of them.
        config: What the settings are made of, for a framework that has a configuration.
        settings: For the guard.
        options: For the guard: ``Guard(world.users, world.settings, **world.options)``, ``AsyncGuard`` alike.
        tasks: For the error handler.
        told: The codes of the errors that the tasks were told.
        tokens: The tokens by name.
    """

    clock: FrozenClock
    users: FailingUsers
    config: Mapping[str, object]
    settings: Settings
    options: Options
    tasks: tuple[Callable[[PraetorianError], object], ...]
    told: list[str]
    tokens: Mapping[str, str] = attrs.field(repr=False)


def make_world(setting: Setting = Setting.USUAL) -> World:
    """Return a fresh world."""
    clock = FrozenClock(NOW)
    users = FailingUsers(
        [
            MemoryUser(identity=1, username="alice", password=_HASH, rolenames=["reader"]),
            MemoryUser(identity=2, username="root", password=_HASH, rolenames=["reader", "admin"]),
            MemoryUser(identity=3, username="disabled", password=_HASH, valid=False),
            MemoryUser(identity=5, username="ousted", password=_HASH),
            MemoryUser(identity=13, username="broken", password=_HASH),
        ]
    )
    config = {**CONFIG, **_SETTINGS.get(setting, {})}
    settings = Settings.from_mapping(config)
    store = BreakableStore()
    throttle = LoginThrottle(per_account_and_source=3)
    options = Options(store=store, throttle=throttle, passwords=_HASHER, clock=clock)
    guard = Guard(users, settings, **options)
    tokens = mint(guard, users, clock)
    _exhaust(guard)
    store.is_broken = setting in {Setting.BROKEN_STORE, Setting.UNCOUNTED_LOGINS}
    told: list[str] = []

    def tell(error: PraetorianError) -> None:
        told.append(error.code)

    tasks = (_fail, tell) if setting is Setting.RAISING_TASK else (tell,)
    return World(clock, users, config, settings, options, tasks, told, tokens)


def _fail(error: PraetorianError) -> None:
    raise RuntimeError(PASSWORD) from error


def mint(guard: Guard[MemoryUser], users: MemoryUsers, clock: FrozenClock) -> dict[str, str]:
    """Return the tokens by name; the clock stands at ``NOW`` before and after."""

    def at(instant: int, issue: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        clock.now = instant
        issued = issue(*args, **kwargs)
        clock.now = NOW
        return issued

    alice = MemoryUser(identity=1, username="alice", rolenames=["reader"])
    root = MemoryUser(identity=2, username="root", rolenames=["reader", "admin"])
    late = MemoryUser(identity=3, username="disabled")
    gone = MemoryUser(identity=4, username="gone")
    broken = MemoryUser(identity=13, username="broken")
    action, stop, over, spent = (
        at(issued, guard.issue_action, alice, name)
        for issued, name in ((NOW, "confirm"), (NOW, "stop"), (NOW - ACCESS, "confirm"), (NOW, "confirm"))
    )
    guard.redeem_action(spent, "confirm")
    revoked = guard.issue(alice)
    guard.revoke(revoked)
    reused = at(NOW - ACCESS - 11, guard.issue, alice)
    at(NOW - 11, guard.refresh, reused)
    revoked_late = at(NOW - ACCESS, guard.issue, alice)
    guard.revoke(revoked_late)
    ousted = MemoryUser(identity=5, username="ousted")
    ended, ended_late = guard.issue(ousted), at(NOW - ACCESS, guard.issue, ousted)
    guard.revoke_user(5)
    thief = at(NOW - ACCESS * 2 - 11, guard.issue, alice)
    robbed = at(NOW - ACCESS, guard.refresh, thief)
    _refuse(guard.refresh, thief)
    withdrawn = guard.issue_action(alice, "confirm")
    guard.revoke(withdrawn)
    good = guard.issue(alice)
    stranger = Guard(users, Settings(keys=KeyRing.from_secret(generate_secret())), clock=clock)
    claims: dict[str, object] = {
        "sub": "1",
        "id": 1,
        "roles": [],
        "iat": NOW,
        "exp": NOW + 9,
        "sid": "AAAAAAAAAAAAAAAAAAAAAA",
    }
    return {
        "good": good,
        "leaver": guard.issue(alice),
        "leaver_expired": at(NOW - ACCESS, guard.issue, alice),
        "root": guard.issue(root),
        "last_second": at(NOW - ACCESS + 1, guard.issue, alice),
        "expired": at(NOW - ACCESS, guard.issue, alice),
        "last_refresh": at(NOW - REFRESH + 1, guard.issue, alice),
        "dead": at(NOW - REFRESH, guard.issue, alice),
        "foreign": stranger.issue(alice),
        "unsigned": ".".join([*good.split(".")[:2], _segment(b"\0" * 32)]),
        "none": ".".join([_segment(b'{"alg":"none","typ":"JWT"}'), good.split(".")[1], ""]),
        "claimless": JWSSigner(guard.settings.keys.signing_key()).sign("JWT", json.dumps(claims).encode()),
        "revoked": revoked,
        "revoked_expired": revoked_late,
        "ended": ended,
        "ended_expired": ended_late,
        "issued_after": guard.issue(ousted),
        "robbed": robbed,
        "reused": reused,
        "action": action,
        "other_action": stop,
        "expired_action": over,
        "spent_action": spent,
        "withdrawn_action": withdrawn,
        "disabled": guard.issue(late),
        "disabled_expired": at(NOW - ACCESS, guard.issue, late),
        "gone": guard.issue(gone),
        "gone_expired": at(NOW - ACCESS, guard.issue, gone),
        "broken": guard.issue(broken),
        "broken_expired": at(NOW - ACCESS, guard.issue, broken),
    }


def _segment(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _exhaust(guard: Guard[MemoryUser]) -> None:
    """Fail to log in until no further attempt is allowed, at an account that exists and at one that does not."""
    for username in ("alice", "nobody"):
        for _ in range(3):
            _refuse(guard.authenticate, username, "wrong", source=THROTTLED)


def _refuse(call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call what is refused."""
    with suppress(PraetorianError):
        call(*args, **kwargs)
