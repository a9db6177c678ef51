"""The encoding of tickets: a session within a token that lives for seconds.

A ticket has ``typ`` ``ticket+jwt`` (RFC 8725 §3.11) and the claims ``jti``, ``iat``, ``exp`` and ``session``, which holds
the claims of a session token of the layout ``STANDARD``. The layout reads and writes them, whatever layout the session
itself has. A ticket has the marker of no layout, so no reader of session or action tokens accepts one.
"""

from __future__ import annotations

from typing import cast

from praetorian_core.errors import InvalidTokenError
from praetorian_core.token.claims import CODEC_CLAIMS, SESSION_TYP, TICKET_TYP, SessionClaims, TicketClaims
from praetorian_core.token.layouts import STANDARD, EncodedClaims
from praetorian_core.token.layouts.fields import ABSENT, malformed, take_action_times, take_name
from praetorian_core.token.strict_json import JSONValue


def write_ticket(claims: TicketClaims, *, with_roles: bool) -> EncodedClaims:
    """Return the encoded claims of a ticket.

    Args:
        claims: The claims.
        with_roles: Whether to write roles.
    """
    session = STANDARD.write(SessionClaims(claims.principal), with_roles=with_roles)
    payload: dict[str, object] = {
        "jti": claims.token_id,
        "iat": claims.issued_at,
        "exp": claims.expires_at,
        "session": session.payload,
    }
    return EncodedClaims(typ=TICKET_TYP, payload=payload)


def read_ticket(payload: dict[str, JSONValue], *, with_roles: bool) -> TicketClaims:
    """Return the typed claims of a verified ticket.

    Args:
        payload: The members of the payload; the call removes those that it reads.
        with_roles: Whether to return roles.

    Raises:
        InvalidTokenError: A claim is missing, malformed or not allowed.
    """
    issued_at, expires_at = take_action_times(payload)
    token_id = take_name(payload, "jti")
    session = payload.pop("session", ABSENT)
    if type(session) is not dict:
        raise malformed("session", session, "an object of the claims of a session")
    others = payload.keys() - CODEC_CLAIMS
    if others:
        raise InvalidTokenError(f"claim {min(others)!r} is not allowed in a ticket")
    # For this typ the layout returns session claims or raises.
    claims = cast("SessionClaims", STANDARD.read(SESSION_TYP, session, with_roles=with_roles))
    return TicketClaims(principal=claims.principal, token_id=token_id, issued_at=issued_at, expires_at=expires_at)
