"""The methods of ``Praetorian`` that find the token in a request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar, cast

from flask import request

from praetorian_core import errors as core_errors
from praetorian_core.web.bearer import TokenHeader
from praetorian_flask.compat._errors import InvalidTokenHeader, MissingToken
from praetorian_flask.compat._state import GuardState
from praetorian_flask.request import FlaskRequest

_LOG = logging.getLogger("praetorian")


class RequestMethods(GuardState):
    """Find the token."""

    _header: TokenHeader
    _warned_of_cookie: ClassVar[bool] = False

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

    def read_token_from_header(self) -> str:
        """Return the token in the request's header.

        Raises:
            MissingToken: There is no such header.
            InvalidTokenHeader: The header does not hold the scheme and one token.
        """
        values = FlaskRequest(request).headers(self.header_name)
        if not values:
            raise MissingToken("JWT token not found in headers under 'Authorization'")
        try:
            return self._header.find(FlaskRequest(request))
        except (core_errors.MissingTokenError, core_errors.MalformedHeaderError) as error:
            raise InvalidTokenHeader("JWT header structure is invalid") from error

    def read_token_from_cookie(self) -> str:
        """Return the token in the request's cookie; no CSRF header is asked for.

        Raises:
            MissingToken: There is no such cookie.
        """
        token = request.cookies.get(self.cookie_name)
        if token is None:
            raise MissingToken("JWT token not found in cookie")
        if not self._warned_of_cookie:
            RequestMethods._warned_of_cookie = True
            _LOG.warning(
                "a token was read from a cookie without a CSRF check, as flask-praetorian did; docs/migration.md shows "
                "how to turn the check on"
            )
        return token
