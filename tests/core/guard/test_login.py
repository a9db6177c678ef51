"""``authenticate``, the hashing of passwords and ``save_password``."""

from __future__ import annotations

import functools

import pytest
from tests.core.guard.world import OUTDATED, World
from tests.support import HASHED, PASSWORD, outcome

from praetorian_core import errors
from praetorian_core.events import CallFailed, LoginSucceeded
from praetorian_core.hash_turn import HashTurn
from praetorian_core.login import LoginThrottle
from praetorian_core.testing import cheapest_hasher


class TestAuthenticate:
    def test_success(self, world):
        """Name and password prove who it is."""
        assert world.alice is world.guard.authenticate("alice", PASSWORD)

    @pytest.mark.parametrize("spoil", ["unknown", "wrong", "disabled", "corrupt hash", "no hash"])
    def test_one_answer(self, world, spoil):
        """Unknown, wrong, disabled: one class, one code, one text (ASVS 6.3.8)."""
        username = "nobody" if spoil == "unknown" else "alice"
        password = "wrong" if spoil == "wrong" else PASSWORD
        world.alice.valid = spoil != "disabled"
        world.alice.password = {"corrupt hash": "$argon2id$junk", "no hash": None}.get(spoil, HASHED)
        with pytest.raises(errors.AuthenticationError) as refusal:
            world.guard.authenticate(username, password)

        assert (errors.AuthenticationError, str(errors.AuthenticationError())) == (
            type(refusal.value),
            str(refusal.value),
        )

    def test_a_failure_does_not_read_roles(self, world):
        """Roles may cost a query, whose time would reveal that a user of this name exists (CVE-2021-29621)."""
        del world.alice.rolenames
        with pytest.raises(errors.AuthenticationError):
            world.guard.authenticate("alice", "wrong")

        assert world.alice is world.guard.authenticate("alice", PASSWORD)

    @pytest.mark.parametrize(
        ("username", "password", "changes"),
        [
            ("nobody", PASSWORD, {}),
            ("alice", "wrong", {}),
            ("alice", PASSWORD, {"valid": False}),
            ("alice", "wrong", {"valid": False}),
            ("alice", PASSWORD, {"password": "$argon2id$junk"}),
            ("alice", PASSWORD, {"password": ""}),
            ("alice", PASSWORD, {"password": None}),
            ("alice", PASSWORD, {"password": 7}),
            (None, PASSWORD, {}),
            (7, PASSWORD, {}),
            (b"alice", PASSWORD, {}),
            ({"$ne": ""}, PASSWORD, {}),
            ("", PASSWORD, {}),
            ("a\0b", PASSWORD, {}),
            ("\ud800", PASSWORD, {}),
            ("x" * 100_000, PASSWORD, {}),
            ("alice", None, {}),
            ("alice", 7, {}),
            ("alice", b"secret", {}),
            ("alice", "", {}),
            ("alice", "\0", {}),
            ("alice", "\ud800", {}),
            ("alice", "x" * 1_000_000, {}),
            (None, None, {}),
        ],
        ids=lambda value: repr(value)[:24],
    )
    def test_cost(self, world, username, password, changes):
        """Whatever is wrong, one hash of the live cost is computed, no more and no less (CVE-2021-29621, CVE-2024-39329)."""
        for name, value in changes.items():
            setattr(world.alice, name, value)
        before = world.hasher.computations, world.hasher.work
        found = outcome(world.guard.authenticate, username, password)

        assert errors.AuthenticationError is found
        assert (1, 8) == (world.hasher.computations - before[0], world.hasher.work - before[1])

    def test_cost_of_success(self, world):
        """A success costs the same."""
        before = world.hasher.computations
        world.guard.authenticate("alice", PASSWORD)

        assert 1 == world.hasher.computations - before

    def test_renewal(self):
        """An outdated hash is made anew at the login that finds it, and saved with the user it belongs to."""
        saved = []
        world = World(guard={"save_password": lambda *call: saved.append(call)})
        world.alice.password = cheapest_hasher(time_cost=2).hash(PASSWORD)
        world.guard.authenticate("alice", PASSWORD)
        ((user, hashed),) = saved

        assert (world.alice, True) == (user, world.guard.verify_password(PASSWORD, hashed))
        assert not world.hasher.check(PASSWORD, hashed).outdated

    def test_saving_fails(self):
        """A hash that cannot be saved rejects no login, and is reported."""

        def save_password(user, hashed):
            raise OSError(hashed)

        world = World(guard={"save_password": save_password})
        world.alice.password = cheapest_hasher(time_cost=2).hash(PASSWORD)

        assert world.alice is world.guard.authenticate("alice", PASSWORD)
        assert [CallFailed, LoginSucceeded] == world.kinds

    def test_throttled(self):
        """The throttle counts attempts at a name and refuses when there were enough."""
        world = World(guard={"throttle": LoginThrottle(per_account=2)})
        found = [outcome(world.guard.authenticate, "alice", "wrong") for _ in range(3)]

        assert [errors.AuthenticationError, errors.AuthenticationError, errors.LoginThrottledError] == found

    def test_source(self):
        """The source that the framework trusts is counted, and is part of the event."""
        world = World(guard={"throttle": LoginThrottle(per_account_and_source=1)})
        found = [outcome(world.guard.authenticate, "alice", "wrong", source="8.8.8.8") for _ in range(2)]

        assert [errors.AuthenticationError, errors.LoginThrottledError] == found
        assert ["8.8.8.8", "8.8.8.8"] == [event.source for event in world.heard]

    def test_full(self):
        """Where hashing is full the answer is 503 with a time to wait, and no login succeeds."""
        world = World(guard={"passwords": (hasher := cheapest_hasher(max_concurrent=1, max_waiting=0))})
        with hasher._queue.slot(HashTurn()), pytest.raises(errors.ServiceUnavailableError) as refusal:
            world.guard.authenticate("alice", PASSWORD)

        assert (10, [CallFailed]) == (refusal.value.retry_after, world.kinds)
        assert world.alice is world.guard.authenticate("alice", PASSWORD)


