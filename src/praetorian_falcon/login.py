"""Check passwords: a login, and the confirmation of the password during a session."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar, overload

import falcon
import falcon.asgi

from praetorian_core.protocols import UserLike
from praetorian_falcon.current import async_guard, checked, current_token, plain_guard, state_of
from praetorian_falcon.request import request_info

U = TypeVar("U")

# Each pair of overloads overlaps, as in ``current.py``.


@overload
def authenticate(req: falcon.asgi.Request, username: object, password: object) -> Awaitable[UserLike]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def authenticate(  # pyright: ignore[reportOverlappingOverload]
    req: falcon.asgi.Request, username: object, password: object, *, kind: type[U]
) -> Awaitable[U]: ...


@overload
def authenticate(req: falcon.Request, username: object, password: object) -> UserLike: ...


@overload
def authenticate(req: falcon.Request, username: object, password: object, *, kind: type[U]) -> U: ...


def authenticate(
    req: falcon.Request, username: object, password: object, *, kind: type[object] = object
) -> object | Awaitable[object]:
    """Return the user with this username and password; awaitable under ASGI.

    Attempts are counted by the address that the server reports. Behind a proxy that is the proxy's address, unless
    uvicorn trusts the proxy (``--forwarded-allow-ips``) or a WSGI middleware such as
    ``werkzeug.middleware.proxy_fix.ProxyFix`` sets ``REMOTE_ADDR``.

    Args:
        req: The request.
        username: Passed to ``User.lookup``.
        password: The presented password, in any Unicode normalization form.
        kind: The user class, for type checkers; a user of another class is refused.

    Raises:
        AuthenticationError: Wrong username, wrong password or inactive account; the answer is the same for all.
        LoginThrottledError: There were too many attempts.
        ServiceUnavailableError: A dependency failed, or the queue of hashes is full.
        ConfigurationError: The application has no guard, or the user is not an instance of ``kind``.
    """
    state, source = state_of(req), request_info(req).remote
    if isinstance(req, falcon.asgi.Request):
        return _checked_async(async_guard(state).authenticate(username, password, source=source), kind)
    return checked(plain_guard(state).authenticate(username, password, source=source), kind)


@overload
def confirm(req: falcon.asgi.Request, password: object) -> Awaitable[str]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def confirm(req: falcon.Request, password: object) -> str: ...


def confirm(req: falcon.Request, password: object) -> str | Awaitable[str]:
    """Return the next token of the request's session, whose user has just given the password; awaitable under ASGI.

    Attempts are counted with those of ``authenticate``.

    Args:
        req: The request; its token may have expired.
        password: The presented password, in any Unicode normalization form.

    Raises:
        AuthenticationError: The password is wrong.
        LoginThrottledError: There were too many attempts.
        PraetorianError: Every error of ``current_token``, and every other error of ``Guard.confirm``.
    """
    state, token, source = state_of(req), current_token(req), request_info(req).remote
    if isinstance(req, falcon.asgi.Request):
        return async_guard(state).confirm(token, password, source=source)
    return plain_guard(state).confirm(token, password, source=source)


async def _checked_async(loading: Awaitable[object], kind: type[object]) -> object:
    return checked(await loading, kind)
