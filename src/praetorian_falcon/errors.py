"""The engine's errors as Falcon responses.

Facts:

* A handler that raises ``falcon.HTTPError`` hands it to the application's error serializer, which chooses JSON or XML.
* The names of a handler's parameters matter: Falcon hands the WebSocket over as ``ws`` where there is such a parameter;
  then ``resp`` is None.
* Falcon forgets the text, data and media of a response before it calls a handler, but neither its stream nor its
  server-sent events, and sends them where the serializer writes nothing.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias, cast

import falcon
import falcon.asgi

from praetorian_core import Settings
from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.responses import ErrorResponse, error_response
from praetorian_falcon.request import state_or_none

_LOG = logging.getLogger("praetorian")

Task: TypeAlias = Callable[[PraetorianError], object]
"""Something to do with an error before it is answered; what it returns is ignored, and on ASGI awaited if it can be."""

Handler: TypeAlias = Callable[[falcon.Request, falcon.Response, PraetorianError, Mapping[str, object]], None]


class AsyncHandler(Protocol):
    """What Falcon calls on ASGI: with a response, or with a WebSocket."""

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


def build_error_handler(*tasks: Task, native: bool = True) -> Handler:
    """Return an error handler for ``PraetorianError`` and every class derived from it, for a ``falcon.App``.

    Args:
        tasks: Called with the error, in order, before the response is made: to log or to count it, say. A task that
            raises is logged, and the response still goes out.
        native: Whether a ``falcon.HTTPError`` is raised, so that the application's error serializer decides about the
            body. Otherwise the body is the same JSON as on other frameworks.

    Raises:
        ConfigurationError: A task cannot be called, or would have to be awaited.

    Example::

        settings = Settings(keys=keys, disable_error_handler=True)
        init_app(app, Guard(User, settings))
        app.add_error_handler(PraetorianError, build_error_handler(lambda error: log.warning(error.code)))
    """
    _check_tasks(tasks)
    for task in tasks:
        if inspect.iscoroutinefunction(task):
            detail = "a task is a coroutine function, which a falcon.App cannot await; write a plain function"
            raise ConfigurationError(detail)

    def handle(req: falcon.Request, resp: falcon.Response, ex: PraetorianError, params: Mapping[str, object]) -> None:
        for task in tasks:
            try:
                task(ex)
            except Exception as failure:  # noqa: BLE001  (an application's task may raise anything)
                _report(failure, ex)
        _respond(resp, _answer(req, ex), native=native and _can_serialize(req))

    return handle


def build_error_handler_async(*tasks: Task, native: bool = True) -> AsyncHandler:
    """Return an error handler for ``PraetorianError`` and every class derived from it, for a ``falcon.asgi.App``.

    It also closes WebSockets: with 3000 and the status, and the error's code for a reason. Before the connection is
    accepted, the server makes HTTP 403 of that.

    Args:
        tasks: See ``build_error_handler``. What a task returns is awaited if it can be; a plain function runs on the
            event loop and must not block it.
        native: See ``build_error_handler``.

    Raises:
        ConfigurationError: A task cannot be called.
    """
    _check_tasks(tasks)

    async def handle(
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response | None,
        ex: PraetorianError,
        params: Mapping[str, object],
        ws: falcon.asgi.WebSocket | None = None,
    ) -> None:
        for task in tasks:
            try:
                result = task(ex)
                if inspect.isawaitable(result):
                    await cast("Awaitable[object]", result)
            except Exception as failure:  # noqa: BLE001  (an application's task may raise anything)
                _report(failure, ex)
        answer = _answer(req, ex)
        if ws is not None:
            await ws.close(3000 + answer.status, answer.code)
        else:
            resp = cast("falcon.asgi.Response", resp)
            resp.sse = None
            _respond(resp, answer, native=native and _can_serialize(req))

    return handle


def _check_tasks(tasks: tuple[object, ...]) -> None:
    for task in tasks:
        if not callable(task):
            detail = f"a task is {type(task).__name__}; expected a function of one argument, the error"
            raise ConfigurationError(detail)


def _report(failure: Exception, error: PraetorianError) -> None:
    # Without the traceback: the text of an exception may hold anything.
    _LOG.error("a task of the error handler raised %s for %s", type(failure).__name__, error.code)


def _answer(req: falcon.Request, error: PraetorianError) -> ErrorResponse:
    state = state_or_none(req)
    if state is None:
        return error_response(error)
    settings: Settings = state.guard.settings
    return error_response(error, scheme=settings.header_type, realm=settings.realm)


def _can_serialize(req: falcon.Request) -> bool:
    # Falcon's serializer takes its handler for multipart forms where a client prefers them, and that one cannot write:
    # the refusal would become a 500 outside of every handler.
    return "multipart" not in req.accept.lower()


def _respond(resp: falcon.Response, answer: ErrorResponse, *, native: bool) -> None:
    # A body that was prepared before the refusal does not go out with it.
    resp.stream = None
    resp.content_length = None
    if native:
        raise falcon.HTTPError(
            answer.status,
            title=answer.error,
            description=answer.message,
            headers=list(answer.headers),
            # Falcon's annotation says int; it writes out whatever it is given.
            code=cast("int", answer.code),
        )
    resp.status = answer.status
    resp.set_headers(list(answer.headers))
    # Not as media: the application may have replaced or removed the handler for JSON.
    resp.data = json.dumps(answer.body()).encode()
    resp.content_type = falcon.MEDIA_JSON
