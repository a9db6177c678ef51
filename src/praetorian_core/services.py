"""The dependencies that answer a flow's questions: the user class, the store, the hasher and the event sink."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NoReturn, Protocol, TypeAlias, TypeVar, runtime_checkable

import attrs

from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.events import CallFailed, Event, Sink
from praetorian_core.executor import Executor
from praetorian_core.failures import is_raised_here, package_of, place_of
from praetorian_core.hash_turn import HashTurn
from praetorian_core.protocols import AsyncStore, AsyncUserSource, Store, UserSource

_LOG = logging.getLogger("praetorian")

T = TypeVar("T")

Users: TypeAlias = UserSource[object] | AsyncUserSource[object]
AnyStore: TypeAlias = Store | AsyncStore
# NoReturn is the type that fits every parameter: the application's function takes its own user class.
SaveHash: TypeAlias = Callable[[NoReturn, str, str], object]


@runtime_checkable
class Closable(Protocol):
    """A store with connections to close."""

    def close(self) -> None:
        """Close the connections."""
        ...


@runtime_checkable
class AsyncClosable(Protocol):
    """A store with connections of an event loop to close."""

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        ...


class Hasher(Protocol):
    """The part of ``PasswordHasher`` that questions call."""

    def check(self, raw: object, hashed: object, *, turn: HashTurn) -> object:
        """See ``PasswordHasher.check``."""
        ...

    def hash(self, raw: object, *, turn: HashTurn) -> str:
        """See ``PasswordHasher.hash``."""
        ...

    def rehash(self, raw: object, *, turn: HashTurn) -> str:
        """See ``PasswordHasher.rehash``."""
        ...


class HashExecutor(Protocol):
    """Runs the hasher under asyncio."""

    async def run(self, call: Callable[[], T], turn: HashTurn) -> T:
        """See ``HashExecutor.run`` in ``login.hash_queue``."""
        ...

    def close(self) -> None:
        """See ``HashExecutor.close`` in ``login.hash_queue``."""
        ...


@attrs.frozen(kw_only=True)
class Services:
    """The dependencies of one guard. A property raises ``ConfigurationError`` if its dependency is absent.

    Attributes:
        store: Keeps sessions, spent action tokens and login counters.
        validation_method: The name of the method that returns whether a user is active.
        with_roles: Whether users have role names.
        on_event: Receives events.
        store_executor: Runs store calls under asyncio; None for a store that never waits, which the event loop calls.
        store_timeout: How long a store call may take under asyncio, in seconds.
        store_name: Names the store and its setting for the operator, without a password; None if no setting names it.
        log_tracebacks: Whether the traceback of a failed call is logged.
        after_thread_call: Called in the thread of each call of the application that runs in one; None for no call.
    """

    _users: Users | None = attrs.field(alias="users")
    _passwords: Hasher | None = attrs.field(alias="passwords")
    _save_password: SaveHash | None = attrs.field(alias="save_password")
    _hash_executor: HashExecutor | None = attrs.field(alias="hash_executor")
    store: AnyStore
    validation_method: str
    with_roles: bool
    on_event: Sink
    store_executor: Executor | None
    store_timeout: float
    store_name: str | None = None
    log_tracebacks: bool = False
    after_thread_call: Callable[[], object] | None = None

    @property
    def users(self) -> Users:
        """The application's user class."""
        return _present(self._users, "users", "Guard(User, settings)")

    @property
    def passwords(self) -> Hasher:
        """Hashes and checks passwords."""
        return _present(self._passwords, "passwords", "passwords=PasswordHasher()")

    @property
    def save_password(self) -> SaveHash:
        """Stores a user's new password hash, given the user, the new and the former hash."""
        return _present(self._save_password, "save_password", "save_password=a function of a user and two hashes")

    @property
    def hash_executor(self) -> HashExecutor:
        """Runs the hasher under asyncio."""
        return _present(self._hash_executor, "passwords", "passwords=PasswordHasher()")

    def close_threads(self) -> None:
        """Let the threads end once they are idle."""
        for executor in (self._hash_executor, self.store_executor):
            if executor is not None:
                executor.close()

    def emit(self, event: Event) -> None:
        """Hand an event to ``on_event``; an exception in there is logged and changes no decision."""
        try:
            self.on_event(event)
        except Exception as error:  # noqa: BLE001  (an application's sink may raise anything)
            # Without the traceback: the text of an exception may hold a secret.
            _LOG.error("on_event raised %s for %s", type(error).__name__, type(event).__name__)

    def report(self, what: str, error: Exception, now: int, target: str | None = None) -> None:
        """Emit ``CallFailed``.

        It holds the text of an error that the core raised. The text of any other exception may hold a secret, so it
        holds the type of that.
        """
        is_own = isinstance(error, PraetorianError) and is_raised_here(error)
        failure = str(error) if is_own and str(error) != what else type(error).__name__
        self.emit(
            CallFailed(at=now, what=what, failure=failure, where=place_of(error, self._application()), target=target)
        )
        if self.log_tracebacks:
            _LOG.error("%s failed", what, exc_info=error)

    def _application(self) -> str:
        users: object = self._users
        return package_of((users if isinstance(users, type) else type(users)).__module__)


def _present(service: T | None, name: str, remedy: str) -> T:
    if service is None:
        raise ConfigurationError(f"this call needs {name}, and the guard has none; write {remedy}")
    return service
