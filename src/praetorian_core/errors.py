"""Exceptions of Praetorian: one class per reason.

The client receives ``code`` and ``message``. Both are fixed for the class and reveal nothing about claims, roles, keys
or the token. The log receives ``str(error)`` and the attributes: what was found and what was expected, but never a
token, a password or a key.

    PraetorianError
    ├── MissingTokenError           the request carries no token
    ├── MalformedHeaderError        the Authorization header does not hold exactly one token
    ├── ConflictingTokensError      the request carries several tokens
    ├── CSRFError                   another site may have caused the request
    ├── TokenError                  the token is not accepted
    │   ├── InvalidTokenError       its form, header, signature or claims are invalid
    │   │   └── MissingClaimError   a required claim is absent
    │   ├── ExpiredTokenError       a lifespan has expired
    │   │   ├── ExpiredAccessError  the access lifespan; the token can be refreshed
    │   │   ├── ExpiredRefreshError the refresh lifespan; the user must log in
    │   │   ├── ExpiredActionError  the lifespan of an action token
    │   │   └── ExpiredTicketError  the lifespan of a ticket
    │   ├── RevokedTokenError       the session or the action token was revoked
    │   ├── ReusedTokenError        the token was already exchanged or redeemed
    │   ├── MisusedTokenError       the token is of another kind or purpose
    │   ├── MissingUserError        the token's user does not exist
    │   └── InvalidUserError        the token's user is not active
    ├── EarlyRefreshError           the token is still valid for access
    ├── AuthenticationError         wrong username, wrong password or inactive account
    ├── LoginThrottledError         too many login attempts
    ├── StaleAuthenticationError    the user's last authentication is too long ago
    ├── SessionLimitError           the user has as many sessions as are allowed
    ├── MissingRoleError            the principal lacks a role
    ├── ForbiddenError              the application denies the principal this request
    ├── WeakPasswordError           a new password does not satisfy the rules
    ├── ServiceUnavailableError     a store, a callback or the hasher failed
    └── ConfigurationError          the configuration or a call is wrong
        ├── ClaimCollisionError     a custom claim has a reserved name
        └── ClaimValueError         JSON cannot carry the value of a custom claim

``web/responses.py`` maps the classes to HTTP statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal, TypeAlias


class PraetorianError(Exception):
    """Base class of all errors that Praetorian raises.

    Attributes:
        code: Machine-readable reason, stable between versions and safe to show to a client.
        message: Fixed sentence for the client. ``str(error)`` is the detail for the log.
    """

    code: ClassVar[str] = "praetorian"
    message: str = "the request was refused"

    def __init__(self, detail: str | None = None) -> None:
        """Keep the detail for the log; without one, use the public message."""
        super().__init__(self.message if detail is None else detail)

    def __reduce__(self) -> tuple[object, ...]:
        # The default way of pickling loses keyword-only arguments.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[PraetorianError], args: tuple[object, ...], evidence: dict[str, object]) -> PraetorianError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(evidence)
    return error


class MissingTokenError(PraetorianError):
    """The request carries no token."""

    code = "missing_token"
    message = "a bearer token is required"


class MalformedHeaderError(PraetorianError):
    """The header names the configured scheme, but exactly one token does not follow it (RFC 6750 §2.1)."""

    code = "malformed_header"
    message = "the authorization header is malformed"


class ConflictingTokensError(PraetorianError):
    """The request carries several tokens, in its header and its cookies (RFC 6750 §3.1)."""

    code = "conflicting_tokens"
    message = "the request carries more than one token"


class CSRFError(PraetorianError):
    """Another site may have caused the request, whose token came from a cookie or whose answer would set one."""

    code = "csrf_failed"
    message = "the request did not prove that it comes from this site"


class TokenError(PraetorianError):
    """The token is not accepted, for any reason."""

    code = "invalid_token"
    message = "the token is invalid"


class InvalidTokenError(TokenError):
    """The form, header, signature or claims of the token are invalid; the public answer is the same for all."""


class MissingClaimError(InvalidTokenError):
    """A claim that the token's layout requires is absent.

    Attributes:
        claim: Name of the absent claim.
    """

    def __init__(self, claim: str) -> None:
        """Name the claim that is absent."""
        self.claim = claim
        super().__init__(f"claim {claim!r} is missing")


class ExpiredTokenError(TokenError):
    """A lifespan of the token has expired.

    Attributes:
        expired_at: When it expired, in seconds since the epoch.
        now: When the token was checked, in seconds since the epoch.
    """

    message = "the token has expired"

    def __init__(self, *, expired_at: int, now: int) -> None:
        """Keep both times as evidence."""
        self.expired_at = expired_at
        self.now = now
        super().__init__(f"{self.message} {now - expired_at} s ago ({expired_at=}, {now=})")


class ExpiredAccessError(ExpiredTokenError):
    """The access lifespan has expired; the refresh lifespan has not."""

    code = "expired_access"
    message = "the token's access lifespan has expired"


class ExpiredRefreshError(ExpiredTokenError):
    """The refresh lifespan has expired: the user must log in again."""

    code = "expired_refresh"
    message = "the token's refresh lifespan has expired"


class ExpiredActionError(ExpiredTokenError):
    """The lifespan of the action token has expired."""

    code = "expired_action"
    message = "the action token has expired"


class ExpiredTicketError(ExpiredTokenError):
    """The lifespan of the ticket has expired."""

    code = "expired_ticket"
    message = "the ticket has expired"


class RevokedTokenError(TokenError):
    """The session was revoked, or the state that an action token is bound to has changed."""

    code = "revoked_token"
    message = "the token has been revoked"


class ReusedTokenError(TokenError):
    """The token was refreshed or redeemed before."""

    code = "reused_token"
    message = "the token has already been used"


class MisusedTokenError(TokenError):
    """The token is authentic but of another kind or purpose (RFC 8725 §3.12)."""

    code = "misused_token"
    message = "the token is not meant for this purpose"


class MissingUserError(TokenError):
    """The token's user does not exist."""

    code = "missing_user"
    message = "the user does not exist"


