"""Finds the ticket in the query of a request.

Only a ticket may stand in a query, because servers log queries; a session token there is never read (RFC 6750 §5.3).
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from praetorian_core.errors import ConflictingTokensError

TICKET_PARAMETER = "ticket"


def find_ticket(query: str) -> str | None:
    """Return the parameter ``ticket`` of a query string, or None.

    Args:
        query: The query string as the client sent it.

    Raises:
        ConflictingTokensError: There are several.
    """
    values = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == TICKET_PARAMETER]
    if len(values) > 1:
        raise ConflictingTokensError(f"the query carries {len(values)} tickets; expected one")
    return values[0] if values else None
