"""The calls of ``Guard`` about connections that stay open, and about the tickets that open them."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core._guard.running import RunningGuard
from praetorian_core.errors import PraetorianError
from praetorian_core.lifespan import Lifespan
from praetorian_core.policy import Policy
from praetorian_core.principal import Principal

U = TypeVar("U")


class ConnectionCalls(RunningGuard[U]):
    """Issues and redeems tickets, and checks a connection while it is open."""

    def issue_ticket(self, principal: Principal, *, lifespan: Lifespan | None = None) -> str:
        """Return a ticket, with which a page opens one WebSocket or EventSource.

        A ticket is redeemed once, and expires with the access of the principal's token at the latest.

        Args:
            principal: The result of ``verify`` or ``admit``.
            lifespan: Replaces 30 seconds, in seconds or as any ``Lifespan``; at most 5 minutes.

        Raises:
            ExpiredTokenError: The access of the principal's token has ended.
            ClaimValueError: A custom claim nests as deep as a token allows.
            ConfigurationError: There is no store, the keys only verify, the lifespan is not usable, or the ticket would
                be longer than a server's request line.

        See:
            RFC 8725 §3.11.
        """
        return self._issue_ticket(principal, lifespan, self._clock())

    def redeem_ticket(self, ticket: str | bytes) -> Principal:
        """Return the principal of a ticket and spend the ticket.

        Raises:
            InvalidTokenError: The ticket is not genuine.
            MisusedTokenError: It is a session or an action token.
            ExpiredTicketError: It has expired.
            ReusedTokenError: It was redeemed before.
            TokenError: Its session was ended, or the access of its token has ended.
            ConfigurationError: There is no store.
            ServiceUnavailableError: The store failed.
        """
        now = self._clock()
        return self._run_for_token(self._redeem_ticket(ticket, now), now)

    def admit_token(
        self, token: str | bytes, policy: Policy | None = None, *, instead_of: Principal | None = None
    ) -> Principal:
        """Return the principal of a token that came in a message of an open connection.

        Args:
            token: The token.
            policy: The required policy; None for any principal.
            instead_of: The principal that the connection has, whose user the token must name; None if it has none yet.

        Raises:
            MisusedTokenError: The token is of another user than the connection, or of another kind.
            StaleAuthenticationError: A recent authentication alone would satisfy the policy.
            MissingRoleError: The roles do not satisfy the policy.
            PraetorianError: Every error of ``verify``.
        """
        now = self._clock()
        try:
            return self._check_successor(self._check_policy(self._verify(token, now), policy, now), instead_of)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    def recheck(self, principal: Principal) -> int:
        """Return after how many seconds a connection that stays open must be checked again.

        Call it for a WebSocket or a stream, wait that long, and call it again until it raises. With a store that is at most
        ``PRAETORIAN_WEBSOCKET_RECHECK``.

        Args:
            principal: The principal of the connection.

        Raises:
            ExpiredAccessError: The access of its token has ended.
            ExpiredRefreshError: Its session has expired.
            RevokedTokenError: Its session was ended, whatever ``PRAETORIAN_CHECK_SESSIONS`` is (with a store only).
            ServiceUnavailableError: The store failed.
        """
        now = self._clock()
        return self._run_for_token(self._recheck(principal, now), now)