class InvalidUserError(TokenError):
    """The token's user is not active."""

    code = "invalid_user"
    message = "the user account is not active"


class EarlyRefreshError(PraetorianError):
    """The token is still valid for access, so it cannot be refreshed yet.

    Attributes:
        refreshable_at: When refresh becomes possible, in seconds since the epoch.
        now: When the token was checked, in seconds since the epoch.
    """

    code = "early_refresh"
    message = "the token's access lifespan has not expired yet"

    def __init__(self, *, refreshable_at: int, now: int) -> None:
        """Keep both times as evidence."""
        self.refreshable_at = refreshable_at
        self.now = now
        super().__init__(f"refresh is allowed in {refreshable_at - now} s ({refreshable_at=}, {now=})")


class AuthenticationError(PraetorianError):
    """A login failed; an unknown username, a wrong password and an inactive account give the same answer."""

    code = "bad_credentials"
    message = "the username or password is incorrect"


class LoginThrottledError(PraetorianError):
    """There were too many login attempts; the answer reveals nothing about the account.

    Attributes:
        retry_after: Seconds until another attempt is possible.
    """

    code = "login_throttled"
    message = "too many login attempts, try again later"

    def __init__(self, *, retry_after: int) -> None:
        """Keep the number of seconds to wait."""
        self.retry_after = retry_after
        super().__init__(f"too many login attempts, next one in {retry_after} s")


