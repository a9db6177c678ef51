r"""JSON as a token may carry it: one meaning for every text, and no text that costs too much to read.

Facts:

* RFC 7515 §4, RFC 7519 §4: member names are unique, or the token is refused; parsers that keep the last one disagree
  with those that keep the first (RFC 8725 §2.4).
* RFC 8259 §6: there is no ``NaN`` and no infinity. Python's parser takes both, and reads ``1e400`` as infinity.
* RFC 7493 §2.1: a lone surrogate is no character. ``"\ud800"`` parses in Python and cannot be encoded again.
* Python's parser has no limit on depth but the interpreter's stack, and detects UTF-16 and UTF-32 where it is handed
  bytes; RFC 7519 §3 wants UTF-8.

The ordinary way through ``parse_object`` proves uniqueness by counting, which costs a sixth of building pairs: in a text
without a backslash every quote is a delimiter, and where no blank follows a quote every member holds exactly one ``":``.
So if there are as many of these as names in the parsed object, no name occurred twice. Any doubt takes the careful way.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TypeAlias, cast

from praetorian_core.errors import InvalidTokenError

JSONValue: TypeAlias = "dict[str, JSONValue] | list[JSONValue] | str | int | float | bool | None"

MAX_DEPTH = 32
"""How many objects and arrays may lie inside each other, the outermost included."""

MAX_INTEGER_BITS = 8192
"""How long an integer may be; Python itself refuses to read back one of more than 4300 digits."""


class _Refused(ValueError):
    """Raised inside the parser's hooks."""


def _refuse_constant(name: str) -> float:
    detail = f"{name} is not JSON"
    raise _Refused(detail)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        detail = "a number is beyond what a float holds"
        raise _Refused(detail)
    return value


def _unique(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        detail = "a member name occurs twice"
        raise _Refused(detail)
    return members


_begin = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).raw_decode
_careful = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique).decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=True).encode

# A string as a whole, so that the brackets inside it are passed over, or one bracket. A string without an end is taken
# to the text's end: were it left, each of its escaped quotes would be tried as the next beginning, in quadratic time.
_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)

# A text that is no longer than this holds no integer of more than MAX_INTEGER_BITS: 10**2466 - 1 has 8192 of them.
_DIGITS = len(str(1 << MAX_INTEGER_BITS)) - 1


# What is left of a flat object when all is taken away but braces, brackets that open, backslashes and blanks other than
# the space, which cannot stand inside a string unescaped: one brace, and an array or two.
_DELETED = bytes(octet for octet in range(256) if octet not in b"{[\\\t\n\r")
_FLAT = frozenset({b"{", b"{[", b"{[["})


def parse_object(data: bytes, what: str) -> dict[str, JSONValue]:
    """Return the one JSON object that the bytes hold.

    Args:
        data: UTF-8 without a byte order mark.
        what: What is being read, for the error.

    Raises:
        InvalidTokenError: The bytes are not UTF-8, not JSON, not an object, repeat a name, nest deeper than
            ``MAX_DEPTH``, or hold a number or a character that JSON cannot carry.

    See:
        RFC 7515 §4, RFC 7519 §7.2, RFC 8725 §2.4.
    """
    try:
        text = data.decode()
        if data.translate(None, _DELETED) in _FLAT and text[0] == "{" and '" ' not in text and len(text) <= _DIGITS:
            members: dict[str, JSONValue]
            members, end = _begin(text)
            if end == len(text) and text.count('":') == len(members):
                return members
        _check_depth(text)
        value: JSONValue = _careful(text)
        check_value(value)
    # RecursionError cannot come from a text of bounded depth; it is refused here all the same.
    except (ValueError, RecursionError) as error:
        # The parser's own text may quote the token's.
        reason = str(error) if isinstance(error, _Refused) else type(error).__name__
        detail = f"the {what} is not strict JSON: {reason}"
        raise InvalidTokenError(detail) from None
    if type(value) is not dict:
        detail = f"the {what} is a JSON {type(value).__name__}; expected an object"
        raise InvalidTokenError(detail)
    return value


def _check_depth(text: str) -> None:
    # Outside strings only; an escape is two characters, so that an escaped quote does not end its string.
    depth = 0
    for bracket in _BRACKETS.findall(text):
        if bracket in ("{", "["):
            depth += 1
            _check_nesting(depth - 1)
        elif bracket in ("}", "]"):
            depth -= 1


def check_value(value: object, *, depth: int = 0) -> None:
    """Accept what comes back from JSON as it went in, and nothing else.

    Args:
        value: Any Python object.
        depth: How many objects and arrays lie around it.

    Raises:
        ValueError: The value is or holds something that JSON cannot carry exactly; the text says what, without the
            value itself.
    """
    # Exact types: a subclass, an IntEnum say, would come back as its parent.
    if type(value) is dict:
        _check_nesting(depth)
        members = cast("dict[object, object]", value)
        for name, member in members.items():
            if type(name) is not str:
                detail = f"has a {type(name).__name__} as a member name; expected str"
                raise _Refused(detail)
            check_value(name)
            check_value(member, depth=depth + 1)
    elif type(value) is list:
        _check_nesting(depth)
        elements = cast("list[object]", value)
        for element in elements:
            check_value(element, depth=depth + 1)
    elif type(value) is str:
        if not is_text(value):
            detail = "holds a lone surrogate, which is no character (RFC 7493 §2.1)"
            raise _Refused(detail)
    elif type(value) is float:
        if not math.isfinite(value):
            detail = "holds a number that is not finite, which JSON has no word for (RFC 8259 §6)"
            raise _Refused(detail)
    elif type(value) is int:
        if value.bit_length() > MAX_INTEGER_BITS:
            detail = f"holds an integer of more than {MAX_INTEGER_BITS} bits"
            raise _Refused(detail)
    elif value is not None and type(value) is not bool:
        detail = f"holds a {type(value).__name__}; expected dict, list, str, int, float, bool or None"
        raise _Refused(detail)


def _check_nesting(depth: int) -> None:
    if depth >= MAX_DEPTH:
        detail = f"nests deeper than {MAX_DEPTH}"
        raise _Refused(detail)


def is_text(value: str) -> bool:
    """Tell whether a string consists of characters, that is, can be encoded as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def dump_object(members: Mapping[str, object]) -> bytes:
    """Return the compact UTF-8 JSON text of what ``check_value`` accepts."""
    return _encode(members).encode()
