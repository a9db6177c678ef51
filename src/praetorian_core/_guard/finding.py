"""Tokens in requests: where they are found, and the cookies that carry them."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core import flows
from praetorian_core._options import refuse_awaitable
from praetorian_core._wiring import BaseGuard
from praetorian_core.errors import (
    ConfigurationError,
    CSRFError,
    ExpiredAccessError,
    InvalidTokenError,
    MissingTokenError,
    PraetorianError,
    ServiceUnavailableError,
)
from praetorian_core.messages import type_name
from praetorian_core.principal import Principal
from praetorian_core.questions import Flow
from praetorian_core.token.claims import SessionClaims
from praetorian_core.token.lifecycle import check_access, session_end
from praetorian_core.web.cookies import Cookie, TokenCookies
from praetorian_core.web.csrf import check_csrf, check_origin
from praetorian_core.web.places import FoundToken, TokenPlace
from praetorian_core.web.request import Redemption, Renewal, RequestInfo

U = TypeVar("U")


class FindingGuard(BaseGuard[U]):
    """The part of ``Guard`` and ``AsyncGuard`` that finds a request's token and makes its cookies, without waiting."""

    def find_token(self, request: RequestInfo) -> str:
        """Return the token of a request without checking its times, for a refresh or logout route.

        Raises:
            MissingTokenError: The request carries no token, or a ticket in its place.
            MalformedHeaderError: The header does not hold exactly one token.
            ConflictingTokensError: The request carries several tokens.
            InvalidTokenError: The token came from a cookie and is not genuine.
            CSRFError: The token came from a cookie, and another site may have caused the request.

        See:
            RFC 6750 §2.1.
        """
        now = self._clock()
        try:
            found = self._places.find(request)
            if found.place is TokenPlace.TICKET:
                raise MissingTokenError(
                    "the request carries a ticket, which is neither refreshed nor revoked, and no token"
                )
            if found.place is TokenPlace.COOKIE:
                self._decode_found(found, request, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise
        return found.token

    def token_cookies(self, request: RequestInfo, token: str) -> tuple[Cookie, ...]:
        """Return the cookies that keep a token in a browser, for the answer to a request.

        Args:
            request: The request, such as a login.
            token: A token that this guard issued.

        Raises:
            CSRFError: A page of another site caused the request, so its answer must not log the browser in.
            ConfigurationError: ``JWT_PLACES`` does not include ``cookie``, the token was issued without it, or it is too
                long for a cookie.
            InvalidTokenError: The token is not genuine.

        See:
            ASVS 3.3.1 to 3.3.4.
        """
        cookies = self.settings.token_cookies()
        if type(token) is not str:
            raise ConfigurationError(
                f"token must be the str that issue or refresh returned, or issue_session(user).token; got "
                f"{type_name(token)}"
            )
        now = self._clock()
        try:
            check_origin(request, self.settings.trusted_origins)
        except CSRFError as error:
            self._report_refusal(error, now)
            raise
        return self._holding(cookies, token, self._decode(token, now), now)

    def cleared_cookies(self) -> tuple[Cookie, ...]:
        """Return the cookies that delete those of ``token_cookies`` from a browser.

        Raises:
            ConfigurationError: ``JWT_PLACES`` does not include ``cookie``.
        """
        return self.settings.token_cookies().deleting()

    def _find_optional(self, request: RequestInfo) -> FoundToken | None:
        try:
            return self._places.find(request)
        except MissingTokenError:
            return None

    def _decode(self, token: str | bytes, now: int) -> SessionClaims:
        """Return the claims of a genuine session token, expired or not."""
        try:
            claims = self._codec.decode(token, now)
            if type(claims) is not SessionClaims:
                # Raises: the flow's error names what was presented.
                claims = flows.read_session(self._context, token, now)
        except InvalidTokenError:
            refuse_awaitable("verify", token)
            raise
        except ServiceUnavailableError as error:
            self._services.report(str(error), error, now)
            raise
        return claims

    def _decode_found(self, found: FoundToken, request: RequestInfo, now: int) -> SessionClaims:
        """Return the claims of a request's token, after the check of a request with a cookie."""
        claims = self._decode(found.token, now)
        if found.place is TokenPlace.COOKIE:
            check_csrf(request, claims.csrf, self.settings.trusted_origins)
        return claims

    def _admit_ticket(self, ticket: str, request: RequestInfo, now: int) -> Flow[Principal]:
        """Redeem the ticket of a request, and note that; check the principal again if it was redeemed before."""
        redemption = request.redemption
        if redemption is not None and redemption.ticket == ticket and redemption.guard is self:
            yield from flows.recheck(self._context, redemption.principal, now)
            return redemption.principal
        principal = yield from flows.redeem_ticket(self._context, ticket, now)
        request.redemption = Redemption(ticket=ticket, principal=principal, guard=self)
        return principal

    def _keep_renewal(self, presented: str, token: str, request: RequestInfo, now: int) -> SessionClaims:
        """Note that a token replaced the one in the request's cookie, and return its claims."""
        claims = self._decode(token, now)
        cookies = tuple(
            cookie.header_value() for cookie in self._holding(self.settings.token_cookies(), token, claims, now)
        )
        request.renewal = Renewal(presented=presented, token=token, set_cookies=cookies)
        return claims

    def _holding(self, cookies: TokenCookies, token: str, claims: SessionClaims, now: int) -> tuple[Cookie, ...]:
        if claims.csrf is None:
            raise ConfigurationError(
                "the token has no claim 'csrf'; issue it with a guard whose JWT_PLACES includes 'cookie'"
            )
        principal, idle = claims.principal, self.settings.idle_lifespan
        ends_at = session_end(principal.issued_at, principal.refresh_expires_at, idle)
        is_refreshed = bool(claims.generation) or principal.issued_at != principal.authenticated_at
        return cookies.holding(token, claims.csrf, max(0, ends_at - now), is_refreshed=is_refreshed)

    def _check_access(self, claims: SessionClaims, now: int) -> None:
        check_access(claims.principal, now, self.settings.leeway, self.settings.idle_lifespan)

    def _must_renew(self, found: FoundToken, claims: SessionClaims, request: RequestInfo, now: int) -> bool:
        """Return whether the cookie of a request is to be exchanged before the request is admitted."""
        # The answer to the handshake of a WebSocket sets no cookie.
        if not self.settings.cookie_refresh or found.place is not TokenPlace.COOKIE or request.is_websocket:
            return False
        try:
            self._check_access(claims, now)
        except ExpiredAccessError:
            return True
        return False
