"""The decorators of ``praetorian_flask``, which also document themselves; on methods, resources and whole namespaces.

They decide nothing: what runs is Flask's decorator. On a method RESTX validates a payload (``validate=True``) before
any decorator is asked; on a resource or a namespace the decorator is asked first.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

import praetorian_flask.decorators as flask_decorators
from praetorian_core import all_roles, any_role
from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import Policy
from praetorian_core.web.views import role_names
from praetorian_restx.openapi import (
    Demand,
    Resource,
    RestxNamespace,
    View,
    announce,
    demands_of,
    document,
    document_resource,
    is_resource,
    namespace_of,
)

V = TypeVar("V")


class Decorator(Protocol):
    """Returns a view, a method or a resource guarded."""

    def __call__(self, view: V, /) -> V:
        """Guard it."""
        ...


_TOKEN = Demand()
_TOKEN_OR_NONE = Demand(is_optional=True)


def auth_required(view: V) -> V:
    """Let a view run only for a request with a good token. See ``praetorian_flask.auth_required``."""
    return _guarded(view, flask_decorators.auth_required, _TOKEN)


def auth_accepted(view: V) -> V:
    """Let a view run with a good token or with none. See ``praetorian_flask.auth_accepted``."""
    return _guarded(view, flask_decorators.auth_accepted, _TOKEN_OR_NONE)


announce(auth_required, _TOKEN)
announce(auth_accepted, _TOKEN_OR_NONE)


def roles_required(*names: str) -> Decorator:
    """Let a view run only for a principal who holds all of these roles. See ``praetorian_flask.roles_required``."""
    names = role_names("roles_required", names)
    roles = role_names("roles_required", names)
    return _demanding(flask_decorators.roles_required(*roles), all_roles(*roles))


def roles_accepted(*names: str) -> Decorator:
    """Let a view run only for a principal who holds one of these roles. See ``praetorian_flask.roles_accepted``."""
    names = role_names("roles_accepted", names)
    roles = role_names("roles_accepted", names)
    return _demanding(flask_decorators.roles_accepted(*roles), any_role(*roles))


def policy_required(policy: Policy) -> Decorator:
    """Let a view run only for a principal who satisfies a policy. See ``praetorian_flask.policy_required``."""
    return _demanding(flask_decorators.policy_required(policy), policy)


def protect_namespace(namespace: RestxNamespace, decorator: Decorator = auth_required) -> None:
    """Guard every resource of a namespace, those that it has and those to come, and document it.

    ``swagger.json`` and the page that shows it belong to no namespace and stay open. A resource that is routed in
    another namespace as well is guarded there too.

    Args:
        namespace: The namespace.
        decorator: One of this module's, such as ``roles_required("admin")``.

    Raises:
        ConfigurationError: It is no namespace, no decorator of this module's, or a resource is not derived from
            ``flask_restx.Resource``.

    Example::

        admin = Namespace("admin")
        protect_namespace(admin, roles_required("admin"))
    """
    guarded = namespace_of(namespace)
    if not demands_of(decorator):
        detail = "expected a decorator of praetorian_restx, such as auth_required or roles_required('admin')"
        raise ConfigurationError(detail)
    done: set[Resource] = set()

    def protect(resource: Resource) -> None:
        if not is_resource(resource):
            detail = f"cannot protect {resource!r}; derive it from flask_restx.Resource"
            raise ConfigurationError(detail)
        if resource not in done:
            done.add(resource)
            decorator(resource)
            document_resource(guarded, resource)

    for route in guarded.resources:
        protect(route.resource)
    add_resource = guarded.add_resource

    def add_protected(resource: Resource, *urls: str, **options: object) -> None:
        protect(resource)
        add_resource(resource, *urls, **options)

    guarded.add_resource = add_protected


def _demanding(decorator: Callable[[View], View], policy: Policy) -> Decorator:
    demand = Demand(roles=str(policy))

    def decorate(view: V) -> V:
        return _guarded(view, decorator, demand)

    announce(decorate, demand)
    return decorate


def _guarded(view: V, decorator: Callable[[View], View], demand: Demand) -> V:
    if is_resource(view):
        _guard_resource(view, decorator)
        document(view, demand)
        return cast("V", view)
    guarded = decorator(cast("View", view))
    # A bound method is what RESTX hands to Resource.method_decorators at each request: nobody reads that again.
    if not inspect.ismethod(inspect.unwrap(guarded)):
        document(guarded, demand)
    return cast("V", guarded)


class _Dispatch(Protocol):
    def __call__(self, *args: object, **kwargs: object) -> object: ...


def _guard_resource(kind: Resource, decorator: Callable[[View], View]) -> None:
    """Guard a resource class and its subclasses, also those that dispatch by themselves."""
    parent = cast("type[object]", kind)
    own = cast("View | None", vars(kind).get("dispatch_request"))

    def dispatch_request(self: object, *args: object, **kwargs: object) -> object:
        # Along the MRO of the object's own class: where two bases are guarded, both are asked.
        above = super(parent, self)
        inherited = cast("_Dispatch", getattr(above, "dispatch_request"))  # noqa: B009  (checkers do not know it)
        return inherited(*args, **kwargs)

    # It is looked up at each request, so a resource that was routed already is guarded as well.
    kind.dispatch_request = decorator(cast("View", dispatch_request) if own is None else own)
    prepare = vars(kind).get("__init_subclass__")

    def guard_subclass(subclass: type[object], /, **options: object) -> None:
        if prepare is None:
            above = super(parent, subclass)
            cast("_Dispatch", getattr(above, "__init_subclass__"))(**options)  # noqa: B009  (nor this)
        else:
            prepare.__func__(subclass, **options)
        dispatch = cast("View | None", vars(subclass).get("dispatch_request"))
        if dispatch is not None:
            cast("Resource", subclass).dispatch_request = decorator(dispatch)

    setattr(kind, "__init_subclass__", classmethod(guard_subclass))  # noqa: B010  (checkers take it for a method)
