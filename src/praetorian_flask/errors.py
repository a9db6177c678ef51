"""Flask responses to the errors of Praetorian."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import attrs
from flask import Flask, Response, current_app, jsonify

from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.hooks import ErrorHook, OnError, error_hooks, run_error_hooks
from praetorian_core.web.responses import ErrorResponse, error_response
from praetorian_flask.current import state_or_none


@attrs.frozen
class Answer:
    """Runs the hooks for an error and returns what to answer.

    Attributes:
        hooks: The hooks; None for those of ``Praetorian(..., on_error=...)``.
    """

    hooks: tuple[ErrorHook, ...] | None

    def response_to(self, error: PraetorianError) -> ErrorResponse:
        """Return status, headers and body, after the hooks have run."""
        state = state_or_none()
        hooks = self.hooks
        if hooks is None:
            hooks = () if state is None else state.hooks
        run_error_hooks(map(_synchronous, hooks), error)
        if state is None:
            return error_response(error)
        settings = state.guard.settings
        return error_response(error, scheme=settings.header_type, realm=settings.realm)


@attrs.frozen
class ErrorHandler(Answer):
    """The error handler that Flask calls.

    Attributes:
        of_api: Whether ``praetorian_restx.init_api`` registered it.
    """

    of_api: bool = False

    def __call__(self, error: PraetorianError) -> Response:
        """Return the response."""
        answer = self.response_to(error)
        response = jsonify(answer.body())
        response.status_code = answer.status
        response.headers.extend(answer.headers)
        return response


def build_error_handler(on_error: OnError = None) -> Callable[[PraetorianError], Response]:
    """Return an error handler for ``PraetorianError`` and its subclasses.

    Args:
        on_error: A function, or several, called with the error before the response is made. A coroutine function is
            awaited. One that raises is logged, and the response is sent nevertheless. Without it, the functions of
            ``Praetorian(..., on_error=...)`` are called.

    Raises:
        ConfigurationError: A hook cannot be called; also if this function itself was registered as the handler.

    Example::

        app.config["DISABLE_PRAETORIAN_ERROR_HANDLER"] = True
        app.register_error_handler(PraetorianError, build_error_handler())
    """
    if isinstance(on_error, PraetorianError):
        raise ConfigurationError(
            "build_error_handler was registered as an error handler; write "
            "app.register_error_handler(PraetorianError, build_error_handler())"
        )
    return ErrorHandler(None if on_error is None else error_hooks(on_error))


def register_error_handler(app: Flask, handler: ErrorHandler) -> None:
    """Register the handler of ``Praetorian``, unless the application registered one for ``PraetorianError``.

    Raises:
        ConfigurationError: The hooks would never be called, because of the application's handler.
    """
    registered = app.error_handler_spec[None][None].get(PraetorianError)
    if registered is None or (isinstance(registered, ErrorHandler) and registered.of_api and handler.hooks):
        app.register_error_handler(PraetorianError, handler)
    elif handler.hooks:
        raise ConfigurationError(
            "on_error would never be called, because this application registered a handler for PraetorianError; write "
            "app.register_error_handler(PraetorianError, build_error_handler(on_error=...)), or remove one of the two"
        )


def _synchronous(hook: ErrorHook) -> ErrorHook:
    def call(error: PraetorianError) -> object:
        return cast("object", current_app.ensure_sync(hook)(error))

    return call
