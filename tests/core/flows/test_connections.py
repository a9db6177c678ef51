"""Tickets and open connections, question by question."""

from __future__ import annotations

import attrs
import pytest
from tests.core.flows.test_sessions import answered, context, issued, result_of
from tests.support import ACCESS, DAY, NOW

from praetorian_core import errors, questions
from praetorian_core.events import TicketRedeemed, session_digest
from praetorian_core.flows import issue_action, issue_ticket, read_session, recheck, redeem_ticket
from praetorian_core.flows.connections import MAX_TICKET_LIFESPAN, TICKET_LIFESPAN
from praetorian_core.flows.state import access_keys, ticket_key
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD

YES, NO = True, False
E, F = "e" * 12, "f" * 12
SPENT_UNTIL = NOW + TICKET_LIFESPAN + 60


@pytest.fixture(params=[STANDARD, FLASK_PRAETORIAN], ids=lambda layout: layout.name)
def chosen(request):
    """Return the context of a guard with a store."""
    return context(has_store=True, layout=request.param)


def principal_of(chosen, **options):
    """Return the principal of a new session."""
    return read_session(chosen, issued(chosen, **options), options.get("now", NOW)).principal


class TestIssueTicket:
    def test_claims(self, chosen):
        """A ticket carries the principal unchanged, an id of its own and its two times."""
        principal = principal_of(chosen, epoch=E, team="red")
        first, second = (chosen.codec.decode(issue_ticket(chosen, principal, None, NOW), NOW) for _ in range(2))

        assert (principal, NOW, NOW + TICKET_LIFESPAN) == (first.principal, first.issued_at, first.expires_at)
        assert first.token_id != second.token_id
        assert 22 == len(first.token_id)

    @pytest.mark.parametrize(
        ("late", "lifespan", "expected"),
        [
            (0, None, TICKET_LIFESPAN),
            (0, 1, 1),
            (0, MAX_TICKET_LIFESPAN, MAX_TICKET_LIFESPAN),
            (ACCESS - TICKET_LIFESPAN, None, ACCESS),
            (ACCESS - TICKET_LIFESPAN + 1, None, ACCESS),
            (ACCESS - 1, None, ACCESS),
        ],
    )
    def test_expires_with_the_access(self, chosen, late, lifespan, expected):
        """A ticket expires after its lifespan, and with the access of the token at the latest."""
        ticket = issue_ticket(chosen, principal_of(chosen), lifespan, NOW + late)

        assert NOW + expected == chosen.codec.decode(ticket, NOW + late).expires_at

    def test_leeway(self):
        """The leeway prolongs access, and so the ticket's end."""
        chosen = context(has_store=True, leeway=60)
        ticket = issue_ticket(chosen, principal_of(chosen), None, NOW + ACCESS + 59)

        assert NOW + ACCESS + 60 == chosen.codec.decode(ticket, NOW + ACCESS).expires_at

    def test_idle(self):
        """The idle lifespan ends a session, and so the ticket."""
        chosen = context(has_store=True, idle_lifespan=ACCESS + 5)
        principal = attrs.evolve(principal_of(chosen), access_expires_at=NOW + 2 * ACCESS)
        ticket = issue_ticket(chosen, principal, None, NOW + ACCESS)

        assert NOW + ACCESS + 5 == chosen.codec.decode(ticket, NOW + ACCESS).expires_at

    @pytest.mark.parametrize(
        ("late", "expected"), [(ACCESS, errors.ExpiredAccessError), (DAY, errors.ExpiredRefreshError)]
    )
    def test_after_the_access(self, chosen, late, expected):
        """A principal whose access has ended gets none; one second earlier it does."""
        principal = principal_of(chosen)
        with pytest.raises(expected):
            issue_ticket(chosen, principal, None, NOW + late)

        assert issue_ticket(chosen, principal, None, NOW + ACCESS - 1)

    def test_too_long(self, chosen):
        """A ticket lives for minutes at most."""
        with pytest.raises(errors.ConfigurationError, match="must be at most 300 s, because servers log"):
            issue_ticket(chosen, principal_of(chosen), MAX_TICKET_LIFESPAN + 1, NOW)

    def test_no_store(self):
        """Without a store it could not be spent."""
        chosen = context()
        with pytest.raises(errors.ConfigurationError, match="issue_ticket needs a store"):
            issue_ticket(chosen, principal_of(chosen), None, NOW)

    @pytest.mark.parametrize("now", [NOW + 0.5, True, -1], ids=repr)
    def test_clock(self, chosen, now):
        """No ticket is issued at a time that is not whole seconds."""
        with pytest.raises(errors.ConfigurationError, match="the clock returned"):
            issue_ticket(chosen, principal_of(chosen), None, now)

    def test_depth(self, chosen):
        """The ticket encloses a claim once more than the token does, so the deepest claim does not fit."""
        deepest, fits = 0, None
        for _ in range(31):
            deepest, fits = [deepest], deepest

        with pytest.raises(errors.ClaimValueError, match="nests deeper than 32"):
            issue_ticket(chosen, principal_of(chosen, tree=deepest), None, NOW)
        ticket = issue_ticket(chosen, principal_of(chosen, tree=fits), None, NOW)
        assert {"tree": fits} == chosen.codec.decode(ticket, NOW).principal.claims


