"""The calls of ``Guard`` that take a request."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core._guard.running import RunningGuard
from praetorian_core.errors import PraetorianError
from praetorian_core.policy import Policy
from praetorian_core.principal import Principal
from praetorian_core.runner import run_flow
from praetorian_core.web.places import FoundToken, TokenPlace
from praetorian_core.web.request import RequestInfo

U = TypeVar("U")


class RequestCalls(RunningGuard[U]):
    """Admits requests."""

    def admit(self, request: RequestInfo, policy: Policy | None = None) -> Principal:
        """Return the principal of a request that carries a valid token.

        Args:
            request: The request.
            policy: The required policy; None for any principal.

        Raises:
            MissingTokenError: The request carries no token.
            MalformedHeaderError: The header does not hold exactly one token.
            ConflictingTokensError: The request carries several tokens.
            CSRFError: The token came from a cookie, and another site may have caused the request.
            StaleAuthenticationError: A recent authentication alone would satisfy the policy.
            MissingRoleError: The roles do not satisfy the policy.
            PraetorianError: Every error of ``verify``.

        See:
            RFC 6750 §2.1, §3.1, RFC 9470 §3.
        """
        now = self._clock()
        try:
            return self._check_policy(self._admit(self._places.find(request), request, now), policy, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    def admit_optional(self, request: RequestInfo, policy: Policy | None = None) -> Principal | None:
        """Return the principal of a request, or None if the request carries no token.

        A token that is presented must be valid and satisfy the policy.

        Args:
            request: The request.
            policy: The required policy; None for any principal.

        Raises:
            PraetorianError: Every error of ``admit`` except ``MissingTokenError``.

        See:
            RFC 6750 §2.1, §3.1, RFC 9470 §3.
        """
        now = self._clock()
        try:
            found = self._find_optional(request)
            return None if found is None else self._check_policy(self._admit(found, request, now), policy, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    def _admit(self, found: FoundToken, request: RequestInfo, now: int) -> Principal:
        if found.place is TokenPlace.TICKET:
            return run_flow(self._admit_ticket(found.token, request, now), self._services, now)
        claims = self._decode_found(found, request, now)
        if self._must_renew(found, claims, request, now):
            token = run_flow(self._renew(found.token, now), self._services, now)
            claims = self._keep_renewal(found.token, token, request, now)
        return self._grant(claims, now)
