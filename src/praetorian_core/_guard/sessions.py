"""The calls of ``Guard`` that end sessions."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core._guard.running import RunningGuard
from praetorian_core.runner import run_flow

U = TypeVar("U")


class SessionCalls(RunningGuard[U]):
    """Ends sessions."""

    def revoke(self, token: str | bytes) -> None:
        """End the session of a token on every machine; an action token is spent.

        The token may have expired, and its session may have ended before.

        Raises:
            InvalidTokenError: The token is not genuine; nothing was changed.
            ConfigurationError: There is no store.
            ServiceUnavailableError: The store failed.

        See:
            RFC 7009 §2.
        """
        now = self._clock()
        self._run_for_token(self._revoke(token, now), now)

    def revoke_user(self, identity: object) -> None:
        """End every session of a user that was issued before this call, and none that is issued after.

        Args:
            identity: The value of ``user.identity``.

        Raises:
            ConfigurationError: There is no store, or ``identity`` cannot be a user's identity.
            ServiceUnavailableError: The store failed.

        See:
            ASVS 7.4.2.
        """
        now = self._clock()
        run_flow(self._revoke_user(identity, now), self._services, now)
