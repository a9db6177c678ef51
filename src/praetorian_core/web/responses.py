"""HTTP answer of each error: one table for every framework.

The rows follow RFC 6750 §3: without credentials the challenge names no error, for a bad token it names
``invalid_token``, for a missing role ``insufficient_scope``. An authentication that is too old gets the challenge of
RFC 9470 §3. A failed dependency gets no challenge: clients keep their session and retry.
"""

from __future__ import annotations

import enum
import logging

import attrs

from praetorian_core import errors

_LOG = logging.getLogger("praetorian")
_SERVER_ERROR = 500


class _Challenge(enum.Enum):
    """Error code in the ``WWW-Authenticate`` header (RFC 6750 §3.1, RFC 9470 §3)."""

    NONE = enum.auto()
    """No such header."""
    BARE = enum.auto()
    """A challenge without an error code."""
    INVALID_REQUEST = "invalid_request"
    INVALID_TOKEN = "invalid_token"  # noqa: S105  (an error code, not a secret)
    INSUFFICIENT_SCOPE = "insufficient_scope"
    INSUFFICIENT_USER_AUTHENTICATION = "insufficient_user_authentication"


@attrs.frozen
class _Row:
    status: int
    challenge: _Challenge = _Challenge.NONE


# The nearest class in the MRO decides, so a subclass is answered like its parent unless it has a row of its own.
_TABLE: dict[type[BaseException], _Row] = {
    # Also ConfigurationError, and the classes that an application derives from the root.
    errors.PraetorianError: _Row(_SERVER_ERROR),
    errors.MissingTokenError: _Row(401, _Challenge.BARE),
    errors.MalformedHeaderError: _Row(400, _Challenge.INVALID_REQUEST),
    errors.ConflictingTokensError: _Row(400, _Challenge.INVALID_REQUEST),
    errors.CSRFError: _Row(403),
    errors.TokenError: _Row(401, _Challenge.INVALID_TOKEN),
    errors.EarlyRefreshError: _Row(400),
    errors.AuthenticationError: _Row(401, _Challenge.BARE),
    errors.LoginThrottledError: _Row(429),
    errors.StaleAuthenticationError: _Row(401, _Challenge.INSUFFICIENT_USER_AUTHENTICATION),
    # RFC 9110 §15.5.10: a conflict with the current state, which the user can resolve. The credentials were right, so
    # neither 401 nor 403, and waiting alone does not help, so not 429.
    errors.SessionLimitError: _Row(409),
    errors.MissingRoleError: _Row(403, _Challenge.INSUFFICIENT_SCOPE),
    errors.ForbiddenError: _Row(403),
    errors.WeakPasswordError: _Row(400),
    errors.ServiceUnavailableError: _Row(503),
}


@attrs.frozen
class ErrorResponse:
    """HTTP response to one error.

    Attributes:
        status: HTTP status code.
        headers: Names and values, in order.
        error: Name of the error's class.
        code: The error's ``code``.
        message: The error's ``message``.
        rule: The rule that a new password breaks; None for every other error.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    error: str
    code: str
    message: str
    rule: str | None = None

    def body(self) -> dict[str, str | int]:
        """Return the JSON body, a new dict each time because frameworks modify it."""
        body: dict[str, str | int] = {
            "error": self.error,
            "message": self.message,
            "status_code": self.status,
            "code": self.code,
        }
        return body if self.rule is None else body | {"rule": self.rule}


def error_response(error: errors.PraetorianError, *, scheme: str = "Bearer", realm: str = "api") -> ErrorResponse:
    """Return the response to an error, the same for every framework.

    A status of 500 is logged with the error's detail, because the client is not given the reason.

    Args:
        error: The error that was raised.
        scheme: Authentication scheme of the challenge.
        realm: Protection space of the challenge.

    Returns:
        Status, headers and body. Nothing in them comes from the token, the request or the error's detail.

    See:
        RFC 6750 §3 and RFC 9470 §3 for the challenge, RFC 6750 §5.3 for ``Cache-Control``, RFC 9110 §10.2.3 for
        ``Retry-After``.
    """
    row = next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)
    if row.status == _SERVER_ERROR:
        _LOG.error("%s: %s", type(error).__name__, error)
    headers = [("Cache-Control", "no-store")]
    if row.challenge is not _Challenge.NONE:
        challenge = f'{scheme} realm="{realm}"'
        if row.challenge is not _Challenge.BARE:
            challenge += f', error="{row.challenge.value}"'
        if isinstance(error, errors.StaleAuthenticationError):
            # The text of the class: a quoted-string cannot hold every text that an application's subclass may have.
            description = errors.StaleAuthenticationError.message
            challenge += f', error_description="{description}", max_age="{error.max_age}"'
        headers.append(("WWW-Authenticate", challenge))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    rule = error.rule if isinstance(error, errors.WeakPasswordError) else None
    return ErrorResponse(row.status, tuple(headers), type(error).__name__, error.code, error.message, rule)
