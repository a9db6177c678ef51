r"""Strict JSON: each accepted text has one meaning, and none is expensive to parse.

Facts:

* RFC 7515 §4, RFC 7519 §4: member names are unique, or the token is rejected. Some parsers keep the last duplicate and
  some the first (RFC 8725 §2.4).
* RFC 8259 §6: JSON has no ``NaN`` and no infinity. Python's parser accepts both, and parses ``1e400`` as infinity.
* RFC 7493 §2.1: a lone surrogate is not a character. Python parses ``"\ud800"`` and cannot encode the result.
* Only the interpreter's stack limits the depth in Python's parser. Given bytes, it also accepts UTF-16 and UTF-32;
  RFC 7519 §3 requires UTF-8.

The fast path of ``parse_object`` proves unique names by counting, which costs a sixth of building pairs. In a text
without a backslash every quote is a delimiter, and where no blank follows a quote every member has exactly one ``":``.
If there are as many of these as names in the parsed object, no name occurs twice. Any other text takes the slow path.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TypeAlias, cast

from praetorian_core.errors import InvalidTokenError
from praetorian_core.frozen import FrozenDict, FrozenList

JSONValue: TypeAlias = "dict[str, JSONValue] | list[JSONValue] | str | int | float | bool | None"

MAX_DEPTH = 32
"""The maximum nesting of objects and arrays, the outermost included."""

MAX_INTEGER_BITS = 8192
"""The maximum size of an integer; Python refuses to parse one of more than 4300 digits."""


class _NotStrictError(ValueError):
    """The reason why a text or value is not strict JSON; it never quotes the text."""


def _reject_constant(name: str) -> float:
    raise _NotStrictError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotStrictError("a number is too large for a float")
    return value


def _unique(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotStrictError("a member name occurs twice")
    return members


_fast = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite).raw_decode
_slow = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite, object_pairs_hook=_unique).decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=True).encode

# A whole string, so that brackets inside it are skipped, or one bracket. An unterminated string extends to the end of
# the text; otherwise each of its escaped quotes would start another attempt, in quadratic time.
_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)

# A text of at most this length holds no integer of more than MAX_INTEGER_BITS: 10**2466 - 1 has 8192 of them.
_DIGITS = len(str(1 << MAX_INTEGER_BITS)) - 1

# The remainder of a flat object after everything is deleted but opening brackets, backslashes and the blanks that a
# string cannot hold unescaped: one brace, and up to two arrays.
_DELETED = bytes(octet for octet in range(256) if octet not in b"{[\\\t\n\r")
_FLAT = frozenset({b"{", b"{[", b"{[["})


def parse_object(data: bytes, what: str) -> dict[str, JSONValue]:
    """Return the JSON object that the bytes hold.

    Args:
        data: UTF-8 without a byte order mark.
        what: What is parsed, for the error.

    Raises:
        InvalidTokenError: The bytes are not UTF-8, not JSON or not an object, repeat a name, nest deeper than
            ``MAX_DEPTH``, or hold a number or a character that JSON cannot carry.

    See:
        RFC 7515 §4, RFC 7519 §7.2, RFC 8725 §2.4.
    """
    try:
        text = data.decode()
        if data.translate(None, _DELETED) in _FLAT and text[0] == "{" and '" ' not in text and len(text) <= _DIGITS:
            members: dict[str, JSONValue]
            members, end = _fast(text)
            if end == len(text) and text.count('":') == len(members):
                return members
        value = parse(text)
    except _NotStrictError as error:
        raise InvalidTokenError(f"the {what} is not strict JSON: {error}") from None
    except ValueError as error:
        # The messages of Python's own errors may quote the token.
        raise InvalidTokenError(f"the {what} is not strict JSON: {type(error).__name__}") from None
    if type(value) is not dict:
        raise InvalidTokenError(f"the {what} is a JSON {type(value).__name__}; expected an object")
    return value


def parse(text: str) -> JSONValue:
    """Return the JSON value of a text.

    Raises:
        ValueError: The text is not JSON, repeats a name in an object, nests deeper than ``MAX_DEPTH``, or holds a
            number or a character that JSON cannot carry. The message never quotes the text.
    """
    _check_depth(text)
    try:
        value: JSONValue = _slow(text)
    except _NotStrictError:
        raise
    except (ValueError, RecursionError) as error:
        reason = type(error).__name__
    else:
        check_value(value)
        return value
    # Outside of the except block: a JSONDecodeError carries the whole text.
    raise _NotStrictError(reason)


def _check_depth(text: str) -> None:
    # Counts brackets outside of strings. An escape is two characters, so an escaped quote does not end its string.
    depth = 0
    for bracket in _BRACKETS.findall(text):
        if bracket in ("{", "["):
            depth += 1
            _check_nesting(depth - 1)
        elif bracket in ("}", "]"):
            depth -= 1


def check_value(value: object, *, depth: int = 0) -> None:
    """Raise unless the value survives a JSON round trip unchanged.

    Args:
        value: Any Python object.
        depth: How many objects and arrays enclose it.

    Raises:
        ValueError: The value is or holds something that JSON cannot carry exactly; the message names it without the
            value.
    """
    # Exact types: a subclass, such as an IntEnum, would come back as its parent.
    if type(value) in (dict, FrozenDict):
        _check_nesting(depth)
        members = cast("dict[object, object]", value)
        for name, member in members.items():
            if type(name) is not str:
                raise _NotStrictError(f"has a {type(name).__name__} as a member name; expected str")
            check_value(name)
            check_value(member, depth=depth + 1)
    elif type(value) in (list, FrozenList):
        _check_nesting(depth)
        elements = cast("list[object]", value)
        for element in elements:
            check_value(element, depth=depth + 1)
    elif type(value) is str:
        if not is_text(value):
            raise _NotStrictError("holds a lone surrogate, which is no character (RFC 7493 §2.1)")
    elif type(value) is float:
        if not math.isfinite(value):
            raise _NotStrictError("holds a number that is not finite, which JSON cannot express (RFC 8259 §6)")
    elif type(value) is int:
        if value.bit_length() > MAX_INTEGER_BITS:
            raise _NotStrictError(f"holds an integer of more than {MAX_INTEGER_BITS} bits")
    elif value is not None and type(value) is not bool:
        raise _NotStrictError(f"holds a {type(value).__name__}; expected dict, list, str, int, float, bool or None")


def _check_nesting(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise _NotStrictError(f"nests deeper than {MAX_DEPTH}")


def is_text(value: str) -> bool:
    """Return whether a string can be encoded as UTF-8, which a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def dump_object(members: Mapping[str, object]) -> bytes:
    """Return the compact JSON text, in UTF-8, of an object that ``check_value`` accepts."""
    return _encode(members).encode()