class TestRedeemTicket:
    def start(self, chosen, now=NOW, **options):
        """Return a principal, its ticket's id, and a flow that redeems the ticket."""
        principal = principal_of(chosen, **options)
        ticket = issue_ticket(chosen, principal, None, NOW)
        return principal, chosen.codec.decode(ticket, NOW).token_id, redeem_ticket(chosen, ticket, now)

    def test_order(self, chosen):
        """The session is checked first and the ticket spent last; then the event is emitted."""
        principal, token_id, flow = self.start(chosen, epoch=E)
        key = ticket_key(1, token_id)
        event = TicketRedeemed(at=NOW, identity="1", session=session_digest(principal.session_id))

        assert questions.GetState(access_keys(1, principal.session_id), NOW) == next(flow)
        assert questions.CompareAndSetState(key, None, "spent", SPENT_UNTIL, NOW) == flow.send([None, E])
        assert questions.Emit(event) == flow.send(YES)
        with pytest.raises(StopIteration) as done:
            flow.send(None)
        assert principal == done.value.value

    @pytest.mark.parametrize(
        ("epoch", "answer"), [(None, ["ended", None]), (None, [None, E]), (E, [None, F]), (E, [None, None])]
    )
    def test_ended(self, chosen, epoch, answer):
        """A session that was ended, alone or with all others, spends nothing."""
        _, _, flow = self.start(chosen, epoch=epoch)
        next(flow)
        with pytest.raises(errors.RevokedTokenError):
            flow.send(answer)

    @pytest.mark.parametrize("answer", [NO, 1, None], ids=repr)
    def test_spent(self, chosen, answer):
        """Only True means that this request has spent the ticket."""
        _, _, flow = self.start(chosen)
        answered(flow, [None, None])
        with pytest.raises(errors.ReusedTokenError):
            flow.send(answer)

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            (NOW + TICKET_LIFESPAN - 1, None),
            (NOW + TICKET_LIFESPAN, errors.ExpiredTicketError),
            (NOW + TICKET_LIFESPAN + 1, errors.ExpiredTicketError),
            (NOW - 10, None),
            (NOW - 11, errors.InvalidTokenError),
        ],
    )
    def test_times(self, chosen, now, expected):
        """A ticket is accepted until the second before its exp; clocks may differ by 10 seconds before its iat."""
        _, _, flow = self.start(chosen, now)
        if expected is None:
            assert isinstance(next(flow), questions.GetState)
        else:
            with pytest.raises(expected):
                next(flow)

    def test_access(self, chosen):
        """The access of the token is checked too, whatever the ticket's own exp is."""
        claims = chosen.codec.decode(issue_ticket(chosen, principal_of(chosen), None, NOW), NOW)
        early = attrs.evolve(claims.principal, access_expires_at=NOW + 5)
        ticket = chosen.codec.encode(attrs.evolve(claims, principal=early))

        assert isinstance(next(redeem_ticket(chosen, ticket, NOW + 4)), questions.GetState)
        with pytest.raises(errors.ExpiredAccessError):
            next(redeem_ticket(chosen, ticket, NOW + 5))

    def test_other_kinds(self, chosen):
        """A session token and an action token are no tickets (RFC 8725 §3.12)."""
        action = result_of(issue_action(chosen, object(), "registration", None, {}, NOW), 1)
        for token in (issued(chosen), action):
            with pytest.raises(errors.MisusedTokenError, match="presented as a ticket"):
                next(redeem_ticket(chosen, token, NOW))

    def test_no_store(self, chosen):
        """Without a store it cannot be spent, so it is not accepted."""
        ticket = issue_ticket(chosen, principal_of(chosen), None, NOW)
        with pytest.raises(errors.ConfigurationError, match="redeem_ticket needs a store"):
            next(redeem_ticket(context(layout=chosen.codec.layout), ticket, NOW))


