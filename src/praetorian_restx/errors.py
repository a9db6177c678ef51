"""The engine's errors as RESTX responses.

Facts about Flask-RESTX:

* It answers what a resource raises itself. Of the handlers on the ``Api`` and its namespaces it takes the *first* that
  fits, not the nearest, and a namespace's handlers count everywhere. What none of them fits becomes a 500 in production,
  and only where exceptions propagate, as under ``TESTING``, does Flask's handler see it.
* What is raised before a URL was found, in ``before_request`` say, is answered by Flask's handler.
* A handler returns a body that RESTX writes into, a status and headers. A ``Response`` would become a 500.
* What a handler raises goes on to Flask.
* What is answered with 500 or more is logged with its traceback. The exception behind ours, a database's say, may hold
  anything, so it is cut off once the hooks have seen it.

So there is one handler on the ``Api``, in front of all others, and one on the application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NoReturn, cast
from weakref import WeakSet

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.hooks import OnError, error_hooks
from praetorian_flask.current import EXTENSION, State
from praetorian_flask.decorators import Preflight
from praetorian_flask.errors import Answer, ErrorHandler, own_error_handler
from praetorian_restx.openapi import (
    Api,
    Handler,
    RestxApi,
    add_error_model,
    api_of,
    authorizations,
    document_error_handler,
    document_resources,
)

_ACTS = "__praetorian__"
_HANDLERS: WeakSet[Handler] = WeakSet()
_DISABLED = "DISABLE_PRAETORIAN_ERROR_HANDLER"


def init_api(api: RestxApi, on_error: OnError = None) -> None:
    """Set an ``Api`` up: the error handler, the documentation of errors, and the security scheme where it is missing.

    Call it before or after the ``Api`` gets its application or blueprint. ``DISABLE_PRAETORIAN_ERROR_HANDLER`` leaves
    errors to the application's own handlers; ``Settings`` that were made by hand are known once ``Praetorian`` was set
    up for the application.

    Args:
        api: The ``flask_restx.Api``.
        on_error: See ``register_error_handler``.

    Raises:
        ConfigurationError: It is no ``Api``, it replaces our challenges, or a hook cannot be called.

    Example::

        api = Api(app, authorizations=authorizations())
        init_api(api, on_error=lambda error: log.warning(error.code))
    """
    known = api_of(api)
    answer = Answer(None if on_error is None else error_hooks(on_error))
    handler = _build_handler(known, answer)
    _prepare(known)
    document_resources(known)
    _register_on_the_api(known, handler, answer)

    def settle(app: Flask) -> None:
        state = cast("State | None", app.extensions.get(EXTENSION))
        settings = None if state is None else state.guard.settings
        known.authorizations = {**authorizations(settings), **(known.authorizations or {})}
        config = cast("Mapping[str, object]", app.config)
        disabled = config.get(_DISABLED) if settings is None else settings.disable_error_handler
        if disabled:
            if known.error_handlers.get(PraetorianError) is handler:
                del known.error_handlers[PraetorianError]
            return
        if PraetorianError not in known.error_handlers:  # Another application of this Api had none.
            _put_first(known, PraetorianError, handler)
        _register_on_the_app(app, answer)

    _on_each_app(known, init_api.__name__, settle)


def register_error_handler(api: RestxApi, on_error: OnError = None) -> None:
    """Register one handler for ``PraetorianError`` and every class derived from it, whatever the configuration says.

    It is registered on the ``Api`` and on its application, ahead of the handlers that are there already and of those to
    come, one for ``Exception`` included. A handler of your own for a class derived from ``PraetorianError`` is asked
    instead, as Flask would do it; one for ``PraetorianError`` itself, registered later, replaces this one.

    Args:
        api: The ``flask_restx.Api``.
        on_error: A function, or several, called with the error before the response is made. One that raises is logged,
            and the response is sent nevertheless. Without it, those of ``Praetorian(..., on_error=...)`` are called.

    Raises:
        ConfigurationError: It is no ``Api``, it replaces our challenges, or a hook cannot be called.
    """
    known = api_of(api)
    answer = Answer(None if on_error is None else error_hooks(on_error))
    handler = _build_handler(known, answer)
    _prepare(known)
    _register_on_the_api(known, handler, answer)
    _on_each_app(known, register_error_handler.__name__, lambda app: _register_on_the_app(app, answer))


def _prepare(api: Api) -> None:
    if api.serve_challenge_on_401:
        detail = (
            "serve_challenge_on_401=True makes RESTX replace the challenges of 401 responses by one for Basic; "
            "write Api(..., serve_challenge_on_401=False)"
        )
        raise ConfigurationError(detail)
    add_error_model(api)
    _put_first(api, Preflight, _hand_on)


def _register_on_the_api(api: Api, handler: Handler, answer: Answer) -> None:
    registered = api.error_handlers.get(PraetorianError)
    if registered is None or registered in _HANDLERS:
        registered = handler
    elif answer.hooks:
        raise ConfigurationError(
            "on_error would never be called, because this Api has a handler for PraetorianError; remove one of the two"
        )
    _put_first(api, PraetorianError, registered)


def _register_on_the_app(app: Flask, answer: Answer) -> None:
    if own_error_handler(app) is None:
        app.register_error_handler(PraetorianError, ErrorHandler(answer.hooks))


def _build_handler(api: Api, answer: Answer) -> Handler:

    def handle(error: BaseException) -> object:
        """The request was refused; ``code`` says why."""
        refusal = cast("PraetorianError", error)
        nearer = _nearer_handler(api, type(refusal))
        if nearer is not None:
            return nearer(refusal)
        response = answer.response_to(refusal)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            refusal.__cause__ = None
        return response.body(), response.status, dict(response.headers)

    document_error_handler(handle)
    _HANDLERS.add(handle)
    return handle


def _nearer_handler(api: Api, kind: type[PraetorianError]) -> Handler | None:
    """Return the application's own handler for a class between this one and ``PraetorianError``."""
    for ancestor in kind.__mro__[: kind.__mro__.index(PraetorianError)]:
        # RESTX lets the last namespace win, and any of them before the Api.
        for handlers in (*(namespace.error_handlers for namespace in reversed(api.namespaces)), api.error_handlers):
            if ancestor in handlers:
                return handlers[ancestor]
    return None


