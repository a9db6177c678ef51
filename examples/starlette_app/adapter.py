"""Praetorian for Starlette. No security decision is made here: see ``praetorian_core``."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import TypeAlias, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from praetorian_core import AsyncGuard, Principal
from praetorian_core.errors import PraetorianError
from praetorian_core.policy import Policy
from praetorian_core.web.request import is_preflight
from praetorian_core.web.responses import error_response

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Task: TypeAlias = Callable[[PraetorianError], object]


class StarletteView:
    """The ``RequestInfo`` of a Starlette request."""

    def __init__(self, request: Request) -> None:
        """Look at this request."""
        self._request = request
        self.method = request.method
        self.remote = None if request.client is None else request.client.host

    def header(self, name: str, /) -> str | None:
        """Return the header's value, or None."""
        return self._request.headers.get(name)

    def headers(self, name: str, /) -> Sequence[str]:
        """Return the value of every line of the header."""
        return self._request.headers.getlist(name)

    def cookies(self, name: str, /) -> Sequence[str]:
        """Return the value of the cookie: Starlette keeps the last."""
        return [self._request.cookies[name]] if name in self._request.cookies else []


def init_app(app: Starlette, guard: AsyncGuard[object], *tasks: Task) -> None:
    """Hand the guard to every request, and answer every ``PraetorianError`` once the tasks were told."""
    app.state.guard = guard

    async def answer(_: Request, error: Exception) -> Response:
        refusal = cast("PraetorianError", error)
        for task in tasks:
            try:
                result = task(refusal)
                if inspect.isawaitable(result):
                    await result
            except Exception as failure:  # noqa: BLE001  (a task may raise anything, and its text may hold anything)
                logging.getLogger("praetorian").error("a task raised %s", type(failure).__name__)  # noqa: TRY400
        rendered = error_response(refusal, scheme=guard.settings.header_type, realm=guard.settings.realm)
        return JSONResponse(rendered.body(), rendered.status, headers=dict(rendered.headers))

    if not guard.settings.disable_error_handler:
        app.add_exception_handler(PraetorianError, answer)


def guarded(policy: Policy | None = None, *, optional: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Let an endpoint run only for whom the guard admits."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def admitted(request: Request) -> Response:
            view = StarletteView(request)
            if is_preflight(view):
                return Response()
            guard = guard_of(request)
            admit = guard.admit_optional if optional else guard.admit
            request.state.principal = await admit(view, policy)
            return await endpoint(request)

        return admitted

    return decorate


def guard_of(request: Request) -> AsyncGuard[object]:
    """Return the application's guard."""
    return cast("AsyncGuard[object]", request.app.state.guard)


def principal_of(request: Request) -> Principal | None:
    """Return who acts; None where nobody was asked."""
    return cast("Principal | None", getattr(request.state, "principal", None))
