"""The methods of ``Praetorian`` that find the token in a request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar, Protocol, cast

import attrs
from flask import request

from praetorian_core import errors as core_errors
from praetorian_core.web.bearer import TokenHeader
from praetorian_core.web.csrf import check_origin
from praetorian_flask.compat._errors import InvalidTokenHeader, MissingToken
from praetorian_flask.compat._moved import moved
from praetorian_flask.compat._state import GuardState
from praetorian_flask.request import FlaskRequest

_LOG = logging.getLogger("praetorian")


class Headers(Protocol):
    """Headers or cookies of a request."""

    def get(self, name: str, /) -> str | None:
        """Return the value with this name, or None."""
        ...


@attrs.frozen
class _Carrier:
    """``RequestInfo`` of one header.

    Attributes:
        value: The value of the header, whatever its name.
        method: The request method.
        remote: The client address.
    """

    value: str
    method: str = "GET"
    remote: str | None = None

    def header(self, _name: str, /) -> str | None:
        """Return the value."""
        return self.value

    def headers(self, _name: str, /) -> tuple[str]:
        """Return the one value."""
        return (self.value,)


@lru_cache(maxsize=16)
def header_grammar(name: str, scheme: str) -> TokenHeader:
    """Return the grammar of a header; the attributes of a guard may change after ``init_app``."""
    return TokenHeader(name, scheme)


class RequestMethods(GuardState):
    """Find the token."""

    _warned_of_cookie: ClassVar[bool] = False

    @moved
    def read_token(self) -> str:
        """Return the token of the request, from the first of ``JWT_PLACES`` that has one.

        Raises:
            MissingToken: No place has one.
            InvalidTokenHeader: The header is malformed.
        """
        self._require_initialized()
        for place in self.jwt_places:
            # A subclass may add places of its own.
            read = cast("Callable[[], str] | None", getattr(self, f"read_token_from_{str(place).lower()}", None))
            if read is None:
                _LOG.warning("JWT_PLACES holds %r, for which there is no read_token_from_%s", place, place)
                continue
            try:
                return read()
            except MissingToken:
                pass
        raise MissingToken(f"Could not find token in any of the given locations: {self.jwt_places}")

    @moved
    def read_token_from_header(self) -> str:
        """Return the token in the request's header.

        Raises:
            MissingToken: There is no such header.
            InvalidTokenHeader: The header does not hold the scheme and one token.
        """
        return self._unpack_header(request.headers)

    def _unpack_header(self, headers: Headers) -> str:
        """Return the token in some headers; see ``read_token_from_header``."""
        self._require_initialized()
        value = headers.get(self.header_name)
        if value is None:
            raise MissingToken(f"JWT token not found in headers under '{self.header_name}'")
        try:
            return header_grammar(self.header_name, self.header_type).find(_Carrier(value))
        except (core_errors.MissingTokenError, core_errors.MalformedHeaderError) as error:
            raise InvalidTokenHeader("JWT header structure is invalid") from error

    @moved
    def read_token_from_cookie(self) -> str:
        """Return the token in the request's cookie; no CSRF header is required, because old pages send none.

        Raises:
            MissingToken: There is no such cookie.
            CSRFError: A page of another site caused the request, which is not safe.
        """
        token = self._unpack_cookie(request.cookies)
        check_origin(FlaskRequest(request), self.trusted_origins)
        return token

    def _unpack_cookie(self, cookies: Headers) -> str:
        """Return the token in some cookies; see ``read_token_from_cookie``."""
        self._require_initialized()
        token = cookies.get(self.cookie_name)
        if token is None:
            raise MissingToken(f"JWT token not found in cookie under '{self.cookie_name}'")
        if not self._warned_of_cookie:
            RequestMethods._warned_of_cookie = True
            _LOG.warning(
                "a token was read from a cookie; unsafe requests of other sites are rejected by Origin and Sec-Fetch-Site "
                "alone, so move to praetorian_flask.set_token_cookies, which also checks a CSRF header"
            )
        return token