def _hand_on(error: BaseException) -> NoReturn:
    """The methods that are allowed, for a CORS preflight."""
    # Raised once more it goes on to Flask, which sends the response that it carries.
    raise error


def _put_first(api: Api, kind: type[BaseException], handler: Handler) -> None:
    api.error_handlers[kind] = handler
    api.error_handlers.move_to_end(kind, last=False)


def _on_each_app(api: Api, name: str, act: Callable[[Flask], None]) -> None:
    """Do something to the application that the API belongs to, and to each that it is given later.

    What was to be done under the same name before is not done to later ones: an API that outlives its applications, as
    where each test makes one, is set up for each of them.
    """
    if api.blueprint_setup is not None:
        act(cast("Flask", api.blueprint_setup.app))
    elif api.app is not None:
        _reach(api.app, act)
    acts = cast("dict[str, Callable[[Flask], None]]", vars(api).setdefault(_ACTS, {}))
    if not acts:
        init_app = api.init_app

        def init_app_and_act(app: Flask | Blueprint, **options: object) -> None:
            init_app(app, **options)
            for each in acts.values():
                _reach(app, each)

        api.init_app = init_app_and_act
    acts.pop(name, None)
    acts[name] = act  # The last to be called is the last to act.


def _reach(target: Flask | Blueprint, act: Callable[[Flask], None]) -> None:
    def act_at(setup: BlueprintSetupState) -> None:
        act(cast("Flask", setup.app))

    if isinstance(target, Blueprint):
        target.record(act_at)
    else:
        act(target)
