"""Failing stores, failing users, and coroutines in the place of values."""

from __future__ import annotations

import functools
import uuid

import pytest
from tests.core.guard.world import (
    STORE_CALLS,
    CountingStore,
    Failing,
    World,
    call_authenticate,
    call_refresh,
    call_revoke_others,
    call_revoke_user,
    call_verify,
)
from tests.support import ACCESS, HASHED, NOW, PASSWORD, bearer, outcome

from praetorian_core.errors import ConfigurationError, InvalidTokenError, ServiceUnavailableError
from praetorian_core.events import CallFailed, LoginSucceeded, TokenRefused, UserRevoked
from praetorian_core.flows.state import epoch_key, session_key
from praetorian_core.stores.memory import MemoryStore


class TestFailingStore:
    @pytest.mark.parametrize(
        ("prepare", "expected"), STORE_CALLS.items(), ids=lambda value: getattr(value, "__name__", "")
    )
    def test_calls(self, prepare, expected):
        """Each call asks the store so many questions: the tests below fail each of them in turn."""
        store = CountingStore()
        world = World(guard={"store": store})
        call = prepare(world)
        before = store.calls
        outcome(call)

        assert expected == store.calls - before

    @pytest.mark.parametrize(
        ("prepare", "number"),
        [(prepare, number) for prepare, most in STORE_CALLS.items() for number in range(most)],
        ids=lambda value: getattr(value, "__name__", str(value)),
    )
    @pytest.mark.parametrize("failure", [OSError("canary"), None, 7.5, "canary", [b"x"]], ids=repr)
    def test_fails(self, prepare, number, failure):
        """An exception or a malformed answer of the store, at each of its calls, is a 503 and is reported once.

        If it comes after all sessions were ended, that is reported too.
        """
        store = CountingStore(failure=failure)
        world = World(guard={"store": store})
        call = prepare(world)
        store.fail_at = store.calls + number
        world.heard.clear()
        with pytest.raises(ServiceUnavailableError) as refusal:
            call()

        has_ended = prepare in {call_revoke_user, call_revoke_others} and number > 1
        assert [UserRevoked] * has_ended + [CallFailed] == world.kinds
        assert "canary" not in repr(world.heard) + str(refusal.value)
        if isinstance(failure, OSError):
            assert failure is refusal.value.__cause__

    def test_rubbish_entry(self, stored):
        """A malformed entry rejects a refresh with 503, and is reported once."""
        call = call_refresh(stored)
        store = stored.guard._services.store
        stored.guard.revoke(World().guard.issue(stored.alice))
        token = stored.guard.issue(stored.alice)
        session_id = stored.guard.verify(token).session_id
        key = session_key(1, session_id)
        store.compare_and_set(key, None, "rubbish", expires_at=NOW + 10**6, now=stored.clock.now)
        stored.clock.tick(ACCESS)
        stored.heard.clear()

        assert (ServiceUnavailableError, [CallFailed]) == (outcome(stored.guard.refresh, token), stored.kinds)
        assert str is type(outcome(call))

    def test_rubbish_epoch(self, stored):
        """So does a user's entry on access: it grants nothing, and is reported once."""
        token = stored.guard.issue(stored.alice)
        stored.guard._services.store.compare_and_set(
            epoch_key(1), None, "rubbish", expires_at=NOW + 10**6, now=stored.clock.now
        )
        stored.heard.clear()

        assert (ServiceUnavailableError, [CallFailed]) == (outcome(stored.guard.verify, token), stored.kinds)

    def test_recovers(self):
        """A store that works again is asked again: no failure is remembered."""
        store = CountingStore(failure=OSError())
        world = World(guard={"store": store})
        call = call_verify(world)
        store.fail_at = store.calls

        assert (ServiceUnavailableError, 1) == (outcome(call), outcome(call).identity)


