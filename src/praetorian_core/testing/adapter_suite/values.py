"""Values of the suite: requests, expected responses, received responses and scenarios."""

from __future__ import annotations

import enum
import json as json_
import re
from collections.abc import Mapping

import attrs


class BodyStyle(enum.Enum):
    """Form of a refusal's body; everything else is equal on every framework."""

    CANONICAL = enum.auto()
    """``error``, ``message``, ``status_code`` and ``code``."""
    NATIVE = enum.auto()
    """The members of ``falcon.HTTPError``: ``title``, ``description`` and ``code``."""


class Lack(enum.Enum):
    """Feature that a framework does not have, and that its adapter need not add."""

    HEAD = enum.auto()
    """A route for ``GET`` does not answer ``HEAD``."""
    OPTIONS = enum.auto()
    """A route does not answer ``OPTIONS`` unless the application does."""


class Setting(enum.Enum):
    """Variation of a scenario's world."""

    USUAL = enum.auto()
    RAISING_HOOK = enum.auto()
    """The first hook of the error handler raises."""
    NO_HANDLER = enum.auto()
    """``DISABLE_PRAETORIAN_ERROR_HANDLER`` is set."""
    NO_ROLES = enum.auto()
    """``PRAETORIAN_ROLES_DISABLED`` is set."""
    OTHER_HEADER = enum.auto()
    """``JWT_HEADER_NAME`` is ``X-Token`` and ``JWT_HEADER_TYPE`` is ``Token``."""
    BROKEN_STORE = enum.auto()
    """Every call to the store of sessions and login attempts fails."""
    ONE_SESSION = enum.auto()
    """``PRAETORIAN_MAX_SESSIONS`` is 1 and ``PRAETORIAN_SESSION_LIMIT`` is ``refuse``."""
    UNCOUNTED_LOGINS = enum.auto()
    """As ``BROKEN_STORE``, and ``PRAETORIAN_THROTTLE_FAILURE`` is ``allow``."""
    COOKIES = enum.auto()
    """``JWT_PLACES`` is ``["header", "cookie"]``, and ``https://app.example`` is a trusted origin."""
    IDLE = enum.auto()
    """``JWT_IDLE_LIFESPAN`` is a minute longer than the access lifespan."""
    COOKIE_REFRESH = enum.auto()
    """As ``COOKIES``, and ``PRAETORIAN_COOKIE_REFRESH`` is set."""
    TICKETS = enum.auto()
    """``JWT_PLACES`` is ``["header", "cookie", "query_ticket"]``."""


@attrs.frozen(kw_only=True)
class Request:
    """Request; ``<name>`` in its path or in a header's value stands for the token of that name.

    ``<cookie>`` and ``<cookie_csrf>`` stand for the values of the cookies that a response has set last.

    Attributes:
        method: Method, in capitals.
        path: Path, with the query string if there is one.
        headers: Names and values, one pair per header line.
        json: JSON body, or None.
        body: Raw body, used if ``json`` is None.
        content_type: Content type of the body, ``application/json`` by default.
        is_chunked: Whether the body is sent in chunks, without a ``Content-Length``.
        remote: Address of the client; a public one, because private ones are not counted as sources of logins.
    """

    method: str = "GET"
    path: str = "/protected"
    headers: tuple[tuple[str, str], ...] = ()
    json: object = None
    body: bytes | None = None
    content_type: str | None = None
    is_chunked: bool = False
    remote: str = "8.8.8.8"

    def filled(self, tokens: Mapping[str, str]) -> Request:
        """Return the request with each ``<name>`` replaced by the token of that name."""

        def fill(text: str) -> str:
            return re.sub(r"<(\w+)>", lambda match: tokens[match[1]], text)

        headers = tuple((name, fill(value)) for name, value in self.headers)
        return attrs.evolve(self, path=fill(self.path), headers=headers)

    def payload(self) -> bytes | None:
        """Return the body as bytes, or None."""
        return self.body if self.json is None else json_.dumps(self.json).encode()

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return every header line, including those that describe the body."""
        payload = self.payload()
        if payload is None:
            return self.headers
        kind = self.content_type or "application/json"
        framing = ("Transfer-Encoding", "chunked") if self.is_chunked else ("Content-Length", str(len(payload)))
        return (*self.headers, ("Content-Type", kind), framing)


@attrs.frozen(kw_only=True)
class Expected:
    """Expected response.

    Attributes:
        status: Status code.
        code: Code of the error, or None if Praetorian refuses nothing.
        body: JSON body in its canonical style, or None if it is not compared.
        content_type: Content type without parameters, or None if it is not compared.
        cache_control: ``Cache-Control`` header.
        challenge: ``WWW-Authenticate`` header.
        retry_after: ``Retry-After`` header.
        cookies: ``Set-Cookie`` headers in order, with ``*`` in place of each value; by default there is none.
        is_unhandled: Whether the framework gets the error: it propagates, or becomes a plain 500.
    """

    status: int = 200
    code: str | None = None
    body: Mapping[str, object] | None = None
    content_type: str | None = None
    cache_control: str | None = None
    challenge: str | None = None
    retry_after: str | None = None
    cookies: tuple[str, ...] = ()
    is_unhandled: bool = False

    def body_in(self, style: BodyStyle) -> Mapping[str, object] | None:
        """Return the body in a style; only the body of a refusal depends on it."""
        if self.body is None or self.code is None or style is BodyStyle.CANONICAL:
            return self.body
        return {"title": self.body["error"], "description": self.body["message"], "code": self.code}


@attrs.frozen(kw_only=True)
class Received:
    """Received response.

    Attributes:
        status: Status code.
        headers: Names and values, one pair per header line.
        body: Body.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the values of the header joined with commas (RFC 9110 §5.3), or None."""
        values = [value for found, value in self.headers if found.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def cookies(self) -> tuple[tuple[str, str, str], ...]:
        """Name, value and attributes of each cookie that the response sets, in order."""
        found: list[tuple[str, str, str]] = []
        for name, line in self.headers:
            if name.lower() == "set-cookie":
                pair, _, attributes = line.partition(";")
                key, _, value = pair.partition("=")
                found.append((key, value, attributes.strip()))
        return tuple(found)

    @property
    def content_type(self) -> str | None:
        """Content type in lower case without parameters, or None."""
        value = self.header("Content-Type")
        return None if value is None else value.partition(";")[0].strip().lower()

    @property
    def json(self) -> object:
        """Parsed JSON body, or None if the body is not JSON."""
        try:
            return json_.loads(self.body)
        except ValueError:
            return None


@attrs.frozen(kw_only=True)
class Step:
    """One request of a scenario and the expected response.

    Attributes:
        request: Request to send.
        expected: Expected response.
        tick: Seconds by which the clock moves before the request.
        unless: A feature, and the response that is expected from a framework without it.
    """

    request: Request
    expected: Expected
    tick: int = 0
    unless: tuple[Lack, Expected] | None = None

    def expected_of(self, lacks: frozenset[Lack]) -> Expected:
        """Return the response that is expected from a framework without these features."""
        if self.unless is not None and self.unless[0] in lacks:
            return self.unless[1]
        return self.expected


@attrs.frozen(kw_only=True)
class Scenario:
    """One fact about every adapter, as requests to one application and their responses.

    Attributes:
        name: The fact.
        steps: The requests, in order.
        setting: Variation of the world.
    """

    name: str
    steps: tuple[Step, ...]
    setting: Setting = Setting.USUAL

    def __str__(self) -> str:
        """Return the name."""
        return self.name
