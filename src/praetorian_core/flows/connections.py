"""Connections that stay open: a ticket opens one, and a check repeated while it is open ends it.

A browser cannot set a header for a WebSocket or an EventSource, so it opens one with a ticket in the query. Servers
log queries, so a ticket lives for seconds and is redeemed once. It carries the session of the token for which it was
issued, and never outlives that token's access.
"""

from __future__ import annotations

import secrets

from praetorian_core.errors import ConfigurationError, MisusedTokenError, ReusedTokenError
from praetorian_core.events import TicketRedeemed, session_digest
from praetorian_core.flows.context import FlowContext
from praetorian_core.flows.exchange import check_session
from praetorian_core.flows.state import SPENT, entry_expiry, ticket_key
from praetorian_core.principal import Principal
from praetorian_core.questions import CompareAndSetState, Emit, Flow, ask
from praetorian_core.token.claims import SessionClaims, TicketClaims, check_custom_claims
from praetorian_core.token.codec import MAX_TICKET
from praetorian_core.token.lifecycle import access_end, check_access, check_reading, check_ticket

TICKET_LIFESPAN = 30
"""How long a ticket lives by default, in seconds: longer than a page needs to open a connection with it."""

MAX_TICKET_LIFESPAN = 300
"""The longest lifespan of a ticket, in seconds."""


def issue_ticket(context: FlowContext, principal: Principal, lifespan: int | None, now: int) -> str:
    """Return a ticket for a principal whose token is valid for access.

    Whether its session was ended is checked when the ticket is redeemed.

    Raises:
        ExpiredTokenError: The token's access has ended.
        ConfigurationError: There is no store, the lifespan is too long, the keys only verify, the ticket would be too
            long, or the clock is not usable.
        ClaimValueError: A custom claim nests as deep as a token allows.
    """
    check_reading(now)
    context.need_store("issue_ticket")
    seconds = TICKET_LIFESPAN if lifespan is None else lifespan
    if seconds > MAX_TICKET_LIFESPAN:
        raise ConfigurationError(
            f"`lifespan` of a ticket must be at most {MAX_TICKET_LIFESPAN} s, because servers log the query; got {seconds} s"
        )
    settings = context.settings
    check_access(principal, now, settings.leeway, settings.idle_lifespan)
    # The payload and its session enclose a claim.
    check_custom_claims(principal.claims, depth=2)
    claims = TicketClaims(
        principal=principal,
        token_id=secrets.token_urlsafe(16),
        issued_at=now,
        expires_at=min(now + seconds, access_end(principal, settings.leeway, settings.idle_lifespan)),
    )
    return context.codec.encode(claims, max_length=MAX_TICKET)


def redeem_ticket(context: FlowContext, ticket: str | bytes, now: int) -> Flow[Principal]:
    """Return the principal of a ticket, and spend the ticket in the last step.

    Raises:
        InvalidTokenError: The ticket is not genuine.
        MisusedTokenError: It is a session or an action token.
        ExpiredTokenError: It has expired, or the access of its token has.
        RevokedTokenError: Its session was ended.
        ReusedTokenError: It was redeemed before.
        ConfigurationError: There is no store.
    """
    context.need_store("redeem_ticket")
    claims = context.codec.decode(ticket, now)
    if not isinstance(claims, TicketClaims):
        raise MisusedTokenError("a session or an action token was presented as a ticket")
    check_ticket(claims, now)
    principal, settings = claims.principal, context.settings
    check_access(principal, now, settings.leeway, settings.idle_lifespan)
    yield from check_session(SessionClaims(principal), now)
    key = ticket_key(principal.identity, claims.token_id)
    spent = yield from ask(CompareAndSetState(key, None, SPENT, entry_expiry(claims.expires_at), now))
    if spent is not True:
        raise ReusedTokenError
    session = session_digest(principal.session_id)
    yield from ask(Emit(TicketRedeemed(at=now, identity=str(principal.identity), session=session)))
    return principal


def recheck(context: FlowContext, principal: Principal, now: int) -> Flow[int]:
    """Return after how many seconds a connection that stays open must be checked again.

    Raises:
        ExpiredTokenError: The access of its token has ended.
        RevokedTokenError: Its session was ended (with a store only).
    """
    settings = context.settings
    check_access(principal, now, settings.leeway, settings.idle_lifespan)
    seconds = access_end(principal, settings.leeway, settings.idle_lifespan) - now
    if not context.has_store:
        return seconds
    yield from check_session(SessionClaims(principal), now)
    return min(seconds, settings.websocket_recheck)
