"""Golden table of refusals: the public answer to each class of error."""

from __future__ import annotations

from collections.abc import Mapping

from praetorian_core.errors import PASSWORD_RULES, PasswordRule
from praetorian_core.testing.adapter_suite.values import Expected

_NONE = None
_BARE = 'Bearer realm="legion"'
_REQUEST = 'Bearer realm="legion", error="invalid_request"'
_TOKEN = 'Bearer realm="legion", error="invalid_token"'  # noqa: S105  (a challenge)
_SCOPE = 'Bearer realm="legion", error="insufficient_scope"'

_STALE = (
    'Bearer realm="legion", error="insufficient_user_authentication", '
    'error_description="a more recent authentication is required", max_age="300"'
)

# Class, code, status, challenge, public message. Clients depend on the codes: a change here breaks them.
ANSWERS: Mapping[str, tuple[str, int, str | None, str]] = {
    "MissingTokenError": ("missing_token", 401, _BARE, "a bearer token is required"),
    "MalformedHeaderError": ("malformed_header", 400, _REQUEST, "the authorization header is malformed"),
    "ConflictingTokensError": ("conflicting_tokens", 400, _REQUEST, "the request carries more than one token"),
    "CSRFError": ("csrf_failed", 403, _NONE, "the request did not prove that it comes from this site"),
    "TokenError": ("invalid_token", 401, _TOKEN, "the token is invalid"),
    "InvalidTokenError": ("invalid_token", 401, _TOKEN, "the token is invalid"),
    "MissingClaimError": ("invalid_token", 401, _TOKEN, "the token is invalid"),
    "ExpiredTokenError": ("invalid_token", 401, _TOKEN, "the token has expired"),
    "ExpiredAccessError": ("expired_access", 401, _TOKEN, "the token's access lifespan has expired"),
    "ExpiredRefreshError": ("expired_refresh", 401, _TOKEN, "the token's refresh lifespan has expired"),
    "ExpiredActionError": ("expired_action", 401, _TOKEN, "the action token has expired"),
    "ExpiredTicketError": ("expired_ticket", 401, _TOKEN, "the ticket has expired"),
    "EarlyRefreshError": ("early_refresh", 400, _NONE, "the token's access lifespan has not expired yet"),
    "RevokedTokenError": ("revoked_token", 401, _TOKEN, "the token has been revoked"),
    "ReusedTokenError": ("reused_token", 401, _TOKEN, "the token has already been used"),
    "MisusedTokenError": ("misused_token", 401, _TOKEN, "the token is not meant for this purpose"),
    "MissingUserError": ("missing_user", 401, _TOKEN, "the user does not exist"),
    "InvalidUserError": ("invalid_user", 401, _TOKEN, "the user account is not active"),
    "AuthenticationError": ("bad_credentials", 401, _BARE, "the username or password is incorrect"),
    # RFC 9470 §3; the routes of the suite require an authentication within 5 minutes.
    "StaleAuthenticationError": ("stale_authentication", 401, _STALE, "a more recent authentication is required"),
    "MissingRoleError": ("missing_role", 403, _SCOPE, "this token does not grant access to this resource"),
    "ForbiddenError": ("forbidden", 403, _NONE, "you are not allowed to do this"),
    "WeakPasswordError": ("weak_password", 400, _NONE, "the password does not meet the requirements"),
    "LoginThrottledError": ("login_throttled", 429, _NONE, "too many login attempts, try again later"),
    "SessionLimitError": ("session_limit", 409, _NONE, "there are too many sessions, log out on another device"),
    "ServiceUnavailableError": ("unavailable", 503, _NONE, "the service is temporarily unavailable"),
    "ConfigurationError": ("configuration", 500, _NONE, "the server is misconfigured"),
    "ClaimCollisionError": ("claim_collision", 500, _NONE, "the server is misconfigured"),
    "ClaimValueError": ("claim_value", 500, _NONE, "the server is misconfigured"),
}


def refused(
    error: str, *, retry_after: str | None = None, scheme: str = "Bearer", rule: PasswordRule | None = None
) -> Expected:
    """Return the response to a refusal.

    Args:
        error: Name of the error's class.
        retry_after: Expected ``Retry-After`` header.
        scheme: Authentication scheme that the challenge must name.
        rule: The rule that a new password breaks.
    """
    code, status, challenge, message = ANSWERS[error]
    body: dict[str, object] = {"error": error, "message": message, "status_code": status, "code": code}
    if rule is not None:
        body |= {"message": PASSWORD_RULES[rule], "rule": rule}
    return Expected(
        status=status,
        code=code,
        body=body,
        content_type="application/json",
        cache_control="no-store",
        challenge=challenge and challenge.replace("Bearer", scheme),
        retry_after=retry_after,
    )
