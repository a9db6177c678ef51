"""``confirm`` as an application calls it; tests/core/flows/test_confirmation.py states all of its rules."""

from __future__ import annotations

import attrs
import pytest
from tests.core.guard.world import OUTDATED, World
from tests.support import ACCESS, NOW, PASSWORD, REFRESH, bearer, both_layouts, outcome, refusal

from praetorian_core import errors
from praetorian_core.events import (
    AuthenticationConfirmed,
    LoginFailed,
    LoginThrottled,
    TokenRefreshed,
    TokenRefused,
    TokenReused,
    session_digest,
)
from praetorian_core.guard import Guard
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.policy import all_roles, any_role, authenticated_within
from praetorian_core.stores.memory import MemoryStore

LATER = NOW + 400
RECENT = authenticated_within("5 minutes")


class TestConfirm:
    @both_layouts
    def test_session(self, layout):
        """The session goes on: its id, its end and its claims stay; roles and the time of the authentication are new."""
        world = World(layout=layout)
        token = world.guard.issue(world.alice, plan="gold")
        before = world.guard.verify(token)
        world.alice.rolenames = ["guest"]
        after = world.guard.verify(world.at(LATER).confirm(token, PASSWORD))
        times = {"issued_at": LATER, "access_expires_at": LATER + ACCESS, "authenticated_at": LATER}

        assert attrs.evolve(before, roles=frozenset({"guest"}), **times) == after

    def test_policy(self, world):
        """A view that requires a recent authentication is open again."""
        token = world.guard.issue(world.alice)
        world.clock.now = LATER

        assert errors.StaleAuthenticationError is outcome(world.guard.admit, bearer(token), RECENT)
        assert 1 == world.guard.admit(bearer(world.guard.confirm(token, PASSWORD)), RECENT).identity

    @both_layouts
    def test_refresh_is_no_authentication(self, layout):
        """A refresh keeps the time of the authentication, so the session is not recent by it."""
        world = World(layout=layout, early_refresh=ACCESS, guard={"store": MemoryStore()})
        token = world.guard.confirm(world.guard.issue(world.alice), PASSWORD)
        for late in (100, 299):
            token = world.at(NOW + late).refresh(token)
            assert NOW == world.guard.admit(bearer(token), RECENT).authenticated_at
        token = world.at(NOW + 300).refresh(token)

        assert errors.StaleAuthenticationError is outcome(world.guard.admit, bearer(token), RECENT)

    def test_while_access_lasts(self, stored):
        """It needs no expired access, and spends the token: a refresh of it after the grace is reuse."""
        token = stored.guard.issue(stored.alice)
        fresh = stored.guard.confirm(token, PASSWORD)

        assert errors.ReusedTokenError is outcome(stored.at(NOW + ACCESS).refresh, token)
        assert errors.RevokedTokenError is outcome(stored.guard.refresh, fresh)

    def test_after_a_refresh(self, stored):
        """A token that was refreshed is reuse, whatever the password."""
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(NOW + ACCESS).refresh(token)

        assert errors.ReusedTokenError is outcome(stored.at(NOW + ACCESS + 10).confirm, token, "wrong")
        assert [TokenRefreshed, TokenReused, TokenRefused] == stored.kinds
        assert errors.RevokedTokenError is outcome(stored.guard.verify, fresh)

    def test_wrong_password(self, stored):
        """A wrong password leaves the session as it was."""
        token = stored.guard.issue(stored.alice)

        assert errors.AuthenticationError is outcome(stored.guard.confirm, token, "wrong")
        assert NOW + ACCESS == stored.guard.verify(stored.at(NOW + ACCESS).refresh(token)).issued_at

    def test_equal_work(self, stored):
        """Every failure of the password computes as many hashes."""
        token, counts = stored.guard.issue(stored.alice), []
        for password, hashed in (("wrong", stored.alice.password), (None, stored.alice.password), (PASSWORD, None)):
            stored.alice.password = hashed
            before = stored.hasher.computations
            assert errors.AuthenticationError is outcome(stored.guard.confirm, token, password, source="8.8.8.8")
            counts.append(stored.hasher.computations - before)

        assert [counts[0]] * 3 == counts
        assert counts[0] > 0

    def test_disabled(self, stored):
        """A disabled account cannot guess: the answer is that of a refresh, and no hash is computed."""
        token, before = stored.guard.issue(stored.alice), stored.hasher.computations
        stored.alice.valid = False

        assert errors.InvalidUserError is outcome(stored.guard.confirm, token, PASSWORD)
        assert before == stored.hasher.computations

    def test_idle(self):
        """An idle session has expired, also for the right password."""
        world = World(idle_lifespan=2 * ACCESS)
        token = world.guard.issue(world.alice)

        assert errors.ExpiredRefreshError is outcome(world.at(NOW + 2 * ACCESS).confirm, token, PASSWORD)
        assert str is type(world.at(NOW + 2 * ACCESS - 1).confirm(token, PASSWORD))

    def test_end(self, world):
        """Nothing moves ``rf_exp``."""
        token = world.guard.issue(world.alice)
        fresh = world.at(NOW + REFRESH - 1).confirm(token, PASSWORD)
        principal = world.guard.verify(fresh)

        assert (NOW + REFRESH, NOW + REFRESH) == (principal.access_expires_at, principal.refresh_expires_at)

    def test_renewal(self):
        """An outdated hash is renewed."""
        saved = []
        world = World(guard={"save_password": lambda user, hashed: saved.append(hashed)})
        token = world.guard.issue(world.alice)
        world.alice.password = OUTDATED
        world.guard.confirm(token, PASSWORD)

        assert [True] == [world.hasher.verify(PASSWORD, hashed) for hashed in saved]


