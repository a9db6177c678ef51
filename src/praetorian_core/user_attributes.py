"""Reads the attributes that the application's users have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from praetorian_core.errors import ConfigurationError
from praetorian_core.protocols import DEFAULT_VALIDATION_METHOD


def is_collection(value: object) -> bool:
    """Return whether a value is an iterable of names: neither one text nor a mapping."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def read_attribute(user: object, name: str, wanted: str) -> object:
    """Return an attribute of a user.

    Raises:
        ConfigurationError: The user has no such attribute.
    """
    try:
        value: object = getattr(user, name)
    except AttributeError:
        raise ConfigurationError(
            f"{type(user).__name__} instances have no attribute {name!r}; give them one, {wanted}"
        ) from None
    return value


def check_active(user: object, name: str) -> object:
    """Return the answer of a user's validation method; a user class may lack the default one.

    Raises:
        ConfigurationError: The user has no such method.
    """
    try:
        method: object = getattr(user, name)
    except AttributeError:
        # The class has the property, and reading it failed.
        if hasattr(type(user), name):
            raise
        if name != DEFAULT_VALIDATION_METHOD:
            raise ConfigurationError(
                f"{type(user).__name__} instances have no method {name!r}; write: def {name}(self) -> bool"
            ) from None
        return True
    if not callable(method):
        raise ConfigurationError(
            f"{type(user).__name__}.{name} is {type(method).__name__}; write: def {name}(self) -> bool"
        )
    answer: object = method()
    return answer
