"""The common base of both guards: builds services, codec and context from the checked options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypedDict, TypeVar

from praetorian_core import flows
from praetorian_core._options import (
    FROM_SETTINGS,
    OpenStore,
    SavePassword,
    Unset,
    check_callbacks,
    check_clock,
    check_cookie_refresh,
    check_settings,
    check_users,
    choose_passwords,
    choose_store,
    choose_throttle,
    looks_like_token,
    optional_seconds,
    refuse_awaitable,
    with_former_hash,
)
from praetorian_core.action import Action
from praetorian_core.clock import Clock, system_clock
from praetorian_core.errors import (
    AuthenticationError,
    ConfigurationError,
    LoginThrottledError,
    MisusedTokenError,
    PraetorianError,
    ServiceUnavailableError,
)
from praetorian_core.events import Sink, TokenRefused, log_event
from praetorian_core.executor import Executor
from praetorian_core.lifespan import Lifespan
from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.policy import Policy, check_policy
from praetorian_core.principal import Principal
from praetorian_core.questions import Flow
from praetorian_core.services import AnyStore, Services, Users
from praetorian_core.session import IssuedSession, SessionInfo
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.token.codec import TokenCodec
from praetorian_core.web.places import TokenPlaces

U = TypeVar("U")

# A failed call was reported by the runner, a failed or throttled login by its flow.
_NOT_ABOUT_A_TOKEN = (ConfigurationError, ServiceUnavailableError, AuthenticationError, LoginThrottledError)

_STORE_THREADS = 16
_STORE_QUEUE = 10_000


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
        after_thread_call: Callable[[], object] | None = None,
    ) -> None:
        check_settings(settings)
        check_users(users)
        check_clock(clock)
        check_callbacks(on_event, save_password, after_thread_call)
        check_cookie_refresh(users, settings)
        is_opened = store is FROM_SETTINGS
        store = choose_store(store, settings, open_store)
        throttle = choose_throttle(throttle, settings, users)
        passwords = choose_passwords(passwords, users)
        self.settings: Final = settings
        self._users: Final = users
        self._passwords: Final = passwords
        self._clock: Final = clock
        self._opened_store: Final = store if is_opened else None
        self._places: Final[TokenPlaces] = settings.token_places()
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
            save_password=None if save_password is None else with_former_hash(save_password),
            hash_executor=None if passwords is None else passwords.executor(),
            store_executor=_store_executor(store),
            validation_method=settings.validation_method,
            with_roles=not settings.roles_disabled,
            on_event=log_event if on_event is None else on_event,
            store_timeout=settings.store_timeout,
            store_name=_store_name(store, settings),
            log_tracebacks=settings.log_tracebacks,
            after_thread_call=after_thread_call,
        )

    def __repr__(self) -> str:
        """Show the key ring's text, which holds no secret."""
        return f"<{type(self).__name__} {self.settings.keys!r}>"

    def _check_policy(self, principal: Principal, policy: Policy | None, now: int) -> Principal:
        if policy is not None:
            if not isinstance(policy, Policy):
                raise ConfigurationError(
                    f"the policy is {type(policy).__name__}; write all_roles('admin') or any_role('a', 'b')"
                )
            if self.settings.roles_disabled and policy.reads_roles:
                raise ConfigurationError(
                    f"a view requires {policy}, and PRAETORIAN_ROLES_DISABLED is True; set it to False"
                )
            self.settings.check_role_names(policy.names)
            check_policy(policy, principal, now)
        return principal

    def _report_refusal(self, error: PraetorianError, now: int) -> None:
        if not isinstance(error, _NOT_ABOUT_A_TOKEN):
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
        label: str | None,
        now: int,
    ) -> Flow[IssuedSession]:
        self._need_users("issue")
        refuse_awaitable("issue", user)
        access = optional_seconds("access_lifespan", access_lifespan)
        refresh = optional_seconds("refresh_lifespan", refresh_lifespan)
        return flows.issue(self._context, user, access, refresh, custom_claims, label, now)

    def _refresh(self, token: str | bytes, access_lifespan: Lifespan | None, now: int) -> Flow[str]:
        self._need_users("refresh")
        refuse_awaitable("refresh", token)
        access = optional_seconds("access_lifespan", access_lifespan)
        return flows.refresh(self._context, token, access, now)

    def _renew(self, token: str, now: int) -> Flow[str]:
        """Return the successor of a token in a cookie, which must fit into the cookie before the token is spent."""
        return flows.refresh(self._context, token, None, now, self.settings.token_cookies().max_token)

    def _confirm(
        self, token: str | bytes, password: object, source: str | None, access_lifespan: Lifespan | None, now: int
    ) -> Flow[str]:
        self._need_users("confirm")
        self._need_passwords("confirm")
        refuse_awaitable("confirm", token)
        access = optional_seconds("access_lifespan", access_lifespan)
        return flows.confirm(self._context, token, password, source, access, now)

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
        seconds = optional_seconds("lifespan", lifespan)
        return flows.issue_action(self._context, user, action, seconds, custom_claims, now)

    def _revoke(self, token: str | bytes, now: int) -> Flow[None]:
        refuse_awaitable("revoke", token)
        return flows.revoke(self._context, token, now)

    def _revoke_user(self, identity: object, keep: str | None, now: int) -> Flow[None]:
        self._check_identity("revoke_user", identity)
        _refuse_token("keep", keep)
        return flows.revoke_user(self._context, identity, keep, now)

    def _sessions(self, identity: object, current: str | None, now: int) -> Flow[list[SessionInfo]]:
        self._check_identity("sessions", identity)
        _refuse_token("current", current)
        return flows.list_sessions(self._context, identity, current, now)

    def _revoke_session(self, identity: object, session_id: str, now: int) -> Flow[bool]:
        self._check_identity("revoke_session", identity)
        return flows.revoke_session(self._context, identity, session_id, now)

    def _check_identity(self, call: str, identity: object) -> None:
        self._context.need_store(call)
        refuse_awaitable(call, identity)
        if looks_like_token(identity):
            raise ConfigurationError(f"{call} was given a token; write revoke(token), or {call}(user.identity)")
        if hasattr(identity, "identity"):
            found = type(identity).__name__
            raise ConfigurationError(f"{call} was given a {found}; write {call}(the {found}'s .identity)")

    def _read_action(self, token: str | bytes, action: str, now: int) -> Flow[Action[object]]:
        self._need_users("read_action")
        refuse_awaitable("read_action", token)
        return flows.read_action(self._context, token, action, now)

    def _redeem_action(self, token: str | bytes, action: str, now: int, *, once: bool) -> Flow[object]:
        self._need_users("redeem_action")
        refuse_awaitable("redeem_action", token)
        return flows.redeem_action(self._context, token, action, now, once=once)

    def _reset_password(self, token: str | bytes, password: object, action: str, now: int) -> Flow[tuple[object, str]]:
        self._need_users("reset_password")
        self._need_passwords("reset_password")
        refuse_awaitable("reset_password", token)
        return flows.reset_password(self._context, token, password, action, now)

    def _load_user(self, principal: Principal) -> Flow[object]:
        self._need_users("load_user")
        _check_principal("load_user", principal)
        return flows.load_user(principal)

    def _issue_ticket(self, principal: Principal, lifespan: Lifespan | None, now: int) -> str:
        _check_principal("issue_ticket", principal)
        return flows.issue_ticket(self._context, principal, optional_seconds("lifespan", lifespan), now)

    def _redeem_ticket(self, ticket: str | bytes, now: int) -> Flow[Principal]:
        refuse_awaitable("redeem_ticket", ticket)
        return flows.redeem_ticket(self._context, ticket, now)

    def _recheck(self, principal: Principal, now: int) -> Flow[int]:
        _check_principal("recheck", principal)
        return flows.recheck(self._context, principal, now)

    def _check_successor(self, principal: Principal, former: Principal | None) -> Principal:
        """Return the principal, if an open connection may have it in the place of the former one."""
        if former is not None and str(principal.identity) != str(former.identity):
            raise MisusedTokenError("the token is of another user than the connection")
        return principal


def _check_principal(call: str, principal: object) -> None:
    refuse_awaitable(call, principal)
    if not isinstance(principal, Principal):
        raise ConfigurationError(f"{call} was given a {type(principal).__name__}; write {call}(guard.verify(token))")


def _refuse_token(name: str, session_id: object) -> None:
    if looks_like_token(session_id):
        raise ConfigurationError(f"{name} was given a token; write {name}=guard.verify(token).session_id")


def _store_name(store: AnyStore | None, settings: Settings) -> str | None:
    if settings.store is not None:
        return f"{settings.store} (PRAETORIAN_STORE)"
    # The stores of this library have it; a store of the application may.
    location: object = getattr(store, "location", None)
    return location if type(location) is str else None


def _store_executor(store: AnyStore | None) -> Executor | None:
    # A MemoryStore never waits; a subclass may. None stands for the MemoryStore that counts logins.
    if store is None or type(store) is MemoryStore:
        return None
    return Executor("the store", threads=_STORE_THREADS, queue=_STORE_QUEUE)