class TestRecheck:
    @pytest.mark.parametrize(("late", "expected"), [(0, 30), (ACCESS - 30, 30), (ACCESS - 29, 29), (ACCESS - 1, 1)])
    def test_wait(self, chosen, late, expected):
        """With a store the next check is due after the setting, and at the end of the access at the latest."""
        principal = principal_of(chosen)

        assert questions.GetState(access_keys(1, principal.session_id), NOW + late) == next(
            recheck(chosen, principal, NOW + late)
        )
        assert expected == result_of(recheck(chosen, principal, NOW + late), [None, None])

    def test_setting(self):
        """``PRAETORIAN_WEBSOCKET_RECHECK`` replaces the 30 seconds."""
        chosen = context(has_store=True, websocket_recheck=5)

        assert 5 == result_of(recheck(chosen, principal_of(chosen), NOW), [None, None])

    @pytest.mark.parametrize(("late", "expected"), [(0, ACCESS), (ACCESS - 1, 1)])
    def test_no_store(self, late, expected):
        """Without a store only the time counts, and nothing is asked."""
        chosen = context()
        with pytest.raises(StopIteration) as done:
            next(recheck(chosen, principal_of(chosen), NOW + late))

        assert expected == done.value.value

    @pytest.mark.parametrize("has_store", [False, True], ids=["no store", "store"])
    @pytest.mark.parametrize(
        ("late", "expected"),
        [
            (ACCESS, errors.ExpiredAccessError),
            (ACCESS + 1, errors.ExpiredAccessError),
            (DAY, errors.ExpiredRefreshError),
        ],
    )
    def test_expired(self, has_store, late, expected):
        """From the end of the access on nothing is asked."""
        chosen = context(has_store=has_store)
        with pytest.raises(expected):
            next(recheck(chosen, principal_of(chosen), NOW + late))

    def test_leeway(self):
        """The leeway prolongs the connection as it prolongs access."""
        chosen = context(leeway=60)
        with pytest.raises(StopIteration) as done:
            next(recheck(chosen, principal_of(chosen), NOW + ACCESS + 59))

        assert 1 == done.value.value
        with pytest.raises(errors.ExpiredAccessError):
            next(recheck(chosen, principal_of(chosen), NOW + ACCESS + 60))

    @pytest.mark.parametrize("check", ["always", "refresh"])
    @pytest.mark.parametrize("answer", [["ended", None], [None, E]], ids=["session", "user"])
    def test_ended(self, check, answer):
        """A session that was ended ends the connection, whatever access checks."""
        chosen = context(has_store=True, check_sessions=check)
        flow = recheck(chosen, principal_of(chosen), NOW)
        next(flow)
        with pytest.raises(errors.RevokedTokenError):
            flow.send(answer)
