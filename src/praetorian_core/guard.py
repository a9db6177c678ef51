"""The public API: ``Guard`` issues, verifies, refreshes and revokes tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from praetorian_core import flows
from praetorian_core._guard.actions import ActionCalls
from praetorian_core._guard.connections import ConnectionCalls
from praetorian_core._guard.requests import RequestCalls
from praetorian_core._guard.sessions import SessionCalls
from praetorian_core._options import FROM_SETTINGS, SavePassword, Unset, refuse_coroutines
from praetorian_core._wiring import GuardOptions
from praetorian_core.errors import PraetorianError
from praetorian_core.lifespan import Lifespan
from praetorian_core.principal import Principal
from praetorian_core.protocols import Store, UserSource
from praetorian_core.runner import run_flow
from praetorian_core.services import Closable
from praetorian_core.session import IssuedSession
from praetorian_core.settings import Settings
from praetorian_core.stores import by_url

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

U = TypeVar("U")


class Guard(RequestCalls[U], SessionCalls[U], ActionCalls[U], ConnectionCalls[U]):
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
        label: str | None = None,
        access_lifespan: Lifespan | None = None,
        refresh_lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> str:
        """Return the first token of a new session; see ``issue_session``, which returns the session's id too.

        Args:
            user: The user.
            label: See ``issue_session``.
            access_lifespan: See ``issue_session``.
            refresh_lifespan: See ``issue_session``.
            custom_claims: See ``issue_session``.

        Raises:
            PraetorianError: Every error of ``issue_session``.
        """
        session = self.issue_session(
            user,
            label=label,
            access_lifespan=access_lifespan,
            refresh_lifespan=refresh_lifespan,
            **custom_claims,
        )
        return session.token

    def issue_session(
        self,
        user: U,
        /,
        *,
        label: str | None = None,
        access_lifespan: Lifespan | None = None,
        refresh_lifespan: Lifespan | None = None,
        **custom_claims: object,
    ) -> IssuedSession:
        """Return a new session with its first token and its principal.

        Args:
            user: The user.
            label: What ``sessions`` calls the session, such as "Firefox on Linux" (with a store only). Other than
                printable characters become blanks, and it is cut to 64 UTF-16 code units, so a client may choose it.
            access_lifespan: Replaces the configured one, in seconds or as any ``Lifespan``; access ends with the
                refresh lifespan at the latest.
            refresh_lifespan: Replaces the configured one.
            custom_claims: JSON values that the token carries, readable by its bearer.

        Raises:
            MissingUserError: ``user`` is None.
            InvalidUserError: The user's account is not active.
            SessionLimitError: The user has ``PRAETORIAN_MAX_SESSIONS`` sessions, and ``PRAETORIAN_SESSION_LIMIT`` is
                ``refuse``.
            ClaimCollisionError: A custom claim has a reserved name, in any letter case.
            ClaimValueError: A custom claim is not a JSON value.
            ServiceUnavailableError: A call failed.
            ConfigurationError: The keys only verify, or the user, a lifespan or the label is not usable.

        See:
            ASVS 7.1.2 for the limit.
        """
        now = self._clock()
        flow = self._issue(user, access_lifespan, refresh_lifespan, custom_claims, label, now)
        return run_flow(flow, self._services, now)

    def verify(self, token: str | bytes) -> Principal:
        """Return the principal of a token that is valid for access. The user class is not called.

        Raises:
            InvalidTokenError: The token is not genuine.
            MisusedTokenError: It is an action token or a ticket.
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

    def confirm(
        self,
        token: str | bytes,
        password: object,
        *,
        source: str | None = None,
        access_lifespan: Lifespan | None = None,
    ) -> str:
        """Exchange a token for the session's next one, whose user has just authenticated, if the password is the user's.

        The user is loaded again and must exist and be active. Roles are read again; custom claims are copied, and the end
        of the session stays the same. Attempts are counted like logins to the same account. A wrong password does not
        spend the token.

        Args:
            token: The token; it may still grant access, or be refreshable only.
            password: The presented password, in any Unicode normalization form.
            source: See ``authenticate``.
            access_lifespan: Replaces the configured one, in seconds or as any ``Lifespan``.

        Raises:
            AuthenticationError: The password is wrong.
            LoginThrottledError: There were too many attempts; the password was not checked.
            ExpiredRefreshError: The session has expired; the user must log in.
            ReusedTokenError: The token was exchanged before (with a store only); the session is now ended.
            TokenError: It is not genuine, was revoked, or its user does not exist or is not active.
            ServiceUnavailableError: A call failed, or the hashing queue is full.
            ConfigurationError: The guard has no hasher, or the source is neither a str nor None.

        See:
            RFC 9470 §1, ASVS 7.5.1, 7.5.3.
        """
        now = self._clock()
        return self._run_for_token(self._confirm(token, password, source, access_lifespan, now), now)

    def load_user(self, principal: Principal) -> U:
        """Load the user of a principal.

        Raises:
            MissingUserError: The user does not exist any more.
            InvalidUserError: The user's account is not active.
            ServiceUnavailableError: The user class failed.
        """
        now = self._clock()
        return cast("U", self._run_for_token(self._load_user(principal), now))

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
