"""What a guard is made of: settings, keys, policies, stores, hashers, throttles, events, errors, and help for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from praetorian_core import (
    FLASK_PRAETORIAN,
    STANDARD,
    Guard,
    KeyRing,
    LoginThrottle,
    MemoryStore,
    PasswordHasher,
    Principal,
    Settings,
    all_roles,
    any_role,
    authenticated_within,
    generate_secret,
)
from praetorian_core.errors import (
    ClaimCollisionError,
    ConfigurationError,
    EarlyRefreshError,
    ExpiredAccessError,
    InvalidTokenError,
    LoginThrottledError,
    MissingClaimError,
    MissingRoleError,
    PasswordRule,
    PraetorianError,
    WeakPasswordError,
)
from praetorian_core.events import ActionRedeemed, CallFailed, Event, LoginFailed, TokenRefused, log_event
from praetorian_core.policy import Policy, check_policy
from praetorian_core.stores.url import StoreURL
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, as_user, cheapest_hasher
from praetorian_core.token import Key, Layout, verify_compact
from praetorian_core.web.responses import ErrorResponse, error_response

if TYPE_CHECKING:
    from typing_extensions import assert_type


def keys(pem: bytes, jwks: dict[str, object]) -> None:
    assert_type(generate_secret(), str)
    assert_type(generate_secret("HS512"), str)
    assert_type(KeyRing.from_secret("secret"), KeyRing)
    assert_type(KeyRing.from_secret(b"secret", algorithm="HS384", kid="2026"), KeyRing)
    assert_type(KeyRing.from_pem(pem, algorithm="ES256", kid="2026", password="secret"), KeyRing)
    assert_type(KeyRing.from_jwks(jwks), KeyRing)
    assert_type(KeyRing.from_jwks('{"keys": []}', signing="2026"), KeyRing)
    ring = KeyRing([Key.from_secret("new"), Key.from_secret("old", kid="old")], signing="new")
    assert_type(ring.keys, tuple[Key, ...])
    assert_type(ring.to_jwks(), dict[str, list[dict[str, str]]])
    _, payload = verify_compact("token", ring)
    assert_type(payload, bytes)


def settings(ring: KeyRing, config: dict[str, object]) -> None:
    assert_type(Settings(keys=ring), Settings)
    chosen = Settings(
        keys=ring,
        access_lifespan="15 minutes",
        refresh_lifespan=timedelta(days=30),
        leeway=10,
        issuer="https://issuer.example",
        audience="api",
        realm="api",
        header_name="Authorization",
        header_type="Bearer",
        layout=STANDARD,
        accept_layouts=[STANDARD, FLASK_PRAETORIAN],
        parse_identity=UUID,
        roles_disabled=False,
        validation_method="is_active",
        disable_error_handler=True,
        store="memory://",
        throttle=False,
        check_sessions="refresh",
        store_eviction="warn",
        log_tracebacks=True,
        roles=["admin", "editor"],
        refresh_grace=10,
        early_refresh={"minutes": 1},
    )
    # Each form of a lifespan becomes seconds.
    assert_type(chosen.access_lifespan, int)
    assert_type(chosen.refresh_lifespan, int)
    assert_type(chosen.refresh_grace, int)
    assert_type(chosen.roles, tuple[str, ...] | None)
    assert_type(chosen.store, StoreURL | None)
    assert_type(chosen.check_role_names({"admin"}), None)
    assert_type(chosen.accept_layouts, tuple[Layout, ...])
    assert_type(Settings.from_mapping(config), Settings)
    assert_type(Settings.from_mapping(config, layout=FLASK_PRAETORIAN, parse_identity=UUID), Settings)


def policies(principal: Principal) -> None:
    editors: Policy = any_role("editor", "admin") & all_roles("staff") | all_roles("owner")
    assert_type(any_role("a") & all_roles("b"), Policy)
    assert_type(any_role("a") | all_roles("b"), Policy)
    assert_type(authenticated_within("5 minutes") & editors, Policy)
    assert_type(authenticated_within(timedelta(minutes=5)) | authenticated_within(60), Policy)
    assert_type(authenticated_within({"minutes": 5}).max_age, int)
    assert_type(editors.permits(principal, 0), bool)
    assert_type((editors.names, editors.max_ages, editors.reads_roles), tuple[frozenset[str], frozenset[int], bool])
    check_policy(editors, principal, 0)


def stores(store: MemoryStore) -> None:
    assert_type(store.get("a", "b", now=0), list[str | None])
    assert_type(store.compare_and_set("a", None, "new", expires_at=60, now=0), bool)
    assert_type(store.increment("a", 1, expires_at=60, now=0), int)


def logins() -> None:
    LoginThrottle(window="15 minutes", per_account_and_source=10, per_account=100, per_source=100)
    LoginThrottle(per_network=1000, consecutive_failures=100, failure_memory=timedelta(weeks=1))
    hasher = PasswordHasher(min_length=15, max_bytes=1024, reject=frozenset({"password"}).__contains__)
    assert_type(hasher.hash("correct horse"), str)
    assert_type(hasher.verify("correct horse", None), bool)
    assert_type(hasher.check("correct horse", "hash").outdated, bool)


def events(event: Event) -> None:
    log_event(event)
    if isinstance(event, LoginFailed):
        assert_type(event.identity, str | None)
        assert_type(event.source, str | None)
    elif isinstance(event, TokenRefused):
        assert_type((event.code, event.detail), tuple[str, str])
    elif isinstance(event, CallFailed):
        assert_type(event.failure, str)
    elif isinstance(event, ActionRedeemed):
        assert_type(event.action, str)


def errors() -> None:
    try:
        raise MissingClaimError("iat")
    except InvalidTokenError as error:
        assert_type(error.code, str)
        assert_type(error.message, str)
        assert_type(error_response(error), ErrorResponse)
    except (ExpiredAccessError, EarlyRefreshError) as expired:
        assert_type(expired.now, int)
    except LoginThrottledError as throttled:
        assert_type(throttled.retry_after, int)
    except WeakPasswordError as weak:
        assert_type(weak.rule, PasswordRule | None)
    except (MissingRoleError, ClaimCollisionError, ConfigurationError) as refused:
        assert_type(str(refused), str)
    except PraetorianError as other:
        assert_type(error_response(other, scheme="Bearer", realm="api").status, int)


def testing(settings: Settings) -> None:
    clock = FrozenClock(1_800_000_000)
    users = MemoryUsers([MemoryUser(identity=1, username="alice", rolenames=["admin"])])
    guard = Guard(users, settings, clock=clock, passwords=cheapest_hasher(min_length=1))
    assert_type(guard, Guard[MemoryUser])
    alice = users.add(MemoryUser(identity=UUID(int=1), username="alice", password=None, valid=False))
    assert_type(alice, MemoryUser)
    assert_type(as_user(guard, alice, access_lifespan="1 hour", team="blue"), dict[str, str])
    assert_type(users.lookup("alice"), MemoryUser | None)
    assert_type(users.calls, int)
    assert_type(clock(), int)
    clock.tick()
    clock.tick(60)
    users.remove(alice)
