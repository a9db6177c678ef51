"""The calls of ``Guard`` about action tokens."""

from __future__ import annotations

from typing import TypeVar, cast

from praetorian_core._guard.running import RunningGuard
from praetorian_core.action import Action
from praetorian_core.lifespan import Lifespan
from praetorian_core.runner import run_flow

U = TypeVar("U")


class ActionCalls(RunningGuard[U]):
    """Issues and redeems action tokens."""

    def issue_action(
        self,
        user: U,
        action: str,
        /,
        *,
        lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> str:
        """Return a token for one action of one user, whose account need not be active.

        Args:
            user: The user.
            action: The name of the action, such as ``registration``. A token for ``reset`` is bound to the stored
                password (in the layout ``STANDARD``; flask-praetorian's cannot carry that).
            lifespan: Replaces 15 minutes, in seconds or as any ``Lifespan``.
            custom_claims: JSON values that the token carries, readable by its bearer.

        Raises:
            MissingUserError: ``user`` is None.
            ClaimCollisionError: A custom claim has a reserved name.
            ClaimValueError: A custom claim is not a JSON value.
            ConfigurationError: The keys only verify, or the user, the action or the lifespan is not usable.

        See:
            RFC 8725 §3.11.
        """
        now = self._clock()
        return run_flow(self._issue_action(user, action, lifespan, custom_claims, now), self._services, now)

    def read_action(self, token: str | bytes, action: str) -> Action[U]:
        """Check an action token without spending it, for a page that shows a form; return its user and claims.

        Raises:
            TokenError: The token is not genuine, has expired, was spent (``ReusedTokenError``), is for another action
                (``MisusedTokenError``), or its user or the password that it was to replace is gone.
            ServiceUnavailableError: A call failed.
        """
        now = self._clock()
        return cast("Action[U]", self._run_for_token(self._read_action(token, action, now), now))

    def redeem_action(self, token: str | bytes, action: str, *, once: bool = True) -> U:
        """Return the user of an action token and spend the token.

        Args:
            token: The token.
            action: The name of the action.
            once: Whether a second redemption must fail; False only if a repetition does no harm.

        Raises:
            ConfigurationError: It must be spent and there is no store; the text names both remedies.
            PraetorianError: Every error of ``read_action``.
        """
        now = self._clock()
        return cast("U", self._run_for_token(self._redeem_action(token, action, now, once=once), now))

    def reset_password(self, token: str | bytes, password: object, *, action: str = "reset") -> tuple[U, str]:
        """Redeem an action token for a new password; return the user and the hash to store.

        The token is checked before the password, so a rejected token costs no hash. The token is spent last, so a
        rejected password does not spend it. Store the hash, then end the user's sessions with ``revoke_user``.

        Args:
            token: The token.
            password: The new password, in any Unicode normalization form.
            action: The name of the action.

        Raises:
            WeakPasswordError: The password breaks a rule for new passwords; the token can be used again.
            ServiceUnavailableError: The hashing queue is full, or a call failed.
            ConfigurationError: The guard has no hasher, or the token must be spent and there is no store.
            PraetorianError: Every error of ``read_action``.

        See:
            ASVS 6.4.3, 7.4.3.
        """
        now = self._clock()
        flow = self._reset_password(token, password, action, now)
        return cast("tuple[U, str]", self._run_for_token(flow, now))
