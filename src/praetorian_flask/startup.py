"""Checks at the first request, when every route and every error handler is registered.

Facts:

* A decorator above ``@app.get`` guards a function that no route calls. Only a look at the routes finds that.
* A blueprint's error handlers come before every handler of the application, one for ``Exception`` included.
* ``TRAP_HTTP_EXCEPTIONS`` makes a 500 of every HTTP exception, those that carry a response included.
* Flask-RESTX and Flask-RESTful replace ``app.handle_user_exception``. They answer an error that they do not know with
  500, and only if exceptions propagate, as under ``TESTING``, does Flask's handler see it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, cast

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from praetorian_core import Settings
from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.processes import warn_of_memory_store
from praetorian_core.web.views import chain
from praetorian_flask.current import EXTENSION, State, UnusableBody
from praetorian_flask.decorators import VIEWS, Preflight, demands_of, demands_of_class

_CHECKING = threading.Lock()
_AS_VIEW = "View.as_view.<locals>.view"


class _HandleException(Protocol):
    def __call__(self, e: Exception, /) -> ResponseReturnValue: ...


def check_at_first_request(app: Flask) -> None:
    """Have the application checked before its first request reaches any other function."""

    def check() -> None:
        state = cast("State", app.extensions[EXTENSION])
        with _CHECKING:
            if not state.is_checked:
                _check_once(app, state)
        if state.fault is not None:
            raise ConfigurationError(state.fault)
        # A new list, because Flask iterates over the old one.
        app.before_request_funcs[None] = [function for function in app.before_request_funcs[None] if function != check]

    app.before_request(check)
    functions = app.before_request_funcs[None]
    functions.insert(0, functions.pop())


def _check_once(app: Flask, state: State) -> None:
    try:
        _check_views(app)
        _check_roles(app, state.guard.settings)
    except ConfigurationError as error:
        state.fault = str(error)
    _complete_blueprints(app)
    handle: _HandleException = partial(_handle_user_exception, app, app.handle_user_exception)
    setattr(app, "handle_user_exception", handle)  # noqa: B010  (type checkers take it for a method)
    is_one_of_several = bool(request.environ.get("wsgi.multiprocess"))
    warn_of_memory_store(state.guard.settings.store, is_one_of_several=is_one_of_several)
    state.is_checked = True


def _registered(app: Flask) -> dict[str, object]:
    """Return the functions that Flask calls, by a name for error messages."""
    registered: dict[str, object] = dict(app.view_functions)
    for blueprint, functions in app.before_request_funcs.items():
        for number, function in enumerate(functions):
            registered[f"before_request[{number}] of {blueprint or 'the application'}"] = function
    return registered


def _check_views(app: Flask) -> None:
    names = {*VIEWS.unguarded(_registered(app)), *_unguarded_classes(app)}
    if names:
        raise ConfigurationError(
            f"the guard of {', '.join(map(repr, sorted(names)))} has no effect, because the undecorated function is "
            "registered; write @app.get(...) above @auth_required, or register the decorated function"
        )


def _check_roles(app: Flask, settings: Settings) -> None:
    for name, view in _registered(app).items():
        kind: object = getattr(view, "view_class", None)
        methods = [getattr(kind, method.lower(), None) for method in getattr(kind, "methods", None) or ()]
        demands = [demand for each in (*chain(view), *methods) for demand in demands_of(each)]
        for demand in (*demands, *demands_of_class(kind)):
            if demand.policy is not None:
                try:
                    settings.check_role_names(demand.policy.names)
                except ConfigurationError as error:
                    raise ConfigurationError(f"view {name!r}: {error}") from None


def _unguarded_classes(app: Flask) -> Iterator[str]:
    for endpoint, view in app.view_functions.items():
        kind: object = getattr(view, "view_class", None)
        links = list(chain(view))
        if demands_of_class(kind) and not any(map(VIEWS.is_guarded, links)):
            yield endpoint
        # ``as_view`` has read ``decorators``. Behind a decorator that hides what it wraps, nothing is known.
        elif getattr(links[-1], "__qualname__", "") == _AS_VIEW:
            carried = [demand for link in links for demand in demands_of(link)]
            listed: Sequence[object] = getattr(kind, "decorators", ())
            if any(demand not in carried for decorator in listed for demand in demands_of(decorator)):
                yield endpoint


def _complete_blueprints(app: Flask) -> None:
    """Put Praetorian's handler in front of a blueprint's own handler for a base class such as ``Exception``."""
    handler = app.error_handler_spec[None][None].get(PraetorianError)
    for blueprint, by_code in app.error_handler_spec.items():
        handlers = by_code[None] if blueprint is not None and None in by_code else {}
        if handler is not None and any(base in handlers for base in PraetorianError.__mro__):
            handlers.setdefault(PraetorianError, handler)


def _handle_user_exception(app: Flask, inner: _HandleException, error: Exception, /) -> ResponseReturnValue:
    """Let Flask answer Praetorian's errors, unless the API extension that owns the route has a handler for them."""
    if isinstance(error, Preflight):
        return app.handle_http_exception(error)  # Also with TRAP_HTTP_EXCEPTIONS; no handler is asked.
    owner = _owner(inner)
    if isinstance(error, UnusableBody) and isinstance(error, HTTPException) and owner is None:
        return app.handle_http_exception(error)
    if isinstance(error, PraetorianError) and (owner is None or not _answers(owner, error)):
        return type(app).handle_user_exception(app, error)
    return inner(error)


class _Api(Protocol):
    """``flask_restx.Api`` or ``flask_restful.Api``."""

    def owns_endpoint(self, endpoint: str, /) -> bool: ...


def _owner(handle: object) -> _Api | None:
    """Return the API that owns the route, of those whose ``error_router`` is in the chain of exception handlers."""
    while isinstance(handle, partial):
        api = cast("_Api", getattr(handle.func, "__self__", None))
        if hasattr(api, "owns_endpoint") and request.endpoint is not None and api.owns_endpoint(request.endpoint):
            return api
        handle = handle.args[-1] if handle.args else None
    return None


def _answers(api: _Api, error: PraetorianError) -> bool:
    """Return whether an API has a handler for an error of Praetorian, other than one for ``Exception``."""
    kind = type(error)
    bases = kind.__mro__[: kind.__mro__.index(Exception)]
    # Flask-RESTful: Api(errors={"MissingTokenError": {...}}).
    if kind.__name__ in cast("Mapping[str, object]", getattr(api, "errors", None) or {}):
        return True
    scopes = (api, *cast("list[object]", getattr(api, "namespaces", [])))
    return any(base in getattr(scope, "error_handlers", {}) for scope in scopes for base in bases)
