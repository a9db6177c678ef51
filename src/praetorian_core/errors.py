"""Every reason for which Praetorian refuses, one class a reason.

An error has two faces. The client sees ``code`` and ``message``: both are fixed for the class and say nothing of
claims, roles, keys or the token. The log sees ``str(error)`` and the attributes, which hold the evidence: what was
found and what was expected, but never a token, a password or a key.

    PraetorianError
    ├── MissingTokenError           no token in any place that is read
    ├── MalformedHeaderError        our scheme, and then not exactly one token
    ├── InvalidTokenError           the gate refused: shape, header, key, signature, claims
    │   └── MissingClaimError       a claim that must be there is not
    ├── ExpiredAccessError          the access lifespan is over, a refresh may help
    ├── ExpiredRefreshError         both lifespans are over, only a login helps
    ├── ExpiredActionError          the action token's lifespan is over
    ├── EarlyRefreshError           the token still opens routes
    ├── RevokedTokenError           the session was ended, or the action token is no longer good
    ├── ReusedTokenError            a generation or an action that was spent before
    ├── MisusedTokenError           a session token as an action token, or the reverse
    ├── MissingUserError            the user behind the token is gone
    ├── InvalidUserError            the user behind the token may no longer act
    ├── AuthenticationError         unknown name, wrong password, disabled: one answer
    ├── LoginThrottledError         too many attempts
    ├── MissingRoleError            authenticated, but not allowed
    ├── CSRFError                   a cookie request without its CSRF header
    ├── WeakPasswordError           a new password breaks the rules
    ├── ServiceUnavailableError     a store or a callback failed, or hashing is full
    └── ConfigurationError          the operator or the programmer has to act
        ├── ClaimCollisionError     a custom claim takes a reserved name
        └── ClaimValueError         a custom claim holds what JSON cannot carry

Which HTTP status a class is answered with is not decided here: see ``web/responses.py``.
"""

from __future__ import annotations

from typing import ClassVar


class PraetorianError(Exception):
    """The root of all errors that Praetorian raises on purpose.

    Attributes:
        code: A stable machine-readable name of the reason, safe to show to a client.
        message: A fixed sentence for the client. The detail for the log is ``str(error)``.
    """

    code: ClassVar[str] = "praetorian"
    message: ClassVar[str] = "the request was refused"

    def __init__(self, detail: str | None = None) -> None:
        """Keep the detail for the log; without one the public message stands in for it."""
        super().__init__(self.message if detail is None else detail)

    def __reduce__(self) -> tuple[object, ...]:
        # Subclasses take keyword evidence, which the default way of pickling would lose.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[PraetorianError], args: tuple[object, ...], evidence: dict[str, object]) -> PraetorianError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(evidence)
    return error


class MissingTokenError(PraetorianError):
    """No token was found in any place that is read."""

    code = "missing_token"
    message = "a bearer token is required"


class MalformedHeaderError(PraetorianError):
    """The header names our scheme but does not carry exactly one token after it (RFC 6750 §2.1)."""

    code = "malformed_header"
    message = "the authorization header is malformed"


class InvalidTokenError(PraetorianError):
    """The token did not pass the gate; one public answer for every reason."""

    code = "invalid_token"
    message = "the token is invalid"


class MissingClaimError(InvalidTokenError):
    """A claim that the token's layout requires is absent.

    Attributes:
        claim: The name of the absent claim.
    """

    def __init__(self, claim: str) -> None:
        """Name the claim that is absent."""
        self.claim = claim
        super().__init__(f"claim {claim!r} is missing")


class _ExpiredError(PraetorianError):
    """What the three expiries have in common: the deadline and the instant of the judgement."""

    def __init__(self, *, expired_at: int, now: int) -> None:
        self.expired_at = expired_at
        self.now = now
        super().__init__(f"{self.message} {now - expired_at} s ago ({expired_at=}, {now=})")


class ExpiredAccessError(_ExpiredError):
    """The access lifespan is over, and the refresh lifespan is not.

    Attributes:
        expired_at: When access ended, in seconds since the epoch.
        now: The instant of the judgement, in seconds since the epoch.
    """

    code = "expired_access"
    message = "the token's access lifespan has expired"


class ExpiredRefreshError(_ExpiredError):
    """Both lifespans are over: the user has to log in again.

    Attributes:
        expired_at: When refresh ended, in seconds since the epoch.
        now: The instant of the judgement, in seconds since the epoch.
    """

    code = "expired_refresh"
    message = "the token's refresh lifespan has expired"


