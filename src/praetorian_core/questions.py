"""Questions: what a flow needs to know or to have done.

A flow (``flows``) never calls the application, the store or the hasher. It yields a question and receives the answer
from a runner (``runner.py``). ``ask`` gives the answer its type:

    user = yield from ask(FindUser(username))

A question answers itself: ``call`` returns the function that the runner calls, ``is_valid`` checks what it returned.
"""

from __future__ import annotations

import enum
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any, ClassVar, Generic, NoReturn, TypeAlias, TypeVar, cast

import attrs

from praetorian_core.errors import ConfigurationError, PraetorianError, ServiceUnavailableError
from praetorian_core.events import Event
from praetorian_core.hash_turn import HashTurn
from praetorian_core.services import Services
from praetorian_core.user_attributes import check_active, is_collection, read_attribute

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
T = TypeVar("T")


class Place(enum.Enum):
    """Where a question is answered under asyncio, unless it is answered by a coroutine function."""

    LOOP = enum.auto()
    APPLICATION = enum.auto()
    STORE = enum.auto()


class Question(ABC, Generic[A_co]):
    """A question whose answer is of type ``A_co``.

    Attributes:
        what: Names the call in events and errors.
        valid_answer: Describes a valid answer in errors.
        place: Where the question is answered under asyncio.
    """

    __slots__ = ()

    what: ClassVar[str]
    valid_answer: ClassVar[str]
    place: ClassVar[Place] = Place.APPLICATION

    @abstractmethod
    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the function that answers; its result may be awaitable."""

    def is_valid(self, answer: object) -> bool:
        """Return whether an answer has the right type."""
        return not inspect.isawaitable(answer)

    def rejection(self, answer: object, _services: Services, /) -> PraetorianError:
        """Return the error for an answer that is not valid."""
        return ServiceUnavailableError(f"{self.what} returned {type(answer).__name__}; expected {self.valid_answer}")


# Any stands for "the answer to the question yielded last", which Python's types cannot express.
Flow: TypeAlias = Generator[Question[Any], Any, T]


def ask(question: Question[A]) -> Flow[A]:
    """Yield the question and return its answer."""
    answer: A = yield question
    return answer


class _UserQuestion(Question[object]):
    """A question whose answer is a user or None."""

    __slots__ = ()

    valid_answer = "a user or None"

    def is_valid(self, answer: object) -> bool:
        """Return whether the answer may be a user; a bool is the mistake of an application that means None."""
        return type(answer) is not bool and super().is_valid(answer)

    def rejection(self, answer: object, _services: Services, /) -> PraetorianError:
        """Return the error for a bool, which is a mistake of the application."""
        return ConfigurationError(f"{self.what} returned {type(answer).__name__}; expected {self.valid_answer}")


@attrs.frozen
class FindUser(_UserQuestion):
    """Which user logs in with this name? The user, or None; always None for the name None."""

    what = "the user class's lookup"

    username: str | None

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of ``lookup``."""
        return (lambda: None) if self.username is None else partial(services.users.lookup, self.username)


@attrs.frozen
class IdentifyUser(_UserQuestion):
    """Which user has this identity? The user, or None."""

    what = "the user class's identify"

    identity: object

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of ``identify``."""
        # The application chooses the type of an identity.
        return partial(services.users.identify, cast("NoReturn", self.identity))


@attrs.frozen
class UserFacts:
    """A user's ``identity`` and ``rolenames`` as found; ``rolenames`` is None if roles are disabled."""

    identity: object
    rolenames: object


@attrs.frozen
class DescribeUser(Question[UserFacts]):
    """What are this user's identity and role names?"""

    what = "reading the user's attributes"
    valid_answer = "an identity and role names"

    user: object = attrs.field(repr=False)

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call that reads both attributes."""
        return partial(self._read, services.with_roles)

    def _read(self, with_roles: bool) -> UserFacts:  # noqa: FBT001  (private, and a setting)
        identity = read_attribute(self.user, "identity", "an int or a str")
        return UserFacts(identity, self._read_rolenames() if with_roles else None)

    def _read_rolenames(self) -> object:
        rolenames = read_attribute(self.user, "rolenames", "a list of str")
        # Iterated here, because iterating a lazy collection may query the application's database.
        return list(cast("Iterable[object]", rolenames)) if is_collection(rolenames) else rolenames


@attrs.frozen
class ReadIdentity(Question[object]):
    """What is this user's identity?"""

    what = "reading the user's attributes"
    valid_answer = "an int or a str"

    user: object = attrs.field(repr=False)

    def call(self, _services: Services, /) -> Callable[[], object]:
        """Return the call that reads ``identity``."""
        return partial(read_attribute, self.user, "identity", self.valid_answer)


@attrs.frozen
class ReadPassword(Question[object]):
    """What is this user's stored password hash?"""

    what = "reading the user's attributes"
    valid_answer = "the stored hash as a str"

    user: object = attrs.field(repr=False)

    def call(self, _services: Services, /) -> Callable[[], object]:
        """Return the call that reads ``password``."""
        return partial(read_attribute, self.user, "password", self.valid_answer)


@attrs.frozen
class Account:
    """A user's ``identity`` and stored password hash as found; both are None for no user."""

    identity: object = None
    hashed: object = attrs.field(default=None, repr=False)


