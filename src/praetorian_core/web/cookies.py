"""The two cookies of a browser's session: the token, which scripts cannot read, and the value that a page repeats.

Facts:

* RFC 6265bis §4.1.3: a browser accepts a cookie whose name begins with ``__Host-`` only with ``Secure``, ``Path=/`` and no
  ``Domain``, so no other host can set it; ``__Secure-`` requires ``Secure`` alone.
* RFC 6265 §5.4: the order of cookies of one name means nothing, so a request with two of them is rejected.
* RFC 9113 §8.2.3: HTTP/2 may split the ``Cookie`` header into lines.
* RFC 6265bis §5.6: a browser ignores a cookie whose name and value have more than 4096 octets.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from praetorian_core.errors import ConfigurationError, ConflictingTokensError
from praetorian_core.web.request import Headers

MAX_COOKIE = 4096
"""The most octets of a cookie's name and value together."""

ROOM = 64
"""How many octets a new token leaves for its refreshes: a generation and an epoch."""

_PREFIXES = ("__Host-", "__Secure-")


@attrs.frozen(kw_only=True)
class Cookie:
    """One cookie to set.

    Attributes:
        name: Name of the cookie.
        value: Value of the cookie.
        max_age: How long the browser keeps it, in seconds; 0 deletes it.
        path: Path below which the browser sends it.
        domain: Domain whose hosts receive it; None for the host that sets it.
        secure: Whether the browser sends it over HTTPS only.
        http_only: Whether scripts cannot read it.
        same_site: ``Lax``, ``Strict`` or ``None``.
    """

    name: str
    value: str = attrs.field(repr=False)
    max_age: int
    path: str
    domain: str | None
    secure: bool
    http_only: bool
    same_site: str

    def header_value(self) -> str:
        """Return the value of a ``Set-Cookie`` header.

        See:
            RFC 6265 §4.1.1.
        """
        parts = [f"{self.name}={self.value}", f"Max-Age={self.max_age}", f"Path={self.path}"]
        if self.domain is not None:
            parts.append(f"Domain={self.domain}")
        if self.secure:
            parts.append("Secure")
        if self.http_only:
            parts.append("HttpOnly")
        parts.append(f"SameSite={self.same_site}")
        return "; ".join(parts)


@attrs.frozen(kw_only=True)
class TokenCookies:
    """Makes and reads the cookies of tokens.

    Attributes:
        name: Name of the cookie with the token.
        path: See ``Cookie``.
        domain: See ``Cookie``.
        secure: See ``Cookie``.
        same_site: See ``Cookie``.
    """

    name: str
    path: str
    domain: str | None
    secure: bool
    same_site: str

    @property
    def csrf_name(self) -> str:
        """Name of the cookie that a page reads, to repeat its value in the header ``X-CSRF-Token``."""
        length = next((len(prefix) for prefix in _PREFIXES if self.name.lower().startswith(prefix.lower())), 0)
        return f"{self.name[:length]}csrf_{self.name[length:]}"

    def find(self, request: Headers) -> str | None:
        """Return the token in the request's cookie, or None.

        Raises:
            ConflictingTokensError: The request carries several cookies of the name.
        """
        values = [value for name, value in _pairs(request) if name == self.name]
        if len(values) > 1:
            raise ConflictingTokensError(f"the request carries {len(values)} cookies {self.name}; expected one")
        return values[0] or None if values else None

    @property
    def max_token(self) -> int:
        """Maximum length of a token in the cookie, in characters."""
        return MAX_COOKIE - len(self.name)

    def holding(self, token: str, csrf: str, max_age: int, *, is_refreshed: bool) -> tuple[Cookie, Cookie]:
        """Return both cookies of a token.

        Args:
            token: The token.
            csrf: Its claim ``csrf``.
            max_age: How long the browser keeps them, in seconds.
            is_refreshed: Whether the token is not the first of its session, which leaves room for the next ones.

        Raises:
            ConfigurationError: A browser would ignore the cookie, because it is too long.
        """
        longest = self.max_token if is_refreshed else self.max_token - ROOM
        if len(token) > longest:
            raise ConfigurationError(
                f"a token must have at most {longest} characters, so that browsers accept its cookie; got {len(token)}; write "
                "fewer or shorter custom claims and roles"
            )
        return self._cookie(self.name, token, max_age, http_only=True), self._cookie(
            self.csrf_name, csrf, max_age, http_only=False
        )

    def deleting(self) -> tuple[Cookie, Cookie]:
        """Return both cookies as a browser deletes them."""
        return self._cookie(self.name, "", 0, http_only=True), self._cookie(self.csrf_name, "", 0, http_only=False)

    def _cookie(self, name: str, value: str, max_age: int, *, http_only: bool) -> Cookie:
        return Cookie(
            name=name,
            value=value,
            max_age=max_age,
            path=self.path,
            domain=self.domain,
            secure=self.secure,
            http_only=http_only,
            same_site=self.same_site,
        )


def _pairs(request: Headers) -> Iterator[tuple[str, str]]:
    for line in request.headers("Cookie"):
        for pair in line.split(";"):
            name, _, value = pair.partition("=")
            yield name.strip(" \t"), value.strip(" \t")