class StaleAuthenticationError(PraetorianError):
    """The token is valid, but the user's last authentication is too long ago for this request (RFC 9470).

    Attributes:
        max_age: The age that the authentication must be below, in seconds.
        authenticated_at: When the user last proved their identity, in seconds since the epoch; None if unknown.
        now: When the token was checked, in seconds since the epoch.
    """

    code = "stale_authentication"
    message = "a more recent authentication is required"

    def __init__(self, *, max_age: int, authenticated_at: int | None, now: int) -> None:
        """Keep the times as evidence."""
        self.max_age = max_age
        self.authenticated_at = authenticated_at
        self.now = now
        found = "at an unknown time" if authenticated_at is None else f"{now - authenticated_at} s ago"
        super().__init__(f"the user authenticated {found}; expected less than {max_age} s ago")


class SessionLimitError(PraetorianError):
    """A login would exceed ``PRAETORIAN_MAX_SESSIONS``, and ``PRAETORIAN_SESSION_LIMIT`` is ``refuse``.

    It is raised after the password was checked, so a guesser learns nothing.
    """

    code = "session_limit"
    message = "there are too many sessions, log out on another device"


class MissingRoleError(PraetorianError):
    """The principal's roles do not satisfy the policy.

    Attributes:
        required: The policy in words, for the log only.
    """

    code = "missing_role"
    message = "this token does not grant access to this resource"

    def __init__(self, *, required: str) -> None:
        """Keep the policy that was not satisfied."""
        self.required = required
        super().__init__(f"the principal's roles do not satisfy: {required}")


class ForbiddenError(PraetorianError):
    """The application denies the principal this request; applications raise it themselves.

    Example::

        if notice.author != current_user_id():
            raise ForbiddenError("only the author may delete a notice")
    """

    code = "forbidden"
    message = "you are not allowed to do this"


PasswordRule: TypeAlias = Literal["not_text", "too_short", "too_long", "forbidden_character", "rejected"]

PASSWORD_RULES: Mapping[PasswordRule, str] = MappingProxyType(
    {
        "not_text": "the password must be a text",
        "too_short": "the password is too short",
        "too_long": "the password is too long",
        "forbidden_character": "the password contains a character that is not allowed",
        "rejected": "the password is too easy to guess or was leaked",
    }
)
"""The public sentence of each rule of a new password."""


class WeakPasswordError(PraetorianError):
    """A new password does not satisfy the rules; raised only when a password is set, never at login.

    Attributes:
        rule: The rule that the password breaks, for the client; None if it is not known.
    """

    code = "weak_password"
    message: str = "the password does not meet the requirements"

    def __init__(self, detail: str | None = None, *, rule: PasswordRule | None = None) -> None:
        """Keep the rule; its public sentence replaces ``message``."""
        self.rule: PasswordRule | None = rule
        if rule is not None:
            self.message = PASSWORD_RULES[rule]
        super().__init__(detail)


class ServiceUnavailableError(PraetorianError):
    """A dependency of the decision failed, so access was denied; the cause is the failure itself.

    Attributes:
        retry_after: Seconds after which a retry may succeed, or None if unknown.
    """

    code = "unavailable"
    message = "the service is temporarily unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None) -> None:
        """Keep what failed, for the log, and the number of seconds to wait."""
        self.retry_after = retry_after
        super().__init__(detail)


class ConfigurationError(PraetorianError):
    """The configuration or a call cannot work; the text says what to write instead."""

    code = "configuration"
    message = "the server is misconfigured"


class ClaimCollisionError(ConfigurationError):
    """The name of a custom claim is reserved, in any letter case.

    Attributes:
        claim: The name that was given.
    """

    code = "claim_collision"

    def __init__(self, claim: str) -> None:
        """Name the claim."""
        self.claim = claim
        super().__init__(f"custom claim {claim!r} takes a reserved name; choose another name")


class ClaimValueError(ConfigurationError):
    """The value of a claim does not survive a JSON round trip.

    Attributes:
        claim: Name of the claim.
    """

    code = "claim_value"

    def __init__(self, claim: str, found: str) -> None:
        """Name the claim and describe what was found, without the value."""
        self.claim = claim
        super().__init__(f"claim {claim!r} {found}")
