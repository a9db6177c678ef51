"""Praetorian for Starlette; every security decision is made in ``praetorian_core``."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import wraps
from typing import TypeAlias, cast

import attrs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from praetorian_core import AsyncGuard, Principal
from praetorian_core.errors import ConfigurationError, MissingTokenError, PraetorianError
from praetorian_core.policy import Policy
from praetorian_core.web.cookies import Cookie
from praetorian_core.web.hooks import ErrorHook, OnError, error_hooks, run_error_hooks_async
from praetorian_core.web.request import Redemption, Renewal, is_preflight
from praetorian_core.web.responses import error_response

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_KEY = "praetorian"
_RENEWALS = "praetorian.renewals"
_REDEMPTION = "praetorian.redemption"


class StarletteRequest:
    """``RequestInfo`` of a Starlette request."""

    def __init__(self, request: Request) -> None:
        """Wrap the request."""
        self._request = request
        self.method = request.method
        self.remote = None if request.client is None else request.client.host
        self.is_websocket = False
        self.query = request.url.query

    @property
    def renewal(self) -> Renewal | None:
        """Renewal of the token in the request's cookie, or None."""
        renewals = self._renewals()
        return renewals[-1] if renewals else None

    @renewal.setter
    def renewal(self, renewal: Renewal | None, /) -> None:
        if renewal is not None:
            self._renewals().append(renewal)

    @property
    def redemption(self) -> Redemption | None:
        """Redemption of the ticket in the request's query, or None."""
        return cast("Redemption | None", self._request.scope.get(_REDEMPTION))

    @redemption.setter
    def redemption(self, redemption: Redemption | None, /) -> None:
        self._request.scope[_REDEMPTION] = redemption

    def _renewals(self) -> list[Renewal]:
        return cast("list[Renewal]", self._request.scope[_RENEWALS])

    def header(self, name: str, /) -> str | None:
        """Return the value of the header, or None."""
        return self._request.headers.get(name)

    def headers(self, name: str, /) -> Sequence[str]:
        """Return the value of every line of the header."""
        return self._request.headers.getlist(name)


@attrs.frozen
class _State:
    guard: AsyncGuard[object]
    hooks: tuple[ErrorHook, ...]


@attrs.frozen
class _Attach:
    """ASGI middleware that puts the guard into every scope, also for mounted applications."""

    app: ASGIApp
    state: _State

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_KEY] = self.state
        # A list, because a mounted application receives a copy of the scope.
        renewals: list[Renewal] = []
        scope[_RENEWALS] = renewals

        async def send_with_renewal(message: Message) -> None:
            if message["type"] == "http.response.start" and renewals:
                _add_cookies(MutableHeaders(scope=message), renewals[-1].set_cookies)
            await send(message)

        await self.app(scope, receive, send_with_renewal)


def with_cookies(response: Response, cookies: Iterable[Cookie]) -> Response:
    """Set the cookies of ``guard.token_cookies`` or ``guard.cleared_cookies`` on a response."""
    _add_cookies(response.headers, (cookie.header_value() for cookie in cookies))
    return response


def _add_cookies(headers: MutableHeaders, set_cookies: Iterable[str]) -> None:
    for value in set_cookies:
        headers.append("Set-Cookie", value)
    headers["Cache-Control"] = "no-store"


def init_app(app: Starlette, guard: AsyncGuard[object], *, on_error: OnError = None) -> None:
    """Attach the guard to every request, and answer every ``PraetorianError`` after its hooks ran."""
    app.add_middleware(_Attach, state=_State(guard, error_hooks(on_error)))
    if not guard.settings.disable_error_handler:
        app.add_exception_handler(PraetorianError, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    refusal, state = cast("PraetorianError", error), _state_of(request)
    await run_error_hooks_async(state.hooks, refusal)
    settings = state.guard.settings
    response = error_response(refusal, scheme=settings.header_type, realm=settings.realm)
    return JSONResponse(response.body(), response.status, headers=dict(response.headers))


def guarded(
    policy: Policy | None = None, *, optional: bool = False
) -> Callable[[Callable[[Request], Awaitable[Response] | Response]], Endpoint]:
    """Guard an endpoint: a coroutine function, or a plain function, which runs in a worker thread."""
    if policy is not None and not isinstance(policy, Policy):
        raise ConfigurationError(f"guarded() takes a policy; got {type(policy).__name__}; write @guarded()")

    def decorate(endpoint: Callable[[Request], Awaitable[Response] | Response]) -> Endpoint:
        if inspect.isclass(endpoint):
            raise ConfigurationError(f"guarded() takes a function; got the class {endpoint.__name__}")

        async def admit_and_run(request: Request) -> Response:
            info, guard = StarletteRequest(request), guard_of(request)
            if is_preflight(info):
                return Response()
            admit = guard.admit_optional if optional else guard.admit
            request.state.principal = await admit(info, policy)
            if inspect.iscoroutinefunction(endpoint):
                return cast("Response", await endpoint(request))
            return cast("Response", await run_in_threadpool(endpoint, request))

        @wraps(endpoint)
        async def admitted(request: Request) -> Response:
            try:
                return await admit_and_run(request)
            except PraetorianError as error:
                # A mounted application has error handlers of its own; without one it would answer 500.
                handlers = cast("Starlette", request.app).exception_handlers
                if PraetorianError in handlers or guard_of(request).settings.disable_error_handler:
                    raise
                return await _answer(request, error)

        return admitted

    return decorate


def guard_of(request: Request) -> AsyncGuard[object]:
    """Return the application's guard."""
    return _state_of(request).guard


def principal_of(request: Request) -> Principal:
    """Return the authenticated principal; 401 for an anonymous request, 500 in an endpoint without a guard."""
    if not hasattr(request.state, "principal"):
        raise ConfigurationError(f"no token was verified in this request to {request.url.path!r}; write @guarded()")
    principal = principal_or_none(request)
    if principal is None:
        raise MissingTokenError("the request carries no token")
    return principal


def principal_or_none(request: Request) -> Principal | None:
    """Return the authenticated principal, or None."""
    return cast("Principal | None", getattr(request.state, "principal", None))


def _state_of(request: Request) -> _State:
    state = cast("_State | None", request.scope.get(_KEY))
    if state is None:
        raise ConfigurationError("this application has no guard; write init_app(app, guard)")
    return state
