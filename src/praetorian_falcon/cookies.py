"""Cookies that keep a token in a browser."""

from __future__ import annotations

from collections.abc import Iterable

import falcon

from praetorian_core.errors import ConfigurationError
from praetorian_falcon.current import attached, state_of
from praetorian_falcon.request import request_info


def set_token_cookies(resp: falcon.Response, token: str) -> None:
    """Set the cookies that keep a token in the browser, and ``Cache-Control: no-store``.

    Args:
        resp: The response to a login or a refresh.
        token: A token of the application's guard.

    Raises:
        CSRFError: A page of another site caused the request.
        ConfigurationError: ``JWT_PLACES`` does not include ``cookie``; or see ``Guard.token_cookies``.

    Example::

        set_token_cookies(resp, current_guard(req).issue(user))
    """
    req = _request_of(resp)
    cookies = state_of(req).guard.token_cookies(request_info(req), token)
    _set_cookies(req, resp, (cookie.header_value() for cookie in cookies))


def clear_token_cookies(resp: falcon.Response) -> None:
    """Delete the cookies of ``set_token_cookies`` from the browser; end the session with ``guard.revoke``.

    Args:
        resp: The response to a logout.

    Raises:
        ConfigurationError: ``JWT_PLACES`` does not include ``cookie``.
    """
    req = _request_of(resp)
    _set_cookies(req, resp, (cookie.header_value() for cookie in state_of(req).guard.cleared_cookies()))


def send_renewal(req: falcon.Request, resp: falcon.Response) -> None:
    """Set the cookies of a token that the guard renewed during the request."""
    renewal = request_info(req).renewal
    if renewal is not None:
        _set_cookies(req, resp, renewal.set_cookies)


def _set_cookies(req: falcon.Request, resp: falcon.Response, set_cookies: Iterable[str]) -> None:
    for value in set_cookies:
        resp.append_header("Set-Cookie", value)
    resp.set_header("Cache-Control", "no-store")
    # A response that the responder has given cookies needs no others.
    request_info(req).renewal = None


def _request_of(resp: falcon.Response) -> falcon.Request:
    if not isinstance(resp, falcon.Response):
        raise ConfigurationError(
            f"the cookies of a token are set on a response; got {type(resp).__name__}; write set_token_cookies(resp, token)"
        )
    found = attached(resp)
    if not isinstance(found, falcon.Request):
        raise ConfigurationError(
            "this response belongs to no request with a guard whose JWT_PLACES includes 'cookie'; write "
            'JWT_PLACES = ["header", "cookie"] and init_app(app, guard)'
        )
    return found
