"""Immutable JSON containers, which a JSON encoder, ``pickle`` and ``copy`` accept.

They derive from ``dict`` and ``list``, because the encoder of ``json`` takes no other mapping or sequence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

F = TypeVar("F")


def freeze(value: object) -> object:
    """Return a JSON value whose containers, at every depth, cannot be changed."""
    if type(value) is dict:
        return freeze_members(cast("dict[str, object]", value))
    if type(value) is list:
        return FrozenList(map(freeze, cast("list[object]", value)))
    return value


def freeze_members(members: Mapping[str, object]) -> Mapping[str, object]:
    """Return an immutable JSON object of these members."""
    if type(members) is FrozenDict:
        return members
    if not members:
        return _NO_MEMBERS
    for value in members.values():
        if type(value) is dict or type(value) is list:
            return FrozenDict((name, freeze(value)) for name, value in members.items())
    # Most claims are scalars; a copy costs a third of the generator.
    return FrozenDict(members)


def _refuse(self: object, *_arguments: object, **_options: object) -> NoReturn:
    raise TypeError(f"{type(self).__name__} cannot be changed; write dict(…) or list(…) for a copy")


def _itself(self: F, *_memo: object) -> F:
    return self


class FrozenDict(dict[str, object]):
    """A ``dict`` that cannot be changed."""

    __slots__ = ()

    if not TYPE_CHECKING:  # For type checkers the methods keep the signatures of dict.
        __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse
        __copy__ = __deepcopy__ = _itself

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, object]]]:
        """Return what ``pickle`` needs: it would otherwise fill the copy member by member."""
        return FrozenDict, (dict(self),)


class FrozenList(list[object]):
    """A ``list`` that cannot be changed."""

    __slots__ = ()

    if not TYPE_CHECKING:  # For type checkers the methods keep the signatures of list.
        __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
        append = clear = extend = insert = pop = remove = reverse = sort = _refuse
        __copy__ = __deepcopy__ = _itself

    def __reduce__(self) -> tuple[type[FrozenList], tuple[list[object]]]:
        """Return what ``pickle`` needs: it would otherwise fill the copy element by element."""
        return FrozenList, (list(self),)


_NO_MEMBERS = FrozenDict()
