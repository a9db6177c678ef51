"""Who acts in the request that is being handled.

The principal lives in the WSGI environment, which belongs to one request and no other. ``flask.g`` would not do: it
belongs to the application context, and where a test holds one open, the next request would find the last one's user.
An environment can be copied, though: a view that hands its own on to another application takes the principal along. So
what is kept names the request that it belongs to, and no other finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar, cast, overload
from weakref import ReferenceType, ref

import attrs
from flask import Request, abort, current_app, request
from werkzeug.local import LocalProxy

from praetorian_core import Guard, Principal
from praetorian_core.errors import ConfigurationError, MissingTokenError
from praetorian_flask.request import FlaskRequest

U = TypeVar("U")

EXTENSION = "praetorian"
_ACTOR = "praetorian.actor"


@attrs.frozen
class State:
    """What one application keeps in ``app.extensions``."""

    guard: Guard[object]


@attrs.define
class _Actor:
    """Who acts in one request.

    Attributes:
        request: The request, held weakly: it holds the environment that holds this.
        principal: Who was admitted; None where nobody had to be.
        loaded: An identity and its user, once somebody asked for the user.
    """

    request: ReferenceType[Request]
    principal: Principal | None
    loaded: tuple[object, object] | None = None


def state_or_none() -> State | None:
    """Return the current application's state; None where no ``Praetorian`` was set up."""
    return cast("State | None", current_app.extensions.get(EXTENSION))


def current_guard() -> Guard[object]:
    """Return the guard of the current application.

    Raises:
        ConfigurationError: None was set up.
    """
    state = state_or_none()
    if state is None:
        detail = "this application has no guard; write Praetorian(app, User)"
        raise ConfigurationError(detail)
    return state.guard


def current_token() -> str:
    """Return the raw token of the request, unjudged: what a refresh route hands to ``guard.refresh``.

    Raises:
        MissingTokenError: The request carries none.
        MalformedHeaderError: The header does not carry exactly one.
    """
    return current_guard().find_token(FlaskRequest(request))


def credentials() -> tuple[object, object]:
    """Return ``username`` and ``password`` of a JSON body, whatever they are, for ``authenticate``.

    An absent member is None. A body that is no JSON object is answered with 400, one of another content type with 415.
    """
    if not request.is_json:
        abort(415, "expected a JSON object, of the content type application/json")
    body: object = None
    # Silent, because Flask's own refusal is another one under DEBUG; and Python's parser gives up on deep nesting with an
    # error that Flask does not expect.
    with suppress(RecursionError):
        body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400, "expected a JSON object with the members username and password")
    members = cast("dict[str, object]", body)
    return members.get("username"), members.get("password")


def authenticate(username: object, password: object) -> object:
    """Return the user who proved name and password, counted by the address that Flask trusts.

    Behind a proxy that address is the proxy's, until ``werkzeug.middleware.proxy_fix.ProxyFix`` is configured.

    Raises:
        AuthenticationError: Unknown name, wrong password or disabled account, which are not told apart.
        LoginThrottledError: There were too many attempts.
        ServiceUnavailableError: A call that the decision depends on failed, or hashing is full.
    """
    return current_guard().authenticate(username, password, source=request.remote_addr)


def keep_principal(principal: Principal | None) -> None:
    """Remember who acts, for the rest of this request."""
    actor = _actor_or_none()
    if actor is None:
        request.environ[_ACTOR] = _Actor(ref(_request_itself()), principal)
    else:
        actor.principal = principal


def _actor_or_none() -> _Actor | None:
    actor = cast("_Actor | None", request.environ.get(_ACTOR))
    return actor if actor is not None and actor.request() is _request_itself() else None


def _request_itself() -> Request:
    # Documented by Flask for such a purpose, whatever its name says.
    return cast("LocalProxy[Request]", request)._get_current_object()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def current_principal_or_none() -> Principal | None:
    """Return who acts; None where nobody is authenticated."""
    actor = _actor_or_none()
    return None if actor is None else actor.principal


def current_principal() -> Principal:
    """Return who acts.

    Raises:
        MissingTokenError: Nobody is authenticated.
    """
    return _authenticated()[1]


def _authenticated() -> tuple[_Actor, Principal]:
    actor = _actor_or_none()
    if actor is None or actor.principal is None:
        detail = "nobody is authenticated in this request; is the view decorated?"
        raise MissingTokenError(detail)
    return actor, actor.principal


def current_user_id() -> object:
    """Return the identity of who acts, without asking the user store.

    Raises:
        MissingTokenError: Nobody is authenticated.
    """
    return current_principal().identity


def current_rolenames() -> frozenset[str]:
    """Return the roles of who acts, as they were when the token was issued.

    Raises:
        MissingTokenError: Nobody is authenticated.
    """
    return current_principal().roles


def current_custom_claims() -> Mapping[str, object]:
    """Return the token's custom claims, read-only.

    Raises:
        MissingTokenError: Nobody is authenticated.
    """
    return current_principal().claims


@overload
def current_user() -> object: ...


@overload
def current_user(kind: type[U]) -> U: ...


def current_user(kind: type[object] = object) -> object:
    """Return the user who acts, loaded once a request.

    Args:
        kind: The user class, for a type checker's sake; another user is refused.

    Raises:
        MissingTokenError: Nobody is authenticated.
        MissingUserError: The user is gone.
        InvalidUserError: The user may no longer act.
        ConfigurationError: The user is not of this kind.
        ServiceUnavailableError: The user class failed.
    """
    actor, principal = _authenticated()
    if actor.loaded is None or actor.loaded[0] != principal.identity:
        actor.loaded = (principal.identity, current_guard().load_user(principal))
    user = actor.loaded[1]
    if not isinstance(user, kind):
        detail = f"the current user is {type(user).__name__}; expected {kind.__name__}"
        raise ConfigurationError(detail)
    return user


@overload
def current_user_or_none() -> object | None: ...


@overload
def current_user_or_none(kind: type[U]) -> U | None: ...


def current_user_or_none(kind: type[object] = object) -> object | None:
    """Return the user who acts; None where nobody is authenticated. See ``current_user``."""
    return None if current_principal_or_none() is None else current_user(kind)
