"""The public API under asyncio: ``AsyncGuard`` has the methods of ``Guard`` as coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast, overload

from praetorian_core import flows
from praetorian_core._guard.finding import FindingGuard
from praetorian_core._options import FROM_SETTINGS, SavePassword, Unset
from praetorian_core._wiring import GuardOptions
from praetorian_core.action import Action
from praetorian_core.errors import PraetorianError
from praetorian_core.hash_turn import HashTurn
from praetorian_core.lifespan import Lifespan
from praetorian_core.policy import Policy
from praetorian_core.principal import Principal
from praetorian_core.protocols import AsyncStore, AsyncUserSource, Store, UserSource
from praetorian_core.questions import Flow
from praetorian_core.runner import run_flow_async
from praetorian_core.services import AsyncClosable, Closable
from praetorian_core.session import IssuedSession, SessionInfo
from praetorian_core.settings import Settings
from praetorian_core.stores import by_url
from praetorian_core.token.claims import SessionClaims
from praetorian_core.web.places import FoundToken, TokenPlace
from praetorian_core.web.request import RequestInfo

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

U = TypeVar("U")
T = TypeVar("T")


class AsyncGuard(FindingGuard[U]):
    """A ``Guard`` for asyncio: the same methods as coroutines.

    Methods of the user class and of the store may be coroutine functions, which are awaited, or ordinary functions,
    which run in a thread, as every password hash does.
    """

    # Two overloads, because a type checker cannot solve U from a union of both protocols.
    @overload
    def __init__(
        self,
        users: AsyncUserSource[U],
        settings: Settings,
        *,
        store: Store | AsyncStore | Unset | None = FROM_SETTINGS,
        save_password: SavePassword[U] | None = None,
        after_thread_call: Callable[[], object] | None = None,
        **options: Unpack[GuardOptions],
    ) -> None: ...

    @overload
    def __init__(
        self,
        users: UserSource[U] | None,
        settings: Settings,
        *,
        store: Store | AsyncStore | Unset | None = FROM_SETTINGS,
        save_password: SavePassword[U] | None = None,
        after_thread_call: Callable[[], object] | None = None,
        **options: Unpack[GuardOptions],
    ) -> None: ...

    def __init__(
        self,
        users: UserSource[U] | AsyncUserSource[U] | None,
        settings: Settings,
        *,
        store: Store | AsyncStore | Unset | None = FROM_SETTINGS,
        save_password: SavePassword[U] | None = None,
        after_thread_call: Callable[[], object] | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Check the options and prepare the guard; see ``Guard``.

        Args:
            users: The application's user class; None for a guard that only verifies and revokes.
            settings: The configuration.
            store: See ``Guard``.
            save_password: See ``Guard``.
            after_thread_call: Called after each plain function of the application, in the thread in which that ran and
                whether it returned or raised. Code with thread-local state needs it: with
                ``after_thread_call=Session.remove`` a SQLAlchemy ``scoped_session`` does not keep its transaction, and
                the users that it has read, for a later request.
            options: See ``Guard``.

        Raises:
            ConfigurationError: An option is not usable; the text says what to write.
        """
        super().__init__(
            users,
            settings,
            store=store,
            save_password=save_password,
            open_store=by_url.open_async_store,
            after_thread_call=after_thread_call,
            **options,
        )

    async def hash_password(self, raw: str) -> str:
        """See ``Guard.hash_password``."""
        hasher = self._need_passwords("hash_password")
        turn = HashTurn()
        return await self._services.hash_executor.run(partial(hasher.hash, raw, turn=turn), turn)

    async def verify_password(self, raw: str, hashed: str | None) -> bool:
        """See ``Guard.verify_password``."""
        hasher = self._need_passwords("verify_password")
        turn = HashTurn()
        return await self._services.hash_executor.run(partial(hasher.verify, raw, hashed, turn=turn), turn)

    async def authenticate(self, username: object, password: object, *, source: str | None = None) -> U:
        """See ``Guard.authenticate``."""
        now = self._clock()
        return cast("U", await self._run(self._authenticate(username, password, source, now), now))

    async def issue(
        self,
        user: U,
        /,
        *,
        label: str | None = None,
        access_lifespan: Lifespan | None = None,
        refresh_lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> str:
        """See ``Guard.issue``."""
        session = await self.issue_session(
            user,
            label=label,
            access_lifespan=access_lifespan,
            refresh_lifespan=refresh_lifespan,
            **custom_claims,
        )
        return session.token

    async def issue_session(
        self,
        user: U,
        /,
        *,
        label: str | None = None,
        access_lifespan: Lifespan | None = None,
        refresh_lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> IssuedSession:
        """See ``Guard.issue_session``."""
        now = self._clock()
        flow = self._issue(user, access_lifespan, refresh_lifespan, custom_claims, label, now)
        return await self._run(flow, now)

    async def verify(self, token: str | bytes) -> Principal:
        """See ``Guard.verify``."""
        now = self._clock()
        try:
            return await self._verify(token, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    async def admit(self, request: RequestInfo, policy: Policy | None = None) -> Principal:
        """See ``Guard.admit``."""
        now = self._clock()
        try:
            return self._check_policy(await self._admit(self._places.find(request), request, now), policy, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    async def admit_optional(self, request: RequestInfo, policy: Policy | None = None) -> Principal | None:
        """See ``Guard.admit_optional``."""
        now = self._clock()
        try:
            found = self._find_optional(request)
            return None if found is None else self._check_policy(await self._admit(found, request, now), policy, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    async def refresh(self, token: str | bytes, *, access_lifespan: Lifespan | None = None) -> str:
        """See ``Guard.refresh``."""
        now = self._clock()
        return await self._run_for_token(self._refresh(token, access_lifespan, now), now)

    async def confirm(
        self,
        token: str | bytes,
        password: object,
        *,
        source: str | None = None,
        access_lifespan: Lifespan | None = None,
    ) -> str:
        """See ``Guard.confirm``."""
        now = self._clock()
        return await self._run_for_token(self._confirm(token, password, source, access_lifespan, now), now)

    async def load_user(self, principal: Principal) -> U:
        """See ``Guard.load_user``."""
        now = self._clock()
        return cast("U", await self._run_for_token(self._load_user(principal), now))

    async def revoke(self, token: str | bytes) -> None:
        """See ``Guard.revoke``."""
        now = self._clock()
        await self._run_for_token(self._revoke(token, now), now)

    async def revoke_user(self, identity: object, *, keep: str | None = None) -> None:
        """See ``Guard.revoke_user``."""
        now = self._clock()
        await self._run(self._revoke_user(identity, keep, now), now)

    async def sessions(self, identity: object, *, current: str | None = None) -> list[SessionInfo]:
        """See ``Guard.sessions``."""
        now = self._clock()
        return await self._run(self._sessions(identity, current, now), now)

    async def revoke_session(self, identity: object, session_id: str) -> bool:
        """See ``Guard.revoke_session``."""
        now = self._clock()
        return await self._run(self._revoke_session(identity, session_id, now), now)

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

    async def read_action(self, token: str | bytes, action: str) -> Action[U]:
        """See ``Guard.read_action``."""
        now = self._clock()
        return cast("Action[U]", await self._run_for_token(self._read_action(token, action, now), now))

    async def redeem_action(self, token: str | bytes, action: str, *, once: bool = True) -> U:
        """See ``Guard.redeem_action``."""
        now = self._clock()
        return cast("U", await self._run_for_token(self._redeem_action(token, action, now, once=once), now))

    async def reset_password(self, token: str | bytes, password: object, *, action: str = "reset") -> tuple[U, str]:
        """See ``Guard.reset_password``."""
        now = self._clock()
        flow = self._reset_password(token, password, action, now)
        return cast("tuple[U, str]", await self._run_for_token(flow, now))

    async def issue_ticket(self, principal: Principal, *, lifespan: Lifespan | None = None) -> str:
        """See ``Guard.issue_ticket``."""
        return self._issue_ticket(principal, lifespan, self._clock())

    async def redeem_ticket(self, ticket: str | bytes) -> Principal:
        """See ``Guard.redeem_ticket``."""
        now = self._clock()
        return await self._run_for_token(self._redeem_ticket(ticket, now), now)

    async def admit_token(
        self, token: str | bytes, policy: Policy | None = None, *, instead_of: Principal | None = None
    ) -> Principal:
        """See ``Guard.admit_token``."""
        now = self._clock()
        try:
            principal = self._check_policy(await self._verify(token, now), policy, now)
            return self._check_successor(principal, instead_of)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    async def recheck(self, principal: Principal) -> int:
        """See ``Guard.recheck``."""
        now = self._clock()
        return await self._run_for_token(self._recheck(principal, now), now)

    async def check_store(self) -> None:
        """See ``Guard.check_store``."""
        now = self._clock()
        await self._run(flows.check_store(self._context, now), now)

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and the threads; see ``Guard.close``."""
        store = self._opened_store
        if isinstance(store, AsyncClosable):
            await store.aclose()
        elif isinstance(store, Closable):
            await asyncio.to_thread(store.close)
        self._services.close_threads()

    async def __aenter__(self) -> Self:
        """Return the guard; it is closed at the end of the block."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close the guard."""
        await self.aclose()

    async def _admit(self, found: FoundToken, request: RequestInfo, now: int) -> Principal:
        if found.place is TokenPlace.TICKET:
            return await self._run(self._admit_ticket(found.token, request, now), now)
        claims = self._decode_found(found, request, now)
        if self._must_renew(found, claims, request, now):
            token = await self._run(self._renew(found.token, now), now)
            claims = self._keep_renewal(found.token, token, request, now)
        return await self._grant(claims, now)

    async def _verify(self, token: str | bytes, now: int) -> Principal:
        return await self._grant(self._decode(token, now), now)

    async def _grant(self, claims: SessionClaims, now: int) -> Principal:
        """Return the principal of a genuine token that grants access."""
        self._check_access(claims, now)
        if self._checks_sessions:
            await run_flow_async(flows.check_session(claims, now), self._services, now)
        return claims.principal

    async def _run(self, flow: Flow[T], now: int) -> T:
        return await run_flow_async(flow, self._services, now)

    async def _run_for_token(self, flow: Flow[T], now: int) -> T:
        """Run a flow whose errors are about a presented token."""
        try:
            return await run_flow_async(flow, self._services, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise
