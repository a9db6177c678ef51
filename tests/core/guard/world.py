"""A guard with its users, clock and events, and calls that ask its store."""

from __future__ import annotations

from tests.support import ACCESS, HASHED, NOW, PASSWORD, REFRESH, RING, bearer

from praetorian_core.guard import Guard
from praetorian_core.policy import any_role
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD

HASHER = cheapest_hasher()
OUTDATED = cheapest_hasher(time_cost=2).hash(PASSWORD)
LAYOUTS = [STANDARD, FLASK_PRAETORIAN]


class World:
    """A guard and its dependencies."""

    def __init__(self, *, guard=None, users=None, **settings):
        self.clock = FrozenClock(NOW)
        self.hasher = cheapest_hasher()
        self.alice = MemoryUser(identity=1, username="alice", password=HASHED, rolenames=["admin", "editor"])
        self.users = MemoryUsers([self.alice]) if users is None else users
        self.heard = []
        self.settings = Settings(
            **{"keys": RING, "access_lifespan": ACCESS, "refresh_lifespan": REFRESH} | settings,
        )
        options = {"passwords": self.hasher, "clock": self.clock, "on_event": self.heard.append} | (guard or {})
        self.guard = Guard(self.users, self.settings, **options)

    @property
    def kinds(self):
        """The kinds of events that were heard."""
        return [type(event) for event in self.heard]

    def at(self, now):
        """Set the clock."""
        self.clock.now = now
        return self.guard


def tampered(token):
    """Return the token with another signature."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


class CountingStore(MemoryStore):
    """Counts its calls, and may fail or answer rubbish at one of them."""

    __slots__ = ("calls", "fail_at", "failure")

    def __init__(self, fail_at=None, failure=None):
        super().__init__()
        self.calls = 0
        self.fail_at = fail_at
        self.failure = failure

    def _count(self, answer):
        self.calls += 1
        if self.calls - 1 != self.fail_at:
            return answer()
        if isinstance(self.failure, BaseException):
            raise self.failure
        return self.failure

    def get(self, *keys, now):
        return self._count(lambda: MemoryStore.get(self, *keys, now=now))

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return self._count(
            lambda: MemoryStore.compare_and_set(self, key, expected, new, expires_at=expires_at, now=now)
        )

    def increment(self, key, amount, *, expires_at, now):
        return self._count(lambda: MemoryStore.increment(self, key, amount, expires_at=expires_at, now=now))


class Failing:
    """Returns or raises the same for every call."""

    def __init__(self, reply):
        self.reply = reply

    def __call__(self, *args):
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def call_authenticate(world):
    return lambda: world.guard.authenticate("alice", PASSWORD, source="8.8.8.8")


def call_issue(world):
    world.guard.revoke_user(1)
    world.guard.issue(world.alice)
    return lambda: world.guard.issue(world.alice)


def call_verify(world):
    token = world.guard.issue(world.alice)
    return lambda: world.guard.verify(token)


def call_admit(world):
    token = world.guard.issue(world.alice)
    return lambda: world.guard.admit(bearer(token), any_role("admin"))


def call_refresh(world):
    token = world.guard.issue(world.alice)
    world.clock.tick(ACCESS)
    return lambda: world.guard.refresh(token)


def call_confirm(world):
    token = world.guard.issue(world.alice)
    return lambda: world.guard.confirm(token, PASSWORD, source="8.8.8.8")


def call_reuse(world):
    token = world.guard.issue(world.alice)
    world.at(NOW + ACCESS).refresh(token)
    world.clock.tick(60)
    return lambda: world.guard.refresh(token)


def call_revoke(world):
    token = world.guard.issue(world.alice)
    return lambda: world.guard.revoke(token)


def call_revoke_user(world):
    world.guard.issue(world.alice)
    return lambda: world.guard.revoke_user(1)


def call_revoke_others(world):
    session = world.guard.issue_session(world.alice)
    return lambda: world.guard.revoke_user(1, keep=session.session_id)


def call_sessions(world):
    world.guard.issue(world.alice)
    return lambda: world.guard.sessions(1)


def call_revoke_session(world):
    session = world.guard.issue_session(world.alice)
    return lambda: world.guard.revoke_session(1, session.session_id)


def call_redeem(world):
    token = world.guard.issue_action(world.alice, "confirm")
    return lambda: world.guard.redeem_action(token, "confirm")


def call_redeem_ticket(world):
    ticket = world.guard.issue_ticket(world.guard.verify(world.guard.issue(world.alice)))
    return lambda: world.guard.redeem_ticket(ticket)


def call_recheck(world):
    principal = world.guard.verify(world.guard.issue(world.alice))
    return lambda: world.guard.recheck(principal)


STORE_CALLS = {
    call_authenticate: 17,
    call_issue: 2,
    call_verify: 1,
    call_admit: 1,
    call_refresh: 2,
    call_confirm: 16,
    call_reuse: 2,
    call_revoke: 2,
    call_revoke_user: 4,
    call_revoke_others: 4,
    call_sessions: 2,
    call_revoke_session: 3,
    call_redeem: 2,
    call_redeem_ticket: 2,
    call_recheck: 1,
}
"""How often each call asks the store."""
