"""What a flow may ask of the world around it.

A flow (``flows``) never calls the application, the store or the hasher: it yields one of these questions and is sent
the answer by a driver (``runner.py``). ``ask`` gives the answer its type:

    user = yield from ask(FindUser(username))
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from praetorian_core.events import Event

A = TypeVar("A")
T = TypeVar("T")


class Question(Generic[A]):
    """Something a flow needs to know or to have done; ``A`` is the type of the answer."""

    __slots__ = ()


# Any stands here for "whichever answer belongs to the question yielded last", which Python cannot write down.
Flow: TypeAlias = Generator[Question[Any], Any, T]


def ask(question: Question[A]) -> Flow[A]:
    """Put the question and return its answer."""
    answer: A = yield question
    return answer


@attrs.frozen
class FindUser(Question[object]):
    """Who logs in with this name? The user, or None."""

    username: str


@attrs.frozen
class IdentifyUser(Question[object]):
    """Whose identity is this? The user, or None."""

    identity: object


@attrs.frozen
class UserFacts:
    """What a token says of a user: ``identity`` and ``rolenames`` as found, None where roles are disabled."""

    identity: object
    rolenames: object


@attrs.frozen
class DescribeUser(Question[UserFacts]):
    """What are this user's identity and role names?"""

    user: object = attrs.field(repr=False)


@attrs.frozen
class ReadIdentity(Question[object]):
    """What is this user's identity?"""

    user: object = attrs.field(repr=False)


@attrs.frozen
class ReadPassword(Question[object]):
    """What is this user's stored password hash?"""

    user: object = attrs.field(repr=False)


@attrs.frozen
class CheckActive(Question[object]):
    """May this user still act? Only ``True`` says so."""

    user: object = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class PasswordCheck:
    """Whether a password fits a stored hash, and whether that hash should be made anew.

    Attributes:
        matches: Whether the password is the one that was hashed.
        outdated: Whether it matches a hash of other parameters than the present ones. Never true of a failure.
    """

    matches: bool
    outdated: bool


@attrs.frozen
class CheckPassword(Question[PasswordCheck]):
    """Does this password fit this stored hash? Costs one hash whatever is handed in."""

    password: object = attrs.field(repr=False)
    hashed: object = attrs.field(repr=False)


@attrs.frozen
class RenewPassword(Question[None]):
    """Store this user's password under a hash of the present cost."""

    user: object = attrs.field(repr=False)
    password: str = attrs.field(repr=False)


@attrs.frozen
class GetState(Question["list[str | None]"]):
    """What does the store hold under these keys?"""

    keys: tuple[str, ...]
    now: int


@attrs.frozen
class CompareAndSetState(Question[bool]):
    """Set the key iff it still holds what was expected."""

    key: str
    expected: str | None
    new: str
    expires_at: int
    now: int


@attrs.frozen
class IncrementState(Question[int]):
    """Add to the key's counter and tell the sum."""

    key: str
    amount: int
    expires_at: int
    now: int


@attrs.frozen
class Emit(Question[None]):
    """Tell the operator."""

    event: Event
