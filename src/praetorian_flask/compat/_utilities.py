"""Helpers that applications import from ``flask_praetorian.utilities``."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar, overload

P = ParamSpec("P")
R = TypeVar("R")


def is_jsonable(instance: object) -> bool:
    """Return whether a value can be written as JSON."""
    try:
        json.dumps(instance)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


@overload
def deprecated(reason: str) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


@overload
def deprecated(reason: Callable[P, R]) -> Callable[P, R]: ...


def deprecated(reason: str | Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]] | Callable[P, R]:
    """Return a function that warns when it is called; used with or without a reason.

    Raises:
        TypeError: ``reason`` is neither a text nor a function.
    """
    if isinstance(reason, str):
        return lambda function: _warning(function, f" ({reason})")
    if callable(reason):
        return _warning(reason, "")
    raise TypeError(repr(type(reason)))


def _warning(function: Callable[P, R], reason: str) -> Callable[P, R]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        warnings.warn(f"call to the deprecated {function.__name__}{reason}", DeprecationWarning, stacklevel=2)
        return function(*args, **kwargs)

    return call
