"""The calls of ``Guard`` that list and end sessions."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core._guard.running import RunningGuard
from praetorian_core.runner import run_flow
from praetorian_core.session import SessionInfo

U = TypeVar("U")


class SessionCalls(RunningGuard[U]):
    """Lists and ends sessions."""

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

    def revoke_user(self, identity: object, *, keep: str | None = None) -> None:
        """End every session of a user that was issued before this call, and none that is issued after.

        Args:
            identity: The value of ``user.identity``.
            keep: The id of a session that stays, for "log out everywhere else": ``principal.session_id``. It stays only
                if it is a valid session of this user.

        Raises:
            ConfigurationError: There is no store, or an argument is not usable.
            ServiceUnavailableError: The store failed.

        See:
            ASVS 7.4.2, 7.4.3.
        """
        now = self._clock()
        run_flow(self._revoke_user(identity, keep, now), self._services, now)

    def sessions(self, identity: object, *, current: str | None = None) -> list[SessionInfo]:
        """Return the sessions of a user that were not ended and have not expired, the newest first.

        A session is listed if it is among the user's newest 100, and was issued by ``issue`` or ``issue_session`` of a guard
        with this store.

        Args:
            identity: The value of ``user.identity``.
            current: The id of the session that is marked as the current one: ``principal.session_id``.

        Raises:
            ConfigurationError: There is no store, or an argument is not usable.
            ServiceUnavailableError: The store failed.

        See:
            ASVS 7.5.2.
        """
        now = self._clock()
        return run_flow(self._sessions(identity, current, now), self._services, now)

    def revoke_session(self, identity: object, session_id: str) -> bool:
        """End one listed session of a user; the id may come from a client.

        Args:
            identity: The value of ``user.identity``.
            session_id: The id of the session.

        Returns:
            Whether a session was ended; False if the user has no such session, or it had ended before.

        Raises:
            ConfigurationError: There is no store, or an argument is not usable.
            ServiceUnavailableError: The store failed.

        See:
            ASVS 7.5.2.
        """
        now = self._clock()
        return run_flow(self._revoke_session(identity, session_id, now), self._services, now)
