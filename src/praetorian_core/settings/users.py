"""Settings of the application's users."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import cast

import attrs

from praetorian_core.errors import ConfigurationError
from praetorian_core.messages import shown
from praetorian_core.protocols import DEFAULT_VALIDATION_METHOD
from praetorian_core.settings.declaration import declare, flag, must_be
from praetorian_core.token.strict_json import is_text


def _is_parser(value: object) -> bool:
    return value is None or (callable(value) and not inspect.iscoroutinefunction(value))


def _to_roles(value: Iterable[str] | None) -> tuple[str, ...] | None:
    if value is None or isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return cast("None", value)  # None stays None; the check rejects any other value.
    # str.__str__ returns the value of a member of an enum of str.
    return tuple(str.__str__(name) if isinstance(name, str) else name for name in value)


def _are_roles(value: object) -> bool:
    return value is None or (
        type(value) is tuple and value != () and all(_is_role(name) for name in cast("tuple[object, ...]", value))
    )


def _is_role(name: object) -> bool:
    return type(name) is str and name != "" and name == name.strip() and "," not in name and is_text(name)


def _show_parser(value: object) -> str:
    return "a coroutine function" if inspect.iscoroutinefunction(value) else shown(value)


def _is_method_name(value: object) -> bool:
    return type(value) is str and value.isidentifier()


@attrs.frozen(kw_only=True, slots=False)
class UserSettings:
    """Settings of the application's users."""

    parse_identity: Callable[[str], object] | None = attrs.field(
        default=None,
        metadata=declare(
            "PRAETORIAN_PARSE_IDENTITY",
            must_be("a plain function of one str", _is_parser, show=_show_parser),
            section="Users",
            does=(
                "Converts the text in `sub` to the identity that `identify` takes, and raises `ValueError` for a text that "
                "is no identity. A token holds an int or a str as it is, and any other identity as its text."
            ),
            change="Set it if identities are UUIDs or of another type. Without it, issuing a token to such a user raises.",
            example="uuid.UUID",
        ),
    )
    roles_disabled: bool = attrs.field(
        default=False,
        metadata=declare(
            "PRAETORIAN_ROLES_DISABLED",
            flag(),
            section="Users",
            does="Whether tokens hold no roles. The user class then needs no `rolenames`, and role decorators raise.",
            change="Set it to `True` if the application has no roles.",
            example="True",
        ),
    )
    roles: tuple[str, ...] | None = attrs.field(
        default=None,
        converter=_to_roles,
        metadata=declare(
            "PRAETORIAN_ROLES",
            must_be("None or a list of role names, without blanks around a name and without commas", _are_roles),
            section="Users",
            does=(
                "The names of all roles. A decorator that requires another name makes Flask answer every request with 500, "
                "and Falcon every authenticated request to its route; the log names the role. Members of an enum of str "
                "count as their values."
            ),
            change="Set it to find mistyped role names.",
            example='["admin", "editor"]',
        ),
    )
    validation_method: str = attrs.field(
        default=DEFAULT_VALIDATION_METHOD,
        metadata=declare(
            "USER_CLASS_VALIDATION_METHOD",
            must_be("the name of a method", _is_method_name),
            section="Users",
            does=(
                "The method of a user that returns whether the account is active. It is called at login, at issue, at refresh "
                "and for action tokens. A user class without `is_valid` is always active; any other method must exist."
            ),
            change="Set it if the user class has such a method under another name.",
            example='"is_active"',
        ),
    )

    def check_role_names(self, names: Iterable[str]) -> None:
        """Raise if a required role is not one of the configured roles.

        Args:
            names: The names that a decorator or a policy requires.

        Raises:
            ConfigurationError: ``PRAETORIAN_ROLES`` is set and lacks a name.
        """
        if self.roles is None:
            return
        for name in names:
            if name not in self.roles:
                nearest = difflib.get_close_matches(name, self.roles, n=1, cutoff=0.0)
                raise ConfigurationError(
                    f"a required role must be one of PRAETORIAN_ROLES; got {shown(str.__str__(name))}; "
                    f"did you mean {nearest[0]!r}?"
                )
