"""Decorators that guard views.

Put them *below* ``@app.get`` and ``@app.route``, which register the function that they are given. Each decorator does
the whole check, so the order among them does not matter.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import NoReturn, ParamSpec, TypeVar, cast, overload

import attrs
from flask import Blueprint, current_app, request
from werkzeug.exceptions import HTTPException

from praetorian_core import Principal
from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import AllRoles, AnyRole, Policy, role_names
from praetorian_core.web.request import RequestInfo, is_preflight
from praetorian_core.web.views import ViewRegistry, chain, check_applied
from praetorian_flask.current import current_guard, give_advance, keep_principal, take_advance
from praetorian_flask.request import FlaskRequest

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")

VIEWS = ViewRegistry()
_DEMANDS = "__praetorian_demands__"


@attrs.frozen(kw_only=True)
class Demand:
    """The requirement of one decorator.

    Attributes:
        policy: The required policy; None for any principal.
        is_optional: Whether a request without a token is admitted.
    """

    policy: Policy | None = None
    is_optional: bool = False

    def admit(self) -> None:
        """Verify the token of the current request and set its principal.

        Raises:
            PraetorianError: Every error of ``Guard.admit``.
        """
        guard, info = current_guard(), FlaskRequest(request)
        keep_principal(guard.admit_optional(info, self.policy) if self.is_optional else guard.admit(info, self.policy))


def demands_of(target: object) -> tuple[Demand, ...]:
    """Return the requirements of a decorator, or those of a decorated view or class, without its bases."""
    held = vars(target) if isinstance(target, type) else getattr(target, "__dict__", {})
    return cast("tuple[Demand, ...]", held.get(_DEMANDS, ()))


def demands_of_class(kind: object) -> list[Demand]:
    """Return the requirements of a class and of its bases, those of the bases first."""
    return [demand for base in reversed(getattr(kind, "__mro__", ())) for demand in demands_of(base)]


def unique(demands: Iterable[Demand]) -> list[Demand]:
    """Return the requirements without repetitions. A policy of the application may have no hash."""
    found: list[Demand] = []
    for demand in demands:
        if demand not in found:
            found.append(demand)
    return found


def add_demand(target: object, demand: Demand) -> None:
    """Remember a requirement of a decorator, a view or a class."""
    setattr(target, _DEMANDS, (*demands_of(target), demand))


class Preflight(HTTPException):
    """Carries Flask's own answer to a CORS preflight past the view and past decorators above this one."""


@overload
def auth_required() -> NoReturn: ...


@overload
def auth_required(view: Callable[P, R], /) -> Callable[P, R]: ...


def auth_required(*views: Callable[P, R]) -> Callable[P, R]:
    """Require a valid token.

    Raises:
        PraetorianError: In a request: every error of ``Guard.admit``.
        ConfigurationError: At decoration: the target is not a view function.
    """
    return guarded("auth_required", check_applied("auth_required", views), Demand())


add_demand(auth_required, Demand())


@overload
def auth_accepted() -> NoReturn: ...


@overload
def auth_accepted(view: Callable[P, R], /) -> Callable[P, R]: ...


def auth_accepted(*views: Callable[P, R]) -> Callable[P, R]:
    """Accept a request without a token; a token that is presented must be valid.

    Raises:
        PraetorianError: In a request: every error of ``Guard.admit_optional``.
        ConfigurationError: At decoration: the target is not a view function.
    """
    return guarded("auth_accepted", check_applied("auth_accepted", views), Demand(is_optional=True))


add_demand(auth_accepted, Demand(is_optional=True))


