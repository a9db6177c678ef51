"""What is sent, what must come back, and what came back: plain values."""

from __future__ import annotations

import enum
import json as json_
import re
from collections.abc import Mapping

import attrs


class BodyStyle(enum.Enum):
    """What the body of a refusal looks like; all else is the same everywhere."""

    CANONICAL = enum.auto()
    """``error``, ``message``, ``status_code`` and ``code``."""
    NATIVE = enum.auto()
    """As ``falcon.HTTPError`` writes it: ``title``, ``description`` and ``code``."""


class Lack(enum.Enum):
    """What a framework does not do of itself, and an adapter need not do in its place."""

    HEAD = enum.auto()
    """``HEAD`` is not answered by what answers ``GET``."""
    OPTIONS = enum.auto()
    """``OPTIONS`` is not answered where the application does not answer it."""


class Setting(enum.Enum):
    """How the world of a scenario is set up."""

    USUAL = enum.auto()
    RAISING_TASK = enum.auto()
    """The first task of the error handler raises."""
    NO_HANDLER = enum.auto()
    """``DISABLE_PRAETORIAN_ERROR_HANDLER`` is set."""
    NO_ROLES = enum.auto()
    """``PRAETORIAN_ROLES_DISABLED`` is set."""
    BROKEN_STORE = enum.auto()
    """The store of sessions and attempts is down."""
    UNCOUNTED_LOGINS = enum.auto()
    """It is down, and ``PRAETORIAN_THROTTLE_FAILURE`` is ``allow``."""


