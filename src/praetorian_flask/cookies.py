"""Cookies that keep a token in a browser."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from flask import Response, request

from praetorian_core.errors import ConfigurationError
from praetorian_flask.current import current_guard
from praetorian_flask.request import FlaskRequest

R = TypeVar("R", bound=Response)


def set_token_cookies(response: R, token: str) -> R:
    """Set the cookies that keep a token in the browser, and ``Cache-Control: no-store``.

    Args:
        response: The response to a login or a refresh.
        token: A token of the application's guard.

    Returns:
        The response.

    Raises:
        CSRFError: A page of another site caused the request.
        ConfigurationError: ``response`` is not a response, or ``JWT_PLACES`` does not include ``cookie``; or see
            ``Guard.token_cookies``.

    Example::

        return set_token_cookies(jsonify(name=user.username), current_guard().issue(user))
    """
    _check_response(response, "set_token_cookies")
    cookies = current_guard().token_cookies(FlaskRequest(request), token)
    return _with_cookies(response, (cookie.header_value() for cookie in cookies))


def clear_token_cookies(response: R) -> R:
    """Delete the cookies of ``set_token_cookies`` from the browser; end the session with ``guard.revoke``.

    Args:
        response: The response to a logout.

    Returns:
        The response.

    Raises:
        ConfigurationError: ``response`` is not a response, or ``JWT_PLACES`` does not include ``cookie``.
    """
    _check_response(response, "clear_token_cookies")
    return _with_cookies(response, (cookie.header_value() for cookie in current_guard().cleared_cookies()))


def send_renewal(response: R) -> R:
    """Set the cookies of a token that the guard renewed during the request, unless the view has set or deleted them.

    Flask calls this after each request, also after a view that has set cookies on a response that it did not return.
    """
    renewal = FlaskRequest(request).renewal
    if renewal is None:
        return response
    names = [value.partition("=")[0] for value in renewal.set_cookies]
    own = [value.partition("=")[0] for value in response.headers.getlist("Set-Cookie")]
    return response if names[0] in own else _with_cookies(response, renewal.set_cookies)


def _check_response(response: object, call: str) -> None:
    if not isinstance(response, Response):
        raise ConfigurationError(
            f"{call} takes a response; got {type(response).__name__}; write {call}(jsonify(...), ...), also in Flask-RESTX"
        )


def _with_cookies(response: R, set_cookies: Iterable[str]) -> R:
    for value in set_cookies:
        response.headers.add("Set-Cookie", value)
    response.headers["Cache-Control"] = "no-store"
    return response
