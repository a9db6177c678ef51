"""The core's guard of an application on the drop-in, for code that uses the new names already."""

from __future__ import annotations

from collections.abc import Callable

from praetorian_core import Guard
from praetorian_core.action import Action
from praetorian_core.errors import RevokedTokenError
from praetorian_core.lifespan import Lifespan
from praetorian_core.token.claims import SessionClaims


class CheckedGuard(Guard[object]):
    """A guard that also rejects a token whose ``jti`` the application's ``is_blacklisted`` names."""

    is_rejected: Callable[[str | bytes], bool]

    def _check(self, token: str | bytes) -> None:
        if self.is_rejected(token):
            raise RevokedTokenError("is_blacklisted returned true for the jti of the token")

    def _decode(self, token: str | bytes, now: int) -> SessionClaims:
        claims = super()._decode(token, now)
        self._check(token)
        return claims

    def refresh(self, token: str | bytes, *, access_lifespan: Lifespan | None = None) -> str:
        """Return the next token of a session; see ``Guard.refresh``."""
        self._check(token)
        return super().refresh(token, access_lifespan=access_lifespan)

    def confirm(
        self,
        token: str | bytes,
        password: object,
        *,
        source: str | None = None,
        access_lifespan: Lifespan | None = None,
    ) -> str:
        """Return the next token of a session; see ``Guard.confirm``."""
        self._check(token)
        return super().confirm(token, password, source=source, access_lifespan=access_lifespan)

    def read_action(self, token: str | bytes, action: str) -> Action[object]:
        """Return what an action token is for; see ``Guard.read_action``."""
        self._check(token)
        return super().read_action(token, action)

    def redeem_action(self, token: str | bytes, action: str, *, once: bool = True) -> object:
        """Return the user of an action token; see ``Guard.redeem_action``."""
        self._check(token)
        return super().redeem_action(token, action, once=once)

    def reset_password(self, token: str | bytes, password: object, *, action: str = "reset") -> tuple[object, str]:
        """Return the user of a reset token and the hash of the new password; see ``Guard.reset_password``."""
        self._check(token)
        return super().reset_password(token, password, action=action)
