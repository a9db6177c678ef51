"""Sets Praetorian up for an application: one middleware and one error handler, for WSGI and ASGI alike.

The middleware decides nothing: it hands the guard to every request, those of sinks and WebSockets included, so that
decorators and helpers find it. What is decorated is guarded; static files, unknown paths and all else stay as they are.
"""

from __future__ import annotations

from typing import TypeVar, cast, overload

import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, Guard
from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_falcon.errors import Task, build_error_handler, build_error_handler_async
from praetorian_falcon.request import AnyGuard, keep, state_or_none

U = TypeVar("U")
Req = TypeVar("Req", bound=falcon.Request)
Resp = TypeVar("Resp", bound=falcon.Response)
AReq = TypeVar("AReq", bound=falcon.asgi.Request)
AResp = TypeVar("AResp", bound=falcon.asgi.Response)


class PraetorianMiddleware:
    """Hands a guard to every request of a ``falcon.App`` or a ``falcon.asgi.App``.

    ``init_app`` adds one; by hand it is needed only where it has to come before other middleware that asks who acts.

    Example::

        app = falcon.App(middleware=[PraetorianMiddleware(guard), AuditLog()])
        app.add_error_handler(PraetorianError, build_error_handler())
    """

    def __init__(self, guard: Guard[U] | AsyncGuard[U]) -> None:
        """Take the application's guard: an ``AsyncGuard`` for ASGI, a ``Guard`` for WSGI.

        Raises:
            ConfigurationError: It is something else.
        """
        if not isinstance(guard, Guard | AsyncGuard):
            detail = f"guard is {_name(guard)}; expected Guard(User, settings), or for ASGI AsyncGuard(User, settings)"
            raise ConfigurationError(detail)
        self._guard = cast("AnyGuard", guard)
        self._known = False

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Hand the guard to a WSGI request."""
        if self._known:
            # An open route pays for this line alone.
            req.context.praetorian = self._guard
        else:
            self._attach(req)

    async def process_request_async(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Hand the guard to an ASGI request."""
        if self._known:
            req.context.praetorian = self._guard
        else:
            self._attach(req)

    async def process_request_ws(self, req: falcon.asgi.Request, ws: falcon.asgi.WebSocket) -> None:
        """Hand the guard to the handshake of a WebSocket."""
        self._attach(req)

    def _attach(self, req: falcon.Request) -> None:
        if state_or_none(req) is not None:
            detail = "this application has a guard already; write init_app(app, guard) once, or add one middleware"
            raise ConfigurationError(detail)
        keep(req, self._guard)
        self._known = not isinstance(req.context, dict)


@overload
def init_app(
    app: falcon.asgi.App[AReq, AResp], guard: AsyncGuard[U], *tasks: Task, native: bool = True
) -> falcon.asgi.App[AReq, AResp]: ...


@overload
def init_app(
    app: falcon.App[Req, Resp], guard: Guard[U], *tasks: Task, native: bool = True
) -> falcon.App[Req, Resp]: ...


def init_app(app: object, guard: Guard[U] | AsyncGuard[U], *tasks: Task, native: bool = True) -> object:
    """Add the middleware to an application and register the error handler, unless the settings disable it.

    Args:
        app: The application.
        guard: Its guard: an ``AsyncGuard`` for a ``falcon.asgi.App``, a ``Guard`` for a ``falcon.App``.
        tasks: See ``build_error_handler``.
        native: See ``build_error_handler``.

    Returns:
        The application.

    Raises:
        ConfigurationError: The guard is of the wrong kind, or a task cannot be called.

    Example::

        app = init_app(falcon.App(), Guard(User, settings))
    """
    middleware = PraetorianMiddleware(guard)
    if isinstance(app, falcon.asgi.App):
        if not isinstance(guard, AsyncGuard):
            detail = "a Guard would block the event loop of a falcon.asgi.App; write AsyncGuard(User, settings)"
            raise ConfigurationError(detail)
        asgi_app = cast("falcon.asgi.App[falcon.asgi.Request, falcon.asgi.Response]", app)
        handle_async = build_error_handler_async(*tasks, native=native)
        asgi_app.add_middleware(middleware)
        if not guard.settings.disable_error_handler:
            asgi_app.add_error_handler(PraetorianError, handle_async)
        return asgi_app
    if not isinstance(app, falcon.App):
        detail = f"app is {_name(app)}; expected a falcon.App or a falcon.asgi.App"
        raise ConfigurationError(detail)
    if not isinstance(guard, Guard):
        detail = "a falcon.App cannot wait for an AsyncGuard; write Guard(User, settings), or falcon.asgi.App()"
        raise ConfigurationError(detail)
    wsgi_app = cast("falcon.App[falcon.Request, falcon.Response]", app)
    handle = build_error_handler(*tasks, native=native)
    wsgi_app.add_middleware(middleware)
    if not guard.settings.disable_error_handler:
        wsgi_app.add_error_handler(PraetorianError, handle)
    return wsgi_app


def _name(found: object) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else type(found).__name__
