"""Decorators that guard a responder, a sink or a whole resource class.

Each decorator does the full check, so their order among each other does not matter. Put them above ``@falcon.before``:
the outermost decorator runs first.

A class decorator guards every responder that a route can call: those with a suffix, ``on_request``, ``on_websocket``,
inherited ones, and those of subclasses, which are wrapped when the subclass is created. It leaves ``on_options`` open,
because that describes what a later request may do; decorate an ``on_options`` that reveals more. Falcon's own response
to ``OPTIONS`` is unchanged.

A class decorator cannot wrap a responder that is assigned later, to the class or to an instance, or that
``__getattr__`` returns. Such an application is refused at its first request; see ``startup.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar, overload

import falcon
import falcon.asgi

from praetorian_core import Principal
from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import AllRoles, AnyRole, Policy, role_names
from praetorian_core.web.request import is_preflight
from praetorian_core.web.views import check_applied
from praetorian_falcon.current import State, async_guard, plain_guard, state_of
from praetorian_falcon.guarded import Demand, exempt, guard
from praetorian_falcon.preflight import ANY_METHOD
from praetorian_falcon.request import request_info

T = TypeVar("T")


@overload
def auth_required() -> NoReturn: ...


@overload
def auth_required(target: T, /) -> T: ...


def auth_required(*targets: T) -> T:
    """Guard a responder, a sink or a resource class: the request must carry a valid token.

    Raises:
        PraetorianError: In a request: every error of ``Guard.admit``.
        ConfigurationError: At decoration: the target is of another kind.
    """
    return guard("auth_required", check_applied("auth_required", targets), Demand())


@overload
def auth_accepted() -> NoReturn: ...


@overload
def auth_accepted(target: T, /) -> T: ...


def auth_accepted(*targets: T) -> T:
    """Accept a valid token or none in a responder, a sink or a resource class; an invalid token is refused.

    Raises:
        PraetorianError: In a request: every error of ``Guard.admit_optional``.
        ConfigurationError: At decoration: the target is of another kind.
    """
    return guard("auth_accepted", check_applied("auth_accepted", targets), Demand(optional=True))


def roles_required(*names: str) -> Callable[[T], T]:
    """Guard a responder, a sink or a resource class: the principal must hold all of these roles.

    Raises:
        MissingRoleError: In a request: a role is missing.
        PraetorianError: In a request: every other error of ``Guard.admit``.
        ConfigurationError: At decoration: a name is missing or is not the name of one role. In a request: roles are
            disabled.
    """
    return _requiring("roles_required", AllRoles(role_names(names, "roles_required")))


def roles_accepted(*names: str) -> Callable[[T], T]:
    """Guard a responder, a sink or a resource class: the principal must hold one of these roles.

    Raises:
        MissingRoleError: In a request: the principal holds none of them.
        PraetorianError: In a request: every other error of ``Guard.admit``.
        ConfigurationError: At decoration: a name is missing or is not the name of one role. In a request: roles are
            disabled.
    """
    return _requiring("roles_accepted", AnyRole(role_names(names, "roles_accepted")))


def policy_required(policy: Policy) -> Callable[[T], T]:
    """Guard a responder, a sink or a resource class: the principal must satisfy the policy.

    Example::

        @policy_required(any_role("editor", "admin") & all_roles("staff"))
        def on_put(self, req, resp): ...

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
    return _requiring("policy_required", policy)


def _requiring(decorator: str, policy: Policy) -> Callable[[T], T]:
    def decorate(target: T) -> T:
        return guard(decorator, target, Demand(policy=policy))

    return decorate


def auth_exempt(target: T) -> T:
    """Leave a responder open although its class is guarded.

    Raises:
        ConfigurationError: The target is not a function, or is guarded itself.

    Example::

        @auth_required
        class Article:
            @auth_exempt
            def on_get(self, req, resp): ...
    """
    return exempt(target)


@overload
def verify_in_request(req: falcon.asgi.Request, policy: Policy | None = None) -> Awaitable[Principal]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def verify_in_request(req: falcon.Request, policy: Policy | None = None) -> Principal: ...


def verify_in_request(req: falcon.Request, policy: Policy | None = None) -> Principal | Awaitable[Principal]:
    """Require a valid token, as a decorator does, within a responder, a sink or middleware; awaitable under ASGI.

    A CORS preflight is answered with 200 and ends the request, because it carries no token.

    Args:
        req: The request.
        policy: The required policy; None for any principal.

    Returns:
        The principal, which the ``current_*`` functions return from now on.

    Raises:
        PraetorianError: Every error of ``Guard.admit``.
    """
    info, state = request_info(req), state_of(req)
    if is_preflight(info):
        raise falcon.HTTPStatus(falcon.HTTP_200, headers={"Allow": ", ".join(ANY_METHOD)})
    if isinstance(req, falcon.asgi.Request):
        return _verify_async(state, async_guard(state).admit(info, policy), policy)
    principal = plain_guard(state).admit(info, policy)
    state.keep(principal, policy)
    return principal


async def _verify_async(state: State, admission: Awaitable[Principal], policy: Policy | None) -> Principal:
    principal = await admission
    state.keep(principal, policy)
    return principal
