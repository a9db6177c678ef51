"""Conversion of a lifespan ("15 minutes", a timedelta, a dict or a number) to whole seconds.

Facts:

* A NumericDate may have a fraction (RFC 7519 §2), but a lifespan is a whole number of seconds, so that ``rf_exp`` is
  carried from token to token unchanged.
* A month is 30 days and a year 365 days.
* Letter case has no meaning: ``M`` is a minute like ``m``; a month is ``mo``.
* A value that is not understood completely raises. It is never read in part, so a mistyped lifespan is found at start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeAlias, cast

from praetorian_core.errors import ConfigurationError
from praetorian_core.messages import shown

Lifespan: TypeAlias = timedelta | Mapping[str, float] | str | int
"""A timedelta, ``{"minutes": 15}``, ``"1 day, 2 hours"``, or integer seconds."""

_SECONDS: dict[str, int] = {
    "years": 365 * 86_400,
    "months": 30 * 86_400,
    "weeks": 7 * 86_400,
    "days": 86_400,
    "hours": 3_600,
    "minutes": 60,
    "seconds": 1,
}

_NAMES: dict[str, str] = {
    name: unit
    for unit, names in {
        "years": "y year years",
        "months": "mo month months",
        "weeks": "w week weeks",
        "days": "d day days",
        "hours": "h hr hrs hour hours",
        "minutes": "m min mins minute minutes",
        "seconds": "s sec secs second seconds",
    }.items()
    for name in names.split()
}

# 400 times the longest token of flask-praetorian. The current time plus this stays far below 2**53, above which
# JavaScript cannot count integers.
_LONGEST_DAYS = 400_000_000
_LONGEST = _LONGEST_DAYS * 86_400

# A number, a unit and the separator before the next. No text matches it in two ways and each match starts where the
# last one ended, so the time is linear.
_PART = re.compile(r"([0-9]+)[ \t\r\n]*([a-z]+)[ \t\r\n]*(,?)[ \t\r\n]*", re.IGNORECASE | re.ASCII)
_BLANK = " \t\r\n"
_DIGITS = 15  # A longer number exceeds the longest lifespan and is slow to convert.
_NUMBER = re.compile(rf"[0-9]{{1,{_DIGITS}}}")
_MAX_COMPARED = 80


def parse_lifespan(value: object, *, name: str = "lifespan") -> int:
    """Return a lifespan as whole seconds, greater than zero.

    Args:
        value: A ``timedelta``; a mapping of ``years`` (365 days), ``months`` (30 days), ``weeks``, ``days``, ``hours``,
            ``minutes`` and ``seconds`` to numbers; a string of numbers with units in any order, each unit at most once
            (``"1 day, 2 hours"``, ``"15m"``, ``"1mo,2m"``, ``"12d1h1s"``); or integer seconds.
        name: The name of the setting or argument, for the message.

    Returns:
        Seconds, from 1 to 400 000 000 days.

    Raises:
        ConfigurationError: The value is of another form, has a fraction of a second, is not above zero, or is longer
            than 400 000 000 days.

    Example:
        >>> parse_lifespan("1 day, 2 hours")
        93600
        >>> parse_lifespan({"minutes": 15})
        900
    """
    try:
        return _bounded(_read(value))
    except _Refusal as refusal:
        raise ConfigurationError(
            f"{name} must be a timedelta, a dict, a string with units or integer seconds; got {shown(value)}, which "
            f"{refusal}; write {refusal.write}"
        ) from None


class _Refusal(Exception):
    """The reason why a value is not a lifespan; the message puts it after "which"."""

    def __init__(self, reason: str, write: str = "for example {'minutes': 15}, '15 minutes' or 900") -> None:
        super().__init__(reason)
        self.write = write


def _bounded(total: int) -> int:
    if total <= 0:
        raise _Refusal("is not above zero")
    if total > _LONGEST:
        raise _Refusal(f"is longer than {_LONGEST_DAYS} days")
    return total


def _read(value: object) -> int:
    if isinstance(value, timedelta):
        return _whole(value)
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, Mapping):
        return _read_mapping(cast("Mapping[object, object]", value))
    # A bool is an int in Python, but not a lifespan.
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _Refusal(f"is of type {type(value).__name__}")


def _whole(value: timedelta) -> int:
    # total_seconds() returns a float, which cannot hold the longest timedelta with its microseconds.
    if value.microseconds:
        raise _Refusal("is not a whole number of seconds")
    return value.days * 86_400 + value.seconds


def _read_mapping(value: Mapping[object, object]) -> int:
    if not value:
        raise _Refusal("is empty")
    total = timedelta()
    for key, amount in value.items():
        if not isinstance(key, str) or key not in _SECONDS:
            raise _Refusal(f"has the unknown key {shown(key)}{_nearest(key, _SECONDS)}")
        if isinstance(amount, bool) or not isinstance(amount, (int, float)):
            raise _Refusal(f"has {key} of type {type(amount).__name__}")
        # NaN compares False with every number.
        if not amount >= 0:
            raise _Refusal(f"has {key} below zero")
        try:
            # A timedelta rounds to microseconds, so 0.1 minutes are exactly six seconds.
            total += timedelta(seconds=_SECONDS[key]) * amount
        except OverflowError:
            raise _Refusal(f"is longer than {_LONGEST_DAYS} days") from None
    return _whole(total)


def _read_text(text: str) -> int:
    text = text.strip(_BLANK)
    if not text:
        raise _Refusal("is empty")
    if _NUMBER.fullmatch(text):
        raise _Refusal("is a number without a unit", f"{int(text)} or '{text} seconds'")
    amounts: dict[str, int] = {}
    position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            rest = text[position : position + _MAX_COMPARED]
            raise _Refusal(f"has no number with a unit at {shown(rest)}")
        number, word, comma = part.groups()
        unit = _NAMES.get(word.lower())
        if unit is None:
            raise _Refusal(f"has the unknown unit {shown(word)}{_nearest(word.lower(), _NAMES)}")
        if unit in amounts:
            raise _Refusal(f"names {unit} twice")
        if len(number) > _DIGITS:
            raise _Refusal(f"has a number of {len(number)} digits, more than {_DIGITS}")
        position = part.end()
        if comma and position == len(text):
            raise _Refusal("ends with a comma")
        amounts[unit] = int(number)
    return sum(amount * _SECONDS[unit] for unit, amount in amounts.items())


def _nearest(found: object, known: Mapping[str, object]) -> str:
    # Imported here because only an error needs it.
    from difflib import get_close_matches

    # The comparison is quadratic in the length.
    matches = get_close_matches(str(found)[:_MAX_COMPARED].lower(), known, n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""
