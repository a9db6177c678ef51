"""Action tokens: ``issue_action``, ``read_action``, ``redeem_action`` and ``reset_password``."""

from __future__ import annotations

import json

import pytest
from tests.core.guard.world import World
from tests.support import NOW, RING, both_layouts, outcome

from praetorian_core import errors
from praetorian_core.guard import Guard
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore


class TestActions:
    @both_layouts
    @pytest.mark.parametrize("action", ["registration", "reset"])
    def test_redeem(self, layout, action):
        """An action token finds its user, who need not be valid: who registers is not yet."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        stored.alice.valid = False
        token = stored.guard.issue_action(stored.alice, action)

        assert stored.alice is stored.guard.redeem_action(token, action)

    @pytest.mark.parametrize(
        ("store", "action", "once", "expected"),
        [
            (False, "confirm", True, [errors.ConfigurationError, errors.ConfigurationError]),
            (False, "confirm", False, ["alice", "alice"]),
            (False, "reset", True, ["alice", "alice"]),
            (False, "reset", False, ["alice", "alice"]),
            (True, "confirm", True, ["alice", errors.ReusedTokenError]),
            (True, "confirm", False, ["alice", "alice"]),
            (True, "reset", True, ["alice", errors.ReusedTokenError]),
            (True, "reset", False, ["alice", "alice"]),
        ],
    )
    def test_once(self, store, action, once, expected):
        """With a store a token is spent by default; without one only a harmless repetition is allowed."""
        world = World(guard={"store": MemoryStore() if store else None})
        token = world.guard.issue_action(world.alice, action)
        found = [outcome(world.guard.redeem_action, token, action, once=once) for _ in range(2)]

        assert expected == [getattr(each, "username", each) for each in found]

    @pytest.mark.parametrize("store", [False, True], ids=["no store", "store"])
    def test_dies_with_the_password(self, store):
        """A reset token dies with the password that it replaces, without a store too."""
        world = World(guard={"store": MemoryStore() if store else None})
        first, second = (world.guard.issue_action(world.alice, "reset") for _ in range(2))
        world.guard.redeem_action(first, "reset")
        world.alice.password = world.guard.hash_password("another fine password")
        expected = [errors.ReusedTokenError if store else errors.RevokedTokenError, errors.RevokedTokenError]

        assert expected == [outcome(world.guard.redeem_action, token, "reset") for token in (first, second)]
        assert world.alice is world.guard.redeem_action(world.guard.issue_action(world.alice, "reset"), "reset")

    def test_leeway(self):
        """A leeway does not prolong it."""
        stored = World(guard={"store": MemoryStore()}, leeway=60)
        token = stored.guard.issue_action(stored.alice, "confirm", lifespan=60)

        assert errors.ExpiredActionError is outcome(stored.at(NOW + 60).redeem_action, token, "confirm")

    def test_no_user(self, stored):
        """None in place of a user gets no token."""
        assert errors.MissingUserError is outcome(stored.guard.issue_action, None, "confirm")

    def test_bad_lifespan(self, stored):
        """A lifespan that is none is refused by its name."""
        with pytest.raises(errors.ConfigurationError, match="lifespan must be "):
            stored.guard.issue_action(stored.alice, "confirm", lifespan=0)


class TestReadAction:
    def test_page_then_form(self, stored):
        """A token is read for a page, any number of times, and redeemed by the form."""
        token = stored.guard.issue_action(stored.alice, "change-address", email="new@example.org")
        actions = [stored.guard.read_action(token, "change-address") for _ in range(3)]

        assert [(stored.alice, {"email": "new@example.org"}, NOW + 900)] * 3 == [
            (action.user, action.claims, action.expires_at) for action in actions
        ]
        assert stored.alice is stored.guard.redeem_action(token, "change-address")
        assert errors.ReusedTokenError is outcome(stored.guard.read_action, token, "change-address")

    def test_claims_are_frozen(self, stored):
        """The claims cannot be changed, and a JSON encoder accepts them."""
        action = stored.guard.read_action(stored.guard.issue_action(stored.alice, "a", to=["x"]), "a")

        with pytest.raises(TypeError):
            action.claims["to"].append("y")
        assert '{"to": ["x"]}' == json.dumps(action.claims)


class TestResetPassword:
    @pytest.mark.parametrize("store", [None, MemoryStore], ids=["no store", "store"])
    def test_resets(self, store):
        """A reset returns the user and the hash to store; the token cannot be used again."""
        world = World(guard={"store": store and store()})
        token = world.guard.issue_action(world.alice, "reset")
        user, hashed = world.guard.reset_password(token, "a new password")
        user.password = hashed

        assert (world.alice, True) == (user, world.guard.verify_password("a new password", hashed))
        assert (errors.ReusedTokenError if store else errors.RevokedTokenError) is outcome(
            world.guard.reset_password, token, "a new password"
        )

    def test_weak(self, stored):
        """A rejected password does not spend the token."""
        token = stored.guard.issue_action(stored.alice, "reset")

        assert errors.WeakPasswordError is outcome(stored.guard.reset_password, token, "short")
        assert stored.alice is stored.guard.reset_password(token, "a new password")[0]

    @pytest.mark.parametrize("kind", ["junk", "session", "other action", "spent", "expired", "revoked"])
    def test_costs_no_hash(self, stored, kind):
        """A rejected token costs no hash, so that presenting it cannot fill the hashing queue."""
        token = {
            "junk": lambda: "junk",
            "session": lambda: stored.guard.issue(stored.alice),
            "other action": lambda: stored.guard.issue_action(stored.alice, "confirm"),
        }.get(kind, lambda: stored.guard.issue_action(stored.alice, "reset"))()
        if kind == "spent":
            stored.guard.redeem_action(token, "reset")
        elif kind == "expired":
            stored.clock.tick(900)
        elif kind == "revoked":
            stored.alice.password = stored.hasher.hash("another password")
        before = stored.hasher.computations

        assert issubclass(outcome(stored.guard.reset_password, token, "a new password"), errors.TokenError)
        assert before == stored.hasher.computations

    def test_first_password(self, stored):
        """An account without a password sets its first one with a token for another action, or a reset token."""
        stored.alice.password = None
        for action in ("reset", "registration"):
            token = stored.guard.issue_action(stored.alice, action)
            assert stored.alice is stored.guard.reset_password(token, "a new password", action=action)[0]

    @pytest.mark.parametrize(
        ("options", "needs"), [({"users": None}, "users"), ({"guard": {"passwords": None}}, "passwords")], ids=str
    )
    def test_needs(self, options, needs):
        """A guard without users or passwords says what it needs."""
        token = World().guard.issue_action(World().alice, "reset")
        guard = World(**options).guard if needs == "passwords" else Guard(None, Settings(keys=RING))

        with pytest.raises(errors.ConfigurationError, match=f"reset_password needs {needs}"):
            guard.reset_password(token, "a new password")
