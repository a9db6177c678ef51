"""``issue_ticket``, ``redeem_ticket``, ``admit_token`` and ``recheck``."""

from __future__ import annotations

import uuid

import jwt
import pytest
from tests.core.guard.world import LAYOUTS, CountingStore, World, tampered
from tests.support import ACCESS, NOW, OTHER_RING, REFRESH, SECRET, both_layouts, outcome

from praetorian_core import errors
from praetorian_core.events import TicketRedeemed, TokenRefused
from praetorian_core.policy import all_roles
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import MemoryUser


def stored(**settings):
    """Return a world with a store."""
    return World(guard={"store": MemoryStore()}, **settings)


def signed_in(world, **claims):
    """Return the principal of a new session."""
    return world.guard.verify(world.guard.issue(world.alice, **claims))


class TestTicket:
    @both_layouts
    def test_carries_the_session(self, layout):
        """The principal of a ticket equals the principal for which it was issued, claims and times included."""
        world = stored(layout=layout)
        world.guard.revoke_user(1)
        principal = signed_in(world, plan={"tiers": ["gold"]})
        ticket = world.at(NOW + 5).issue_ticket(principal)

        assert principal == world.guard.redeem_ticket(ticket)
        assert principal.session_epoch is not None

    def test_without_roles(self):
        """A guard without roles writes none into tickets."""
        world = stored(roles_disabled=True)
        principal = signed_in(world)

        assert principal == world.guard.redeem_ticket(world.guard.issue_ticket(principal))

    def test_parsed_identity(self):
        """An identity is parsed as that of a token."""
        world = stored(parse_identity=uuid.UUID)
        world.alice.identity = uuid.UUID(int=7)
        principal = signed_in(world)

        assert uuid.UUID(int=7) == world.guard.redeem_ticket(world.guard.issue_ticket(principal)).identity

    @both_layouts
    def test_once(self, layout):
        """A ticket is redeemed once, by any guard that shares the store."""
        world = stored(layout=layout)
        other = World(layout=layout, guard={"store": world.guard._services.store})
        ticket = world.guard.issue_ticket(signed_in(world))

        assert 1 == other.guard.redeem_ticket(ticket).identity
        assert [errors.ReusedTokenError] * 2 == [outcome(each.guard.redeem_ticket, ticket) for each in (world, other)]

    @both_layouts
    def test_is_no_other_token(self, layout):
        """A ticket grants no access by itself, is not refreshed, performs no action and ends no session."""
        world = stored(layout=layout)
        principal = signed_in(world)
        ticket = world.guard.issue_ticket(principal)
        calls = [
            (world.guard.verify, ticket),
            (world.guard.admit_token, ticket),
            (world.guard.refresh, ticket),
            (world.guard.revoke, ticket),
            (world.guard.read_action, ticket, "reset"),
            (world.guard.redeem_action, ticket, "reset"),
            (world.guard.reset_password, ticket, "a fine new password"),
        ]

        assert [errors.MisusedTokenError] * len(calls) == [outcome(*call) for call in calls]
        assert principal == world.guard.redeem_ticket(ticket)

    @both_layouts
    def test_others_are_no_tickets(self, layout):
        """A session token and an action token open no connection as tickets."""
        world = stored(layout=layout)
        tokens = [world.guard.issue(world.alice), world.guard.issue_action(world.alice, "reset")]

        assert [errors.MisusedTokenError] * 2 == [outcome(world.guard.redeem_ticket, token) for token in tokens]

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", b"\xff", None, 7], ids=repr)
    def test_malformed(self, token):
        """A text that is no token is rejected."""

        assert errors.InvalidTokenError is outcome(stored().guard.redeem_ticket, token)

    def test_forged(self):
        """Another signature, another key and another issuer are rejected."""
        world = stored(issuer="me", audience="you")
        other = World(keys=OTHER_RING, issuer="me", audience="you", guard={"store": MemoryStore()})
        elsewhere = stored(issuer="me", audience="they")
        tickets = [each.guard.issue_ticket(signed_in(each)) for each in (world, other, elsewhere)]
        refused = [tampered(tickets[0]), *tickets[1:]]

        assert [errors.InvalidTokenError] * 3 == [outcome(world.guard.redeem_ticket, ticket) for ticket in refused]
        assert 1 == world.guard.redeem_ticket(tickets[0]).identity

    @both_layouts
    @pytest.mark.parametrize("check", ["always", "refresh"])
    @pytest.mark.parametrize("everything", [False, True], ids=["revoke", "revoke_user"])
    def test_ended_session(self, layout, check, everything):
        """A ticket of a session that was ended is rejected, whatever access checks."""
        world = stored(layout=layout, check_sessions=check)
        token = world.guard.issue(world.alice)
        ticket = world.guard.issue_ticket(world.guard.verify(token))
        if everything:
            world.guard.revoke_user(1)
        else:
            world.guard.revoke(token)

        assert errors.RevokedTokenError is outcome(world.guard.redeem_ticket, ticket)

    @pytest.mark.parametrize("lifespan", ["5 minutes", {"seconds": 300}, 300], ids=repr)
    def test_lifespan(self, lifespan):
        """A lifespan may be given in any form, up to 5 minutes."""
        world = stored()
        principal = signed_in(world)
        ticket = world.guard.issue_ticket(principal, lifespan=lifespan)

        assert principal == world.at(NOW + 299).redeem_ticket(ticket)
        with pytest.raises(errors.ConfigurationError, match="got 301 s"):
            world.guard.issue_ticket(principal, lifespan=301)

    @pytest.mark.parametrize("call", ["issue_ticket", "recheck"])
    def test_another_argument(self, call):
        """The error says what to write for a principal."""
        world = stored()
        with pytest.raises(
            errors.ConfigurationError, match=rf"{call} was given a str; write {call}\(guard\.verify\(token\)\)"
        ):
            getattr(world.guard, call)(world.guard.issue(world.alice))

    def test_another_library(self):
        """PyJWT verifies the signature, and finds the session within."""
        world = stored()
        ticket = world.guard.issue_ticket(signed_in(world))
        payload = jwt.decode(ticket, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})

        assert "ticket+jwt" == jwt.get_unverified_header(ticket)["typ"]
        assert {"jti", "iat", "exp", "session"} == set(payload)
        assert ("1", 1, ["admin", "editor"]) == tuple(payload["session"][name] for name in ("sub", "id", "roles"))

    def test_event(self):
        """A redemption and its refusal are events, without the ticket."""
        world = stored()
        ticket = world.guard.issue_ticket(signed_in(world))
        world.guard.redeem_ticket(ticket)
        outcome(world.guard.redeem_ticket, ticket)

        assert [TicketRedeemed, TokenRefused] == world.kinds
        assert not [part for part in ticket.split(".")[1:] if part in repr(world.heard)]

    def test_store_calls(self):
        """A ticket costs two store calls when it is redeemed, and none when it is issued."""
        store = CountingStore()
        world = World(guard={"store": store}, check_sessions="refresh")
        ticket = world.guard.issue_ticket(signed_in(world))
        before = store.calls
        world.guard.redeem_ticket(ticket)

        assert (2, 4) == (before, store.calls)  # a login costs two calls


