"""The public API: ``Guard`` issues, verifies, refreshes and revokes tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from praetorian_core import flows
from praetorian_core._options import FROM_SETTINGS, SavePassword, Unset, refuse_coroutines
from praetorian_core._wiring import BaseGuard, GuardOptions
from praetorian_core.action import Action
from praetorian_core.errors import PraetorianError
from praetorian_core.lifespan import Lifespan
from praetorian_core.policy import Policy
from praetorian_core.principal import Principal
from praetorian_core.protocols import Store, UserSource
from praetorian_core.questions import Flow
from praetorian_core.runner import run_flow
from praetorian_core.services import Closable
from praetorian_core.settings import Settings
from praetorian_core.stores import by_url
from praetorian_core.web.request import RequestInfo

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

U = TypeVar("U")
T = TypeVar("T")


class Guard(BaseGuard[U]):
    """Guards an API: issues, verifies, refreshes and revokes tokens for the users of one application.

    Create one for each application and keep it: it is immutable, and safe to share between threads.

    Example::

        guard = Guard(User, Settings(keys=KeyRing.from_secret(secret)))
        token = guard.issue(guard.authenticate("alice", "correct horse battery staple"))
        principal = guard.verify(token)
    """

    def __init__(
        self,
        users: UserSource[U] | None,
        settings: Settings,
        *,
        store: Store | Unset | None = FROM_SETTINGS,
        save_password: SavePassword[U] | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Check the options and prepare the guard.

        Args:
            users: The application's user class; None for a guard that only verifies and revokes.
            settings: The configuration.
            store: Keeps sessions and counters; None for no store; by default the store that the settings name.
            save_password: Stores a user's new hash if a login finds an outdated one; by default hashes stay. It is
                called with the user, the new hash and, if it takes a third argument, the former hash: store the new
                one only if the former is still stored, or a change of the password meanwhile is lost.
            options: The options that follow.
            throttle: Limits login attempts; None for no limit; by default a ``LoginThrottle`` on the guard's store.
            passwords: The hasher; None for none; by default Argon2id with the second recommended option of RFC 9106.
            clock: Returns the current time in whole seconds since the epoch.
            on_event: Receives events; by default they are logged to the logger ``praetorian``.

        Raises:
            ConfigurationError: An option is not usable; the text says what to write.
        """
        refuse_coroutines(users, settings, store, save_password)
        super().__init__(
            users, settings, store=store, save_password=save_password, open_store=by_url.open_store, **options
        )

    def hash_password(self, raw: str) -> str:
        """Return the hash to store for a new password.

        Args:
            raw: The password, in any Unicode normalization form; nothing else of it is changed.

        Raises:
            WeakPasswordError: The password breaks a rule for new passwords.
            ServiceUnavailableError: The hashing queue is full.
            ConfigurationError: The guard has no hasher.

        See:
            RFC 9106 §4.
        """
        return self._need_passwords("hash_password").hash(raw)

    def verify_password(self, raw: str, hashed: str | None) -> bool:
        """Return whether a password matches a stored hash; every call costs at least one hash.

        Args:
            raw: The presented password.
            hashed: The stored hash, or None if there is no user.

        Raises:
            ServiceUnavailableError: The hashing queue is full.
            ConfigurationError: The guard has no hasher.
        """
        return self._need_passwords("verify_password").verify(raw, hashed)

    def authenticate(self, username: object, password: object, *, source: str | None = None) -> U:
        """Return the user with this name and password.

        Args:
            username: The argument for ``User.lookup``.
            password: The presented password, in any Unicode normalization form.
            source: The client's address as the framework trusts it, with or without a port; None to count by account
                alone. An address that is not globally routable counts like None.

        Raises:
            AuthenticationError: Unknown name, wrong password or inactive account; the error is the same.
            LoginThrottledError: There were too many attempts; the password was not checked.
            ServiceUnavailableError: A call failed, or the hashing queue is full.
            ConfigurationError: The source is neither a str nor None.

        See:
            ASVS 6.3.8, SP 800-63B-4 §3.2.2.
        """
        now = self._clock()
        return cast("U", run_flow(self._authenticate(username, password, source, now), self._services, now))

    def issue(
        self,
        user: U,
        /,
        *,
        access_lifespan: Lifespan | None = None,
        refresh_lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> str:
        """Return the first token of a new session.

        Args:
            user: The user.
            access_lifespan: Replaces the configured one, in seconds or as any ``Lifespan``; access ends with the
                refresh lifespan at the latest.
            refresh_lifespan: Replaces the configured one.
            custom_claims: JSON values that the token carries, readable by its bearer.

        Raises:
            MissingUserError: ``user`` is None.
            InvalidUserError: The user's account is not active.
            ClaimCollisionError: A custom claim has a reserved name, in any letter case.
            ClaimValueError: A custom claim is not a JSON value.
            ConfigurationError: The keys only verify, or the user or a lifespan is not usable.
        """
        now = self._clock()
        return run_flow(self._issue(user, access_lifespan, refresh_lifespan, custom_claims, now), self._services, now)

    def verify(self, token: str | bytes) -> Principal:
        """Return the principal of a token that is valid for access. The user class is not called.

        Raises:
            InvalidTokenError: The token is not genuine.
            MisusedTokenError: It is an action token.
            ExpiredAccessError: Its access lifespan has expired; it may be refreshed.
            ExpiredRefreshError: Both lifespans have expired; the user must log in.
            RevokedTokenError: Its session was ended (with a store only).
            ServiceUnavailableError: The store failed.

        See:
            RFC 7519 §7.2, RFC 8725 §3.
        """
        now = self._clock()
        try:
            return self._verify(token, now)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    def admit(self, request: RequestInfo, policy: Policy | None = None) -> Principal:
        """Return the principal of a request that carries a valid token.

        Args:
            request: The request.
            policy: The required roles; None for any principal.

        Raises:
            MissingTokenError: The request carries no token.
            MalformedHeaderError: The header does not hold exactly one token.
            MissingRoleError: The roles do not satisfy the policy.
            PraetorianError: Every error of ``verify``.

        See:
            RFC 6750 §2.1, §3.1.
        """
        now = self._clock()
        try:
            return self._check_policy(self._verify(self._token_header.find(request), now), policy)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    def admit_optional(self, request: RequestInfo, policy: Policy | None = None) -> Principal | None:
        """Return the principal of a request, or None if the request carries no token.

        A token that is presented must be valid and satisfy the policy.

        Args:
            request: The request.
            policy: The required roles; None for any principal.

        Raises:
            PraetorianError: Every error of ``admit`` except ``MissingTokenError``.

        See:
            RFC 6750 §2.1, §3.1.
        """
        now = self._clock()
        try:
            token = self._find_optional(request)
            return None if token is None else self._check_policy(self._verify(token, now), policy)
        except PraetorianError as error:
            self._report_refusal(error, now)
            raise

    def refresh(self, token: str | bytes, *, access_lifespan: Lifespan | None = None) -> str:
        """Exchange a token whose access has expired for its successor; the end of the session stays the same.

        The user is loaded again and must exist and be active. Roles are read again; custom claims are copied.

        Args:
            token: The token.
            access_lifespan: Replaces the configured one, in seconds or as any ``Lifespan``.

        Raises:
            EarlyRefreshError: The token still grants access.
            ExpiredRefreshError: Its refresh lifespan has expired; the user must log in.
            ReusedTokenError: It was refreshed before (with a store only); the session is now ended.
            TokenError: It is not genuine, was revoked, or its user does not exist or is not active.
            ServiceUnavailableError: A call failed.

        See:
            RFC 9700 §4.14.2 for what a store adds.
        """
        now = self._clock()
        return self._run_for_token(self._refresh(token, access_lifespan, now), now)

    def load_user(self, principal: Principal) -> U:
        """Load the user of a principal.

        Raises:
            MissingUserError: The user does not exist any more.
            InvalidUserError: The user's account is not active.
            ServiceUnavailableError: The user class failed.
        """
        now = self._clock()
        return cast("U", self._run_for_token(self._load_user(principal), now))

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

    def check_store(self) -> None:
        """Raise if the store does not answer, for a health route; return None if there is no store.

        Raises:
            ServiceUnavailableError: The store failed.
        """
        now = self._clock()
        run_flow(flows.check_store(self._context, now), self._services, now)

    def close(self) -> None:
        """Close the connections of the store that a setting names; a store that was handed to the guard stays open."""
        if isinstance(self._opened_store, Closable):
            self._opened_store.close()

    def __enter__(self) -> Self:
        """Return the guard; it is closed at the end of the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the guard."""
        self.close()

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
