"""Wrap responders, sinks and the responders of a class in the guard's check."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial, wraps
from typing import Protocol, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

import attrs
import falcon

from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import Policy
from praetorian_core.web.request import is_preflight
from praetorian_core.web.views import ViewRegistry, chain
from praetorian_falcon.current import async_guard, plain_guard, state_of, state_or_none
from praetorian_falcon.preflight import answer_preflight
from praetorian_falcon.request import request_info
from praetorian_falcon.watch import watched

A = TypeVar("A")
T = TypeVar("T")

VIEWS = ViewRegistry()

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
class Demand:
    """Demand of one decorator; two demands are never equal."""

    policy: Policy | None = None
    optional: bool = False

    def is_met_by(self, other: Demand) -> bool:
        """Return whether another demand admits no request that this one refuses."""
        return other is self or (other.policy == self.policy and (self.optional or not other.optional))


_GUARDED: WeakKeyDictionary[object, frozenset[Demand]] = WeakKeyDictionary()
"""The demands of each wrapper, including those of the wrappers within it."""

_HOOKS: WeakSet[_Hook] = WeakSet()
"""The ``__init_subclass__`` functions that this module added."""


def guard(decorator: str, target: T, demand: Demand) -> T:
    """Return the target with a guard around it; a class is changed in place.

    Args:
        decorator: Name of the decorator, for error messages.
        target: A responder, a sink or a resource class.
        demand: The demand of the decorator.

    Raises:
        ConfigurationError: The target is of another kind, or is exempt.
    """
    if isinstance(target, type):
        setattr(target, _DEMANDS, (*_own_demands(target), demand))
        _guard_class(target)
        return target
    if VIEWS.is_exempt(_function_of(target)):
        name = getattr(_function_of(target), "__name__", "")
        raise ConfigurationError(f"{decorator} was applied to the exempt responder {name}; remove one decorator")
    guarded = _guarded_member(target, (demand,), is_own=True)
    if guarded is None:
        raise ConfigurationError(
            f"{decorator} takes a responder, a sink or a resource class; got {type(target).__name__}"
        )
    return cast("T", guarded)


def exempt(target: T) -> T:
    """Leave a responder open in a guarded class; see ``auth_exempt``."""
    function = _function_of(target)
    if not isinstance(function, types.FunctionType):
        raise ConfigurationError(f"auth_exempt takes a responder; got {_described(target)}")
    if demands_on(function):
        raise ConfigurationError(
            f"auth_exempt was applied to the guarded responder {function.__name__}; remove one decorator"
        )
    VIEWS.exempt(function)
    return target


def demands_of(kind: type) -> list[Demand]:
    """Return the demands of a class's own decorators and of those of its bases."""
    return [demand for base in kind.__mro__ for demand in _own_demands(base)]


def demands_on(member: object) -> frozenset[Demand]:
    """Return the demands of a wrapper, found by identity because other decorators copy attributes."""
    function = _function_of(member)
    return _GUARDED.get(function, frozenset()) if isinstance(function, types.FunctionType) else frozenset()


def demands_within(member: object) -> frozenset[Demand]:
    """Return the demands of a function and of every function that it wraps."""
    return frozenset(demand for function in chain(member) for demand in demands_on(function))


def _guard_class(kind: type) -> None:
    """Guard every responder of a class and, when they are created, of its subclasses."""
    demands = demands_of(kind)
    for name in filter(_RESPONDER.fullmatch, dir(kind)):
        member: object = inspect.getattr_static(kind, name)
        missing = [demand for demand in demands if demand not in demands_on(member)]
        if not missing or not (callable(member) or hasattr(member, "__get__")):
            continue  # ``on_get = None`` removes an inherited responder
        if VIEWS.is_exempt(_function_of(member)):
            continue
        guarded = _guarded_member(member, missing, is_own=name in vars(kind))
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


def _own_demands(kind: type) -> tuple[Demand, ...]:
    return cast("tuple[Demand, ...]", vars(kind).get(_DEMANDS, ()))


def _function_of(member: object) -> object:
    return getattr(member, "__func__", member)


def _described(target: object) -> str:
    return f"the class {target.__name__}" if isinstance(target, type) else type(target).__name__


def _guarded_member(member: object, demands: Iterable[Demand], *, is_own: bool) -> object | None:
    """Return a function, or one in a static or a class method, with guards around it; None for any other object.

    Args:
        member: The function or the method.
        demands: One guard is added for each.
        is_own: Whether the function is not to be registered without its guards. A function that a guarded class
            inherits may be registered, as a responder of its own class.
    """
    if isinstance(member, staticmethod | classmethod):
        within = cast("_Function | None", _guarded_member(cast("_Holder", member).__func__, demands, is_own=is_own))
        again = cast("Callable[[_Function], object]", type(cast("object", member)))
        return None if within is None else again(within)
    if not isinstance(member, types.FunctionType | types.MethodType):
        return None
    function: _Function = member
    for demand in demands:
        wrapper = _wrapped(function, demand)
        _GUARDED[wrapper] = demands_on(function) | {demand}
        function = wrapper
    if is_own:
        VIEWS.record(function, member)
    return function


def _wrapped(function: _Function, demand: Demand) -> _Function:
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
            state.keep(await admit(info, demand.policy), demand.policy)
            if info.is_websocket and state.changed is None:
                return await watched(partial(function, *args, **kwargs), guard, state)
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
        state.keep(admit(info, demand.policy), demand.policy)
        return function(*args, **kwargs)

    return guarded


def _skip(function: _Function, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Answer a preflight instead of running the function."""
    state = state_or_none(_argument(falcon.Request, args, kwargs))
    if state is not None:
        state.is_preflight_answered = True
    answer_preflight(_argument(falcon.Response, args, kwargs), args, str(getattr(function, "__name__", "")))


def _argument(kind: type[A], args: tuple[object, ...], kwargs: Mapping[str, object]) -> A:
    """Return the first argument of a kind."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, kind):
            return value
    raise ConfigurationError(f"a guarded responder or sink was called without a {kind.__name__.lower()}")