def roles_required(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a valid token of a principal who holds all of these roles.

    Raises:
        MissingRoleError: In a request: a role is missing.
        PraetorianError: In a request: every other error of ``Guard.admit``.
        ConfigurationError: At decoration: a name is missing or is not the name of one role. In a request: roles are
            disabled.
    """
    return requiring("roles_required", AllRoles(role_names(names, "roles_required")))


def roles_accepted(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a valid token of a principal who holds one of these roles.

    Raises:
        MissingRoleError: In a request: the principal holds none of them.
        PraetorianError: In a request: every other error of ``Guard.admit``.
        ConfigurationError: At decoration: a name is missing or is not the name of one role. In a request: roles are
            disabled.
    """
    return requiring("roles_accepted", AnyRole(role_names(names, "roles_accepted")))


def policy_required(policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a valid token of a principal who satisfies a policy.

    Example::

        @policy_required(all_roles("staff") & any_role("editor", "admin"))

    Raises:
        StaleAuthenticationError: In a request: a recent authentication alone would satisfy the policy.
        MissingRoleError: In a request: the policy is not satisfied.
        PraetorianError: In a request: every other error of ``Guard.admit``.
        ConfigurationError: At decoration: ``policy`` is not a policy. In a request: it reads roles, and they are disabled.
    """
    if not isinstance(policy, Policy):
        raise ConfigurationError(
            f"policy_required takes a policy; got {type(policy).__name__}; write "
            "@policy_required(all_roles('admin') | any_role('a', 'b'))"
        )
    return requiring("policy_required", policy)


def auth_exempt(view: V) -> V:
    """Leave a view open although its blueprint, class or RESTX namespace is guarded.

    Raises:
        ConfigurationError: The view itself is guarded.
    """
    if VIEWS.is_guarded(view) or demands_of(view):
        raise ConfigurationError("auth_exempt was applied to a guarded view; remove one of the two decorators")
    VIEWS.exempt(view)
    return view


def protect_blueprint(
    blueprint: Blueprint, decorator: Callable[[Callable[[], None]], Callable[[], None]] = auth_required
) -> None:
    """Guard every view of a blueprint and of the blueprints nested in it, before its other ``before_request`` functions.

    Args:
        blueprint: The blueprint, before it is registered.
        decorator: Such as ``roles_required("admin")``.

    Raises:
        ConfigurationError: ``blueprint`` is not a ``flask.Blueprint``.
    """
    if not isinstance(blueprint, Blueprint):
        raise ConfigurationError(
            f"protect_blueprint takes a flask.Blueprint; got {type(blueprint).__name__}; for an application write "
            "app.before_request(auth_required(lambda: None))"
        )
    blueprint.before_request(decorator(_proceed))
    functions = blueprint.before_request_funcs[None]
    functions.insert(0, functions.pop())


def _proceed() -> None:
    """Let Flask call the view."""


def verify_in_request(policy: Policy | None = None) -> Principal:
    """Require a valid token, as a decorator does, from within a view or a ``before_request`` function.

    Args:
        policy: The required policy; None for any principal.

    Returns:
        The principal, which the ``current_*`` functions return from now on.

    Raises:
        PraetorianError: Every error of ``Guard.admit``.
    """
    info = FlaskRequest(request)
    _answer_preflight(info)
    principal = current_guard().admit(info, policy)
    keep_principal(principal)
    return principal


def requiring(decorator: str, policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that requires a policy."""
    demand = Demand(policy=policy)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        return guarded(decorator, view, demand)

    add_demand(decorate, demand)
    return decorate


def guarded(decorator: str, view: Callable[P, R], demand: Demand) -> Callable[P, R]:
    """Return a view that runs only for admitted requests.

    Raises:
        ConfigurationError: The target is not a view function, is exempt, or answers ``OPTIONS`` itself.
    """
    if isinstance(view, type) or not callable(view):
        found = f"the class {view.__name__}" if isinstance(view, type) else type(view).__name__
        raise ConfigurationError(
            f"{decorator} takes a view function; got {found}; in a class-based view write decorators = [{decorator}]"
        )
    name = getattr(view, "__name__", type(view).__name__)
    if VIEWS.is_exempt(view):
        if inspect.ismethod(view):
            return view  # The class lists the decorator for all its methods, as ``method_decorators`` does.
        raise ConfigurationError(f"{decorator} was applied to the exempt view {name}; remove one of the two decorators")
    if has_cors_decorator(view):
        raise ConfigurationError(
            f"{decorator} is above a CORS decorator of the view {name}, which would lose the headers of preflights; "
            f"write the CORS decorator above @{decorator}"
        )
    return wrap(view, demand)


def wrap(view: Callable[P, R], demand: Demand) -> Callable[P, R]:
    """Return the view with a check before each call; ``guarded`` says which views may be wrapped."""
    # A coroutine function, or an object whose call is one. The drop-in also decorates objects that cannot be called.
    if inspect.iscoroutinefunction(view) or (callable(view) and inspect.iscoroutinefunction(type(view).__call__)):
        awaited = cast("Callable[P, Awaitable[object]]", view)

        @wraps(view)
        async def guarded_coroutine(*args: P.args, **kwargs: P.kwargs) -> object:
            admit(demand)
            return await awaited(*args, **kwargs)

        wrapper = cast("Callable[P, R]", guarded_coroutine)
    else:

        @wraps(view)
        def guarded_function(*args: P.args, **kwargs: P.kwargs) -> R:
            admit(demand)
            return view(*args, **kwargs)

        wrapper = guarded_function
    VIEWS.record(wrapper, view)
    add_demand(wrapper, demand)
    return wrapper


def has_cors_decorator(view: object) -> bool:
    """Return whether a CORS decorator of this view answers preflights."""
    # flask_cors.cross_origin and flask_restx.cors.crossdomain set the attribute on the function that they wrap. A view may
    # set it itself, wrappers outside copy it, and ``as_view`` resets it on the outermost one.
    links = list(chain(view))
    answering = [i for i, link in enumerate(links) if getattr(link, "provide_automatic_options", None) is False]
    return bool(answering) and answering[-1] > 0 and not VIEWS.is_guarded(links[answering[-1] - 1])


def admit(demand: Demand) -> None:
    """Admit the current request, unless its view is exempt or this requirement was checked in advance.

    Raises:
        Preflight: It is a CORS preflight.
        PraetorianError: Every error of ``Guard.admit``.
    """
    if take_advance(demand) or is_exempt():
        return
    _answer_preflight(FlaskRequest(request))
    demand.admit()


def admit_in_advance(demands: Iterable[Demand]) -> None:
    """Admit the current request before its view is called; each wrapper of these requirements then passes once."""
    for demand in unique(demands):
        admit(demand)
        give_advance(demand)


def _answer_preflight(info: RequestInfo) -> None:
    if is_preflight(info):
        _check_cors_headers()
        # A preflight carries no token, so the view does not run for it; Flask's own answer is sent.
        raise Preflight(response=current_app.make_default_options_response())


def _check_cors_headers() -> None:
    """Check that the view has no CORS decorator, whose headers the answer to this preflight would lack.

    A CORS decorator outside the guard answers the preflight itself, so the guard does not run.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    kind = getattr(view, "view_class", None)
    answering = (view, getattr(kind, "dispatch_request", None), getattr(kind, "options", None))
    # CORS(app) and CORS(blueprint) add their headers to Flask's own answer, so a decorator besides is harmless.
    has_cors = any(
        str(getattr(function, "__module__", "")).startswith("flask_cors")
        for scope in (None, *request.blueprints)
        for function in current_app.after_request_funcs.get(scope, ())
    )
    if not has_cors and any(map(has_cors_decorator, answering)):
        raise ConfigurationError(
            f"a guard answers the preflights of the view {request.endpoint!r} without the headers of its CORS decorator; "
            "write flask_cors.CORS(app) or CORS(blueprint) instead of the decorator"
        )


def is_exempt() -> bool:
    """Return whether the view of this request, its class or the method that will be called is exempt."""
    if not VIEWS.has_exempt():
        return False
    view = current_app.view_functions.get(request.endpoint or "")
    kind = getattr(view, "view_class", None)
    if VIEWS.is_exempt(view) or VIEWS.is_exempt(kind):
        return True
    method = getattr(kind, request.method.lower(), None)
    if method is None and request.method == "HEAD":
        method = getattr(kind, "get", None)
    return VIEWS.is_exempt(method)