class TestAdmitToken:
    @pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
    def test_principal(self, layout):
        """The token is verified, and the policy checked."""
        world = stored(layout=layout)
        token = world.guard.issue(world.alice)

        assert world.guard.verify(token) == world.guard.admit_token(token, all_roles("admin"))
        assert errors.MissingRoleError is outcome(world.guard.admit_token, token, all_roles("root"))
        assert errors.InvalidTokenError is outcome(world.guard.admit_token, tampered(token))
        assert errors.ExpiredAccessError is outcome(world.at(NOW + ACCESS).admit_token, token)

    def test_another_user(self):
        """A connection stays with its user: a token of another user, however valid, is rejected."""
        world = stored()
        bob = world.users.add(MemoryUser(identity=2, username="bob"))
        former = signed_in(world)
        world.clock.tick(ACCESS)
        own, foreign = world.guard.issue(world.alice), world.guard.issue(bob)

        assert 1 == world.guard.admit_token(own, instead_of=former).identity
        assert errors.MisusedTokenError is outcome(world.guard.admit_token, foreign, instead_of=former)
        assert 2 == world.guard.admit_token(foreign).identity
        assert [TokenRefused] == world.kinds


class TestRecheck:
    @pytest.mark.parametrize("check", ["always", "refresh"])
    def test_until_it_ends(self, check):
        """It returns the seconds to wait, and raises from the second at which the access or the session ends."""
        world = stored(check_sessions=check)
        token = world.guard.issue(world.alice)
        principal = world.guard.verify(token)

        assert [30, 1] == [world.guard.recheck(principal), world.at(NOW + ACCESS - 1).recheck(principal)]
        assert errors.ExpiredAccessError is outcome(world.at(NOW + ACCESS).recheck, principal)
        assert errors.ExpiredRefreshError is outcome(world.at(NOW + REFRESH).recheck, principal)
        world.at(NOW).revoke(token)
        assert errors.RevokedTokenError is outcome(world.guard.recheck, principal)

    def test_no_store(self, world):
        """Without a store the next check is due when the access ends."""

        assert ACCESS == world.guard.recheck(signed_in(world))
