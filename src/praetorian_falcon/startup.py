"""Checks of an application at its first request, when its routes are registered.

A decorator that runs after ``app.add_route`` guards a function that no route calls. The route itself shows it: Falcon
keeps the bound responders, which are compared with what the decorators wrapped.
"""

from __future__ import annotations

import functools
import gc
import inspect
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, cast

import falcon

from praetorian_falcon.guarded import VIEWS, demands_of, demands_within


class _Node(Protocol):
    """Node of Falcon's ``CompiledRouter``."""

    children: Iterable[_Node]
    method_map: Mapping[str, object] | None
    resource: object
    uri_template: str | None


def application_of(req: falcon.Request) -> object | None:
    """Return the application that serves a request, or None.

    Falcon passes its options to the request, but not the application. ``init_app`` knows the application; for middleware
    that was added by hand it is found through its options, which is slow and done once.
    """
    for owner in cast("list[object]", gc.get_referrers(req.options)):
        if isinstance(owner, falcon.App):
            return cast("object", owner)
    return None


def find_fault(app: object) -> str | None:
    """Return why an application must not serve: a guard that has no effect; None if there is no fault."""
    registered = dict(_registered(app))
    unguarded = sorted({*VIEWS.unguarded(registered), *_without_demands(app)})
    if not unguarded:
        return None
    names = ", ".join(unguarded)
    return (
        f"the guard of {names} has no effect, because an undecorated function is registered; decorate the class, "
        "responder or sink before app.add_route(...) or app.add_sink(...), and define the responders in the class"
    )


def _registered(app: object) -> Iterator[tuple[str, object]]:
    for node in _nodes(app):
        for method, responder in (node.method_map or {}).items():
            yield f"{_name(node.resource, responder)} ({method} {node.uri_template})", responder
    for path, sink, _ in _sinks(app):
        yield f"the sink {getattr(sink, '__name__', type(sink).__name__)} ({path})", sink


def _without_demands(app: object) -> Iterator[str]:
    """Yield the responders and sinks of guarded classes that do not carry the demands of their class."""
    for node in _nodes(app):
        for method, responder in (node.method_map or {}).items():
            if method != "OPTIONS" and not _is_falcons(responder) and not _meets_demands(responder, node.resource):
                yield f"{_name(node.resource, responder)} ({method} {node.uri_template})"
    for path, sink, owner in _sinks(app):
        if not _meets_demands(sink, owner):
            yield f"the sink {_name(owner, sink)} ({path})"


def _meets_demands(function: object, owner: object) -> bool:
    demands = demands_of(owner if isinstance(owner, type) else type(owner))
    if not demands or VIEWS.is_exempt(function):
        return True
    found = demands_within(function)
    return all(any(demand.is_met_by(other) for other in found) for demand in demands)


def _nodes(app: object) -> Iterator[_Node]:
    # A custom router may keep its routes elsewhere.
    waiting = list(cast("Iterable[_Node]", getattr(getattr(app, "_router", None), "_roots", ())))
    while waiting:
        node = waiting.pop()
        waiting.extend(node.children)
        if node.resource is not None:
            yield node


def _sinks(app: object) -> Iterator[tuple[object, object, object]]:
    """Yield path, function and object of each sink; a sink may be a function, a method or an object with ``__call__``."""
    for entry in cast("Iterable[tuple[object, object]]", getattr(app, "_sinks", ())):
        path: object = getattr(entry[0], "pattern", entry[0])
        sink, owner = entry[1], cast("object", getattr(entry[1], "__self__", None))
        if isinstance(sink, types.FunctionType | types.MethodType | functools.partial):
            yield path, cast("object", sink), owner
        else:
            yield path, inspect.getattr_static(type(sink), "__call__", sink), sink


def _is_falcons(responder: object) -> bool:
    return str(getattr(responder, "__module__", "")).startswith("falcon.")


def _name(owner: object, function: object) -> str:
    kind = owner if isinstance(owner, type) else type(owner)
    return f"{kind.__name__}.{getattr(function, '__name__', type(function).__name__)}"
