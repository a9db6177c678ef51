"""What a responder, a sink or a whole resource class demands, written above it.

Every decorator asks the guard afresh, so their order among each other means nothing and none trusts another. They stay
above ``@falcon.before``: what is outermost runs first.

A decorated class is guarded responder by responder, whatever a route calls for: suffixed ones, ``on_request``,
``on_websocket``, inherited ones, and those of its subclasses, which are wrapped when a subclass is made. Left out is
``on_options``, which tells what a later request may do; one that tells more is decorated by itself. Falcon's own answer
to ``OPTIONS`` is untouched.

What a class decorator cannot see it does not guard: a responder that is assigned later, to the class or to an instance,
and those of a subclass whose other base has an ``__init_subclass__`` that does not call ``super()``.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Protocol, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

import attrs
import falcon
import falcon.routing

from praetorian_core import all_roles, any_role
from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import Policy
from praetorian_core.web.request import is_preflight
from praetorian_falcon.request import async_guard, plain_guard, request_info, state_of

T = TypeVar("T")

_METHODS = [method for method in (*falcon.COMBINED_METHODS, "REQUEST") if method != "OPTIONS"]
_RESPONDER = re.compile(rf"on_({'|'.join(re.escape(method.lower()) for method in _METHODS)})(_\w+)?")
_SINK_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_DEMANDS = "__praetorian_demands__"


class _View(Protocol):
    def __call__(self, /, *args: object, **kwargs: object) -> object: ...


class _Holder(Protocol):
    __func__: object


class _Hook(Protocol):
    def __call__(self, subclass: type, /, **options: object) -> None: ...


@attrs.frozen(eq=False)
class _Demand:
    """What one decorator demands; two of them are never the same."""

    policy: Policy | None = None
    optional: bool = False


_GUARDED: WeakKeyDictionary[object, frozenset[_Demand]] = WeakKeyDictionary()
"""What each of our wrappers demands, those within it included."""

_HOOKS: WeakSet[_Hook] = WeakSet()
"""Our own ``__init_subclass__`` functions."""


def auth_required(target: T) -> T:
    """Let a responder, a sink or a resource class act only for a request with a good token.

    Raises:
        MissingTokenError: There is no token.
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: something else was decorated.
    """
    return _guarded(target, _Demand())


def auth_accepted(target: T) -> T:
    """Let a responder, a sink or a resource class act with a good token or with none; a bad one is refused all the same.

    Raises:
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: something else was decorated.
    """
    return _guarded(target, _Demand(optional=True))


def roles_required(*names: str) -> Callable[[T], T]:
    """Let a responder, a sink or a resource class act only for a principal who holds all of these roles.

    Raises:
        MissingRoleError: A role is missing.
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: no name, or one that is not a str. In a request: roles are disabled.
    """
    return policy_required(all_roles(*names))


def roles_accepted(*names: str) -> Callable[[T], T]:
    """Let a responder, a sink or a resource class act only for a principal who holds one of these roles.

    Raises:
        MissingRoleError: None of them is held.
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: no name, or one that is not a str. In a request: roles are disabled.
    """
    return policy_required(any_role(*names))


def policy_required(policy: Policy) -> Callable[[T], T]:
    """Let a responder, a sink or a resource class act only for a principal who satisfies the policy.

    Example::

        @policy_required(any_role("editor", "admin") & all_roles("staff"))
        def on_put(self, req, resp): ...

    Raises:
        MissingRoleError: It is not satisfied.
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: not a policy. In a request: roles are disabled.
    """
    if not isinstance(policy, Policy):
        detail = f"policy_required was given {type(policy).__name__}; write a policy, as in all_roles('admin')"
        raise ConfigurationError(detail)

    def decorate(target: T) -> T:
        return _guarded(target, _Demand(policy=policy))

    return decorate


def _guarded(target: T, demand: _Demand) -> T:
    if isinstance(target, type):
        demands = cast("tuple[_Demand, ...]", vars(target).get(_DEMANDS, ()))
        setattr(target, _DEMANDS, (*demands, demand))
        _guard_class(target)
        return cast("T", target)
    guarded = _guarded_member(target, (demand,))
    if guarded is None:
        detail = f"expected a responder, a sink or a resource class, found {type(target).__name__}"
        raise ConfigurationError(detail)
    return cast("T", guarded)


def _guard_class(kind: type) -> None:
    """Guard every responder of a class, and see to it that the classes derived from it are guarded as well."""
    demands = _demands_of(kind)
    for name in filter(_RESPONDER.fullmatch, dir(kind)):
        member: object = inspect.getattr_static(kind, name)
        missing = [demand for demand in demands if demand not in _demands_on(member)]
        if not missing or not (callable(member) or hasattr(member, "__get__")):
            continue  # ``on_get = None`` takes an inherited responder away.
        guarded = _guarded_member(member, missing)
        if guarded is None:
            detail = f"{kind.__name__}.{name} is a {type(member).__name__}, which cannot be guarded; write a method"
            raise ConfigurationError(detail)
        setattr(kind, name, guarded)
    own = cast("_Hook | None", getattr(vars(kind).get("__init_subclass__"), "__func__", None))
    if own is None or own not in _HOOKS:
        hook = _subclass_hook(kind, own)
        _HOOKS.add(hook)
        setattr(kind, "__init_subclass__", classmethod(hook))  # noqa: B010  (the checkers take it for a method)


def _subclass_hook(kind: type[object], own: _Hook | None) -> _Hook:
    def guard_subclass(subclass: type, /, **options: object) -> None:
        if own is None:
            super(kind, subclass).__init_subclass__(**options)  # type: ignore[misc]
        else:
            own(subclass, **options)
        _guard_class(subclass)

    return guard_subclass


def _demands_of(kind: type) -> list[_Demand]:
    """Return what is demanded of a class: its own decorators' demands and those of every base."""
    return [demand for base in kind.__mro__ for demand in cast("tuple[_Demand, ...]", vars(base).get(_DEMANDS, ()))]


