"""Mistakes that type checkers must find: each is marked for both, and a mark without a mistake is an error itself."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from time import time

from praetorian_core import AsyncGuard, Guard, KeyRing, MemoryStore, Principal, Settings, all_roles, any_role
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, as_user


class User:
    """A user class as it should be."""

    identity = 1

    @classmethod
    def lookup(cls, username: str) -> User | None:
        return cls() if username else None

    @classmethod
    def identify(cls, identity: int) -> User | None:
        return cls() if identity else None


class AsyncUser:
    """A user class for asyncio."""

    @classmethod
    async def lookup(cls, username: str) -> AsyncUser | None:
        return cls() if username else None

    @classmethod
    async def identify(cls, identity: int) -> AsyncUser | None:
        return cls() if identity else None


class NoLookup:
    """A user class that can only identify."""

    @classmethod
    def identify(cls, identity: int) -> NoLookup | None:
        return cls() if identity else None


class LookupByNumber:
    """A user class whose users log in with a number."""

    @classmethod
    def lookup(cls, username: int) -> LookupByNumber | None:
        return cls() if username else None

    @classmethod
    def identify(cls, identity: int) -> LookupByNumber | None:
        return cls() if identity else None


class DatabaseStore:
    """A store for asyncio."""

    async def get(self, *keys: str, now: int) -> list[str | None]:
        return [None for _ in keys if now]

    async def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        return bool(key and expected != new and expires_at > now)

    async def increment(self, key: str, amount: int, *, expires_at: int, now: int) -> int:
        return amount if key and expires_at > now else 0


class HalfAStore:
    """A store that cannot count."""

    def get(self, *keys: str, now: int) -> list[str | None]:
        return [None for _ in keys if now]

    def compare_and_set(self, key: str, expected: str | None, new: str, *, expires_at: int, now: int) -> bool:
        return bool(key and expected != new and expires_at > now)


def save_for_others(user: AsyncUser, hashed: str) -> None:
    print(user, hashed)


settings = Settings(keys=KeyRing.from_secret("secret"))
guard = Guard(User, settings)
async_guard = AsyncGuard(AsyncUser, settings)


def building() -> None:
    Guard(NoLookup, settings)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(LookupByNumber, settings)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Guard(User, {"SECRET_KEY": "secret"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User, settings, MemoryStore())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Guard(User, settings, store=DatabaseStore())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User, settings, store=HalfAStore())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User, settings, store="memory://")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User, settings, throttle=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User, settings, passwords="argon2id")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User, settings, clock=time)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User, settings, on_event=FrozenClock())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Guard(User, settings, save_password=save_for_others)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncGuard(NoLookup, settings)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    AsyncGuard(User, settings, store=HalfAStore())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


def calling(user: User, principal: Principal, token: str) -> None:
    guard.authenticate("alice")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.authenticate("alice", "correct horse", "192.0.2.1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.issue(user=user)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.issue("alice")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    guard.issue(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    guard.issue(user, access_lifespan=1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    guard.verify(token.split("."))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    guard.verify(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    guard.refresh(token, "5 minutes")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.load_user(token)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    guard.issue_action(user)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.issue_action(user, action="reset")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.redeem_action(token)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.redeem_action(token, "reset", False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.admit(principal)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    guard.admit(token)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    principal.role = "admin"  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    principal.identity = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    principal.claims["team"] = "blue"  # type: ignore[index]  # pyright: ignore[reportIndexIssue]


def other_users(row: MemoryUser, rows: Guard[MemoryUser], user: User, token: str) -> None:
    guard.issue(row)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rows.issue(user)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    as_user(rows, user)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    found: User = rows.redeem_action(token, "reset")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(found)


async def awaiting(token: str) -> None:
    async_guard.verify(token)  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    guard.load_user(async_guard.verify(token))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await guard.verify(token)  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    user: User = await async_guard.authenticate("alice", "correct horse")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(user)


def settling(ring: KeyRing) -> None:
    Settings()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Settings(ring)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    Settings(keys="secret")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Settings(keys=ring, access_lifespan=1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Settings(keys=ring, store_eviction="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Settings(keys=ring, roles=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Settings(keys=ring, leeway="10 seconds")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Settings(keys=ring, check_sessions="never")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Settings(keys=ring, layout="STANDARD")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Settings(keys=ring, acess_lifespan=900)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    settings.leeway = 60  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    KeyRing.from_pem("pem")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    KeyRing.from_pem("pem", "RS256")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    KeyRing.from_secret(1234)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    KeyRing("secret")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def demanding(principal: Principal) -> None:
    all_roles(["admin"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    any_role(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(all_roles("admin") & "editor")  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownArgumentType]
    print(all_roles("admin") - any_role("editor"))  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownArgumentType]
    principal.roles.clear()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def testing(users: MemoryUsers) -> None:
    users.add(User())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MemoryUser(1, "alice")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
