"""The decorators of ``praetorian_flask`` for methods, resource classes and namespaces.

Facts about Flask-RESTX:

* A resource is dispatched by the function that ``Resource.as_view`` returns, whichever class in the MRO defines
  ``dispatch_request``. A mix-in may dispatch on its own, or return a cached response.
* ``Resource.dispatch_request`` validates the payload (``validate=True``) before it calls a decorated method.

So the view function of every resource asks first for what the class and the method require. A class may be decorated
after it was routed: what it requires is looked up at each request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import NoReturn, Protocol, TypeVar, cast, overload

from flask import request

import praetorian_flask.decorators as flask_decorators
from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import AllRoles, AnyRole, Policy, role_names
from praetorian_core.web.views import chain, check_applied
from praetorian_flask.decorators import VIEWS, Demand, add_demand, admit_in_advance, demands_of, demands_of_class
from praetorian_restx.restx_types import (
    Api,
    AsView,
    AsViewMethod,
    Output,
    Resource,
    RestxNamespace,
    View,
    api_class,
    is_resource,
    namespace_of,
    resource_class,
)

V = TypeVar("V")


class Decorator(Protocol):
    """Returns a guarded view, method or resource."""

    def __call__(self, view: V, /) -> V:
        """Guard it."""
        ...


@overload
def auth_required() -> NoReturn: ...


@overload
def auth_required(view: V, /) -> V: ...


def auth_required(*views: V) -> V:
    """Require a valid token. See ``praetorian_flask.auth_required``."""
    return _guarded("auth_required", check_applied("auth_required", views), Demand())


@overload
def auth_accepted() -> NoReturn: ...


@overload
def auth_accepted(view: V, /) -> V: ...


def auth_accepted(*views: V) -> V:
    """Accept a request without a token. See ``praetorian_flask.auth_accepted``."""
    return _guarded("auth_accepted", check_applied("auth_accepted", views), Demand(is_optional=True))


add_demand(auth_required, Demand())
add_demand(auth_accepted, Demand(is_optional=True))


def roles_required(*names: str) -> Decorator:
    """Require a principal who holds all of these roles. See ``praetorian_flask.roles_required``."""
    return _requiring("roles_required", AllRoles(role_names(names, "roles_required")))


def roles_accepted(*names: str) -> Decorator:
    """Require a principal who holds one of these roles. See ``praetorian_flask.roles_accepted``."""
    return _requiring("roles_accepted", AnyRole(role_names(names, "roles_accepted")))


def policy_required(policy: Policy) -> Decorator:
    """Require a principal who satisfies a policy. See ``praetorian_flask.policy_required``."""
    flask_decorators.policy_required(policy)  # Raises if it is not a policy.
    return _requiring("policy_required", policy)


def protect_namespace(namespace: RestxNamespace, decorator: Decorator = auth_required) -> None:
    """Guard every resource of a namespace, also those that are routed later, and document it.

    ``swagger.json`` and the page that shows it belong to no namespace and stay open. The resource classes themselves
    are guarded, so a resource that is routed in another namespace as well is guarded there too.

    Args:
        namespace: The namespace.
        decorator: For example ``roles_required("admin")``.

    Raises:
        ConfigurationError: One of the two is something else, or a resource does not derive from
            ``flask_restx.Resource``.

    Example::

        admin = Namespace("admin")
        protect_namespace(admin, roles_required("admin"))
    """
    guarded = namespace_of(namespace)
    demands = demands_of(decorator)
    if not demands:
        raise ConfigurationError(
            "expected a decorator of praetorian_restx, such as auth_required or roles_required('admin')"
        )

    def protect(resource: Resource) -> None:
        if not is_resource(resource):
            raise ConfigurationError(f"cannot protect {resource!r}; derive it from flask_restx.Resource")
        for demand in demands:
            if demand not in demands_of(resource):
                add_demand(resource, demand)

    for route in guarded.resources:
        protect(route.resource)
    add_resource = guarded.add_resource

    def add_protected(resource: Resource, *urls: str, **options: object) -> None:
        protect(resource)
        add_resource(resource, *urls, **options)

    guarded.add_resource = add_protected


def demands_of_method(kind: Resource, name: str) -> list[Demand]:
    """Return what the method for this HTTP method requires, in addition to its class; repetitions are possible.

    Args:
        kind: The resource class.
        name: The HTTP method, in any letter case.
    """
    method: object = getattr(kind, name.lower(), None)
    if method is None and name.upper() == "HEAD":
        method = getattr(kind, "get", None)
    decorators = [demand for decorator in kind.method_decorators for demand in demands_of(decorator)]
    # ``functools.wraps`` copies the requirements to the wrapper, so some are found twice; a wrapper without it does not.
    own = [demand for wrapped in chain(method) for demand in demands_of(wrapped)]
    return [*own, *decorators]


def _requiring(decorator: str, policy: Policy) -> Decorator:
    demand = Demand(policy=policy)

    def decorate(view: V) -> V:
        return _guarded(decorator, view, demand)

    add_demand(decorate, demand)
    return decorate


def _guarded(decorator: str, view: V, demand: Demand) -> V:
    if not is_resource(view):
        return cast("V", flask_decorators.guarded(decorator, cast("View", view), demand))
    if VIEWS.is_exempt(view):
        raise ConfigurationError(f"{decorator} was applied to an exempt resource; remove one of the two decorators")
    add_demand(view, demand)
    return cast("V", view)


def _guard_every_view(as_view: AsView) -> AsView:
    def as_guarded_view(kind: Resource, *args: object, **options: object) -> View:
        """See ``flask.views.View.as_view``."""
        return _guard_view(kind, as_view(kind, *args, **options))

    return as_guarded_view


def _guard_view(kind: Resource, view: View) -> View:
    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> object:
        admit_in_advance([*demands_of_class(kind), *demands_of_method(kind, request.method)])
        return view(*args, **kwargs)

    VIEWS.record(guarded, view)
    return guarded


def _guard_every_output(output: Output) -> Output:
    def guarded_output(api: Api, view: View) -> View:
        """See ``flask_restx.Api.output``."""
        kind: object = getattr(view, "view_class", None)
        return output(api, _guard_view(kind, view) if is_resource(kind) else view)

    return guarded_output


# A mix-in may override ``as_view`` too, and cache what the view of ``super()`` returns.
api_class.output = _guard_every_output(api_class.output)

# On the class of RESTX itself: a resource may be routed before it is decorated.
_method = classmethod(cast("Callable[[type[object]], View]", _guard_every_view(resource_class.as_view.__func__)))
resource_class.as_view = cast("AsViewMethod", _method)