def _demands_on(member: object) -> frozenset[_Demand]:
    """Return what one of our wrappers demands; by identity, because other decorators copy attributes."""
    function: object = getattr(member, "__func__", member)
    return _GUARDED.get(function, frozenset()) if isinstance(function, types.FunctionType) else frozenset()


def _guarded_member(member: object, demands: Iterable[_Demand]) -> object | None:
    """Return a function, or one within a static or a class method, with guards around it; None for anything else."""
    if isinstance(member, staticmethod | classmethod):
        within = cast("_View | None", _guarded_member(cast("_Holder", member).__func__, demands))
        again = cast("Callable[[_View], object]", type(cast("object", member)))
        return None if within is None else again(within)
    if not isinstance(member, types.FunctionType | types.MethodType):
        return None
    view: _View = member
    for demand in demands:
        wrapper = _wrapped(view, demand)
        _GUARDED[wrapper] = _demands_on(view) | {demand}
        view = wrapper
    return view


def _wrapped(view: _View, demand: _Demand) -> _View:
    if inspect.iscoroutinefunction(view):

        @wraps(view)
        async def guarded_coroutine(*args: object, **kwargs: object) -> object:
            req = _request_among(args, kwargs)
            seen = request_info(req)
            if is_preflight(seen):
                _answer_preflight(view, args, kwargs)
                return None
            state = state_of(req)
            guard = async_guard(state)
            admit = guard.admit_optional if demand.optional else guard.admit
            state.principal = await admit(seen, demand.policy)
            return await cast("Awaitable[object]", view(*args, **kwargs))

        return guarded_coroutine

    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> object:
        req = _request_among(args, kwargs)
        seen = request_info(req)
        if is_preflight(seen):
            _answer_preflight(view, args, kwargs)
            return None
        state = state_of(req)
        guard = plain_guard(state)
        admit = guard.admit_optional if demand.optional else guard.admit
        state.principal = admit(seen, demand.policy)
        return view(*args, **kwargs)

    return guarded


def _request_among(args: tuple[object, ...], kwargs: Mapping[str, object]) -> falcon.Request:
    for value in (*args, *kwargs.values()):
        if isinstance(value, falcon.Request):
            return value
    detail = "a guarded responder or sink was called without a request"
    raise ConfigurationError(detail)


def _answer_preflight(view: _View, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Answer as Falcon itself answers OPTIONS; the view does not run, because nobody was asked for a token."""
    resp = next(value for value in (*args, *kwargs.values()) if isinstance(value, falcon.Response))
    resp.status = falcon.HTTP_200
    resp.set_header("Allow", ", ".join(_methods(next(iter(args), None), str(getattr(view, "__name__", "")))))
    resp.content_length = 0


def _methods(owner: object, name: str) -> Sequence[str]:
    if not name.startswith("on_options"):
        # A sink says nowhere which methods it takes.
        return _SINK_METHODS
    suffix = name.removeprefix("on_options").removeprefix("_") or None
    mapped = falcon.routing.map_http_methods(owner, suffix)
    return sorted(method for method in mapped if method not in {"OPTIONS", "WEBSOCKET"})
