"""Checks at the first request, when every route and every error handler is registered.

Facts:

* A decorator above ``@app.get`` guards a function that no route calls. Only a look at the routes finds that.
* A blueprint's error handlers come before every handler of the application, one for ``Exception`` included.
* Flask-RESTX and Flask-RESTful replace ``app.handle_user_exception``. They answer an error that they do not know with
  500, and only if exceptions propagate, as under ``TESTING``, does Flask's handler see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Protocol, cast

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.processes import warn_of_memory_store
from praetorian_core.web.views import chain
from praetorian_flask.current import state_or_none
from praetorian_flask.decorators import VIEWS, Preflight, demands_of_class


class _HandleException(Protocol):
    def __call__(self, e: Exception, /) -> ResponseReturnValue: ...


def check_at_first_request(app: Flask) -> None:
    """Have the application checked before its first request reaches any other function."""
    app.register_error_handler(Preflight, _send_preflight)
    app.before_request(_check)
    functions = app.before_request_funcs[None]
    functions.insert(0, functions.pop())


def _check() -> None:
    state = state_or_none()
    if state is None:  # Another application handles the request with this one's functions.
        return
    if not state.is_checked:
        app = current_app
        state.fault = _find_fault(app)
        _complete_blueprints(app)
        handle: _HandleException = partial(_handle_user_exception, app.handle_user_exception)
        setattr(app, "handle_user_exception", handle)  # noqa: B010  (type checkers take it for a method)
        is_one_of_several = bool(request.environ.get("wsgi.multiprocess"))
        warn_of_memory_store(state.guard.settings.store, is_one_of_several=is_one_of_several)
        state.is_checked = True
    if state.fault is not None:
        raise ConfigurationError(state.fault)


def _find_fault(app: Flask) -> str | None:
    registered: dict[str, object] = dict(app.view_functions)
    for blueprint, functions in app.before_request_funcs.items():
        for number, function in enumerate(functions):
            registered[f"before_request[{number}] of {blueprint or 'the application'}"] = function
    names = {*VIEWS.unguarded(registered), *_unguarded_classes(app)}
    if not names:
        return None
    return (
        f"the guard of {', '.join(map(repr, sorted(names)))} has no effect, because the undecorated function is "
        "registered; write @app.get(...) above @auth_required, or register the decorated function"
    )


def _unguarded_classes(app: Flask) -> Iterator[str]:
    for endpoint, view in app.view_functions.items():
        if demands_of_class(getattr(view, "view_class", None)) and not any(map(VIEWS.is_guarded, chain(view))):
            yield endpoint


def _complete_blueprints(app: Flask) -> None:
    """Put our handlers in front of a blueprint's own handler for a base class such as ``Exception``."""
    of_application = app.error_handler_spec[None][None]
    for blueprint, by_code in app.error_handler_spec.items():
        handlers = by_code[None] if blueprint is not None and None in by_code else {}
        for kind in (PraetorianError, Preflight):
            handler = of_application.get(kind)
            if handler is not None and kind not in handlers and any(base in handlers for base in kind.__mro__):
                handlers[kind] = handler


def _handle_user_exception(inner: _HandleException, error: Exception, /) -> ResponseReturnValue:
    """Let Flask answer our errors, unless the API extension that owns the route has a handler for them."""
    if isinstance(error, PraetorianError | Preflight) and not _is_answered_by_an_api(inner, error):
        return Flask.handle_user_exception(current_app, error)
    return inner(error)


def _is_answered_by_an_api(handle: object, error: Exception) -> bool:
    bases = type(error).__mro__[: type(error).__mro__.index(Exception)]
    for api in _apis(handle):
        if request.endpoint is not None and api.owns_endpoint(request.endpoint):
            return any(base in handlers for handlers in _error_handlers(api) for base in bases)
    return False


class _Api(Protocol):
    """``flask_restx.Api`` or ``flask_restful.Api``."""

    def owns_endpoint(self, endpoint: str, /) -> bool: ...


def _apis(handle: object) -> Iterator[_Api]:
    """Yield the APIs whose ``error_router`` stands in a chain of exception handlers."""
    while isinstance(handle, partial):
        owner: object = getattr(handle.func, "__self__", None)
        if hasattr(owner, "owns_endpoint"):
            yield cast("_Api", owner)
        handle = handle.args[0] if handle.args else None


def _error_handlers(api: object) -> Iterator[Mapping[type, object]]:
    for each in (api, *cast("list[object]", getattr(api, "namespaces", []))):
        yield cast("Mapping[type, object]", getattr(each, "error_handlers", {}))


def _send_preflight(error: HTTPException) -> Response:
    return cast("Response", error.get_response())
