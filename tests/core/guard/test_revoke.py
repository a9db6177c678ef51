"""``revoke`` and ``revoke_user``."""

from __future__ import annotations

import uuid

import pytest
from tests.core.guard.world import LAYOUTS, CountingStore, World
from tests.support import ACCESS, NOW, REFRESH, both_layouts, outcome

from praetorian_core.errors import ConfigurationError, ExpiredRefreshError, ReusedTokenError, RevokedTokenError
from praetorian_core.events import UserRevoked
from praetorian_core.stores.memory import MemoryStore


class TestRevoke:
    @both_layouts
    def test_ends_the_session(self, layout):
        """Every token of the session is rejected at once, older and newer, for access and for refresh."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(NOW + ACCESS).refresh(token)
        stored.guard.revoke(fresh)

        assert [RevokedTokenError] * 2 == [outcome(stored.guard.verify, fresh), outcome(stored.guard.refresh, token)]
        assert RevokedTokenError is outcome(stored.at(NOW + 2 * ACCESS).refresh, fresh)

    def test_to_the_end(self, stored):
        """It holds to the last second of rf_exp: a revoked token never comes back."""
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke(token)
        outcomes = [outcome(stored.at(NOW + late).refresh, token) for late in (ACCESS, REFRESH - 1, REFRESH)]

        assert [RevokedTokenError, RevokedTokenError, ExpiredRefreshError] == outcomes

    @both_layouts
    def test_action(self, layout):
        """A revoked action token redeems no more, not even where it need not be spent."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        token = stored.guard.issue_action(stored.alice, "registration")
        stored.guard.revoke(token)
        outcomes = [outcome(stored.guard.redeem_action, token, "registration", once=once) for once in (True, False)]

        assert [ReusedTokenError, ReusedTokenError] == outcomes

    def test_two_guards(self):
        """A session that one machine ends is rejected on every machine that shares the store."""
        store = MemoryStore()
        here, there = World(guard={"store": store}), World(guard={"store": store})
        token = here.guard.issue(here.alice)
        here.guard.revoke(token)

        assert RevokedTokenError is outcome(there.guard.verify, token)

    @pytest.mark.parametrize("call", ["revoke", "revoke_user"])
    def test_no_store(self, world, call):
        """Without a store the call says what it needs, instead of doing nothing."""
        with pytest.raises(ConfigurationError, match=f"{call} needs a store; set PRAETORIAN_STORE"):
            getattr(world.guard, call)(world.guard.issue(world.alice))

    def test_check_at_refresh(self):
        """With ``check_sessions="refresh"`` access asks no store, so a session ends with its access; refresh asks."""
        store = CountingStore()
        stored = World(guard={"store": store}, check_sessions="refresh")
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke(token)
        before = store.calls

        assert (1, before) == (stored.guard.verify(token).identity, store.calls)
        assert RevokedTokenError is outcome(stored.at(NOW + ACCESS).refresh, token)

    def test_check_always(self):
        """By default access asks the store one question."""
        store = CountingStore()
        stored = World(guard={"store": store})
        token = stored.guard.issue(stored.alice)
        before = store.calls
        stored.guard.verify(token)

        assert 1 == store.calls - before


