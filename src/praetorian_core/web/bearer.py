"""Where in a request the token is: the ``Authorization`` header of RFC 6750 §2.1.

Facts:

* RFC 9110 §11.4: ``credentials = auth-scheme [ 1*SP ( token68 / #auth-param ) ]``; §11.1: the scheme is compared
  without regard to letter case.
* RFC 6750 §2.1: ``credentials = "Bearer" 1*SP b64token`` with
  ``b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="``.
* RFC 9110 §5.3: a server may join repeated header lines with a comma, and WSGI servers do. A comma is not part of
  a ``b64token``, so a second value is seen however it arrives.
* Another scheme, ``Basic`` or ``Bearerxyz``, is no bearer token: for us the request carries none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from praetorian_core.errors import ConfigurationError, MalformedHeaderError, MissingTokenError
from praetorian_core.web.request import RequestInfo

# RFC 9110 §5.6.2: what a header name or a scheme is made of.
_HTTP_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class HeaderPlace:
    """Finds the token behind a scheme in one request header."""

    __slots__ = ("_credentials", "_name", "_repeated", "_scheme")

    def __init__(self, name: str, scheme: str) -> None:
        """Prepare the grammar for one header and one scheme.

        Args:
            name: The header's name, ``Authorization`` in most cases.
            scheme: The authentication scheme in front of the token, ``Bearer`` in most cases.

        Raises:
            ConfigurationError: Either is not a token in the sense of RFC 9110 §5.6.2.
        """
        for key, value, usual in (
            ("JWT_HEADER_NAME", name, "Authorization"),
            ("JWT_HEADER_TYPE", scheme, "Bearer"),
        ):
            if not isinstance(value, str) or not _HTTP_TOKEN.fullmatch(value):
                detail = f"{key} must be an HTTP token (RFC 9110 §5.6.2) such as {usual!r}; got {value!r}"
                raise ConfigurationError(detail)
        literal = re.escape(scheme)
        self._name = name
        self._credentials = re.compile(rf"{literal} +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)
        # Ours is the scheme iff no further character of an HTTP token follows its name.
        self._scheme = re.compile(rf"{literal}(?![!#$%&'*+.^_`|~0-9A-Za-z-])", re.IGNORECASE | re.ASCII)
        self._repeated = re.compile(rf",[ \t]*{literal}[ \t]", re.IGNORECASE | re.ASCII)

    def find(self, view: RequestInfo) -> str | None:
        """Return the token, or None where the header carries no credentials of our scheme.

        Raises:
            MalformedHeaderError: There are several values, or our scheme is not followed by exactly one token.

        See:
            RFC 6750 §2.1, RFC 9110 §11.
        """
        values = view.headers(self._name)
        if not values:
            return None
        # Kept apart or joined by the server, several lines mean the same, and get the same answer.
        value = values[0] if len(values) == 1 else ", ".join(values)
        match = self._credentials.fullmatch(value)
        if match:
            return match[1]
        if self._scheme.match(value):
            detail = f"the {self._name} header names the scheme but not exactly one token after it"
            raise MalformedHeaderError(detail)
        if self._repeated.search(value):
            detail = f"the {self._name} header carries several credentials; expected one"
            raise MalformedHeaderError(detail)
        return None


class TokenPlaces:
    """The places that are read for a token, in order."""

    __slots__ = ("_places",)

    def __init__(self, places: Sequence[HeaderPlace]) -> None:
        """Read the given places, and no others."""
        self._places = tuple(places)

    def find(self, view: RequestInfo) -> str:
        """Return the token of the first place that holds one.

        Raises:
            MissingTokenError: No place holds one.
            MalformedHeaderError: A place holds something that is not exactly one token.
        """
        for place in self._places:
            token = place.find(view)
            if token is not None:
                return token
        detail = "no bearer token in the request"
        raise MissingTokenError(detail)
