"""Facts about views that every adapter's decorators need: the originals that they wrap, and exemptions.

A decorator that stands above ``@app.get`` guards a function that no route calls; the framework registered the original.
``ViewRegistry.unguarded`` finds such views once all routes are known.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeVar
from weakref import ref

from praetorian_core.errors import ConfigurationError

V = TypeVar("V")

_ANY_ARGUMENTS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


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
        for view in chain(original):
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
        return any(each in self._exempt for each in chain(view))

    def unguarded(self, registered: Mapping[str, object]) -> Iterator[str]:
        """Yield the names of registered views that a decorator has wrapped, but whose wrapper is not registered.

        A framework may register a function of its own around the view; its ``__wrapped__`` is the view.

        Args:
            registered: The views that the framework calls, by a name for the error message.
        """
        chains = {name: list(chain(view)) for name, view in registered.items()}
        covered = _IdentitySet()
        for links in chains.values():
            outermost = next((i for i, link in enumerate(links) if link in self._guarded), len(links))
            for link in links[outermost + 1 :]:
                covered.add(link)
        for name, view in registered.items():
            if self._is_less_than_written(list(_named_chain(view)), covered):
                yield name

    def _is_less_than_written(self, links: list[object], covered: _IdentitySet) -> bool:
        guards = [link in self._guarded for link in links]
        for i, link in enumerate(links):
            if any(guards[:i]):
                return False
            # A guarded view may have a stronger guard in a second route, if that route exists.
            if link in self._originals and not (any(guards[i:]) and link in covered):
                return True
        return False


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


def _function(view: object) -> object:
    # A bound method is a new object at each access; its function is not.
    return view.__func__ if isinstance(view, types.MethodType) else view


def chain(view: object) -> Iterator[object]:
    """Yield a view and every view that it wraps, from the outside in, also without ``functools.wraps``."""
    return _follow(view, lambda link: _named(link, _passed_through(link)))


def _named_chain(view: object) -> Iterator[object]:
    """Yield a view and every view that it says it wraps.

    Two registered views may call one function, one of them guarded. Without ``functools.wraps`` they are two views.
    """
    return _follow(view, lambda link: _named(link, None))


def _follow(view: object, within: Callable[[object], object | None]) -> Iterator[object]:
    seen: set[int] = set()
    while view is not None and id(view) not in seen:
        view = _function(view)
        seen.add(id(view))
        yield view
        view = within(view)


def _named(view: object, default: object | None) -> object | None:
    return getattr(view, "func" if isinstance(view, partial) else "__wrapped__", default)


def _passed_through(view: object) -> object | None:
    """Return the one function that a wrapper holds in its closure and passes any arguments on to, or None.

    A view that calls another view has parameters of its own, and is not a wrapper.
    """
    if not isinstance(view, types.FunctionType) or _ANY_ARGUMENTS & ~view.__code__.co_flags:
        return None
    held = [cell.cell_contents for cell in view.__closure__ or () if _is_set(cell)]
    functions = [each for each in held if isinstance(each, types.FunctionType | types.MethodType)]
    return functions[0] if len(functions) == 1 else None


def _is_set(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # The variable is assigned later.
        return False