class TestFailingUsers:
    @pytest.mark.parametrize("name", ["lookup", "identify"])
    def test_source_fails(self, world, name):
        """An exception of the user class is a 503 with its cause, and is reported once without its text."""
        failure = OSError("canary")
        token = world.guard.issue(world.alice)
        setattr(world.users, name, Failing(failure))
        world.clock.tick(ACCESS)
        call = functools.partial(world.guard.refresh, token) if name == "identify" else call_authenticate(world)
        with pytest.raises(ServiceUnavailableError) as refusal:
            call()

        assert (failure, [CallFailed]) == (refusal.value.__cause__, world.kinds)
        assert "canary" not in repr(world.heard) + str(refusal.value)

    @pytest.mark.parametrize("name", ["identity", "rolenames", "is_valid"])
    def test_user_fails(self, world, name):
        """So does a user whose attribute or method raises."""
        failure = OSError("canary")
        broken = property(Failing(failure)) if name != "is_valid" else Failing(failure)
        user = type("Broken", (), {"identity": 1, "rolenames": [], name: broken})()
        with pytest.raises(ServiceUnavailableError) as refusal:
            world.guard.issue(user)

        assert (failure, [CallFailed]) == (refusal.value.__cause__, world.kinds)

    def test_lazy_roles_fail(self, world):
        """So does a lazy collection of roles, which queries the database when it is iterated."""
        failure = OSError("canary")

        def load():
            yield "admin"
            raise failure

        world.alice.rolenames = load()
        with pytest.raises(ServiceUnavailableError) as refusal:
            world.guard.issue(world.alice)

        assert (failure, [CallFailed]) == (refusal.value.__cause__, world.kinds)

    def test_lazy_roles_are_read_once(self, world):
        """A generator gives its names once, which is enough."""
        world.alice.rolenames = (name for name in ("admin", "editor"))

        assert {"admin", "editor"} == world.guard.verify(world.guard.issue(world.alice)).roles

    def test_password_fails(self, world):
        """So does a stored hash that cannot be read."""
        failure = OSError("canary")
        world.users.lookup = lambda username: type(
            "Broken", (), {"identity": 1, "password": property(Failing(failure))}
        )()

        assert (ServiceUnavailableError, [CallFailed]) == (
            outcome(world.guard.authenticate, "alice", PASSWORD),
            world.kinds,
        )

    def test_parse_identity_fails(self):
        """So does a ``parse_identity`` that raises, on every call that reads a token."""
        failure = OSError("canary")
        world = World(guard={"store": MemoryStore()}, parse_identity=Failing(failure))
        world.alice.identity = "alice"
        token = World().guard.issue(world.alice)
        calls = [
            world.guard.verify,
            world.guard.refresh,
            world.guard.revoke,
            lambda token: world.guard.admit(bearer(token)),
        ]
        for call in calls:
            world.heard.clear()
            with pytest.raises(ServiceUnavailableError) as refusal:
                call(token)
            assert (failure, [CallFailed]) == (refusal.value.__cause__, world.kinds)
            assert "canary" not in repr(world.heard) + str(refusal.value)

    def test_parse_identity_refuses(self):
        """With a ValueError it says that the token is not good, and no call failed."""
        world = World(parse_identity=uuid.UUID)
        world.alice.identity = "alice"
        token = World().guard.issue(world.alice)

        assert (InvalidTokenError, [TokenRefused]) == (outcome(world.guard.verify, token), world.kinds)

    @pytest.mark.parametrize("name", ["identity", "rolenames", "password"])
    def test_missing_attribute(self, world, name):
        """A missing attribute is named, with the class and what it should be, at the first instance."""
        attributes = {"identity": 1, "rolenames": [], "password": HASHED}
        del attributes[name]
        user = type("Partial", (), attributes)()
        world.users.lookup = lambda username: user
        call = call_authenticate(world) if name == "password" else functools.partial(world.guard.issue, user)
        with pytest.raises(ConfigurationError, match=f"Partial instances have no attribute '{name}'; give them one"):
            call()

    def test_interrupted(self, world):
        """An interrupt passes unchanged, emits nothing and leaves nothing behind."""

        def lookup(username):
            raise KeyboardInterrupt

        world.users.lookup = lookup
        with pytest.raises(KeyboardInterrupt):
            world.guard.authenticate("alice", PASSWORD)
        del world.users.lookup

        assert (world.alice, [LoginSucceeded]) == (world.guard.authenticate("alice", PASSWORD), world.kinds)


class TestAwaitables:
    @pytest.mark.parametrize(
        "call",
        [
            "issue",
            "verify",
            "refresh",
            "load_user",
            "revoke",
            "revoke_user",
            "issue_action",
            "read_action",
            "redeem_action",
            "reset_password",
        ],
    )
    def test_not_awaited(self, stored, recwarn, call):
        """The result of a coroutine function that was not awaited is refused with what to write, and closed."""

        async def later():
            return stored.alice

        further = {"issue_action": ["confirm"], "read_action": ["confirm"], "redeem_action": ["confirm"],
                   "reset_password": [PASSWORD]}  # fmt: skip
        with pytest.raises(ConfigurationError, match=f"{call} was given a coroutine; write await before"):
            getattr(stored.guard, call)(later(), *further.get(call, []))

        assert ([], 0) == (stored.kinds, len(recwarn))

    def test_future(self, stored):
        """So is any other awaitable, such as a task."""

        class Later:
            def __await__(self):
                return iter(())

        with pytest.raises(ConfigurationError, match="issue was given a Later; write await before"):
            stored.guard.issue(Later())
