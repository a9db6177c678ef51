"""Settings of the application's users."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import attrs

from praetorian_core.messages import shown
from praetorian_core.settings.declaration import declare, flag, must_be

DEFAULT_VALIDATION_METHOD = "is_valid"
"""A user class may lack this method; it must have any other that is configured."""


def _is_parser(value: object) -> bool:
    return value is None or (callable(value) and not inspect.iscoroutinefunction(value))


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
            does="Turns the text in `sub` into the identity that `identify` takes. It raises `ValueError` for other text.",
            change="Set it if identities are UUIDs or another type that a token holds as text.",
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
    validation_method: str = attrs.field(
        default=DEFAULT_VALIDATION_METHOD,
        metadata=declare(
            "USER_CLASS_VALIDATION_METHOD",
            must_be("the name of a method", _is_method_name),
            section="Users",
            does=(
                "The method of a user that returns whether the account is active. It is called at login, at refresh "
                "and for action tokens. A user class without `is_valid` is always active; any other method must exist."
            ),
            change="Set it if the user class has such a method under another name.",
            example='"is_active"',
        ),
    )
