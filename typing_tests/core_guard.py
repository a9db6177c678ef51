"""Every public call of ``Guard``, as type checkers must accept it: the user's own type goes in and comes out.

Nothing here runs: mypy and pyright read it (`nox -s typing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from praetorian_core import (
    Guard,
    IssuedSession,
    KeyRing,
    LoginThrottle,
    MemoryStore,
    PasswordHasher,
    Principal,
    SessionInfo,
    Settings,
    all_roles,
    any_role,
    generate_secret,
)
from praetorian_core.action import Action
from praetorian_core.clock import system_clock
from praetorian_core.events import Event
from praetorian_core.web.request import Redemption, Renewal

if TYPE_CHECKING:
    from typing_extensions import assert_type


class User:
    """A user class as the design describes it, by class methods."""

    def __init__(self, identity: int, password: str, rolenames: list[str]) -> None:
        self.identity = identity
        self.password = password
        self.rolenames = rolenames

    @classmethod
    def lookup(cls, username: str) -> User | None:
        return None if not username else cls(1, "", [])

    @classmethod
    def identify(cls, identity: int) -> User | None:
        return cls(identity, "", [])

    def is_valid(self) -> bool:
        return True


class Row:
    """Another user class: static methods, a UUID, and a database's ideas of attributes."""

    identity: UUID
    password: str | None
    rolenames: Sequence[str]

    @staticmethod
    def lookup(name: str) -> Row:
        raise LookupError(name)

    @staticmethod
    def identify(key: UUID) -> Row | None:
        raise LookupError(key)


class Repository:
    """Not the user class itself but an object that finds users."""

    def lookup(self, username: str, /) -> User | None:
        return User.lookup(username)

    def identify(self, identity: object, /) -> User | None:
        return User.identify(identity) if isinstance(identity, int) else None


class View:
    """A request as an adapter shows it."""

    method = "GET"
    remote: str | None = None
    is_websocket = False
    query = ""
    renewal: Renewal | None = None
    redemption: Redemption | None = None

    def header(self, name: str) -> str | None:
        return None

    def headers(self, name: str) -> list[str]:
        return []


def save(user: User, hashed: str) -> None:
    user.password = hashed


def on_event(event: Event) -> None:
    assert_type(event.at, int)


settings = Settings(keys=KeyRing.from_secret(generate_secret()))
guard = Guard(User, settings)
assert_type(guard, Guard[User])
assert_type(Guard(Row, settings), Guard[Row])
assert_type(Guard(Repository(), settings), Guard[User])
assert_type(
    Guard(
        User,
        settings,
        store=MemoryStore(),
        throttle=LoginThrottle(),
        passwords=PasswordHasher(),
        clock=system_clock,
        on_event=on_event,
        save_password=save,
    ),
    Guard[User],
)
assert_type(Guard(User, settings, store=None, throttle=None, passwords=None, clock=lambda: 0), Guard[User])
assert_type(Guard(User, settings, on_event=print, save_password=lambda user, hashed: hashed), Guard[User])

# A guard without users verifies and revokes.
verifier: Guard[object] = Guard(None, settings)
assert_type(verifier.verify("token"), Principal)

assert_type(guard.settings, Settings)
assert_type(guard.hash_password("correct horse"), str)
assert_type(guard.verify_password("correct horse", "hash"), bool)
assert_type(guard.verify_password("correct horse", None), bool)


def sessions(token: str, user: User, principal: Principal) -> None:
    assert_type(guard.authenticate("alice", "correct horse"), User)
    assert_type(guard.authenticate("alice", "correct horse", source="192.0.2.1"), User)
    assert_type(guard.authenticate("alice", "correct horse", source=None), User)

    assert_type(guard.issue(user), str)
    assert_type(guard.issue(user, access_lifespan=timedelta(minutes=5), refresh_lifespan="1 day, 2 hours"), str)
    assert_type(guard.issue(user, access_lifespan={"minutes": 5}, refresh_lifespan=86_400), str)
    assert_type(guard.issue(user, team="blue", level=[1, {"deep": None}]), str)
    assert_type(guard.issue(user, label="Firefox on Linux", team="blue"), str)
    assert_type(guard.issue(user, label=None), str)
    assert_type(guard.issue_session(user, label="Firefox on Linux", access_lifespan=60, team="blue"), IssuedSession)
    assert_type(guard.issue_session(user).token, str)
    assert_type(guard.issue_session(user).session_id, str)
    assert_type(guard.issue_session(user).principal, Principal)

    assert_type(guard.verify(token), Principal)
    assert_type(guard.refresh(token), str)
    assert_type(guard.refresh(token, access_lifespan="5 minutes"), str)
    assert_type(guard.confirm(token, "correct horse"), str)
    assert_type(guard.confirm(token, None, source="192.0.2.1", access_lifespan="5 minutes"), str)
    assert_type(guard.load_user(principal), User)
    guard.revoke(token)
    guard.revoke_user(user.identity)
    guard.revoke_user(UUID(int=1))
    guard.revoke_user(user.identity, keep=principal.session_id)
    assert_type(guard.revoke_session(user.identity, principal.session_id), bool)
    assert_type(guard.sessions(user.identity), list[SessionInfo])
    for session in guard.sessions(user.identity, current=principal.session_id):
        assert_type(session.session_id, str)
        assert_type(session.refreshed_at, int | None)
        assert_type(session.label, str | None)
        assert_type(session.is_current, bool)


def actions(token: str, user: User) -> None:
    assert_type(guard.issue_action(user, "registration"), str)
    assert_type(guard.issue_action(user, "reset", lifespan="1 hour", team="blue"), str)
    assert_type(guard.redeem_action(token, "registration"), User)
    principal = guard.verify(token)
    assert_type(guard.issue_ticket(principal), str)
    assert_type(guard.issue_ticket(principal, lifespan="1 minute"), str)
    assert_type(guard.redeem_ticket(token), Principal)
    assert_type(guard.admit_token(token), Principal)
    assert_type(guard.admit_token(token.encode(), all_roles("admin"), instead_of=principal), Principal)
    assert_type(guard.recheck(principal), int)
    assert_type(guard.redeem_action(token.encode(), "registration"), User)
    assert_type(guard.redeem_action(token, "registration", once=False), User)
    assert_type(guard.read_action(token, "registration"), Action[User])
    assert_type(guard.read_action(token, "registration").user, User)
    assert_type(guard.read_action(token, "registration").claims, Mapping[str, object])
    assert_type(guard.reset_password(token, "correct horse"), tuple[User, str])
    assert_type(guard.reset_password(token, "correct horse", action="registration"), tuple[User, str])


def requests(view: View) -> None:
    assert_type(guard.admit(view), Principal)
    assert_type(guard.admit(view, all_roles("admin")), Principal)
    assert_type(guard.admit_optional(view, policy=any_role("admin", "editor")), Principal | None)
    assert_type(guard.find_token(view), str)


def principals(principal: Principal) -> None:
    assert_type(principal.identity, object)
    assert_type(principal.roles, frozenset[str])
    assert_type(principal.claims, Mapping[str, object])
    assert_type(principal.session_id, str)
    assert_type(principal.issued_at, int)
    assert_type(principal.access_expires_at, int)
    assert_type(principal.refresh_expires_at, int)
    assert_type(principal.authenticated_at, int | None)


def two_kinds_of_users(rows: Guard[Row], row: Row) -> None:
    assert_type(rows.authenticate("alice", "correct horse"), Row)
    assert_type(rows.redeem_action(rows.issue_action(row, "reset"), "reset"), Row)
    assert_type(rows.load_user(rows.verify(rows.issue(row))), Row)
