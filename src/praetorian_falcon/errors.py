"""Praetorian's errors as Falcon responses.

Facts:

* An error handler that raises ``falcon.HTTPError`` passes it to the application's error serializer, which chooses JSON
  or XML.
* Falcon passes the WebSocket to a handler that has a parameter ``ws``; ``resp`` is None then.
* Before it calls a handler, Falcon resets text, data and media of the response, but neither its stream nor its
  server-sent events, and sends those if the serializer writes nothing.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias, cast

import falcon
import falcon.asgi

from praetorian_core import Settings
from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.hooks import OnError, error_hooks, run_error_hooks, run_error_hooks_async
from praetorian_core.web.responses import ErrorResponse, error_response
from praetorian_falcon.current import state_or_none

Handler: TypeAlias = Callable[[falcon.Request, falcon.Response, PraetorianError, Mapping[str, object]], None]


class AsyncHandler(Protocol):
    """Error handler of a ``falcon.asgi.App``, called with a response or with a WebSocket."""

    def __call__(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response | None,
        ex: PraetorianError,
        params: Mapping[str, object],
        ws: falcon.asgi.WebSocket | None = None,
    ) -> Awaitable[None]:
        """Answer the error."""
        ...


def build_error_handler(*, on_error: OnError = None, native: bool = True) -> Handler:
    """Return an error handler for ``PraetorianError`` and its subclasses, for a ``falcon.App``.

    Args:
        on_error: A function of one argument, the error, or several in order; they run before the response is made, to
            log or to count. If one raises, that is logged and the response is sent.
        native: Whether to raise a ``falcon.HTTPError``, whose body the application's error serializer writes. Otherwise
            the body is the JSON that the other frameworks send.

    Raises:
        ConfigurationError: A hook is not callable, or is a coroutine function.

    Example::

        settings = Settings(keys=keys, disable_error_handler=True)
        init_app(app, Guard(User, settings))
        app.add_error_handler(PraetorianError, build_error_handler(on_error=lambda error: log.warning(error.code)))
    """
    hooks = error_hooks(on_error)
    for hook in hooks:
        if inspect.iscoroutinefunction(hook):
            raise ConfigurationError(
                "`on_error` holds a coroutine function, which a falcon.App cannot await; write a plain function"
            )

    def handle(req: falcon.Request, resp: falcon.Response, ex: PraetorianError, params: Mapping[str, object]) -> None:
        run_error_hooks(hooks, ex)
        _respond(resp, _response_to(req, ex), native=native and _can_serialize(req))

    return handle


def build_error_handler_async(*, on_error: OnError = None, native: bool = True) -> AsyncHandler:
    """Return an error handler for ``PraetorianError`` and its subclasses, for a ``falcon.asgi.App``.

    It closes a WebSocket with 3000 plus the status, and with the error's code as the reason. The server turns a close
    before the handshake is accepted into HTTP 403.

    Args:
        on_error: See ``build_error_handler``. Coroutine functions are awaited; a plain function runs on the event loop
            and must not block it.
        native: See ``build_error_handler``.

    Raises:
        ConfigurationError: A hook is not callable.
    """
    hooks = error_hooks(on_error)

    async def handle(
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response | None,
        ex: PraetorianError,
        params: Mapping[str, object],
        ws: falcon.asgi.WebSocket | None = None,
    ) -> None:
        await run_error_hooks_async(hooks, ex)
        if ws is not None:
            await close_refused(req, ws, ex)
        elif resp is not None:
            resp.sse = None
            _respond(resp, _response_to(req, ex), native=native and _can_serialize(req))

    return handle


async def close_refused(req: falcon.asgi.Request, ws: falcon.asgi.WebSocket, error: PraetorianError) -> None:
    """Close a WebSocket with 3000 plus the error's status; nothing happens if it is closed already."""
    response = _response_to(req, error)
    await ws.close(3000 + response.status, response.code)


def _response_to(req: falcon.Request, error: PraetorianError) -> ErrorResponse:
    state = state_or_none(req)
    if state is None:
        return error_response(error)
    settings: Settings = state.guard.settings
    return error_response(error, scheme=settings.header_type, realm=settings.realm)


def _can_serialize(req: falcon.Request) -> bool:
    # For a client that prefers multipart, Falcon's serializer chooses the handler for multipart forms, which cannot
    # write; the result would be a 500 that no error handler sees.
    return "multipart" not in req.accept.lower()


def _respond(resp: falcon.Response, response: ErrorResponse, *, native: bool) -> None:
    # A body that was prepared before the error is not sent.
    resp.stream = None
    resp.content_length = None
    if native:
        raise falcon.HTTPError(
            response.status,
            title=response.error,
            description=response.message,
            headers=list(response.headers),
            # Annotated as int by Falcon, which writes any value.
            code=cast("int", response.code),
        )
    resp.status = response.status
    resp.set_headers(list(response.headers))
    # Not resp.media: the application may have replaced or removed the handler for JSON.
    resp.data = json.dumps(response.body()).encode()
    resp.content_type = falcon.MEDIA_JSON
