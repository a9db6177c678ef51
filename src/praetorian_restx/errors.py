"""RESTX responses to the errors of Praetorian.

Facts about Flask-RESTX:

* It answers the errors of its resources itself. Of the handlers on the ``Api`` and its namespaces it takes the *first*
  that fits, not the nearest, and a namespace's handlers apply to the whole ``Api``. An error that no handler fits is
  answered with 500; Flask's handler sees it only if exceptions propagate, as under ``TESTING``.
* An error that is raised before a URL is matched, for example in ``before_request``, is answered by Flask's handler.
* A handler returns a body, which RESTX modifies, a status and headers. A ``Response`` would become a 500.
* An answer of 500 or more is logged with its traceback. The cause of an error may hold secrets, so it is removed once
  the hooks have run.

So one handler is registered on the ``Api``, before all others, and one on the application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import cast
from weakref import WeakSet

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.web.hooks import OnError, error_hooks
from praetorian_flask.current import EXTENSION, State
from praetorian_flask.errors import Answer, ErrorHandler
from praetorian_restx.openapi import add_error_model, authorizations, document_api, document_error_handler
from praetorian_restx.restx_types import Api, Handler, RestxApi, api_of

_ACTS = "__praetorian__"
_HANDLERS: WeakSet[Handler] = WeakSet()
_DISABLED = "DISABLE_PRAETORIAN_ERROR_HANDLER"


def init_api(api: RestxApi, on_error: OnError = None) -> None:
    """Set an ``Api`` up: the error handler, the documentation of guarded operations and the security scheme.

    Call it before or after the ``Api`` gets its application or blueprint, and after ``Praetorian(app, guard)``, whose
    settings it reads. With ``DISABLE_PRAETORIAN_ERROR_HANDLER`` it registers no error handler.

    Args:
        api: The ``flask_restx.Api``.
        on_error: See ``register_error_handler``.

    Raises:
        ConfigurationError: ``api`` is not an ``Api`` or replaces challenges, or a hook cannot be called or would never be.

    Example::

        api = Api(app, authorizations=authorizations())
        init_api(api, on_error=lambda error: log.warning(error.code))
    """
    known = api_of(api)
    answer = Answer(None if on_error is None else error_hooks(on_error))
    handler = _build_handler(known, answer)
    _prepare(known)
    document_api(known)
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
    """Register a handler for ``PraetorianError`` and its subclasses, also if the configuration disables it.

    It is registered on the ``Api`` and on its application, before every other handler, one for ``Exception`` included.
    An application's own handler for ``PraetorianError`` or a subclass takes precedence, as in Flask.

    Args:
        api: The ``flask_restx.Api``.
        on_error: A function, or several, called with the error before the response is made. One that raises is logged,
            and the response is sent nevertheless. Without it, those of ``Praetorian(..., on_error=...)`` are called.

    Raises:
        ConfigurationError: ``api`` is not an ``Api`` or replaces challenges, or a hook cannot be called or would never be.
    """
    known = api_of(api)
    answer = Answer(None if on_error is None else error_hooks(on_error))
    handler = _build_handler(known, answer)
    _prepare(known)
    _register_on_the_api(known, handler, answer)
    _on_each_app(known, register_error_handler.__name__, lambda app: _register_on_the_app(app, answer))


def _prepare(api: Api) -> None:
    if api.serve_challenge_on_401:
        raise ConfigurationError(
            "serve_challenge_on_401=True makes RESTX replace the challenge of a 401 by one for Basic; write "
            "Api(..., serve_challenge_on_401=False)"
        )
    add_error_model(api)


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
    registered = app.error_handler_spec[None][None].get(PraetorianError)
    is_replaceable = isinstance(registered, ErrorHandler) and (registered.of_api or not registered.hooks)
    if registered is None or (is_replaceable and answer.hooks is not None):
        app.register_error_handler(PraetorianError, ErrorHandler(answer.hooks, of_api=True))


def _build_handler(api: Api, answer: Answer) -> Handler:
    def handle(error: BaseException) -> object:
        """The request was refused; ``code`` is the reason."""
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


def _put_first(api: Api, kind: type[BaseException], handler: Handler) -> None:
    api.error_handlers[kind] = handler
    api.error_handlers.move_to_end(kind, last=False)


def _on_each_app(api: Api, name: str, act: Callable[[Flask], None]) -> None:
    """Call a function with the API's application, and with each application that the API is given later.

    A second call with the same name replaces the function for later applications: an API can outlive its application,
    for example if each test creates one.
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
    acts[name] = act  # In the order of the last calls.


def _reach(target: Flask | Blueprint, act: Callable[[Flask], None]) -> None:
    def act_at(setup: BlueprintSetupState) -> None:
        act(cast("Flask", setup.app))

    if isinstance(target, Blueprint):
        target.record(act_at)
    else:
        act(target)
