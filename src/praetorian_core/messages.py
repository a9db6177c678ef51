"""The text that error messages show of a value."""

from __future__ import annotations

_MAX_SHOWN = 80


def shown(value: object) -> str:
    """Return the value's repr, cut to 80 characters."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001  (the class of the value may raise anything)
        # Python raises ValueError for an integer of several thousand digits.
        text = f"a huge {type_name(value)}" if isinstance(error, ValueError) else f"a {type_name(value)} without a repr"
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def type_name(value: object) -> str:
    """Return the name of the value's type, for a value that a message must not show."""
    return type(value).__name__