@attrs.frozen(kw_only=True)
class Request:
    """A request. ``<name>`` in the path or in a header's value stands for the token of that name.

    Attributes:
        method: The method.
        path: The path, maybe with a query string.
        headers: Names and values, each on a line of its own.
        json: The JSON body; None for none.
        body: A body as it is, in place of ``json``.
        content_type: The content type of ``body``.
        remote: The client's address, a public one: nobody's network, everybody's source.
    """

    method: str = "GET"
    path: str = "/protected"
    headers: tuple[tuple[str, str], ...] = ()
    json: object = None
    body: bytes | None = None
    content_type: str | None = None
    remote: str = "8.8.8.8"

    def filled(self, tokens: Mapping[str, str]) -> Request:
        """Return the request with tokens in the place of their names."""

        def fill(text: str) -> str:
            return re.sub(r"<(\w+)>", lambda match: tokens[match[1]], text)

        headers = tuple((name, fill(value)) for name, value in self.headers)
        return attrs.evolve(self, path=fill(self.path), headers=headers)

    def payload(self) -> bytes | None:
        """Return the octets of the body; None where there is none."""
        return self.body if self.json is None else json_.dumps(self.json).encode()

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return every header line, those that describe the body included."""
        payload = self.payload()
        if payload is None:
            return self.headers
        kind = self.content_type or "application/json"
        return (*self.headers, ("Content-Type", kind), ("Content-Length", str(len(payload))))


@attrs.frozen(kw_only=True)
class Expected:
    """What must come back.

    Attributes:
        status: The status code.
        code: The error's code; None where nothing of ours is refused.
        body: The JSON body in its canonical style; None where it is the framework's, or does not count.
        cache_control: The Cache-Control header.
        challenge: The WWW-Authenticate header.
        retry_after: The Retry-After header.
        is_unhandled: Whether the error is left to the framework: it comes through, or becomes a plain 500.
    """

    status: int = 200
    code: str | None = None
    body: Mapping[str, object] | None = None
    cache_control: str | None = None
    challenge: str | None = None
    retry_after: str | None = None
    is_unhandled: bool = False

    def body_in(self, style: BodyStyle) -> Mapping[str, object] | None:
        """Return the body in a style."""
        if self.body is None or self.code is None or style is BodyStyle.CANONICAL:
            return self.body
        return {"title": self.body["error"], "description": self.body["message"], "code": self.code}


@attrs.frozen(kw_only=True)
class Received:
    """What came back.

    Attributes:
        status: The status code.
        headers: Names and values, each on a line of its own.
        body: The octets of the body.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the header's lines, joined with commas as RFC 9110 §5.3 has it; None for none."""
        values = [value for found, value in self.headers if found.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def json(self) -> object:
        """The JSON of the body; None where it is none."""
        try:
            return json_.loads(self.body)
        except ValueError:
            return None


@attrs.frozen(kw_only=True)
class Scenario:
    """One request and what must come back.

    Attributes:
        name: The fact that is tested.
        request: What is sent.
        expected: What must come back.
        setting: How the world is set up.
        unless: What must come back in its place where the framework lacks something.
    """

    name: str
    request: Request
    expected: Expected
    setting: Setting = Setting.USUAL
    unless: tuple[Lack, Expected] | None = None

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def expected_of(self, lacks: frozenset[Lack]) -> Expected:
        """Return what must come back from a framework that lacks these."""
        if self.unless is not None and self.unless[0] in lacks:
            return self.unless[1]
        return self.expected


_NONE = None
_BARE = 'Bearer realm="legion"'
_REQUEST = 'Bearer realm="legion", error="invalid_request"'
_TOKEN = 'Bearer realm="legion", error="invalid_token"'  # noqa: S105  (a challenge)
_SCOPE = 'Bearer realm="legion", error="insufficient_scope"'

# Class, code, status, challenge, public message. Clients depend on the codes: a change here breaks them.
ANSWERS: Mapping[str, tuple[str, int, str | None, str]] = {
    "MissingTokenError": ("missing_token", 401, _BARE, "a bearer token is required"),
    "MalformedHeaderError": ("malformed_header", 400, _REQUEST, "the authorization header is malformed"),
    "TokenError": ("invalid_token", 401, _TOKEN, "the token is invalid"),
    "InvalidTokenError": ("invalid_token", 401, _TOKEN, "the token is invalid"),
    "MissingClaimError": ("invalid_token", 401, _TOKEN, "the token is invalid"),
    "ExpiredTokenError": ("invalid_token", 401, _TOKEN, "the token has expired"),
    "ExpiredAccessError": ("expired_access", 401, _TOKEN, "the token's access lifespan has expired"),
    "ExpiredRefreshError": ("expired_refresh", 401, _TOKEN, "the token's refresh lifespan has expired"),
    "ExpiredActionError": ("expired_action", 401, _TOKEN, "the action token has expired"),
    "EarlyRefreshError": ("early_refresh", 400, _NONE, "the token's access lifespan has not expired yet"),
    "RevokedTokenError": ("revoked_token", 401, _TOKEN, "the token has been revoked"),
    "ReusedTokenError": ("reused_token", 401, _TOKEN, "the token has already been used"),
    "MisusedTokenError": ("misused_token", 401, _TOKEN, "the token is not meant for this purpose"),
    "MissingUserError": ("missing_user", 401, _TOKEN, "the user does not exist"),
    "InvalidUserError": ("invalid_user", 401, _TOKEN, "the user account is not active"),
    "AuthenticationError": ("bad_credentials", 401, _BARE, "the username or password is incorrect"),
    "MissingRoleError": ("missing_role", 403, _SCOPE, "this token does not grant access to this resource"),
    "ForbiddenError": ("forbidden", 403, _NONE, "you are not allowed to do this"),
    "WeakPasswordError": ("weak_password", 400, _NONE, "the password does not meet the requirements"),
    "LoginThrottledError": ("login_throttled", 429, _NONE, "too many login attempts, try again later"),
    "ServiceUnavailableError": ("unavailable", 503, _NONE, "the service is temporarily unavailable"),
    "ConfigurationError": ("configuration", 500, _NONE, "the server is misconfigured"),
    "ClaimCollisionError": ("claim_collision", 500, _NONE, "the server is misconfigured"),
    "ClaimValueError": ("claim_value", 500, _NONE, "the server is misconfigured"),
}


def refused(error: str, *, retry_after: str | None = None) -> Expected:
    """Return what a refusal looks like, by the name of its class."""
    code, status, challenge, message = ANSWERS[error]
    return Expected(
        status=status,
        code=code,
        body={"error": error, "message": message, "status_code": status, "code": code},
        cache_control="no-store",
        challenge=challenge,
        retry_after=retry_after,
    )
