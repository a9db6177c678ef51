"""Finds the token of a request in the places that ``JWT_PLACES`` names.

A malformed header is an error even if a cookie is present, and two different tokens are an error (RFC 6750 §3.1:
``invalid_request`` if a request "uses more than one method for including an access token"). A header of another scheme,
such as ``Basic``, carries no token. A ticket in the query is accepted alone.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

import attrs

from praetorian_core.errors import ConflictingTokensError, MissingTokenError
from praetorian_core.web.bearer import TokenHeader
from praetorian_core.web.cookies import TokenCookies
from praetorian_core.web.request import RequestInfo
from praetorian_core.web.tickets import find_ticket


class TokenPlace(enum.Enum):
    """Where a token was found."""

    HEADER = enum.auto()
    COOKIE = enum.auto()
    TICKET = enum.auto()


class FoundToken(NamedTuple):
    """A token and where it was found."""

    token: str
    place: TokenPlace

    def __repr__(self) -> str:
        """Show the place, and not the token."""
        return f"FoundToken(place={self.place})"


@attrs.frozen
class TokenPlaces:
    """Finds the token of a request.

    Attributes:
        header: Finds it in the header; None if the header is no place.
        cookies: Finds it in the cookie; None if cookies are no place.
        takes_tickets: Whether a ticket in the query is a place.
    """

    header: TokenHeader | None
    cookies: TokenCookies | None
    takes_tickets: bool = False

    def find(self, request: RequestInfo) -> FoundToken:
        """Return the token and its place.

        Raises:
            MissingTokenError: No place holds a token.
            MalformedHeaderError: The header does not hold exactly one token.
            ConflictingTokensError: The request carries several tokens.
        """
        if self.takes_tickets and (ticket := find_ticket(request.query)) is not None:
            return self._alone(ticket, request)
        if self.cookies is None:
            if self.header is None:
                raise MissingTokenError("the request carries no token in a place of JWT_PLACES")
            return FoundToken(self.header.find(request), TokenPlace.HEADER)
        in_header, missing = self._find_in_header(request)
        in_cookie = self.cookies.find(request)
        if in_header is not None:
            if in_cookie is not None and in_cookie != in_header:
                raise ConflictingTokensError(
                    "the request carries one token in its header and another one in its cookie"
                )
            return FoundToken(in_header, TokenPlace.HEADER)
        if in_cookie is None:
            raise MissingTokenError(f"{missing}no cookie {self.cookies.name}")
        renewal = request.renewal
        if renewal is not None and renewal.presented == in_cookie:
            return FoundToken(renewal.token, TokenPlace.COOKIE)
        return FoundToken(in_cookie, TokenPlace.COOKIE)

    def _alone(self, ticket: str, request: RequestInfo) -> FoundToken:
        in_header, _ = self._find_in_header(request)
        in_cookie = None if self.cookies is None else self.cookies.find(request)
        if in_header is not None or in_cookie is not None:
            place = "cookie" if in_header is None else "header"
            raise ConflictingTokensError(f"the request carries a ticket in its query and a token in its {place}")
        return FoundToken(ticket, TokenPlace.TICKET)

    def _find_in_header(self, request: RequestInfo) -> tuple[str | None, str]:
        """Return the token in the header, or None and the reason as the beginning of a sentence."""
        if self.header is None:
            return None, "the request has "
        try:
            return self.header.find(request), ""
        except MissingTokenError as error:
            return None, f"{error}, and it has "
