"""How ``Guard`` runs flows: at once, in the calling thread."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core import flows
from praetorian_core._guard.finding import FindingGuard
from praetorian_core.errors import PraetorianError
from praetorian_core.principal import Principal
from praetorian_core.questions import Flow
from praetorian_core.runner import run_flow
from praetorian_core.token.claims import SessionClaims

U = TypeVar("U")
T = TypeVar("T")


class RunningGuard(FindingGuard[U]):
    """The base of the parts of ``Guard``: runs a flow to its end in the calling thread."""

    def _verify(self, token: str | bytes, now: int) -> Principal:
        return self._grant(self._decode(token, now), now)

    def _grant(self, claims: SessionClaims, now: int) -> Principal:
        """Return the principal of a genuine token that grants access."""
        self._check_access(claims, now)
        if self._checks_sessions:
            run_flow(flows.check_session(claims, now), self._services, now)
        return claims.principal

    def _run_for_token(self, flow: Flow[T], now: int) -> T:
        """Run a flow whose errors are about a presented token."""
        try:
            return run_flow(flow, self._services, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise
