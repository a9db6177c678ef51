"""``DeprecationWarning``: a name of flask-praetorian, and what it becomes.

A call within the drop-in does not warn, so that each warning names a line of the application.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from praetorian_flask.migration_table import ATTRIBUTES, NAMES

P = ParamSpec("P")
R = TypeVar("R")

_OWN = __name__.rpartition(".")[0]


def warn_of(name: str, becomes: str, *, stacklevel: int = 1) -> None:
    """Emit the warning for one name.

    Args:
        name: The name.
        becomes: The new way to write it.
        stacklevel: The frames between the caller of this function and the line that the warning names.
    """
    warnings.warn(
        f"flask-praetorian's {name} becomes {becomes}; see docs/migration.md",
        DeprecationWarning,
        stacklevel=stacklevel + 1,
    )


def moved(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that warns of its new name; Python shows a warning once per line by default."""
    return moved_as(function.__name__)(function)


def moved_as(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that does the same for a function which belongs to another name."""
    advice = NAMES.get(name) or ATTRIBUTES[name]
    return lambda function: _warning(function, name, advice.becomes)


def _warning(function: Callable[P, R], name: str, becomes: str) -> Callable[P, R]:
    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _called_by_the_drop_in():
            warn_of(name, becomes, stacklevel=2)
        return function(*args, **kwargs)

    return call


def _called_by_the_drop_in() -> bool:
    frame = inspect.currentframe()
    for _ in range(2):
        frame = None if frame is None else frame.f_back
    module: object = None if frame is None else frame.f_globals.get("__name__")
    return isinstance(module, str) and module.startswith(f"{_OWN}.")
