"""The front door: one object that holds everything a team chose, with one method for everything that can happen.

``Guard`` answers a flow's questions directly, ``AsyncGuard`` awaits; what happens in which order is the same, because
it is the same flow. A check on access without a store asks nobody anything and is a straight line.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Generic, Literal, NoReturn, TypeAlias, TypeVar, cast, overload

from praetorian_core import flows
from praetorian_core.clock import Clock, system_clock
from praetorian_core.errors import (
    ConfigurationError,
    MissingTokenError,
    PraetorianError,
    ServiceUnavailableError,
)
from praetorian_core.events import Sink, TokenRefused, log_event
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.policy import Policy, check_policy
from praetorian_core.principal import Principal
from praetorian_core.protocols import AsyncStore, AsyncUserSource, Store, UserSource
from praetorian_core.questions import Flow
from praetorian_core.runner import HashExecutor, Services, Users, read_now, run_flow, run_flow_async
from praetorian_core.settings import Settings
from praetorian_core.stores import by_url
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.token.claims import SessionClaims
from praetorian_core.token.codec import TokenCodec
from praetorian_core.token.lifecycle import check_access
from praetorian_core.web.bearer import TokenPlaces
from praetorian_core.web.request import RequestInfo

U = TypeVar("U")
T = TypeVar("T")


class _FromSettings(enum.Enum):
    """Tells "left out" from ``None``, which means "off"."""

    FROM_SETTINGS = enum.auto()

    def __repr__(self) -> str:
        return "FROM_SETTINGS"


FROM_SETTINGS: Final = _FromSettings.FROM_SETTINGS
Unset: TypeAlias = Literal[_FromSettings.FROM_SETTINGS]
SavePassword: TypeAlias = Callable[[U, str], object]


class _BaseGuard(Generic[U]):
    """What both guards have in common: everything but who waits."""

    def __init__(
        self,
        users: Users | None,
        settings: Settings,
        *,
        store: Store | AsyncStore | Unset | None,
        throttle: LoginThrottle | Unset | None,
        passwords: PasswordHasher | Unset | None,
        clock: Clock,
        on_event: Sink | None,
        save_password: SavePassword[U] | None,
        open_store: Callable[[str, float], Store | AsyncStore],
    ) -> None:
        _check_settings(settings)
        _check_clock(clock)
        _check_callbacks(on_event, save_password)
        store = _choose_store(store, settings, open_store)
        throttle = _choose_throttle(throttle, settings, users)
        passwords = _choose_passwords(passwords, users)
        self.settings: Final = settings
        self._users = users
        self._passwords = passwords
        self._clock = clock
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
        self._asks_on_access: Final = store is not None and settings.check_sessions == "always"
        # What is None here is never asked: the methods below and the flows refuse before.
        self._services: Final = Services(
            users=cast("Users", users),
            validation_method=settings.validation_method,
            with_roles=not settings.roles_disabled,
            passwords=cast("PasswordHasher", passwords),
            store=MemoryStore() if store is None else store,
            save_password=cast("Callable[[NoReturn, str], object]", save_password),
            on_event=log_event if on_event is None else on_event,
            hash_executor=cast("HashExecutor", None if passwords is None else HashExecutor(passwords)),
            store_timeout=settings.store_timeout,
        )

    def __repr__(self) -> str:
        """Name the guard without anything of what it keeps."""
        return f"<{type(self).__name__} {self.settings.keys!r}>"

    def find_token(self, view: RequestInfo) -> str:
        """Return the raw token of a request, unjudged: what a refresh route hands to ``refresh``.

        Raises:
            MissingTokenError: The request carries none.
            MalformedHeaderError: The header does not carry exactly one.

        See:
            RFC 6750 §2.1.
        """
        return self._places.find(view)

    def _open(self, token: str, now: int) -> SessionClaims:
        """Judge a token for access, as far as that goes without a store."""
        try:
            claims = self._codec.decode(token, now)
            if type(claims) is not SessionClaims:
                # Raises: the flow says what is wrong with it.
                claims = flows.read_session(self._context, token, now)
        except ServiceUnavailableError as error:
            self._services.report(str(error), error, now)
            raise
        check_access(claims.principal, now, self.settings.leeway)
        return claims

    def _refused(self, error: PraetorianError, now: int) -> None:
        # What is wrong with us is told elsewhere: a failed call by its driver, a configuration by its error.
        if not isinstance(error, ConfigurationError | ServiceUnavailableError):
            self._services.announce(TokenRefused(at=now, code=error.code, detail=str(error)))

    def _judge(self, principal: Principal, policy: Policy | None) -> Principal:
        if policy is not None:
            if self.settings.roles_disabled:
                detail = f"a view demands {policy}, and PRAETORIAN_ROLES_DISABLED is True; set it to False"
                raise ConfigurationError(detail)
            if not isinstance(policy, Policy):
                detail = f"the policy is {type(policy).__name__}; write all_roles('admin') or any_role('a', 'b')"
                raise ConfigurationError(detail)
            check_policy(policy, principal)
        return principal

    def _find_optional(self, request: RequestInfo) -> str | None:
        try:
            return self._places.find(request)
        except MissingTokenError:
            return None

    def _need_users(self, call: str) -> None:
        if self._users is None:
            detail = f"{call} needs users, and this guard has none; write {type(self).__name__}(User, settings)"
            raise ConfigurationError(detail)

    def _hasher(self, call: str) -> PasswordHasher:
        if self._passwords is None:
            detail = f"{call} needs passwords, and this guard has none; write passwords=PasswordHasher()"
            raise ConfigurationError(detail)
        return self._passwords

    def _authenticate(self, username: object, password: object, source: str | None, now: int) -> Flow[object]:
        self._need_users("authenticate")
        self._hasher("authenticate")
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
        access = _optional_seconds("access_lifespan", access_lifespan)
        refresh = _optional_seconds("refresh_lifespan", refresh_lifespan)
        return flows.issue(self._context, user, access, refresh, custom_claims, now)

    def _refresh(self, token: str, access_lifespan: Lifespan | None, now: int) -> Flow[str]:
        self._need_users("refresh")
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
        life = _optional_seconds("lifespan", lifespan)
        return flows.issue_action(self._context, user, action, life, custom_claims, now)

    def _redeem_action(self, token: str, action: str, now: int, *, once: bool) -> Flow[object]:
        self._need_users("redeem_action")
        return flows.redeem_action(self._context, token, action, now, once=once)

    def _load_user(self, principal: Principal) -> Flow[object]:
        self._need_users("load_user")
        return flows.load_user(principal)


class Guard(_BaseGuard[U]):
    """Guards an API: issues, verifies, refreshes and revokes tokens for the users of one application.

    Build one an application and keep it: it is immutable, and safe to share between threads.

    Example::

        guard = Guard(User, Settings(keys=KeyRing.from_secret(secret)))
        token = guard.issue(guard.authenticate("alice", "correct horse battery staple"))
        principal = guard.verify(token)
    """

    def __init__(
        self,
        users: UserSource[U] | None,
        settings: Settings,
        *,
        store: Store | Unset | None = FROM_SETTINGS,
        throttle: LoginThrottle | Unset | None = FROM_SETTINGS,
        passwords: PasswordHasher | Unset | None = FROM_SETTINGS,
        clock: Clock = system_clock,
        on_event: Sink | None = None,
        save_password: SavePassword[U] | None = None,
    ) -> None:
        """Prepare everything that can be prepared, and refuse what cannot work.

        Args:
            users: The application's user class; None for a guard that only verifies and revokes.
            settings: What the operator chose.
            store: Where sessions are remembered; None for nowhere, left out for what the settings say.
            throttle: How logins are slowed; None for not at all, left out for the defaults on the guard's store.
            passwords: The hasher; None for none, left out for argon2id at the cost of RFC 9106's second profile.
            clock: Returns the present in whole seconds since the epoch.
            on_event: Is told what happens; left out it is written to the logger ``praetorian``.
            save_password: Stores a user's new hash when a login finds an outdated one; left out nothing is renewed.

        Raises:
            ConfigurationError: Something cannot work; the text says what to write.
        """
        _check_settings(settings)
        _refuse_coroutines(
            {
                "lookup": getattr(users, "lookup", None),
                "identify": getattr(users, "identify", None),
                settings.validation_method: getattr(users, settings.validation_method, None),
                "save_password": save_password,
                "store.get": getattr(store, "get", None),
            }
        )
        _check_users(users)
        super().__init__(
            users,
            settings,
            store=store,
            throttle=throttle,
            passwords=passwords,
            clock=clock,
            on_event=on_event,
            save_password=save_password,
            open_store=by_url.open_store,
        )

    def hash_password(self, raw: str) -> str:
        """Return the hash to store for a new password.

        Args:
            raw: The password, used exactly as it is.

        Raises:
            WeakPasswordError: The password breaks the rules for new ones.
            ServiceUnavailableError: Hashing is full.
            ConfigurationError: The guard has no hasher.

        See:
            RFC 9106 §4.
        """
        return self._hasher("hash_password").hash(raw)

    def verify_password(self, raw: str, hashed: str | None) -> bool:
        """Tell whether a password fits a stored hash, at the same cost whatever is handed in.

        Args:
            raw: What was presented.
            hashed: What is stored, or None where there is no user.

        Raises:
            ServiceUnavailableError: Hashing is full.
            ConfigurationError: The guard has no hasher.
        """
        return self._hasher("verify_password").verify(raw, hashed)

    def authenticate(self, username: object, password: object, *, source: str | None = None) -> U:
        """Return the user who proved name and password.

        Args:
            username: What ``User.lookup`` is asked for.
            password: What was presented, used exactly as it is.
            source: The client's address as the framework trusts it; None to count by account alone.

        Raises:
            AuthenticationError: Unknown name, wrong password or disabled account, which are not told apart.
            LoginThrottledError: There were too many attempts; nothing was looked up.
            ServiceUnavailableError: A call that the decision depends on failed, or hashing is full.

        See:
            ASVS 6.3.8, SP 800-63B-4 §3.2.2.
        """
        now = self._clock()
        return cast("U", self._run(self._authenticate(username, password, source, now), now))

    def issue(
        self,
        user: U,
        /,
        *,
        access_lifespan: Lifespan | None = None,
        refresh_lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> str:
        """Return the first token of a new session.

        Args:
            user: Who logged in.
            access_lifespan: In place of the configured one, in seconds or as any ``Lifespan``; cut at the end of the
                refresh lifespan.
            refresh_lifespan: In place of the configured one; with a store at most that one.
            custom_claims: JSON values that travel in the token, readable by whoever holds it.

        Raises:
            MissingUserError: ``user`` is None.
            InvalidUserError: The user may not act.
            ClaimCollisionError: A custom claim takes a reserved name, in some letter case.
            ClaimValueError: A custom claim is no JSON value.
            ConfigurationError: The keys only verify, or the user or a lifespan cannot be used.

        See:
            RFC 7519 §7.1.
        """
        now = self._clock()
        return self._run(self._issue(user, access_lifespan, refresh_lifespan, custom_claims, now), now)

    def verify(self, token: str) -> Principal:
        """Return who acts, if the token opens routes now. No user store is asked.

        Args:
            token: The compact serialization.

        Raises:
            InvalidTokenError: The token is not genuine.
            MisusedTokenError: It is an action token.
            ExpiredAccessError: Its access lifespan is over; a refresh may help.
            ExpiredRefreshError: Both lifespans are over; only a login helps.
            RevokedTokenError: Its session was ended (with a store only).
            ServiceUnavailableError: The store failed.

        See:
            RFC 7519 §7.2, RFC 8725 §3.
        """
        now = self._clock()
        try:
            claims = self._open(token, now)
            if self._asks_on_access:
                self._check_session(claims, now)
        except PraetorianError as error:
            self._refused(error, now)
            raise
        return claims.principal

    def admit(self, request: RequestInfo, policy: Policy | None = None) -> Principal:
        """Return the principal of a request that carries a valid token.

        Args:
            request: The request.
            policy: The required roles; None for any principal.

        Raises:
            MissingTokenError: The request carries no token.
            MalformedHeaderError: The header does not hold exactly one token.
            MissingRoleError: The roles do not satisfy the policy.
            PraetorianError: Every error of ``verify``.

        See:
            RFC 6750 §2.1, §3.1.
        """
        now = self._clock()
        try:
            return self._admit(self._places.find(request), policy, now)
        except PraetorianError as error:
            self._refused(error, now)
            raise

    def admit_optional(self, request: RequestInfo, policy: Policy | None = None) -> Principal | None:
        """Return the principal of a request, or None if the request carries no token.

        A token that is presented must be valid and satisfy the policy.

        Args:
            request: The request.
            policy: The required roles; None for any principal.

        Raises:
            PraetorianError: Every error of ``admit`` except ``MissingTokenError``.

        See:
            RFC 6750 §2.1, §3.1.
        """
        now = self._clock()
        try:
            token = self._find_optional(request)
            return None if token is None else self._admit(token, policy, now)
        except PraetorianError as error:
            self._refused(error, now)
            raise

    def _admit(self, token: str, policy: Policy | None, now: int) -> Principal:
        claims = self._open(token, now)
        if self._asks_on_access:
            self._check_session(claims, now)
        return self._judge(claims.principal, policy)

    def refresh(self, token: str, *, access_lifespan: Lifespan | None = None) -> str:
        """Exchange a token whose access is over for its successor, which ends when its predecessor would have.

        The user is loaded again and must still exist and be valid; roles are read anew; custom claims are carried over.

        Args:
            token: The compact serialization.
            access_lifespan: In place of the configured one, in seconds or as any ``Lifespan``.

        Raises:
            InvalidTokenError: The token is not genuine.
            MisusedTokenError: It is an action token.
            EarlyRefreshError: It still opens routes.
            ExpiredRefreshError: Its refresh lifespan is over; only a login helps.
            RevokedTokenError: Its session was ended.
            ReusedTokenError: It had been refreshed before (with a store only).
            MissingUserError: The user is gone.
            InvalidUserError: The user may no longer act.
            ServiceUnavailableError: A call that the decision depends on failed.

        See:
            RFC 9700 §4.14.2 for what a store adds.
        """
        now = self._clock()
        return self._run(self._refresh(token, access_lifespan, now), now, refuses_tokens=True)

    def load_user(self, principal: Principal) -> U:
        """Return the user behind a principal, loaded anew.

        Raises:
            MissingUserError: The user is gone.
            InvalidUserError: The user may no longer act.
            ServiceUnavailableError: The user class failed.
        """
        now = self._clock()
        return cast("U", self._run(self._load_user(principal), now, refuses_tokens=True))

    def revoke(self, token: str) -> None:
        """End the session of a token on every machine at once; of an action token, spend it.

        An expired token will do, and a session that is over already stays over.

        Args:
            token: The compact serialization.

        Raises:
            InvalidTokenError: The token is not genuine; nothing changed.
            ConfigurationError: There is no store.
            ServiceUnavailableError: The store failed.

        See:
            RFC 7009 §2.
        """
        now = self._clock()
        self._run(flows.revoke(self._context, token, now), now, refuses_tokens=True)

    def revoke_user(self, identity: object) -> None:
        """End every session of a user that was issued before this call, and none that is issued after.

        Args:
            identity: What ``user.identity`` is.

        Raises:
            ConfigurationError: There is no store.
            ServiceUnavailableError: The store failed.

        See:
            ASVS 7.4.2.
        """
        now = self._clock()
        self._run(flows.revoke_user(self._context, identity, now), now)

    def issue_action(
        self,
        user: U,
        action: str,
        /,
        *,
        lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> str:
        """Return a token that is good for one action of one user; the user's validity is not asked.

        Args:
            user: For whom.
            action: Which action, such as ``registration``. A token for ``reset`` dies with the stored
                password (in the layout ``STANDARD``; flask-praetorian's has no room for that).
            lifespan: In place of 15 minutes, in seconds or as any ``Lifespan``.
            custom_claims: JSON values that travel in the token.

        Raises:
            MissingUserError: ``user`` is None.
            ClaimCollisionError: A custom claim takes a reserved name.
            ClaimValueError: A custom claim is no JSON value.
            ConfigurationError: The keys only verify, or the user, the action or the lifespan cannot be used.

        See:
            RFC 8725 §3.11.
        """
        now = self._clock()
        return self._run(self._issue_action(user, action, lifespan, custom_claims, now), now)

    def redeem_action(self, token: str, action: str, *, once: bool = True) -> U:
        """Return the user of an action token and spend the token, last of all.

        Args:
            token: The compact serialization.
            action: Which action is about to happen.
            once: Whether a second redemption must fail; False only where a repetition harms nobody.

        Raises:
            InvalidTokenError: The token is not genuine.
            MisusedTokenError: It is a session token, or for another action.
            ExpiredActionError: It is too late.
            ReusedTokenError: It was spent before.
            RevokedTokenError: The password that it was to replace has changed.
            MissingUserError: The user is gone.
            ConfigurationError: It has to be spent and there is no store; the text names both ways out.
            ServiceUnavailableError: A call that the decision depends on failed.
        """
        now = self._clock()
        flow = self._redeem_action(token, action, now, once=once)
        return cast("U", self._run(flow, now, refuses_tokens=True))

    def _check_session(self, claims: SessionClaims, now: int) -> None:
        """Do what the flow ``check_session`` does, in a straight line."""
        principal = claims.principal
        values = read_now(self._services, flows.access_keys(principal.identity, principal.session_id), now)
        try:
            flows.judge_session(claims, values)
        except ServiceUnavailableError as error:
            self._services.report(str(error), error, now)
            raise

    def _run(self, flow: Flow[T], now: int, *, refuses_tokens: bool = False) -> T:
        try:
            return run_flow(flow, self._services, now)
        except PraetorianError as error:
            if refuses_tokens:
                self._refused(error, now)
            raise


class AsyncGuard(_BaseGuard[U]):
    """A ``Guard`` for asyncio: the same methods as coroutines.

    Methods of the user class and of the store may be coroutines, which are awaited, or ordinary functions, which run in
    a thread, as every password hash does.
    """

    @overload
    def __init__(
        self,
        users: AsyncUserSource[U],
        settings: Settings,
        *,
        store: Store | AsyncStore | Unset | None = FROM_SETTINGS,
        throttle: LoginThrottle | Unset | None = FROM_SETTINGS,
        passwords: PasswordHasher | Unset | None = FROM_SETTINGS,
        clock: Clock = system_clock,
        on_event: Sink | None = None,
        save_password: SavePassword[U] | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        users: UserSource[U] | None,
        settings: Settings,
        *,
        store: Store | AsyncStore | Unset | None = FROM_SETTINGS,
        throttle: LoginThrottle | Unset | None = FROM_SETTINGS,
        passwords: PasswordHasher | Unset | None = FROM_SETTINGS,
        clock: Clock = system_clock,
        on_event: Sink | None = None,
        save_password: SavePassword[U] | None = None,
    ) -> None: ...

    def __init__(
        self,
        users: UserSource[U] | AsyncUserSource[U] | None,
        settings: Settings,
        *,
        store: Store | AsyncStore | Unset | None = FROM_SETTINGS,
        throttle: LoginThrottle | Unset | None = FROM_SETTINGS,
        passwords: PasswordHasher | Unset | None = FROM_SETTINGS,
        clock: Clock = system_clock,
        on_event: Sink | None = None,
        save_password: SavePassword[U] | None = None,
    ) -> None:
        """Prepare everything that can be prepared, and refuse what cannot work.

        Args:
            users: The application's user class; None for a guard that only verifies and revokes.
            settings: What the operator chose.
            store: Where sessions are remembered; None for nowhere, left out for what the settings say.
            throttle: How logins are slowed; None for not at all, left out for the defaults on the guard's store.
            passwords: The hasher; None for none, left out for argon2id at the cost of RFC 9106's second profile.
            clock: Returns the present in whole seconds since the epoch.
            on_event: Is told what happens; left out it is written to the logger ``praetorian``.
            save_password: Stores a user's new hash when a login finds an outdated one; left out nothing is renewed.

        Raises:
            ConfigurationError: Something cannot work; the text says what to write.
        """
        _check_users(users)
        super().__init__(
            users,
            settings,
            store=store,
            throttle=throttle,
            passwords=passwords,
            clock=clock,
            on_event=on_event,
            save_password=save_password,
            open_store=by_url.open_async_store,
        )

    async def hash_password(self, raw: str) -> str:
        """See ``Guard.hash_password``."""
        hasher = self._hasher("hash_password")
        return await self._services.hash_executor.run(partial(hasher.hash, raw))

    async def verify_password(self, raw: str, hashed: str | None) -> bool:
        """See ``Guard.verify_password``."""
        hasher = self._hasher("verify_password")
        return await self._services.hash_executor.run(partial(hasher.verify, raw, hashed))

    async def authenticate(self, username: object, password: object, *, source: str | None = None) -> U:
        """See ``Guard.authenticate``."""
        now = self._clock()
        return cast("U", await self._run(self._authenticate(username, password, source, now), now))

    async def issue(
        self,
        user: U,
        /,
        *,
        access_lifespan: Lifespan | None = None,
        refresh_lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> str:
        """See ``Guard.issue``."""
        now = self._clock()
        return await self._run(self._issue(user, access_lifespan, refresh_lifespan, custom_claims, now), now)

    async def verify(self, token: str) -> Principal:
        """See ``Guard.verify``."""
        now = self._clock()
        try:
            claims = self._open(token, now)
            if self._asks_on_access:
                await run_flow_async(flows.check_session(claims, now), self._services, now)
        except PraetorianError as error:
            self._refused(error, now)
            raise
        return claims.principal

    async def admit(self, request: RequestInfo, policy: Policy | None = None) -> Principal:
        """See ``Guard.admit``."""
        now = self._clock()
        try:
            return await self._admit(self._places.find(request), policy, now)
        except PraetorianError as error:
            self._refused(error, now)
            raise

    async def admit_optional(self, request: RequestInfo, policy: Policy | None = None) -> Principal | None:
        """See ``Guard.admit_optional``."""
        now = self._clock()
        try:
            token = self._find_optional(request)
            return None if token is None else await self._admit(token, policy, now)
        except PraetorianError as error:
            self._refused(error, now)
            raise

    async def _admit(self, token: str, policy: Policy | None, now: int) -> Principal:
        claims = self._open(token, now)
        if self._asks_on_access:
            await run_flow_async(flows.check_session(claims, now), self._services, now)
        return self._judge(claims.principal, policy)

    async def refresh(self, token: str, *, access_lifespan: Lifespan | None = None) -> str:
        """See ``Guard.refresh``."""
        now = self._clock()
        return await self._run(self._refresh(token, access_lifespan, now), now, refuses_tokens=True)

    async def load_user(self, principal: Principal) -> U:
        """See ``Guard.load_user``."""
        now = self._clock()
        return cast("U", await self._run(self._load_user(principal), now, refuses_tokens=True))

    async def revoke(self, token: str) -> None:
        """See ``Guard.revoke``."""
        now = self._clock()
        await self._run(flows.revoke(self._context, token, now), now, refuses_tokens=True)

    async def revoke_user(self, identity: object) -> None:
        """See ``Guard.revoke_user``."""
        now = self._clock()
        await self._run(flows.revoke_user(self._context, identity, now), now)

    async def issue_action(
        self,
        user: U,
        action: str,
        /,
        *,
        lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> str:
        """See ``Guard.issue_action``."""
        now = self._clock()
        return await self._run(self._issue_action(user, action, lifespan, custom_claims, now), now)

    async def redeem_action(self, token: str, action: str, *, once: bool = True) -> U:
        """See ``Guard.redeem_action``."""
        now = self._clock()
        flow = self._redeem_action(token, action, now, once=once)
        return cast("U", await self._run(flow, now, refuses_tokens=True))

    async def _run(self, flow: Flow[T], now: int, *, refuses_tokens: bool = False) -> T:
        try:
            return await run_flow_async(flow, self._services, now)
        except PraetorianError as error:
            if refuses_tokens:
                self._refused(error, now)
            raise


def _check_settings(settings: object) -> None:
    if not isinstance(settings, Settings):
        detail = f"settings is {type(settings).__name__}; expected Settings(keys=KeyRing.from_secret(secret))"
        raise ConfigurationError(detail)


def _check_callbacks(on_event: object, save_password: object) -> None:
    for name, call in (("on_event", on_event), ("save_password", save_password)):
        if call is not None and not callable(call):
            detail = f"{name} is {type(call).__name__}; expected a function, or None"
            raise ConfigurationError(detail)
    if inspect.iscoroutinefunction(on_event):
        # Events are told from plain code as well, so nobody could await it.
        detail = "on_event is a coroutine function; write a plain one that hands the event on, to a queue say"
        raise ConfigurationError(detail)


def _check_clock(clock: Clock) -> None:
    if not callable(clock):
        detail = f"the clock is {type(clock).__name__}; expected a function that returns whole seconds as an int"
        raise ConfigurationError(detail)
    reading: object = clock()
    if inspect.iscoroutine(reading):
        # Nobody will await it, and the interpreter would say so at some later moment.
        reading.close()
    if type(reading) is not int:
        detail = f"the clock says {type(reading).__name__}; expected a function that returns whole seconds as an int"
        raise ConfigurationError(detail)


def _check_users(users: object) -> None:
    if users is None:
        return
    for name, parameter in (("lookup", "username"), ("identify", "identity")):
        if not callable(getattr(users, name, None)):
            who = getattr(users, "__name__", type(users).__name__)
            detail = f"{who} has no method {name!r}; write: @classmethod def {name}(cls, {parameter}) -> {who} | None"
            raise ConfigurationError(detail)
        if isinstance(users, type) and inspect.isfunction(inspect.getattr_static(users, name)):
            detail = f"{users.__name__}.{name} is called on the class; write @classmethod above it"
            raise ConfigurationError(detail)


def _refuse_coroutines(calls: Mapping[str, object]) -> None:
    for name, call in calls.items():
        if inspect.iscoroutinefunction(call):
            detail = f"{name} is a coroutine function; a Guard calls plain ones: write AsyncGuard, or drop the async"
            raise ConfigurationError(detail)


def _choose_store(
    store: Store | AsyncStore | Unset | None,
    settings: Settings,
    open_store: Callable[[str, float], Store | AsyncStore],
) -> Store | AsyncStore | None:
    if store is FROM_SETTINGS:
        store = None if settings.store is None else open_store(settings.store, settings.store_timeout)
    elif settings.store is not None:
        detail = "both store= and PRAETORIAN_STORE are given; leave one of them out"
        raise ConfigurationError(detail)
    if store is None and settings.check_sessions != "always":
        detail = "PRAETORIAN_CHECK_SESSIONS is 'refresh', which needs a store; set PRAETORIAN_STORE"
        raise ConfigurationError(detail)
    for verb in ("get", "compare_and_set", "increment"):
        if store is not None and not callable(getattr(store, verb, None)):
            detail = (
                f"store is {type(store).__name__}, which has no {verb!r}; expected a praetorian_core.protocols.Store"
            )
            raise ConfigurationError(detail)
    return store


def _choose_throttle(
    throttle: LoginThrottle | Unset | None, settings: Settings, users: Users | None
) -> LoginThrottle | None:
    if throttle is FROM_SETTINGS:
        return LoginThrottle() if settings.throttle and users is not None else None
    if throttle is not None and not settings.throttle:
        detail = "throttle= is given and PRAETORIAN_THROTTLE is False; leave one of them out"
        raise ConfigurationError(detail)
    if throttle is not None and not isinstance(throttle, LoginThrottle):
        detail = f"throttle is {type(throttle).__name__}; expected a LoginThrottle, or None for off"
        raise ConfigurationError(detail)
    return throttle


def _choose_passwords(passwords: PasswordHasher | Unset | None, users: Users | None) -> PasswordHasher | None:
    if passwords is FROM_SETTINGS:
        return None if users is None else PasswordHasher()
    if passwords is not None and not isinstance(passwords, PasswordHasher):
        detail = f"passwords is {type(passwords).__name__}; expected a PasswordHasher, or None for none"
        raise ConfigurationError(detail)
    return passwords


def _optional_seconds(name: str, lifespan: Lifespan | None) -> int | None:
    return None if lifespan is None else parse_lifespan(lifespan, name=name)
