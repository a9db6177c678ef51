"""Lifespans as flask-praetorian takes them: a timedelta, a dict, or a text such as ``"1 day, 2 hours"``."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from praetorian_core import errors
from praetorian_core.lifespan import parse_lifespan
from praetorian_flask.compat._errors import ConfigurationError

_LOG = logging.getLogger("praetorian")

_LOOSE = re.compile(
    "".join(
        rf"(?:(?P<{name}>[0-9]{{1,9}}){unit}[a-z]*)?"
        for name, unit in (
            ("years", "y"),
            ("months", "mo"),
            ("days", "d"),
            ("hours", "h"),
            ("minutes", "m"),
            ("seconds", "s"),
        )
    )
)


def duration_from_string(text: str) -> timedelta:
    """Return a text such as ``"7 days, 45 minutes"`` or ``"1y11d20m"`` as a timedelta.

    Raises:
        ConfigurationError: The text cannot be read.
    """
    return to_duration(text, "lifespan")


def to_duration(value: object, name: str) -> timedelta:
    """Return a lifespan in any of its forms as a timedelta.

    Args:
        value: A timedelta, a dict of units, a text, or integer seconds. Zero and less is kept: tests of applications
            issue a token that has expired already.
        name: The name of the setting, for the message.

    Raises:
        ConfigurationError: The value cannot be read.
    """
    if isinstance(value, timedelta):
        # pendulum's durations are timedeltas; a fraction of a second is dropped, as from the dates in a token.
        value = timedelta(days=value.days, seconds=value.seconds)
    if isinstance(value, timedelta) and value <= timedelta():
        return value
    if _is_zero(value):
        return timedelta()
    negated = _negated(value)
    if negated is not None:
        return -to_duration(negated, name)
    try:
        return timedelta(seconds=parse_lifespan(value, name=name))
    except errors.ConfigurationError as error:
        read = _read_loosely(value) if isinstance(value, str) else None
        if read is None:
            raise ConfigurationError(str(error)) from None
        _LOG.warning("%s is read as %s, as flask-praetorian did, although %s", name, read, error)
        return read


def _is_zero(value: object) -> bool:
    amounts = cast("Mapping[str, object]", value).values() if isinstance(value, Mapping) else [value]
    return bool(amounts) and all(type(amount) in (int, float) and not amount for amount in amounts)


def _negated(value: object) -> object:
    """Return a dict of amounts that are all negative with the opposite amounts; None for anything else."""
    if not isinstance(value, Mapping):
        return None
    amounts = cast("Mapping[str, object]", value)
    numbers = {unit: amount for unit, amount in amounts.items() if isinstance(amount, int | float) and amount < 0}
    return {unit: -amount for unit, amount in numbers.items()} if numbers and numbers.keys() == amounts.keys() else None


def _read_loosely(text: str) -> timedelta | None:
    """Return the amounts that a text begins with, in the order of the units, and ignore the rest of it."""
    found = _LOOSE.match(re.sub("[ ,]", "", text).lower())
    parts = {unit: int(amount) for unit, amount in found.groupdict().items() if amount} if found is not None else {}
    if not parts:
        return None
    days = 365 * parts.pop("years", 0) + 30 * parts.pop("months", 0) + parts.pop("days", 0)
    return timedelta(days=days, **parts)
