"""The engine's errors as Flask responses."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, Response, current_app, jsonify

from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.responses import ErrorResponse, error_response
from praetorian_flask.current import state_or_none

_LOG = logging.getLogger("praetorian")

HANDLED = "praetorian.error_handler"
"""Where an application remembers that ``register_error_handler`` was called for it."""

Task = Callable[[PraetorianError], object]
"""Something to do with an error before it is answered, maybe a coroutine function; what it returns is ignored."""


def build_error_handler(*tasks: Task) -> Callable[[PraetorianError], Response]:
    """Return an error handler for ``PraetorianError`` and every class derived from it.

    Args:
        tasks: Called with the error, in order, before the response is made: to log or to count it, say. A task that
            raises is logged, and the response still goes out.

    Raises:
        ConfigurationError: A task cannot be called, as where this function itself was registered as the handler.

    Example::

        app.config["DISABLE_PRAETORIAN_ERROR_HANDLER"] = True
        app.register_error_handler(PraetorianError, build_error_handler(lambda error: log.warning(error.code)))
    """
    answer_to = build_answer(*tasks)

    def handle(error: PraetorianError) -> Response:
        answer = answer_to(error)
        response = jsonify(answer.body())
        response.status_code = answer.status
        response.headers.extend(answer.headers)
        return response

    return handle


def build_answer(*tasks: Task) -> Callable[[PraetorianError], ErrorResponse]:
    """Return what runs the tasks and says how an error is answered, for those who write the response themselves.

    Args:
        tasks: See ``build_error_handler``.

    Raises:
        ConfigurationError: A task cannot be called.
    """
    for task in tasks:
        if not callable(task):
            detail = f"a task is {type(task).__name__}, no function; register build_error_handler(), not the bare name"
            raise ConfigurationError(detail)

    def answer_to(error: PraetorianError) -> ErrorResponse:
        for task in tasks:
            try:
                current_app.ensure_sync(task)(error)
            except Exception as failure:  # noqa: BLE001  (an application's task may raise anything)
                # Without the traceback: the text of an exception may hold anything.
                _LOG.error("a task of the error handler raised %s for %s", type(failure).__name__, error.code)
        state = state_or_none()
        if state is None:
            return error_response(error)
        settings = state.guard.settings
        return error_response(error, scheme=settings.header_type, realm=settings.realm)

    return answer_to


def register_error_handler(app: Flask, *tasks: Task) -> None:
    """Register an error handler with tasks, which ``Praetorian.init_app`` then leaves in place.

    Args:
        app: The application.
        tasks: See ``build_error_handler``.

    Raises:
        ConfigurationError: A task cannot be called.
    """
    app.register_error_handler(PraetorianError, build_error_handler(*tasks))
    app.extensions[HANDLED] = True