class TestThrottle:
    def test_shared(self):
        """Failed logins count against a confirmation, and failed confirmations against a login."""
        world = World(guard={"throttle": LoginThrottle(per_account_and_source=2)})
        token = world.guard.issue(world.alice)
        outcome(world.guard.authenticate, "alice", "wrong", source="8.8.8.8")
        outcome(world.guard.confirm, token, "wrong", source="8.8.8.8")

        assert errors.LoginThrottledError is outcome(world.guard.confirm, token, PASSWORD, source="8.8.8.8")
        assert errors.LoginThrottledError is outcome(world.guard.authenticate, "alice", PASSWORD, source="8.8.8.8")
        assert str is type(world.guard.confirm(token, PASSWORD, source="9.9.9.9"))

    def test_parallel_sessions(self):
        """Many sessions of one user give no additional guesses."""
        world = World(guard={"throttle": LoginThrottle(per_account=3)})
        found = [outcome(world.guard.confirm, world.guard.issue(world.alice), "wrong") for _ in range(5)]

        assert [errors.AuthenticationError] * 3 + [errors.LoginThrottledError] * 2 == found


class TestEvents:
    def test_success(self, stored):
        """A success emits one event, with the digest of the session."""
        token = stored.guard.issue(stored.alice)
        session = session_digest(stored.guard.verify(token).session_id)
        stored.guard.confirm(token, PASSWORD, source="8.8.8.8")

        assert [AuthenticationConfirmed(at=NOW, identity="1", session=session, source="8.8.8.8")] == stored.heard

    def test_failures(self):
        """Failures are those of a login; the token itself was not refused."""
        world = World(guard={"throttle": LoginThrottle(per_account=1)})
        token = world.guard.issue(world.alice)
        for _ in range(2):
            outcome(world.guard.confirm, token, "wrong")

        assert [LoginFailed(at=NOW, identity="1", source=None), LoginThrottled(at=NOW, source=None)] == world.heard

    def test_refused_token(self, world):
        """A token that is not accepted is reported like everywhere."""
        token = world.guard.issue(world.alice)
        outcome(world.at(NOW + REFRESH).confirm, token, PASSWORD)

        assert [TokenRefused] == world.kinds


class TestMisuse:
    def test_no_users(self):
        """A guard that only verifies names what is missing."""
        world = World()
        verifier = Guard(None, world.settings)

        assert "confirm needs users" in refusal(verifier.confirm, "a.b.c", PASSWORD)

    def test_no_hasher(self):
        """A guard without a hasher names what is missing."""
        world = World(guard={"passwords": None})
        token = world.guard.issue(world.alice)

        assert "confirm needs passwords" in refusal(world.guard.confirm, token, PASSWORD)

    def test_bad_lifespan(self, world):
        """A lifespan that is none is refused by its name."""
        token = world.guard.issue(world.alice)

        assert "access_lifespan must be " in refusal(world.guard.confirm, token, PASSWORD, access_lifespan="soon")

    def test_coroutine(self, world):
        """A coroutine in place of the token is refused with what to write."""

        async def token():
            """Never awaited."""

        waiting = token()
        assert "await" in refusal(world.guard.confirm, waiting, PASSWORD)
        waiting.close()


class TestPolicies:
    def test_evidence(self, world):
        """The refusal is reported with the error's code."""
        token = world.guard.issue(world.alice)
        outcome(world.at(NOW + 300).admit, bearer(token), RECENT)
        (event,) = world.heard

        assert ("stale_authentication", "the user authenticated 300 s ago; expected less than 300 s ago") == (
            event.code,
            event.detail,
        )

    def test_optional(self, world):
        """On an optional route the policy applies to every token that is presented."""
        token = world.guard.issue(world.alice)

        assert errors.StaleAuthenticationError is outcome(world.at(NOW + 300).admit_optional, bearer(token), RECENT)

    def test_roles_disabled(self):
        """A policy of time alone works where roles are disabled; one that reads roles grants nothing."""
        world = World(roles_disabled=True)
        request = bearer(world.guard.issue(world.alice))

        assert 1 == world.guard.admit(request, RECENT).identity
        for policy in (RECENT & any_role("admin"), RECENT | any_role("admin")):
            assert errors.ConfigurationError is outcome(world.guard.admit, request, policy)

    def test_unknown_role(self):
        """The names of a combined policy are checked against ``PRAETORIAN_ROLES``."""
        world = World(roles=["admin", "editor"])
        request = bearer(world.guard.issue(world.alice))

        assert errors.ConfigurationError is outcome(world.guard.admit, request, RECENT & all_roles("editro"))
        assert 1 == world.guard.admit(request, RECENT & all_roles("editor")).identity

    @pytest.mark.parametrize("roles_disabled", [True, False])
    def test_not_a_policy(self, roles_disabled):
        """Something else than a policy is a configuration error."""
        world = World(roles_disabled=roles_disabled)
        request = bearer(world.guard.issue(world.alice))

        assert "the policy is str; write all_roles(" in refusal(world.guard.admit, request, "admin")

    def test_older_token(self):
        """A token of a version without ``auth_time`` is never recent, until its user confirms the password."""
        world = World()
        token = world.guard.issue(world.alice)
        claims = world.guard._codec.decode(token, NOW)
        undated = world.guard._codec.encode(
            claims._replace(principal=attrs.evolve(claims.principal, authenticated_at=None))
        )

        assert errors.StaleAuthenticationError is outcome(world.guard.admit, bearer(undated), RECENT)
        assert 1 == world.guard.admit(bearer(world.guard.confirm(undated, PASSWORD)), RECENT).identity