class TestPasswords:
    def test_round_trip(self, world):
        """A hash is good for its password and for no other."""
        hashed = world.guard.hash_password(PASSWORD)

        assert (True, False) == (
            world.guard.verify_password(PASSWORD, hashed),
            world.guard.verify_password("wrong", hashed),
        )

    def test_weak(self, world):
        """A new password obeys the rules."""
        with pytest.raises(errors.WeakPasswordError):
            world.guard.hash_password("short")

    def test_no_user(self, world):
        """No hash matches nothing, at the usual cost."""
        before = world.hasher.computations

        assert (False, 1) == (world.guard.verify_password(PASSWORD, None), world.hasher.computations - before)


class TestSavePassword:
    @staticmethod
    def saved(save_password):
        """Return what a login with an outdated hash hands to ``save_password``."""
        world = World(guard={"save_password": save_password})
        world.alice.password = OUTDATED
        world.guard.authenticate("alice", PASSWORD)
        return world

    def test_two(self):
        """A function of two arguments receives the user and the new hash."""
        calls = []
        world = self.saved(lambda user, hashed: calls.append((user, hashed)))
        ((user, hashed),) = calls

        assert (world.alice, True) == (user, world.hasher.verify(PASSWORD, hashed))

    @pytest.mark.parametrize("count", [3, 2])
    def test_three(self, count):
        """A function of three receives the former hash too, required or named ``former``."""
        calls = []
        functions = {
            3: lambda user, hashed, before: calls.append((user, before)),
            2: lambda user, hashed, former=None: calls.append((user, former)),
        }
        world = self.saved(functions[count])

        assert [(world.alice, OUTDATED)] == calls

    @pytest.mark.parametrize(
        "save_password",
        [
            lambda user, hashed, commit=True: commit,
            lambda *call: len(call) == 2,
            lambda user, hashed, **options: not options,
        ],
        ids=["default", "any", "options"],
    )
    def test_other_third(self, save_password):
        """A third parameter of another meaning does not receive the hash."""
        answers = []

        @functools.wraps(save_password)
        def noting(*call, **options):
            answers.append(save_password(*call, **options))

        self.saved(noting)

        assert [True] == answers

    @pytest.mark.parametrize(
        "save_password", [lambda: None, lambda user: None, lambda a, b, c, d: None], ids=["0", "1", "4"]
    )
    def test_other_arguments(self, save_password):
        """A function of other arguments is refused with what to write, when the guard is created."""
        with pytest.raises(errors.ConfigurationError, match=r"write def save_password\(user, hashed, former\)"):
            World(guard={"save_password": save_password})

    def test_no_signature(self):
        """A function whose arguments cannot be read is called with two, which it may refuse."""
        world = World(guard={"save_password": getattr})
        world.alice.password = OUTDATED
        world.guard.authenticate("alice", PASSWORD)

        assert [CallFailed] == [kind for kind in world.kinds if kind is CallFailed]

    def test_compare_and_set(self):
        """A password that changes during the login is not overwritten."""
        world = World(guard={"save_password": None})
        changed = world.hasher.hash("another password")

        def save_password(user, hashed, former):
            user.password = changed  # another request is faster
            if user.password == former:
                user.password = hashed

        world = self.saved(save_password)

        assert changed == world.alice.password
