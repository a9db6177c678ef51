"""The engine's errors as RESTX responses.

Facts about Flask-RESTX:

* It answers what a resource raises itself. Of the handlers on the ``Api`` and its namespaces it takes the *first* that
  fits, not the nearest, and a namespace's handlers count everywhere. What none of them fits becomes a 500 in production,
  and only where exceptions propagate, as under ``TESTING``, does Flask's handler see it.
* What is raised before a URL was found, in ``before_request`` say, is answered by Flask's handler.
* A handler returns a body that RESTX writes into, a status and headers. A ``Response`` would become a 500.
* What a handler raises goes on to Flask.
* What is answered with 500 or more is logged with its traceback. The exception behind ours, a database's say, may hold
  anything, so it is cut off once the tasks have seen it.

So there is one handler on the ``Api``, in front of all others, and one on the application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NoReturn, cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

import praetorian_flask.errors as flask_errors
from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_flask.current import EXTENSION, State
from praetorian_flask.decorators import Preflight
from praetorian_flask.errors import Task
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
_DISABLED = "DISABLE_PRAETORIAN_ERROR_HANDLER"


def init_api(api: RestxApi, *tasks: Task) -> None:
    """Set an ``Api`` up: the error handler, the documentation of errors, and the security scheme where it is missing.

    Call it before or after the ``Api`` gets its application or blueprint. ``DISABLE_PRAETORIAN_ERROR_HANDLER`` leaves
    errors to the application's own handlers; ``Settings`` that were made by hand are known once ``Praetorian`` was set
    up for the application.

    Args:
        api: The ``flask_restx.Api``.
        tasks: See ``register_error_handler``.

    Raises:
        ConfigurationError: It is no ``Api``, it replaces our challenges, or a task cannot be called.

    Example::

        api = Api(app, authorizations=authorizations())
        init_api(api, lambda error: log.warning(error.code))
    """
    known = api_of(api)
    handler = _build_handler(known, *tasks)
    _prepare(known)
    document_resources(known)
    _put_first(known, PraetorianError, handler)

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
        flask_errors.register_error_handler(app, *tasks)

    _on_each_app(known, init_api.__name__, settle)


def register_error_handler(api: RestxApi, *tasks: Task) -> None:
    """Register one handler for ``PraetorianError`` and every class derived from it, whatever the configuration says.

    It is registered on the ``Api`` and on its application, ahead of the handlers that are there already and of those to
    come, one for ``Exception`` included. A handler of your own for a class derived from ``PraetorianError`` is asked
    instead, as Flask would do it; one for ``PraetorianError`` itself, registered later, replaces this one.

    Args:
        api: The ``flask_restx.Api``.
        tasks: Called with the error, in order, before the response is made: to log or to count it, say. A task that
            raises is logged, and the response still goes out.

    Raises:
        ConfigurationError: It is no ``Api``, it replaces our challenges, or a task cannot be called.
    """
    known = api_of(api)
    handler = _build_handler(known, *tasks)
    _prepare(known)
    _put_first(known, PraetorianError, handler)
    _on_each_app(known, register_error_handler.__name__, lambda app: flask_errors.register_error_handler(app, *tasks))


def _prepare(api: Api) -> None:
    if api.serve_challenge_on_401:
        detail = (
            "serve_challenge_on_401=True makes RESTX replace the challenges of 401 responses by one for Basic; "
            "write Api(..., serve_challenge_on_401=False)"
        )
        raise ConfigurationError(detail)
    add_error_model(api)
    _put_first(api, Preflight, _hand_on)


def _build_handler(api: Api, *tasks: Task) -> Handler:
    answer_to = flask_errors.build_answer(*tasks)

    def handle(error: BaseException) -> object:
        """The request was refused; ``code`` says why."""
        refusal = cast("PraetorianError", error)
        nearer = _nearer_handler(api, type(refusal))
        if nearer is not None:
            return nearer(refusal)
        answer = answer_to(refusal)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            refusal.__cause__ = None
        return answer.body(), answer.status, dict(answer.headers)

    document_error_handler(handle)
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
