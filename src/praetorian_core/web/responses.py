"""How each refusal is answered over HTTP: one table, for every framework.

The rows follow RFC 6750 §3: a request without credentials gets a bare challenge, a bad token ``invalid_token``, a
missing permission ``insufficient_scope``. A store that is down gets no challenge at all, so that clients keep their
session and try again.
"""

from __future__ import annotations

import enum
import logging

import attrs

from praetorian_core import errors

_LOG = logging.getLogger("praetorian")


class _Challenge(enum.Enum):
    """What the ``WWW-Authenticate`` header says (RFC 6750 §3)."""

    NONE = enum.auto()
    BARE = enum.auto()
    INVALID_REQUEST = "invalid_request"
    INVALID_TOKEN = "invalid_token"  # noqa: S105  (an error code of RFC 6750 §3.1, not a secret)
    INSUFFICIENT_SCOPE = "insufficient_scope"


@attrs.frozen
class _Row:
    status: int
    challenge: _Challenge = _Challenge.NONE


_INVALID = _Row(401, _Challenge.INVALID_TOKEN)

# An error is answered by the row of the nearest class in its MRO, so a subclass of an application's own is answered
# like the reason it refines.
_TABLE: dict[type[BaseException], _Row] = {
    errors.MissingTokenError: _Row(401, _Challenge.BARE),
    errors.MalformedHeaderError: _Row(400, _Challenge.INVALID_REQUEST),
    errors.InvalidTokenError: _INVALID,
    errors.ExpiredAccessError: _INVALID,
    errors.ExpiredRefreshError: _INVALID,
    errors.ExpiredActionError: _INVALID,
    errors.EarlyRefreshError: _Row(400),
    errors.RevokedTokenError: _INVALID,
    errors.ReusedTokenError: _INVALID,
    errors.MisusedTokenError: _INVALID,
    errors.MissingUserError: _INVALID,
    errors.InvalidUserError: _INVALID,
    errors.AuthenticationError: _Row(401, _Challenge.BARE),
    errors.LoginThrottledError: _Row(429),
    errors.MissingRoleError: _Row(403, _Challenge.INSUFFICIENT_SCOPE),
    errors.CSRFError: _Row(403),
    errors.WeakPasswordError: _Row(400),
    errors.ServiceUnavailableError: _Row(503),
    errors.ConfigurationError: _Row(500),
    # A class of the application's own, directly below the root: nobody told us what it means to a client.
    errors.PraetorianError: _Row(500),
}


_OURS = 500


@attrs.frozen
class ErrorResponse:
    """What goes out over HTTP for one error.

    Attributes:
        status: The HTTP status code.
        headers: Names and values, in order.
        error: The name of the error's class.
        code: The error's stable code.
        message: The error's public message.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    error: str
    code: str
    message: str

    def body(self) -> dict[str, str | int]:
        """Return the JSON body, made anew each time, because frameworks write into it."""
        return {
            "error": self.error,
            "message": self.message,
            "status_code": self.status,
            "code": self.code,
        }


def error_response(error: errors.PraetorianError, *, scheme: str = "Bearer", realm: str = "api") -> ErrorResponse:
    """Return the answer to an error, the same for every framework.

    Args:
        error: What was raised.
        scheme: The authentication scheme that a challenge names.
        realm: The protection space that a challenge names.

    Returns:
        Status, headers and body. Nothing in it comes from the token, the request or the error's detail.

    See:
        RFC 6750 §3 for the challenge, §5.3 for ``Cache-Control``; RFC 9110 §10.2.3 for ``Retry-After``.
    """
    row = next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)
    if row.status == _OURS:
        # The client is told nothing of what is wrong with us, so the operator is told here.
        _LOG.error("%s: %s", type(error).__name__, error)
    headers = [("Cache-Control", "no-store")]
    if row.challenge is not _Challenge.NONE:
        challenge = f'{scheme} realm="{realm}"'
        if row.challenge is not _Challenge.BARE:
            challenge += f', error="{row.challenge.value}"'
        headers.append(("WWW-Authenticate", challenge))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return ErrorResponse(row.status, tuple(headers), type(error).__name__, error.code, error.message)
