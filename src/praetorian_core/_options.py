"""Checks the options of a guard, and chooses what was left out."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from typing import Final, Literal, TypeAlias, TypeVar, cast

from praetorian_core.clock import Clock
from praetorian_core.errors import ConfigurationError
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.services import AnyStore, SaveHash, Users
from praetorian_core.settings import Settings
from praetorian_core.stores.redis.server_check import Eviction
from praetorian_core.stores.url import StoreURL
from praetorian_core.token.lifecycle import check_reading

U = TypeVar("U")


class _FromSettings(enum.Enum):
    """Distinguishes an omitted option from ``None``, which means "off"."""

    FROM_SETTINGS = enum.auto()

    def __repr__(self) -> str:
        return "FROM_SETTINGS"


FROM_SETTINGS: Final = _FromSettings.FROM_SETTINGS
Unset: TypeAlias = Literal[_FromSettings.FROM_SETTINGS]
OpenStore: TypeAlias = Callable[[StoreURL, float, Eviction], AnyStore]
SavePassword: TypeAlias = Callable[[U, str], object] | Callable[[U, str, str], object]


def check_settings(settings: object) -> None:
    """Raise unless the settings are a ``Settings``."""
    if not isinstance(settings, Settings):
        raise ConfigurationError(
            f"settings is {type(settings).__name__}; expected Settings(keys=KeyRing.from_secret(secret))"
        )


def refuse_coroutines(users: object, settings: Settings, store: object, save_password: object) -> None:
    """Raise if a function that a ``Guard`` calls is a coroutine function."""
    check_settings(settings)
    calls: dict[str, object] = {
        "lookup": getattr(users, "lookup", None),
        "identify": getattr(users, "identify", None),
        settings.validation_method: getattr(users, settings.validation_method, None),
        "save_password": save_password,
        "store.get": getattr(store, "get", None),
    }
    for name, call in calls.items():
        if inspect.iscoroutinefunction(call):
            raise ConfigurationError(
                f"{name} is a coroutine function; a Guard calls plain ones: write AsyncGuard, or drop the async"
            )


def refuse_awaitable(call: str, argument: object) -> None:
    """Raise if a method was given the result of a coroutine function that was not awaited."""
    if not inspect.isawaitable(argument):
        return
    if inspect.iscoroutine(argument):
        # Otherwise Python warns later that it was never awaited.
        argument.close()
    raise ConfigurationError(f"{call} was given a {type(argument).__name__}; write await before the argument")


def looks_like_token(value: object) -> bool:
    """Return whether a value is probably a token in place of an identity or an id."""
    # A token begins with the encoding of '{"'.
    return isinstance(value, str) and value.count(".") == 2 and value.startswith("eyJ")


def check_callbacks(on_event: object, save_password: object, after_thread_call: object) -> None:
    callbacks = {"on_event": on_event, "save_password": save_password, "after_thread_call": after_thread_call}
    for name, call in callbacks.items():
        if call is not None and not callable(call):
            raise ConfigurationError(f"{name} is {type(call).__name__}; expected a function, or None")
    if inspect.iscoroutinefunction(on_event):
        # A Guard emits events too, and awaits nothing.
        raise ConfigurationError(
            "on_event is a coroutine function; write a plain one that hands the event on, for example to a queue"
        )
    if inspect.iscoroutinefunction(after_thread_call):
        raise ConfigurationError("after_thread_call is a coroutine function; write a plain one, it runs in a thread")


def with_former_hash(save_password: SavePassword[U]) -> SaveHash:
    """Return a function of the user, the new and the former hash, also if the application's takes only two of them."""
    if _takes_former(save_password):
        return cast("SaveHash", save_password)
    save = cast("Callable[[object, str], object]", save_password)
    return lambda user, hashed, _former: save(user, hashed)


def _takes_former(save_password: SavePassword[U]) -> bool:
    try:
        signature = inspect.signature(save_password)
    except ValueError:
        # A function written in C may have no signature.
        return False
    if _accepts(signature, 2):
        # A third parameter with a default may mean anything, unless its name says it.
        return _accepts(signature, 3) and list(signature.parameters)[2:3] == ["former"]
    if _accepts(signature, 3):
        return True
    raise ConfigurationError(f"save_password takes {signature}; write def save_password(user, hashed, former)")


def _accepts(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def check_cookie_refresh(users: object, settings: Settings) -> None:
    """Raise if cookies are to be refreshed by a guard without users.

    Raises:
        ConfigurationError: A refresh loads the user, and the guard has no users.
    """
    if users is None and settings.cookie_refresh:
        raise ConfigurationError(
            "PRAETORIAN_COOKIE_REFRESH needs users, and this guard has none; write Guard(User, settings), or remove "
            "PRAETORIAN_COOKIE_REFRESH"
        )


def check_clock(clock: Clock) -> None:
    if not callable(clock):
        raise ConfigurationError(
            f"the clock is {type(clock).__name__}; expected a function that returns whole seconds as an int"
        )
    reading: object = clock()
    if inspect.iscoroutine(reading):
        # Otherwise Python warns later that it was never awaited.
        reading.close()
    check_reading(reading)


def check_users(users: object) -> None:
    if users is None:
        return
    for name, parameter in (("lookup", "username"), ("identify", "identity")):
        if not callable(getattr(users, name, None)):
            owner = getattr(users, "__name__", type(users).__name__)
            raise ConfigurationError(
                f"{owner} has no method {name!r}; write: @classmethod def {name}(cls, {parameter}) -> {owner} | None"
            )
        if isinstance(users, type) and inspect.isfunction(inspect.getattr_static(users, name)):
            raise ConfigurationError(f"{users.__name__}.{name} is called on the class; write @classmethod above it")


def choose_store(store: AnyStore | Unset | None, settings: Settings, open_store: OpenStore) -> AnyStore | None:
    if store is FROM_SETTINGS:
        store = None
        if settings.store is not None:
            store = open_store(settings.store, settings.store_timeout, settings.store_eviction)
    elif settings.store is not None:
        raise ConfigurationError("both store= and PRAETORIAN_STORE are given; leave one of them out")
    if store is None:
        settings.check_without_store()
    for method in ("get", "compare_and_set", "increment"):
        if store is not None and not callable(getattr(store, method, None)):
            raise ConfigurationError(
                f"store is {type(store).__name__}, which has no {method!r}; expected a praetorian_core.protocols.Store"
            )
    return store


def choose_throttle(
    throttle: LoginThrottle | Unset | None, settings: Settings, users: Users | None
) -> LoginThrottle | None:
    if throttle is FROM_SETTINGS:
        return LoginThrottle() if settings.throttle and users is not None else None
    if throttle is not None and not settings.throttle:
        raise ConfigurationError("throttle= is given and PRAETORIAN_THROTTLE is False; leave one of them out")
    if throttle is not None and not isinstance(throttle, LoginThrottle):
        raise ConfigurationError(
            f"throttle is {type(throttle).__name__}; expected a LoginThrottle, or None for no limit"
        )
    return throttle


def choose_passwords(passwords: PasswordHasher | Unset | None, users: Users | None) -> PasswordHasher | None:
    if passwords is FROM_SETTINGS:
        return None if users is None else PasswordHasher()
    if passwords is not None and not isinstance(passwords, PasswordHasher):
        raise ConfigurationError(f"passwords is {type(passwords).__name__}; expected a PasswordHasher, or None")
    return passwords


def optional_seconds(name: str, lifespan: Lifespan | None) -> int | None:
    return None if lifespan is None else parse_lifespan(lifespan, name=name)