class ExpiredActionError(_ExpiredError):
    """The action token's lifespan is over.

    Attributes:
        expired_at: When the action token ended, in seconds since the epoch.
        now: The instant of the judgement, in seconds since the epoch.
    """

    code = "expired_action"
    message = "the action token has expired"


class EarlyRefreshError(PraetorianError):
    """The token still opens routes, so it cannot be exchanged yet.

    Attributes:
        refreshable_at: From when on it can be refreshed, in seconds since the epoch.
        now: The instant of the judgement, in seconds since the epoch.
    """

    code = "early_refresh"
    message = "the token's access lifespan has not expired yet"

    def __init__(self, *, refreshable_at: int, now: int) -> None:
        """Keep both instants as evidence."""
        self.refreshable_at = refreshable_at
        self.now = now
        super().__init__(f"refresh is allowed in {refreshable_at - now} s ({refreshable_at=}, {now=})")


class RevokedTokenError(PraetorianError):
    """The session was ended, or what an action token was bound to has changed."""

    code = "revoked_token"
    message = "the token has been revoked"


class ReusedTokenError(PraetorianError):
    """A generation or an action token that had been spent was presented again."""

    code = "reused_token"
    message = "the token has already been used"


class MisusedTokenError(PraetorianError):
    """The token is genuine but of another kind or purpose (RFC 8725 §3.12)."""

    code = "misused_token"
    message = "the token is not meant for this purpose"


class MissingUserError(PraetorianError):
    """The user behind the token does not exist, or no longer."""

    code = "missing_user"
    message = "the user does not exist"


class InvalidUserError(PraetorianError):
    """The user behind the token may no longer act."""

    code = "invalid_user"
    message = "the user may no longer act"


class AuthenticationError(PraetorianError):
    """A login failed. Unknown name, wrong password and disabled account are not told apart."""

    code = "bad_credentials"
    message = "the username or password is incorrect"


class LoginThrottledError(PraetorianError):
    """Too many login attempts; nothing is said about the account.

    Attributes:
        retry_after: Seconds after which a further attempt is counted anew.
    """

    code = "login_throttled"
    message = "too many login attempts, try again later"

    def __init__(self, *, retry_after: int) -> None:
        """Keep the number of seconds to wait."""
        self.retry_after = retry_after
        super().__init__(f"too many login attempts, next one in {retry_after} s")


class MissingRoleError(PraetorianError):
    """The principal does not hold the roles that the policy demands.

    Attributes:
        required: The policy in words, for the log only.
    """

    code = "missing_role"
    message = "this token does not grant access to this resource"

    def __init__(self, *, required: str) -> None:
        """Keep the policy that denied."""
        self.required = required
        super().__init__(f"the principal's roles do not satisfy: {required}")


class CSRFError(PraetorianError):
    """A request with a cookie token lacks the CSRF proof that belongs to it."""

    code = "csrf_failed"
    message = "the CSRF check failed"


class WeakPasswordError(PraetorianError):
    """A new password breaks the rules; raised only when a password is set, never at login."""

    code = "weak_password"
    message = "the password does not meet the requirements"


class ServiceUnavailableError(PraetorianError):
    """Something that a decision depends on failed, so nothing was let in.

    Attributes:
        retry_after: Seconds after which it may work again, or None where nobody knows.
    """

    code = "unavailable"
    message = "the service is temporarily unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None) -> None:
        """Say in the detail what failed; the failure itself is the cause."""
        self.retry_after = retry_after
        super().__init__(detail)


class ConfigurationError(PraetorianError):
    """Something is configured or called in a way that cannot work; the text says what to write."""

    code = "configuration"
    message = "the server is misconfigured"


class ClaimCollisionError(ConfigurationError):
    """A custom claim takes a name that the token needs for itself, in some letter case.

    Attributes:
        claim: The name that was given.
    """

    code = "claim_collision"

    def __init__(self, claim: str) -> None:
        """Name the claim that collides."""
        self.claim = claim
        super().__init__(f"custom claim {claim!r} takes a reserved name; choose another name")


class ClaimValueError(ConfigurationError):
    """A claim holds a value that would not come back as it was given.

    Attributes:
        claim: The name of the claim.
    """

    code = "claim_value"

    def __init__(self, claim: str, found: str) -> None:
        """Name the claim and say what was found in it, without the value itself."""
        self.claim = claim
        super().__init__(f"claim {claim!r} {found}")