@attrs.frozen
class ReadAccount(Question[Account]):
    """What are this user's identity and stored hash? One question, also for no user, so that every login asks as many."""

    what = "reading the user's attributes"
    valid_answer = "an identity and a stored hash"

    user: object = attrs.field(repr=False)

    def call(self, _services: Services, /) -> Callable[[], object]:
        """Return the call that reads both attributes."""
        return Account if self.user is None else self._read

    def _read(self) -> Account:
        identity = read_attribute(self.user, "identity", "an int or a str")
        return Account(identity, read_attribute(self.user, "password", "the stored hash as a str"))


@attrs.frozen
class CheckActive(Question["bool | int | None"]):
    """Is this user's account active? True or 1 means yes; False, 0 or None means no, and no user is not active."""

    what = "the user's validation method"
    valid_answer = "True or False"

    user: object = attrs.field(repr=False)

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of the validation method."""
        return (lambda: False) if self.user is None else partial(check_active, self.user, services.validation_method)

    def is_valid(self, answer: object) -> bool:
        """Return whether the answer is True, False, 1, 0 or None."""
        return answer is None or (type(answer) in (bool, int) and answer in (0, 1))

    def rejection(self, answer: object, services: Services, /) -> PraetorianError:
        """Return the error for another answer, which is a mistake of the application."""
        return ConfigurationError(
            f"{type(self.user).__name__}.{services.validation_method} returned {type(answer).__name__}; "
            f"expected {self.valid_answer}"
        )


@attrs.frozen(kw_only=True)
class PasswordCheck:
    """The result of checking a password against a stored hash.

    Attributes:
        matches: Whether the password is the one that was hashed.
        outdated: Whether the hash matches and has other parameters than the configured ones.
    """

    matches: bool
    outdated: bool


class HashingQuestion(Question[A]):
    """A question that computes a hash, in its turn."""

    __slots__ = ()

    turn: HashTurn


@attrs.frozen
class CheckPassword(HashingQuestion[PasswordCheck]):
    """Does this password match this stored hash? Every answer costs at least one hash."""

    what = "the password hasher"
    valid_answer = "a PasswordCheck"

    password: object = attrs.field(repr=False)
    hashed: object = attrs.field(repr=False)
    turn: HashTurn = attrs.field(factory=HashTurn, eq=False)

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of the hasher."""
        return partial(services.passwords.check, self.password, self.hashed, turn=self.turn)

    def is_valid(self, answer: object) -> bool:
        """Return whether the answer is a ``PasswordCheck``."""
        return type(answer) is PasswordCheck


@attrs.frozen
class HashPassword(HashingQuestion[str]):
    """What is the hash of this new password? The rules for new passwords are checked first."""

    what = "the password hasher"
    valid_answer = "a hash as a str"
    password: object = attrs.field(repr=False)
    turn: HashTurn = attrs.field(factory=HashTurn, eq=False)

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of the hasher."""
        return partial(services.passwords.hash, self.password, turn=self.turn)

    def is_valid(self, answer: object) -> bool:
        """Return whether the answer is a str."""
        return type(answer) is str


@attrs.frozen
class RenewPassword(HashingQuestion[object]):
    """Store this user's password under a hash with the configured parameters, unless the hash changed meanwhile."""

    what = "save_password"
    valid_answer = "nothing"

    user: object = attrs.field(repr=False)
    password: str = attrs.field(repr=False)
    former: str = attrs.field(repr=False)
    turn: HashTurn = attrs.field(factory=HashTurn, eq=False)

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call that hashes and saves."""
        return partial(self._renew, services)

    def _renew(self, services: Services) -> object:
        hashed = services.passwords.rehash(self.password, turn=self.turn)
        return services.save_password(cast("NoReturn", self.user), hashed, self.former)


@attrs.frozen
class GetState(Question["list[str | None]"]):
    """What are the live values of these keys in the store?"""

    what = "the store's get"
    valid_answer = "a list of one str or None for each key"
    place = Place.STORE

    keys: tuple[str, ...]
    now: int

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of ``get``."""
        return partial(services.store.get, *self.keys, now=self.now)

    def is_valid(self, answer: object) -> bool:
        """Return whether the answer is a list of one str or None for each key."""
        if not isinstance(answer, list):
            return False
        values = cast("list[object]", answer)
        return len(values) == len(self.keys) and all(value is None or type(value) is str for value in values)


@attrs.frozen
class CompareAndSetState(Question[bool]):
    """Set the key if it still holds the expected value."""

    what = "the store's compare_and_set"
    valid_answer = "True or False"
    place = Place.STORE

    key: str
    expected: str | None
    new: str
    expires_at: int
    now: int

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of ``compare_and_set``."""
        return partial(
            services.store.compare_and_set,
            self.key,
            self.expected,
            self.new,
            expires_at=self.expires_at,
            now=self.now,
        )

    def is_valid(self, answer: object) -> bool:
        """Return whether the answer is a bool."""
        return type(answer) is bool


@attrs.frozen
class IncrementState(Question[int]):
    """Add to the key's counter; the answer is the sum."""

    what = "the store's increment"
    valid_answer = "an int"
    place = Place.STORE

    key: str
    amount: int
    expires_at: int
    now: int

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of ``increment``."""
        return partial(services.store.increment, self.key, self.amount, expires_at=self.expires_at, now=self.now)

    def is_valid(self, answer: object) -> bool:
        """Return whether the answer is an int."""
        return type(answer) is int


@attrs.frozen
class Emit(Question[None]):
    """Hand this event to ``on_event``."""

    what = "on_event"
    valid_answer = "nothing"
    place = Place.LOOP

    event: Event

    def call(self, services: Services, /) -> Callable[[], object]:
        """Return the call of ``on_event``."""
        return partial(services.emit, self.event)
