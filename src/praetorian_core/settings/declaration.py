"""Declaration of one setting: its key, its check and its documentation.

A declaration is the metadata of an attrs field of ``Settings``. The reading of configuration, the search for mistyped
keys and docs/settings.md use the declarations, so a setting is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, cast

import attrs

from praetorian_core.errors import ConfigurationError
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.messages import shown

_METADATA = "praetorian"

Check: TypeAlias = "Callable[[Declaration, object], None]"
"""Raises ConfigurationError if the value cannot be used."""


@attrs.frozen(kw_only=True)
class Declaration:
    """What is known about one setting, except its attribute, type and default, which the attrs field holds.

    Attributes:
        key: The key in a framework's configuration.
        check: Raises if a value cannot be used. It runs on construction, also while attrs' own validators are disabled.
        section: The heading of docs/settings.md that lists the setting.
        does: What the setting does.
        change: When to change it.
        example: A value as Python source.
        unit: The unit of the value; empty if it has none.
        needs_store: Whether the setting has no effect without a store.
        needs_cookies: Whether the setting has no effect unless ``JWT_PLACES`` includes ``cookie``.
    """

    key: str
    check: Check
    section: str
    does: str
    change: str
    example: str
    unit: str = ""
    needs_store: bool = False
    needs_cookies: bool = False

    def error(self, expected: str, found: str) -> ConfigurationError:
        """Return the error for a value that cannot be used.

        Args:
            expected: What the value must be.
            found: What it is, as text that holds no secret.
        """
        return ConfigurationError(
            f"{self.key} must be {expected}; got {found}; write for example {self.key} = {self.example}"
        )


def declare(
    key: str,
    check: Check,
    *,
    section: str,
    does: str,
    change: str,
    example: str,
    unit: str = "",
    needs_store: bool = False,
    needs_cookies: bool = False,
) -> dict[str, Declaration]:
    """Return the metadata of an attrs field; see ``Declaration`` for the arguments."""
    declaration = Declaration(
        key=key,
        check=check,
        section=section,
        does=does,
        change=change,
        example=example,
        unit=unit,
        needs_store=needs_store,
        needs_cookies=needs_cookies,
    )
    return {_METADATA: declaration}


def declaration_of(field: attrs.Attribute[object]) -> Declaration:
    """Return the declaration in the field's metadata."""
    return cast("Declaration", field.metadata[_METADATA])


def must_be(expected: str, accepts: Callable[[object], bool], *, show: Callable[[object], str] = shown) -> Check:
    """Return a check that raises unless ``accepts`` returns True.

    Args:
        expected: What the value must be, for the message.
        accepts: Whether the value can be used.
        show: What the message shows of a value that cannot.
    """

    def check(setting: Declaration, value: object) -> None:
        if not accepts(value):
            raise setting.error(expected, show(value))

    return check


def flag() -> Check:
    """Return a check for a bool."""
    return must_be("True or False", lambda value: type(value) is bool)


def whole_seconds(most: int) -> Check:
    """Return a check for an int from 0 to ``most``."""
    return must_be(f"whole seconds from 0 to {most}", lambda value: type(value) is int and 0 <= value <= most)


def seconds(most: int) -> Check:
    """Return a check for a number above 0 and at most ``most``."""

    def accepts(value: object) -> bool:
        # NaN compares False with every number.
        return type(value) in (int, float) and 0 < cast("float", value) <= most

    return must_be(f"seconds above 0 and at most {most}", accepts)


def one_of(choices: Iterable[str]) -> Check:
    """Return a check for one of several strings."""
    allowed = tuple(choices)
    return must_be(" or ".join(map(repr, allowed)), lambda value: type(value) is str and value in allowed)


def to_seconds(value: Lifespan) -> int:
    """Convert a lifespan to seconds; return any other value unchanged, for the check to reject it with its key."""
    try:
        return parse_lifespan(value)
    except ConfigurationError:
        return cast("int", value)


def check_lifespan(setting: Declaration, value: object) -> None:
    """Raise unless the value is a lifespan."""
    parse_lifespan(value, name=setting.key)


def check_optional_lifespan(setting: Declaration, value: object) -> None:
    """Raise unless the value is a lifespan or 0, which switches the setting off."""
    if type(value) is not int or value != 0:
        check_lifespan(setting, value)
