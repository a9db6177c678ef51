"""The common base of both guards: checks the options and builds services, codec and context from them."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from typing import Final, Generic, Literal, TypeAlias, TypedDict, TypeVar, cast

from praetorian_core import flows
from praetorian_core.action import Action
from praetorian_core.clock import Clock, system_clock
from praetorian_core.errors import (
    ConfigurationError,
    InvalidTokenError,
    MissingTokenError,
    PraetorianError,
    ServiceUnavailableError,
)
from praetorian_core.events import Sink, TokenRefused, log_event
from praetorian_core.executor import Executor
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.policy import Policy, check_policy
from praetorian_core.principal import Principal
from praetorian_core.questions import Flow
from praetorian_core.services import AnyStore, SaveHash, Services, Users
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.redis.server_check import Eviction
from praetorian_core.stores.url import StoreURL
from praetorian_core.token.claims import SessionClaims
from praetorian_core.token.codec import TokenCodec
from praetorian_core.token.lifecycle import check_access
from praetorian_core.web.bearer import TokenHeader
from praetorian_core.web.request import RequestInfo

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


class GuardOptions(TypedDict, total=False):
    """The options that ``Guard`` and ``AsyncGuard`` share; ``Guard`` describes them."""

    throttle: LoginThrottle | Unset | None
    passwords: PasswordHasher | Unset | None
    clock: Clock
    on_event: Sink | None


class BaseGuard(Generic[U]):
    """Everything that ``Guard`` and ``AsyncGuard`` have in common."""

    def __init__(
        self,
        users: Users | None,
        settings: Settings,
        *,
        store: AnyStore | Unset | None,
        save_password: SavePassword[U] | None,
        open_store: OpenStore,
        throttle: LoginThrottle | Unset | None = FROM_SETTINGS,
        passwords: PasswordHasher | Unset | None = FROM_SETTINGS,
        clock: Clock = system_clock,
        on_event: Sink | None = None,
    ) -> None:
        check_settings(settings)
        _check_users(users)
        _check_clock(clock)
        _check_callbacks(on_event, save_password)
        store = _choose_store(store, settings, open_store)
        throttle = _choose_throttle(throttle, settings, users)
        passwords = _choose_passwords(passwords, users)
        self.settings: Final = settings
        self._users: Final = users
        self._passwords: Final = passwords
        self._clock: Final = clock
        self._token_header: Final[TokenHeader] = settings.token_header()
        self._codec: Final = TokenCodec(
            ring=settings.keys,
            layout=settings.layout,
            accept_layouts=settings.accept_layouts,
            issuer=settings.issuer,
            audience=settings.audience,
            leeway=settings.leeway,
            with_roles=not settings.roles_disabled,
            parse_identity=settings.parse_identity,
        )
        self._context: Final = flows.FlowContext(
            settings=settings,
            codec=self._codec,
            throttle=throttle,
            has_store=store is not None,
            renews_passwords=save_password is not None,
        )
        self._checks_sessions: Final = store is not None and settings.check_sessions == "always"
        self._services: Final = Services(
            users=users,
            # Without a configured store, logins are counted in this process.
            store=MemoryStore() if store is None else store,
            passwords=passwords,
            save_password=None if save_password is None else _with_former_hash(save_password),
            hash_executor=None if passwords is None else _hash_executor(passwords),
            validation_method=settings.validation_method,
            with_roles=not settings.roles_disabled,
            on_event=log_event if on_event is None else on_event,
            store_timeout=settings.store_timeout,
        )

    def __repr__(self) -> str:
        """Show the key ring's text, which holds no secret."""
        return f"<{type(self).__name__} {self.settings.keys!r}>"

    def find_token(self, request: RequestInfo) -> str:
        """Return the token of a request without validating it, for a refresh or logout route.

        Raises:
            MissingTokenError: The request carries no token.
            MalformedHeaderError: The header does not hold exactly one token.

        See:
            RFC 6750 §2.1.
        """
        return self._token_header.find(request)

    def _find_optional(self, request: RequestInfo) -> str | None:
        try:
            return self._token_header.find(request)
        except MissingTokenError:
            return None

    def _decode_for_access(self, token: str, now: int) -> SessionClaims:
        """Validate a token for access, except for what the store knows."""
        try:
            claims = self._codec.decode(token, now)
            if type(claims) is not SessionClaims:
                # Raises: the flow's error names what was presented.
                claims = flows.read_session(self._context, token, now)
        except InvalidTokenError:
            refuse_awaitable("verify", token)
            raise
        except ServiceUnavailableError as error:
            self._services.report(str(error), error, now)
            raise
        check_access(claims.principal, now, self.settings.leeway)
        return claims

    def _check_policy(self, principal: Principal, policy: Policy | None) -> Principal:
        if policy is not None:
            if self.settings.roles_disabled:
                raise ConfigurationError(
                    f"a view requires {policy}, and PRAETORIAN_ROLES_DISABLED is True; set it to False"
                )
            if not isinstance(policy, Policy):
                raise ConfigurationError(
                    f"the policy is {type(policy).__name__}; write all_roles('admin') or any_role('a', 'b')"
                )
            self.settings.check_role_names(policy.names)
            check_policy(policy, principal)
        return principal

    def _report_refusal(self, error: PraetorianError, now: int) -> None:
        # A failed call was reported by the runner, and a configuration error concerns no token.
        if not isinstance(error, ConfigurationError | ServiceUnavailableError):
            self._services.emit(TokenRefused(at=now, code=error.code, detail=str(error)))

    def _need_users(self, call: str) -> None:
        if self._users is None:
            raise ConfigurationError(
                f"{call} needs users, and this guard has none; write {type(self).__name__}(User, settings)"
            )

    def _need_passwords(self, call: str) -> PasswordHasher:
        if self._passwords is None:
            raise ConfigurationError(
                f"{call} needs passwords, and this guard has none; write passwords=PasswordHasher()"
            )
        return self._passwords

    def _authenticate(self, username: object, password: object, source: str | None, now: int) -> Flow[object]:
        self._need_users("authenticate")
        self._need_passwords("authenticate")
        return flows.authenticate(self._context, username, password, source, now)

    def _issue(
        self,
        user: U,
        access_lifespan: Lifespan | None,
        refresh_lifespan: Lifespan | None,
        custom_claims: Mapping[str, object],
        now: int,
    ) -> Flow[str]:
        self._need_users("issue")
        refuse_awaitable("issue", user)
        access = _optional_seconds("access_lifespan", access_lifespan)
        refresh = _optional_seconds("refresh_lifespan", refresh_lifespan)
        return flows.issue(self._context, user, access, refresh, custom_claims, now)

    def _refresh(self, token: str, access_lifespan: Lifespan | None, now: int) -> Flow[str]:
        self._need_users("refresh")
        refuse_awaitable("refresh", token)
        access = _optional_seconds("access_lifespan", access_lifespan)
        return flows.refresh(self._context, token, access, now)

    def _issue_action(
        self,
        user: U,
        action: str,
        lifespan: Lifespan | None,
        custom_claims: Mapping[str, object],
        now: int,
    ) -> Flow[str]:
        self._need_users("issue_action")
        refuse_awaitable("issue_action", user)
        seconds = _optional_seconds("lifespan", lifespan)
        return flows.issue_action(self._context, user, action, seconds, custom_claims, now)

    def _revoke(self, token: str, now: int) -> Flow[None]:
        refuse_awaitable("revoke", token)
        return flows.revoke(self._context, token, now)

    def _revoke_user(self, identity: object, now: int) -> Flow[None]:
        self._context.need_store("revoke_user")
        refuse_awaitable("revoke_user", identity)
        if isinstance(identity, str) and identity.count(".") == 2 and identity.startswith("ey"):
            raise ConfigurationError(
                "revoke_user was given a token; write revoke(token), or revoke_user(user.identity)"
            )
        if hasattr(identity, "identity"):
            found = type(identity).__name__
            raise ConfigurationError(f"revoke_user was given a {found}; write revoke_user(the {found}'s .identity)")
        return flows.revoke_user(self._context, identity, now)

    def _read_action(self, token: str, action: str, now: int) -> Flow[Action[object]]:
        self._need_users("read_action")
        refuse_awaitable("read_action", token)
        return flows.read_action(self._context, token, action, now)

    def _redeem_action(self, token: str, action: str, now: int, *, once: bool) -> Flow[object]:
        self._need_users("redeem_action")
        refuse_awaitable("redeem_action", token)
        return flows.redeem_action(self._context, token, action, now, once=once)

    def _reset_password(self, token: str, password: object, action: str, now: int) -> Flow[tuple[object, str]]:
        self._need_users("reset_password")
        self._need_passwords("reset_password")
        refuse_awaitable("reset_password", token)
        return flows.reset_password(self._context, token, password, action, now)

    def _load_user(self, principal: Principal) -> Flow[object]:
        self._need_users("load_user")
        refuse_awaitable("load_user", principal)
        return flows.load_user(principal)


