"""Facts about views that every adapter's decorators need: the originals they wrap, exemptions, role names.

A decorator that stands above ``@app.get`` guards a function that no route calls; the framework registered the original.
``ViewRegistry.unguarded`` finds such views once all routes are known.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar
from weakref import ref

from praetorian_core.errors import ConfigurationError

V = TypeVar("V")


class _IdentitySet:
    """A weak set that compares by identity: decorators copy attributes, and not every callable is hashable."""

    def __init__(self) -> None:
        self._held: dict[int, object] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, item: object) -> bool:
        held = self._held.get(id(item))
        return item is (held() if isinstance(held, ref) else held)

    def add(self, item: object) -> None:
        key = id(item)
        try:
            self._held[key] = ref(item, lambda _: self._held.pop(key, None))
        except TypeError:  # No weak references to it; a view lives as long as its process anyway.
            self._held[key] = item


class ViewRegistry:
    """The views that one adapter's decorators have seen."""

    def __init__(self) -> None:
        """Start without views."""
        self._guarded = _IdentitySet()
        self._originals = _IdentitySet()
        self._exempt = _IdentitySet()

    def record(self, guarded: object, original: object) -> None:
        """Remember that ``guarded`` is to be registered instead of ``original``."""
        self._guarded.add(guarded)
        for view in _chain(original):
            self._originals.add(view)

    def exempt(self, view: object) -> None:
        """Remember that a view is open although its blueprint, class or namespace is guarded."""
        self._exempt.add(_function(view))

    def has_exempt(self) -> bool:
        """Return whether any view is exempt."""
        return len(self._exempt) > 0

    def is_guarded(self, view: object) -> bool:
        """Return whether the view was returned by a decorator that guards."""
        return _function(view) in self._guarded

    def is_exempt(self, view: object) -> bool:
        """Return whether the view, or one that it wraps, is exempt."""
        return any(each in self._exempt for each in _chain(view))

    def unguarded(self, registered: Mapping[str, object]) -> Iterator[str]:
        """Yield the names of registered views that a decorator has wrapped, but whose wrapper is not registered.

        Args:
            registered: The views that the framework calls, by a name for the error message.
        """
        within = _IdentitySet()
        for view in registered.values():
            for inner in list(_chain(view))[1:]:
                within.add(inner)
        for name, registered_view in registered.items():
            view = _function(registered_view)
            # One view may be guarded by more in a second route, if the route to that one exists.
            if view in self._originals and not (view in self._guarded and view in within):
                yield name


def role_names(decorator: str, names: Iterable[object]) -> tuple[str, ...]:
    """Return the role names that a decorator was given; members of str enums become their values.

    Args:
        decorator: The name of the decorator, for error messages.
        names: Its arguments.

    Raises:
        ConfigurationError: There is no name, or one that is not the name of one role.
    """
    given = tuple(names)
    if not given:
        raise ConfigurationError(f"{decorator} needs at least one role; write @{decorator}('admin')")
    return tuple(_role_name(decorator, name) for name in given)


def _role_name(decorator: str, name: object) -> str:
    write = f"write @{decorator}('admin')"
    if isinstance(name, enum.Enum) and isinstance(name.value, str):
        name = name.value
    found = type(name).__name__
    if callable(name):
        raise ConfigurationError(f"{decorator} was applied to {_described(name)} without its roles; {write}")
    if isinstance(name, Collection) and not isinstance(name, str):
        raise ConfigurationError(f"{decorator} takes role names, not a {found}; write @{decorator}('admin', 'editor')")
    if not isinstance(name, str):
        raise ConfigurationError(f"{decorator} takes role names of type str; got {found}; {write}")
    if not name or name != name.strip():
        raise ConfigurationError(
            f"{decorator} was given the role {name!r}, which is empty or has outer blanks; {write}"
        )
    if "," in name:
        parts = ", ".join(repr(part.strip()) for part in name.split(","))
        raise ConfigurationError(f"{decorator} takes one role per argument; got {name!r}; write @{decorator}({parts})")
    return str(name)


def check_applied(decorator: str, views: tuple[V, ...]) -> V:
    """Return the one view that a decorator without arguments was applied to.

    Raises:
        ConfigurationError: It was called with none, or with something that cannot be called.
    """
    if not views:
        raise ConfigurationError(f"{decorator} takes no parentheses; write @{decorator}")
    view = views[0]
    if len(views) > 1 or isinstance(view, str):
        raise ConfigurationError(f"{decorator} takes no roles; write @{decorator}, or @roles_required('admin')")
    return view


def _described(view: object) -> str:
    kind = "the class" if isinstance(view, type) else "the view"
    return f"{kind} {getattr(view, '__name__', type(view).__name__)}"


def _function(view: object) -> object:
    # A bound method is a new object at each access; its function is not.
    return view.__func__ if isinstance(view, types.MethodType) else view


def _chain(view: object) -> Iterator[object]:
    """Yield a view and every view that it wraps, from the outside in."""
    seen: set[int] = set()
    while view is not None and id(view) not in seen:
        view = _function(view)
        seen.add(id(view))
        yield view
        view = getattr(view, "__wrapped__", None)
