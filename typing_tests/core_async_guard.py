"""Every public call of ``AsyncGuard``: user classes and stores may be asynchronous or not, the user's type is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praetorian_core import (
    AsyncGuard,
    IssuedSession,
    KeyRing,
    MemoryStore,
    Principal,
    SessionInfo,
    Settings,
    all_roles,
    generate_secret,
)
from praetorian_core.action import Action
from praetorian_core.protocols import AsyncStore, AsyncUserSource, Store, UserSource
from praetorian_core.web.request import RequestInfo

if TYPE_CHECKING:
    from typing_extensions import assert_type


class AsyncUser:
    """A user class whose methods are coroutines."""

    identity = 1
    password = "hash"
    rolenames = ("admin",)

    @classmethod
    async def lookup(cls, username: str) -> AsyncUser | None:
        return cls() if username else None

    @classmethod
    async def identify(cls, identity: int) -> AsyncUser | None:
        return cls() if identity else None


class SyncUser:
    """A user class whose methods are plain functions."""

    identity = 1
    password = "hash"
    rolenames = ("admin",)

    @classmethod
    def lookup(cls, username: str) -> SyncUser | None:
        return cls() if username else None

    @classmethod
    def identify(cls, identity: int) -> SyncUser | None:
        return cls() if identity else None


class DatabaseStore:
    """A store whose verbs are coroutines."""

    async def get(self, *keys: str, now: int) -> list[str | None]:
        return [None for _ in keys]

    async def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        return bool(key and expected != new and expires_at > now)

    async def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        return amount if key and expires_at > now else 0


async def save(user: AsyncUser, hashed: str) -> None:
    assert_type(user.identity, int)
    assert_type(hashed, str)


settings = Settings(keys=KeyRing.from_secret(generate_secret()))
guard = AsyncGuard(AsyncUser, settings, store=DatabaseStore(), save_password=save)
assert_type(guard, AsyncGuard[AsyncUser])
assert_type(AsyncGuard(AsyncUser, settings), AsyncGuard[AsyncUser])
assert_type(AsyncGuard(SyncUser, settings), AsyncGuard[SyncUser])
assert_type(AsyncGuard(SyncUser, settings, store=MemoryStore()), AsyncGuard[SyncUser])
verifier: AsyncGuard[object] = AsyncGuard(None, settings)

# What fits the Protocols.
async_store: AsyncStore = DatabaseStore()
store: Store = MemoryStore()
async_users: AsyncUserSource[AsyncUser] = AsyncUser
users: UserSource[SyncUser] = SyncUser


async def sessions(token: str, user: AsyncUser, principal: Principal) -> None:
    assert_type(await guard.authenticate("alice", "correct horse", source="192.0.2.1"), AsyncUser)
    assert_type(await guard.issue(user, access_lifespan="5 minutes", team="blue"), str)
    assert_type(await guard.verify(token), Principal)
    assert_type(await guard.refresh(token, access_lifespan=60), str)
    assert_type(await guard.confirm(token, "correct horse", source=None, access_lifespan=60), str)
    assert_type(await guard.load_user(principal), AsyncUser)
    await guard.revoke(token)
    await guard.revoke_user(1)
    await guard.revoke_user(1, keep="abc")
    assert_type(await guard.issue_session(user, label="Firefox on Linux", team="blue"), IssuedSession)
    assert_type(await guard.sessions(1, current="abc"), list[SessionInfo])
    assert_type(await guard.revoke_session(1, "abc"), bool)
    assert_type(await verifier.verify(token), Principal)


async def actions(token: str, user: AsyncUser) -> None:
    assert_type(await guard.issue_action(user, "reset", lifespan=60, team="blue"), str)
    assert_type(await guard.redeem_action(token, "reset", once=True), AsyncUser)
    principal = await guard.verify(token)
    assert_type(await guard.issue_ticket(principal, lifespan=10), str)
    assert_type(await guard.redeem_ticket(token), Principal)
    assert_type(await guard.admit_token(token, instead_of=principal), Principal)
    assert_type(await guard.recheck(principal), int)
    assert_type(await guard.read_action(token, "reset"), Action[AsyncUser])
    assert_type(await guard.reset_password(token, "correct horse"), tuple[AsyncUser, str])


async def passwords() -> None:
    assert_type(await guard.hash_password("correct horse"), str)
    assert_type(await guard.verify_password("correct horse", None), bool)


async def requests(view: RequestInfo) -> None:
    assert_type(await guard.admit(view, all_roles("admin")), Principal)
    assert_type(await guard.admit_optional(view, all_roles("admin")), Principal | None)
    assert_type(guard.find_token(view), str)


async def sync_users(threaded: AsyncGuard[SyncUser]) -> None:
    assert_type(await threaded.authenticate("alice", "correct horse"), SyncUser)
