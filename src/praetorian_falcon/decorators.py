"""Decorators that guard a responder, a sink or a whole resource class.

Each decorator does the full check, so their order among each other does not matter. Put them above ``@falcon.before``:
the outermost decorator runs first.

A class decorator guards every responder that a route can call: those with a suffix, ``on_request``, ``on_websocket``,
inherited ones, and those of subclasses, which are wrapped when the subclass is created. It leaves ``on_options`` open,
because that describes what a later request may do; decorate an ``on_options`` that reveals more. Falcon's own response
to ``OPTIONS`` is unchanged.

A class decorator cannot see a responder that is assigned later, to the class or to an instance, nor a subclass whose
other base has an ``__init_subclass__`` that does not call ``super()``.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import wraps
from typing import Protocol, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

import attrs
import falcon

from praetorian_core import all_roles, any_role
from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import Policy
from praetorian_core.web.request import is_preflight
from praetorian_falcon.current import async_guard, plain_guard, state_of
from praetorian_falcon.preflight import answer_preflight
from praetorian_falcon.request import request_info

A = TypeVar("A")
T = TypeVar("T")

_METHODS = [method for method in (*falcon.COMBINED_METHODS, "REQUEST") if method != "OPTIONS"]
_RESPONDER = re.compile(rf"on_({'|'.join(re.escape(method.lower()) for method in _METHODS)})(_\w+)?")
_DEMANDS = "__praetorian_demands__"


class _Function(Protocol):
    def __call__(self, /, *args: object, **kwargs: object) -> object: ...


class _Holder(Protocol):
    __func__: object


class _Hook(Protocol):
    def __call__(self, subclass: type, /, **options: object) -> None: ...


@attrs.frozen(eq=False)
class _Demand:
    """Demand of one decorator; two demands are never equal."""

    policy: Policy | None = None
    optional: bool = False


_GUARDED: WeakKeyDictionary[object, frozenset[_Demand]] = WeakKeyDictionary()
"""The demands of each wrapper, including those of the wrappers within it."""

_HOOKS: WeakSet[_Hook] = WeakSet()
"""The ``__init_subclass__`` functions that this module added."""


def auth_required(target: T) -> T:
    """Guard a responder, a sink or a resource class: the request must carry a valid token.

    Raises:
        MissingTokenError: The request carries no token.
        PraetorianError: See ``Guard.verify``.
        ConfigurationError: At decoration: ``target`` is of another kind.
    """
    return _guarded(target, _Demand())


def auth_accepted(target: T) -> T:
    """Accept a valid token or none in a responder, a sink or a resource class; an invalid token is refused.

    Raises:
        PraetorianError: See ``Guard.verify``.
        ConfigurationError: At decoration: ``target`` is of another kind.
    """
    return _guarded(target, _Demand(optional=True))


def roles_required(*names: str) -> Callable[[T], T]:
    """Guard a responder, a sink or a resource class: the principal must hold all of these roles.

    Raises:
        MissingRoleError: The principal lacks a role.
        PraetorianError: See ``Guard.verify``.
        ConfigurationError: At decoration: no role, or one that is not a str. In a request: roles are disabled.
    """
    return policy_required(all_roles(*names))


def roles_accepted(*names: str) -> Callable[[T], T]:
    """Guard a responder, a sink or a resource class: the principal must hold at least one of these roles.

    Raises:
        MissingRoleError: The principal holds none of the roles.
        PraetorianError: See ``Guard.verify``.
        ConfigurationError: At decoration: no role, or one that is not a str. In a request: roles are disabled.
    """
    return policy_required(any_role(*names))


def policy_required(policy: Policy) -> Callable[[T], T]:
    """Guard a responder, a sink or a resource class: the principal must satisfy the policy.

    Example::

        @policy_required(any_role("editor", "admin") & all_roles("staff"))
        def on_put(self, req, resp): ...

    Raises:
        MissingRoleError: The principal does not satisfy the policy.
        PraetorianError: See ``Guard.verify``.
        ConfigurationError: At decoration: ``policy`` is not a policy. In a request: roles are disabled.
    """
    if not isinstance(policy, Policy):
        raise ConfigurationError(
            f"policy_required was given {type(policy).__name__}; write a policy, such as all_roles('admin')"
        )

    def decorate(target: T) -> T:
        return _guarded(target, _Demand(policy=policy))

    return decorate


def _guarded(target: T, demand: _Demand) -> T:
    if isinstance(target, type):
        setattr(target, _DEMANDS, (*_own_demands(target), demand))
        _guard_class(target)
        return target
    guarded = _guarded_member(target, (demand,))
    if guarded is None:
        raise ConfigurationError(f"expected a responder, a sink or a resource class; got {type(target).__name__}")
    return cast("T", guarded)


def _guard_class(kind: type) -> None:
    """Guard every responder of a class and, when they are created, of its subclasses."""
    demands = [demand for base in kind.__mro__ for demand in _own_demands(base)]
    for name in filter(_RESPONDER.fullmatch, dir(kind)):
        member: object = inspect.getattr_static(kind, name)
        missing = [demand for demand in demands if demand not in _demands_on(member)]
        if not missing or not (callable(member) or hasattr(member, "__get__")):
            continue  # ``on_get = None`` removes an inherited responder
        guarded = _guarded_member(member, missing)
        if guarded is None:
            raise ConfigurationError(
                f"{kind.__name__}.{name} is a {type(member).__name__}, which cannot be guarded; write a method"
            )
        setattr(kind, name, guarded)
    own = cast("_Hook | None", getattr(vars(kind).get("__init_subclass__"), "__func__", None))
    if own is None or own not in _HOOKS:
        hook = _subclass_hook(kind, own)
        _HOOKS.add(hook)
        setattr(kind, "__init_subclass__", classmethod(hook))  # noqa: B010  (type checkers take it for a method)


def _subclass_hook(kind: type[object], own: _Hook | None) -> _Hook:
    def guard_subclass(subclass: type, /, **options: object) -> None:
        if own is None:
            super(kind, subclass).__init_subclass__(**options)  # type: ignore[misc]
        else:
            own(subclass, **options)
        _guard_class(subclass)

    return guard_subclass


def _own_demands(kind: type) -> tuple[_Demand, ...]:
    """Return the demands of a class's own decorators."""
    return cast("tuple[_Demand, ...]", vars(kind).get(_DEMANDS, ()))


