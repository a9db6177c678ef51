"""Lifespans as flask-praetorian takes them: a timedelta, a dict, or a text such as ``"1 day, 2 hours"``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from praetorian_core import errors
from praetorian_core.lifespan import parse_lifespan
from praetorian_flask.compat._errors import ConfigurationError


def duration_from_string(text: str) -> timedelta:
    """Return a text such as ``"7 days, 45 minutes"`` or ``"1y11d20m"`` as a timedelta.

    Raises:
        ConfigurationError: The text cannot be read.
    """
    return to_duration(text, "lifespan")


def to_duration(value: object, name: str) -> timedelta:
    """Return a lifespan in any of its forms as a timedelta.

    Args:
        value: A timedelta, a dict of units, a text, or integer seconds. Zero is kept: flask-praetorian takes it for a
            token that has expired already.
        name: The name of the setting, for the message.

    Raises:
        ConfigurationError: The value cannot be read.
    """
    if _is_zero(value):
        return timedelta()
    if isinstance(value, timedelta):
        # pendulum's durations are timedeltas; a fraction of a second is dropped, as from the dates in a token.
        value = timedelta(days=value.days, seconds=value.seconds)
    try:
        return timedelta(seconds=parse_lifespan(value, name=name))
    except errors.ConfigurationError as error:
        raise ConfigurationError(str(error)) from None


def _is_zero(value: object) -> bool:
    amounts = cast("Mapping[str, object]", value).values() if isinstance(value, Mapping) else [value]
    return bool(amounts) and all(type(amount) in (int, float, timedelta) and not amount for amount in amounts)