def check_settings(settings: object) -> None:
    """Raise unless the settings are a ``Settings``."""
    if not isinstance(settings, Settings):
        raise ConfigurationError(
            f"settings is {type(settings).__name__}; expected Settings(keys=KeyRing.from_secret(secret))"
        )


def refuse_coroutines(calls: Mapping[str, object]) -> None:
    """Raise if a function that a ``Guard`` calls is a coroutine function."""
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


def _hash_executor(passwords: PasswordHasher) -> Executor:
    return Executor("hashing", threads=passwords.max_concurrent, queue=passwords.max_waiting)


def _check_callbacks(on_event: object, save_password: object) -> None:
    for name, call in (("on_event", on_event), ("save_password", save_password)):
        if call is not None and not callable(call):
            raise ConfigurationError(f"{name} is {type(call).__name__}; expected a function, or None")
    if inspect.iscoroutinefunction(on_event):
        # A Guard emits events too, and awaits nothing.
        raise ConfigurationError(
            "on_event is a coroutine function; write a plain one that hands the event on, for example to a queue"
        )


def _with_former_hash(save_password: SavePassword[U]) -> SaveHash:
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


def _check_clock(clock: Clock) -> None:
    if not callable(clock):
        raise ConfigurationError(
            f"the clock is {type(clock).__name__}; expected a function that returns whole seconds as an int"
        )
    reading: object = clock()
    if inspect.iscoroutine(reading):
        # Otherwise Python warns later that it was never awaited.
        reading.close()
    if type(reading) is not int:
        raise ConfigurationError(
            f"the clock returned {type(reading).__name__}; expected a function that returns whole seconds as an int"
        )


def _check_users(users: object) -> None:
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


def _choose_store(store: AnyStore | Unset | None, settings: Settings, open_store: OpenStore) -> AnyStore | None:
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


def _choose_throttle(
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


def _choose_passwords(passwords: PasswordHasher | Unset | None, users: Users | None) -> PasswordHasher | None:
    if passwords is FROM_SETTINGS:
        return None if users is None else PasswordHasher()
    if passwords is not None and not isinstance(passwords, PasswordHasher):
        raise ConfigurationError(f"passwords is {type(passwords).__name__}; expected a PasswordHasher, or None")
    return passwords


def _optional_seconds(name: str, lifespan: Lifespan | None) -> int | None:
    return None if lifespan is None else parse_lifespan(lifespan, name=name)