def _demands_on(member: object) -> frozenset[_Demand]:
    """Return the demands of a wrapper, found by identity because other decorators copy attributes."""
    function: object = getattr(member, "__func__", member)
    return _GUARDED.get(function, frozenset()) if isinstance(function, types.FunctionType) else frozenset()


def _guarded_member(member: object, demands: Iterable[_Demand]) -> object | None:
    """Return a function, or one in a static or a class method, with guards around it; None for any other object."""
    if isinstance(member, staticmethod | classmethod):
        within = cast("_Function | None", _guarded_member(cast("_Holder", member).__func__, demands))
        again = cast("Callable[[_Function], object]", type(cast("object", member)))
        return None if within is None else again(within)
    if not isinstance(member, types.FunctionType | types.MethodType):
        return None
    function: _Function = member
    for demand in demands:
        wrapper = _wrapped(function, demand)
        _GUARDED[wrapper] = _demands_on(function) | {demand}
        function = wrapper
    return function


def _wrapped(function: _Function, demand: _Demand) -> _Function:
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def guarded_coroutine(*args: object, **kwargs: object) -> object:
            req = _argument(falcon.Request, args, kwargs)
            info = request_info(req)
            if is_preflight(info):
                _skip(function, args, kwargs)
                return None
            state = state_of(req)
            guard = async_guard(state)
            admit = guard.admit_optional if demand.optional else guard.admit
            state.keep(await admit(info, demand.policy))
            return await cast("Awaitable[object]", function(*args, **kwargs))

        return guarded_coroutine

    @wraps(function)
    def guarded(*args: object, **kwargs: object) -> object:
        req = _argument(falcon.Request, args, kwargs)
        info = request_info(req)
        if is_preflight(info):
            _skip(function, args, kwargs)
            return None
        state = state_of(req)
        guard = plain_guard(state)
        admit = guard.admit_optional if demand.optional else guard.admit
        state.keep(admit(info, demand.policy))
        return function(*args, **kwargs)

    return guarded


def _skip(function: _Function, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Answer a preflight instead of running the function."""
    name = str(getattr(function, "__name__", ""))
    answer_preflight(_argument(falcon.Response, args, kwargs), next(iter(args), None), name)


def _argument(kind: type[A], args: tuple[object, ...], kwargs: Mapping[str, object]) -> A:
    """Return the first argument of a kind."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, kind):
            return value
    raise ConfigurationError(f"a guarded responder or sink was called without a {kind.__name__.lower()}")