class TestRevokeUser:
    @both_layouts
    def test_before_and_after(self, layout):
        """Every session from before is rejected and every one from after accepted, within the same second."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        before = [stored.guard.issue(stored.alice) for _ in range(2)]
        stored.guard.revoke_user(1)
        after = stored.guard.issue(stored.alice)

        assert [RevokedTokenError] * 2 == [outcome(stored.guard.verify, token) for token in before]
        assert 1 == stored.guard.verify(after).identity
        assert [RevokedTokenError] * 2 == [outcome(stored.at(NOW + ACCESS).refresh, token) for token in before]
        assert 1 == stored.guard.verify(stored.guard.refresh(after)).identity

    def test_clock_behind(self, stored):
        """It is exact whatever the clocks say: a machine whose clock is behind ends them all the same."""
        token = stored.guard.issue(stored.alice)
        stored.at(NOW - 30).revoke_user(1)

        assert RevokedTokenError is outcome(stored.at(NOW).verify, token)

    def test_unknown_user(self, stored):
        """A user without sessions, or none at all, is a success."""
        stored.guard.revoke_user("nobody")

        assert [UserRevoked] == stored.kinds

    @pytest.mark.parametrize("text", ["01", " 1", "+1"], ids=repr)
    def test_another_text_of_the_number(self, stored, text):
        """A text with the same value is the identity of another user; its decimal text is the same identity."""
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke_user(text)

        assert 1 == stored.guard.verify(token).identity
        stored.guard.revoke_user("1")
        assert RevokedTokenError is outcome(stored.guard.verify, token)

    def test_outlives(self, stored):
        """The end holds until the last token from before has expired, and sessions from after stay valid."""
        before = stored.guard.issue(stored.alice)
        stored.guard.revoke_user(1)
        last = stored.at(NOW + REFRESH - 1).issue(stored.alice)

        assert RevokedTokenError is outcome(stored.guard.refresh, before)
        assert 1 == stored.at(NOW + REFRESH + 61).verify(last).identity
        assert 1 == stored.at(NOW + 2 * REFRESH - 2).verify(stored.guard.refresh(last)).identity

    @both_layouts
    @pytest.mark.parametrize("issuer", ["longer lifespan", "no store", "eternal"])
    def test_older_tokens(self, issuer, layout):
        """A token stays revoked to its end, whatever lifespan it was issued with and whether by a guard with a store."""
        lifespan = 5_000 * 365 * 86_400 if issuer == "eternal" else 30 * REFRESH
        options = {"layout": layout, "accept_layouts": LAYOUTS}
        before = World(guard={"store": None if issuer == "no store" else (store := MemoryStore())}, **options)
        token = before.guard.issue(before.alice, access_lifespan=lifespan - 1, refresh_lifespan=lifespan)
        lowered = World(guard={"store": MemoryStore() if issuer == "no store" else store}, **options)
        lowered.guard.revoke_user(1)
        later = [REFRESH - 1, REFRESH, REFRESH + 61, 2 * REFRESH, lifespan - 2]

        assert [RevokedTokenError] * 5 == [outcome(lowered.at(NOW + late).verify, token) for late in later]
        assert RevokedTokenError is outcome(lowered.at(NOW + lifespan - 1).refresh, token)

    def test_lowered_lifespan(self):
        """Lowering the refresh lifespan applies to new sessions: an earlier one keeps the end in its token."""
        store = MemoryStore()
        before = World(guard={"store": store}, refresh_lifespan=30 * REFRESH)
        token = before.guard.issue(before.alice)
        lowered = World(guard={"store": store}, refresh_lifespan=REFRESH)
        end = NOW + 30 * REFRESH

        assert end == lowered.at(NOW + 2 * REFRESH).verify(lowered.guard.refresh(token)).refresh_expires_at
        assert NOW + 3 * REFRESH == lowered.guard.verify(lowered.guard.issue(lowered.alice)).refresh_expires_at

    @pytest.mark.parametrize("kind", ["user", "principal"])
    def test_object(self, stored, kind):
        """A user or a principal in place of its identity is refused with what to write, and nothing ends."""
        token = stored.guard.issue(stored.alice)
        given = stored.alice if kind == "user" else stored.guard.verify(token)
        with pytest.raises(ConfigurationError, match=r"write revoke_user\(the .*'s \.identity\)"):
            stored.guard.revoke_user(given)

        assert 1 == stored.guard.verify(token).identity

    def test_named_object(self, stored):
        """So is a user whose text is a name: it would end the sessions of another key."""
        user = type("User", (), {"identity": 1, "__str__": lambda self: "alice"})()

        assert ConfigurationError is outcome(stored.guard.revoke_user, user)

    @pytest.mark.parametrize("identity", ["eyal.ben.ari", "a.b.c", "eyJ", "eyal@example.co.uk"])
    def test_dots(self, stored, identity):
        """An identity with dots is no token."""
        stored.guard.revoke_user(identity)

        assert [UserRevoked] == stored.kinds

    def test_token(self, stored):
        """So is a token."""
        with pytest.raises(ConfigurationError, match=r"given a token; write revoke\(token\)"):
            stored.guard.revoke_user(stored.guard.issue(stored.alice))

    @pytest.mark.parametrize("identity", [uuid.UUID(int=7), str(uuid.UUID(int=7))], ids=repr)
    def test_uuid(self, identity):
        """An identity ends its sessions as a UUID and as its text."""
        stored = World(guard={"store": MemoryStore()}, parse_identity=uuid.UUID)
        stored.alice.identity = uuid.UUID(int=7)
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke_user(identity)

        assert RevokedTokenError is outcome(stored.guard.verify, token)
