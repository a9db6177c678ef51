"""Tickets in the query of a request: ``admit``, ``admit_optional`` and ``find_token``."""

from __future__ import annotations

import pytest
from tests.core.guard.test_cookies import BOTH_GUARDS, admit, carrying
from tests.core.guard.world import CountingStore, World
from tests.support import ACCESS, NOW, OTHER_RING, Request, bearer

from praetorian_core import errors
from praetorian_core.events import TicketRedeemed, TokenRefused
from praetorian_core.policy import all_roles
from praetorian_core.stores.memory import MemoryStore

PLACES = ["header", "cookie", "query_ticket"]


def opened(**settings):
    """Return a world whose guard reads all places."""
    guard = settings.pop("guard", {"store": MemoryStore()})
    return World(**{"places": PLACES, "guard": guard} | settings)


def ticket_of(world, **claims):
    """Return a ticket of a new session."""
    return world.guard.issue_ticket(world.guard.verify(world.guard.issue(world.alice, **claims)))


def asking(ticket, **facts):
    """Return a request with a ticket."""
    return Request(query=f"x=1&ticket={ticket}", **facts)


def refused(world, kind, request, **options):
    """Return the class of the error."""
    try:
        return admit(world, kind, request, **options)
    except errors.PraetorianError as error:
        return type(error)


@BOTH_GUARDS
class TestAdmit:
    @pytest.mark.parametrize("optional", [False, True])
    def test_once(self, kind, optional):
        """A ticket admits one request, and no second one."""
        world = opened()
        ticket = ticket_of(world, team="red")

        assert {"team": "red"} == admit(world, kind, asking(ticket), optional=optional).claims
        assert errors.ReusedTokenError is refused(world, kind, asking(ticket), optional=optional)
        assert [TicketRedeemed, TokenRefused] == world.kinds

    def test_twice_in_one_request(self, kind):
        """Two decorators on one request redeem its ticket once, and both check their policy."""
        world = opened()
        request = asking(ticket_of(world))

        assert admit(world, kind, request) == admit(world, kind, request, all_roles("admin"))
        assert errors.MissingRoleError is refused(world, kind, request, policy=all_roles("root"))
        assert [TicketRedeemed, TokenRefused] == world.kinds

    def test_later_in_one_request(self, kind):
        """A request that lasts is checked again: when the session or the access has ended, the ticket admits no more."""
        world = opened()
        first, second = asking(ticket_of(world)), asking(ticket_of(world))
        admit(world, kind, first)
        admit(world, kind, second)
        world.at(NOW + ACCESS - 1)

        assert 1 == admit(world, kind, first).identity
        world.guard.revoke_user(1)
        assert errors.RevokedTokenError is refused(world, kind, first)
        world.at(NOW + ACCESS)
        assert errors.ExpiredAccessError is refused(world, kind, second)

    def test_another_ticket_in_the_note(self, kind):
        """A redemption admits the ticket that it names and no other."""
        world = opened()
        request, other = asking(ticket_of(world)), asking("x.y.z")
        admit(world, kind, request)
        other.redemption = request.redemption

        assert errors.InvalidTokenError is refused(world, kind, other)

    def test_redeemed_by_another_guard(self, kind):
        """A request that is passed on to an application with another guard carries nothing that this guard has checked."""
        world, other = opened(), opened(keys=OTHER_RING)
        request = asking(ticket_of(world))
        admit(world, kind, request)

        assert errors.InvalidTokenError is refused(other, kind, request)
        assert 1 == admit(world, kind, request).identity

    def test_policy(self, kind):
        """A ticket that was redeemed for a request whose roles do not suffice is spent."""
        world = opened()
        ticket = ticket_of(world)

        assert errors.MissingRoleError is refused(world, kind, asking(ticket), policy=all_roles("root"))
        assert errors.ReusedTokenError is refused(world, kind, asking(ticket))

    @pytest.mark.parametrize("optional", [False, True])
    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            ("", errors.InvalidTokenError),
            ("x", errors.InvalidTokenError),
            ("session", errors.MisusedTokenError),
            ("action", errors.MisusedTokenError),
        ],
    )
    def test_refused(self, kind, optional, bad, expected):
        """Anything but a ticket is rejected in the query, a session token above all."""
        world = opened()
        tokens = {"session": world.guard.issue(world.alice), "action": world.guard.issue_action(world.alice, "reset")}

        assert expected is refused(world, kind, asking(tokens.get(bad, bad)), optional=optional)

    def test_is_no_bearer_token(self, kind):
        """A ticket in the header or in the cookie is refused, and is not spent by that."""
        world = opened()
        ticket = ticket_of(world)

        assert errors.MisusedTokenError is refused(world, kind, bearer(ticket))
        assert errors.MisusedTokenError is refused(world, kind, carrying(ticket))
        assert 1 == admit(world, kind, asking(ticket)).identity

    def test_conflict(self, kind):
        """A ticket beside a token is refused and not spent."""
        world = opened()
        token, ticket = world.guard.issue(world.alice), ticket_of(world)

        for beside in (bearer(token), carrying(token)):
            beside.query = f"ticket={ticket}"
            assert errors.ConflictingTokensError is refused(world, kind, beside)
        assert 1 == admit(world, kind, asking(ticket)).identity

    def test_not_a_place(self, kind):
        """Without ``query_ticket`` in ``JWT_PLACES`` a ticket in the query is ignored, and not spent."""
        world = opened()
        other = opened(places=["header"], guard={"store": world.guard._services.store})
        ticket = ticket_of(world)

        assert errors.MissingTokenError is refused(other, kind, asking(ticket))
        assert admit(other, kind, asking(ticket), optional=True) is None
        assert 1 == admit(world, kind, asking(ticket)).identity

    def test_websocket(self, kind):
        """A handshake with a ticket needs no ``Origin``: the ticket itself proves that the page may open the socket."""
        world = opened()

        assert 1 == admit(world, kind, asking(ticket_of(world), is_websocket=True)).identity

    def test_store_calls(self, kind):
        """A ticket costs two store calls, and the second check of the request one."""
        store = CountingStore()
        world = opened(guard={"store": store}, check_sessions="refresh")
        request = asking(ticket_of(world))
        counts = []
        for _ in range(2):
            before = store.calls
            admit(world, kind, request)
            counts.append(store.calls - before)

        assert [2, 1] == counts


class TestFindToken:
    def test_never_a_ticket(self):
        """A refresh or logout route gets no ticket."""
        world = opened()
        ticket = ticket_of(world)
        with pytest.raises(errors.MissingTokenError, match="a ticket, which is neither refreshed nor revoked"):
            world.guard.find_token(asking(ticket))

        assert 1 == world.guard.redeem_ticket(ticket).identity
        assert [TokenRefused, TicketRedeemed] == world.kinds

    def test_repr(self):
        """The note in the request shows no ticket."""
        world = opened()
        request = asking(ticket_of(world))
        world.guard.admit(request)

        assert request.redemption.ticket not in repr(request.redemption)


class TestOptions:
    def test_needs_a_store(self):
        """A guard that could not spend tickets does not start."""
        with pytest.raises(errors.ConfigurationError, match="JWT_PLACES holds 'query_ticket', which needs a store"):
            World(places=["header", "query_ticket"])

        assert World(places=["header", "query_ticket"], guard={"store": MemoryStore()})
