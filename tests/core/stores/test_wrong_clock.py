"""A machine whose clock is wrong for a moment uses the state of others: nothing that was ended becomes valid again."""

from __future__ import annotations

import contextlib

import pytest

from praetorian_core import Guard, KeyRing, MemoryStore, RedisStore, Settings, SQLiteStore, generate_secret
from praetorian_core.errors import PraetorianError, ReusedTokenError, RevokedTokenError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

DAY = 86_400
PASSWORD = "correct horse battery staple"


@pytest.fixture(params=["memory", "sqlite", "redis"])
def connect(request, tmp_path, valkey):
    """Return a function that opens the same store, as each process does."""
    opened = []

    def open_store():
        match request.param:
            case "memory":
                return opened[0] if opened else MemoryStore()
            case "sqlite":
                return SQLiteStore(tmp_path / "state.db")
            case _:
                return RedisStore(valkey.url, prefix=f"{generate_secret()[:8]}:")

    def connect():
        if opened and request.param == "redis":
            return opened[0]
        opened.append(open_store())
        return opened[-1]

    yield connect
    for store in opened:
        store.close()


class World:
    """A guard, and another one on a machine whose clock is wrong."""

    def __init__(self, connect):
        hasher = cheapest_hasher()
        self.alice = MemoryUser(identity=7, username="alice", password=hasher.hash(PASSWORD))
        self.clock = FrozenClock()
        self.wrong_clock = FrozenClock()
        keys = KeyRing.from_secret(generate_secret())

        def guard(clock):
            return Guard(
                MemoryUsers([self.alice]),
                Settings(keys=keys),
                store=connect(),
                passwords=hasher,
                clock=clock,
                on_event=lambda _: None,
            )

        self.guard = guard(self.clock)
        self._other = lambda: guard(self.wrong_clock)

    def use_elsewhere(self, ahead):
        """Use every call on a machine whose clock is ahead by so many seconds."""
        self.wrong_clock.now = self.clock.now + ahead
        other = self._other()
        for number in range(10):
            with contextlib.suppress(PraetorianError):
                other.authenticate(f"made up {number}", "wrong", source=f"9.9.9.{number}")
        for call in (
            lambda: other.authenticate("alice", PASSWORD, source="8.8.8.8"),
            lambda: other.revoke(other.issue(self.alice)),
            lambda: other.redeem_action(other.issue_action(self.alice, "confirm"), "confirm"),
        ):
            with contextlib.suppress(PraetorianError):
                call()


@pytest.fixture
def world(connect):
    return World(connect)


ahead = pytest.mark.parametrize(
    "ahead", [10 * 365 * DAY, 31 * DAY, -10 * 365 * DAY], ids=["years", "a-month", "years-behind"]
)


@ahead
class TestEndedStaysEnded:
    def test_session(self, world, ahead):
        """A revoked session stays revoked."""
        token = world.guard.issue(world.alice)
        world.guard.revoke(token)
        world.use_elsewhere(ahead)

        with pytest.raises(RevokedTokenError):
            world.guard.verify(token)

    def test_user(self, world, ahead):
        """So do all sessions of a user."""
        token = world.guard.issue(world.alice)
        world.guard.revoke_user(7)
        world.use_elsewhere(ahead)

        with pytest.raises(RevokedTokenError):
            world.guard.verify(token)
        assert 7 == world.guard.verify(world.guard.issue(world.alice)).identity

    def test_action(self, world, ahead):
        """A spent action token stays spent."""
        link = world.guard.issue_action(world.alice, "confirm")
        world.guard.redeem_action(link, "confirm")
        world.use_elsewhere(ahead)

        with pytest.raises(ReusedTokenError):
            world.guard.redeem_action(link, "confirm")

    def test_refreshed_token(self, world, ahead):
        """A token that was refreshed is still reuse."""
        token = world.guard.issue(world.alice)
        world.clock.tick(15 * 60)
        world.guard.refresh(token)
        world.use_elsewhere(ahead)
        world.clock.tick(60)

        with pytest.raises(ReusedTokenError):
            world.guard.refresh(token)
