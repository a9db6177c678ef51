"""How ``Guard`` runs flows: at once, in the calling thread."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core import flows
from praetorian_core._wiring import BaseGuard
from praetorian_core.errors import PraetorianError
from praetorian_core.principal import Principal
from praetorian_core.questions import Flow
from praetorian_core.runner import run_flow

U = TypeVar("U")
T = TypeVar("T")


class RunningGuard(BaseGuard[U]):
    """The base of the parts of ``Guard``."""

    def _verify(self, token: str | bytes, now: int) -> Principal:
        claims = self._decode_for_access(token, now)
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
