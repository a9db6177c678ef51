"""Set-up of an application: one middleware and one error handler, for WSGI and ASGI.

The middleware attaches the guard to every request, including those of sinks and WebSockets. It makes no decision: the
decorators guard, and static files, unknown paths and undecorated responders stay open.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar, cast, overload

import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, Guard
from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.hooks import OnError
from praetorian_core.web.processes import warn_of_memory_store
from praetorian_falcon.cookies import send_renewal
from praetorian_falcon.current import AnyGuard, attach, state_or_none
from praetorian_falcon.errors import build_error_handler, build_error_handler_async
from praetorian_falcon.preflight import discard_body
from praetorian_falcon.startup import application_of, find_fault

U = TypeVar("U")
Req = TypeVar("Req", bound=falcon.Request)
Resp = TypeVar("Resp", bound=falcon.Response)
AReq = TypeVar("AReq", bound=falcon.asgi.Request)
AResp = TypeVar("AResp", bound=falcon.asgi.Response)


class PraetorianMiddleware:
    """Attaches a guard to every request of a ``falcon.App`` or a ``falcon.asgi.App``.

    ``init_app`` adds it. Add it yourself to place it before middleware that needs the guard.

    Example::

        app = falcon.App(middleware=[PraetorianMiddleware(guard), AuditLog()])
        app.add_error_handler(PraetorianError, build_error_handler())
    """

    def __init__(self, guard: Guard[U] | AsyncGuard[U], *, app: object = None) -> None:
        """Keep the application's guard.

        Args:
            guard: An ``AsyncGuard`` for ASGI, a ``Guard`` for WSGI.
            app: The application, whose routes are checked at its first request; by default it is found then.

        Raises:
            ConfigurationError: ``guard`` is neither.
        """
        if not isinstance(guard, Guard | AsyncGuard):
            raise ConfigurationError(
                f"guard is {_name(guard)}; expected Guard(User, settings), or for ASGI AsyncGuard(User, settings)"
            )
        self._guard = cast("AnyGuard", guard)
        self._uses_cookies = guard.settings.uses_cookies
        self._renews = guard.settings.cookie_refresh
        # Held until the first request: the application holds its middleware.
        self._app = app
        self._pid = os.getpid()
        self._is_checked = False
        self._fault: str | None = None
        self._is_ready = False

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Attach the guard to a WSGI request."""
        if self._is_ready:
            # The fast path: a request to an open route costs this line alone.
            req.context.praetorian = self._guard
        else:
            self._attach(req)
        if self._uses_cookies:
            attach(resp, req)

    async def process_request_async(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Attach the guard to an ASGI request."""
        if self._is_ready:
            req.context.praetorian = self._guard
        else:
            self._attach(req)
        if self._uses_cookies:
            attach(resp, req)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: object
    ) -> None:
        """Discard what was written behind a check that has answered a preflight; set the cookies of a renewed token."""
        if resp.complete:
            _discard_after_preflight(req, resp)
        if self._renews:
            send_renewal(req, resp)

    async def process_response_async(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, req_succeeded: object
    ) -> None:
        """Discard what was written behind a check that has answered a preflight; set the cookies of a renewed token."""
        if resp.complete:
            _discard_after_preflight(req, resp)
        if self._renews:
            send_renewal(req, resp)

    async def process_request_ws(self, req: falcon.asgi.Request, ws: falcon.asgi.WebSocket) -> None:
        """Attach the guard to the handshake of a WebSocket."""
        self._attach(req)

    def _attach(self, req: falcon.Request) -> None:
        if state_or_none(req) is not None:
            raise ConfigurationError(
                "this application has a guard already; write init_app(app, guard) once, or add one middleware"
            )
        attach(req, self._guard)
        if not self._is_checked:
            self._fault = find_fault(application_of(req) if self._app is None else self._app)
            self._app = None
            self._warn_of_memory_store(req)
            self._is_checked = True
        if self._fault is not None:
            raise ConfigurationError(self._fault)
        self._is_ready = not isinstance(req.context, dict)

    def _warn_of_memory_store(self, req: falcon.Request) -> None:
        is_forked = os.getpid() != self._pid
        is_multiprocess = not isinstance(req, falcon.asgi.Request) and bool(req.env.get("wsgi.multiprocess"))
        warn_of_memory_store(self._guard.settings.store, is_one_of_several=is_forked or is_multiprocess)


def _discard_after_preflight(req: falcon.Request, resp: falcon.Response) -> None:
    state = state_or_none(req)
    if state is not None and state.is_preflight_answered:
        discard_body(resp)


@overload
def init_app(
    app: falcon.asgi.App[AReq, AResp], guard: AsyncGuard[U], *, on_error: OnError = None, native: bool = True
) -> falcon.asgi.App[AReq, AResp]: ...


@overload
def init_app(
    app: falcon.App[Req, Resp], guard: Guard[U], *, on_error: OnError = None, native: bool = True
) -> falcon.App[Req, Resp]: ...


def init_app(app: object, guard: Guard[U] | AsyncGuard[U], *, on_error: OnError = None, native: bool = True) -> object:
    """Add the middleware and, unless the settings disable it, the error handler to an application.

    Args:
        app: The application.
        guard: An ``AsyncGuard`` for a ``falcon.asgi.App``, a ``Guard`` for a ``falcon.App``.
        on_error: See ``build_error_handler``.
        native: See ``build_error_handler``.

    Returns:
        The application.

    Raises:
        ConfigurationError: ``app`` or ``guard`` is of the wrong kind, or a hook is not callable.

    Example::

        app = init_app(falcon.App(), Guard(User, settings))
    """
    middleware = PraetorianMiddleware(guard, app=app)
    if isinstance(app, falcon.asgi.App):
        if not isinstance(guard, AsyncGuard):
            raise ConfigurationError(
                "a Guard would block the event loop of a falcon.asgi.App; write AsyncGuard(User, settings)"
            )
        asgi_app = cast("falcon.asgi.App[falcon.asgi.Request, falcon.asgi.Response]", app)
        handle_async = build_error_handler_async(on_error=on_error, native=native)
        asgi_app.add_middleware(middleware)
        if not guard.settings.disable_error_handler and not _has_own_handler(asgi_app, on_error):
            asgi_app.add_error_handler(PraetorianError, handle_async)
        return asgi_app
    if not isinstance(app, falcon.App):
        raise ConfigurationError(f"app is {_name(app)}; expected a falcon.App or a falcon.asgi.App")
    if not isinstance(guard, Guard):
        raise ConfigurationError(
            "a falcon.App cannot await an AsyncGuard; write Guard(User, settings), or falcon.asgi.App()"
        )
    wsgi_app = cast("falcon.App[falcon.Request, falcon.Response]", app)
    handle = build_error_handler(on_error=on_error, native=native)
    wsgi_app.add_middleware(middleware)
    if not guard.settings.disable_error_handler and not _has_own_handler(wsgi_app, on_error):
        wsgi_app.add_error_handler(PraetorianError, handle)
    return wsgi_app


def _has_own_handler(app: object, on_error: OnError) -> bool:
    """Return whether the application has registered a handler for ``PraetorianError``, which stays.

    Raises:
        ConfigurationError: The hooks would never be called.
    """
    handlers: Mapping[type[BaseException], object] = getattr(app, "_error_handlers", {})
    if PraetorianError not in handlers:
        return False
    if on_error is not None:
        raise ConfigurationError(
            "on_error would never be called, because this application registered a handler for PraetorianError; write "
            "build_error_handler(on_error=...), or remove one of the two"
        )
    return True


def _name(found: object) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else type(found).__name__
