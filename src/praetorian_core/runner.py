"""Who answers a flow's questions: the application, its store and the hasher, called directly or from asyncio.

Both drivers turn whatever an application or a store raises into ``ServiceUnavailableError`` and throw it into the flow,
so a failing call refuses and cannot admit. ``BaseException`` (a cancelled task, an interrupt) passes through untouched.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeAlias, TypeVar, cast

import attrs

from praetorian_core.errors import (
    ConfigurationError,
    PraetorianError,
    ServiceUnavailableError,
)
from praetorian_core.events import CallFailed, Event, Sink
from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.protocols import AsyncStore, AsyncUserSource, Store, UserSource
from praetorian_core.questions import (
    CheckActive,
    CheckPassword,
    CompareAndSetState,
    DescribeUser,
    Emit,
    FindUser,
    Flow,
    GetState,
    IdentifyUser,
    IncrementState,
    Question,
    ReadIdentity,
    ReadPassword,
    RenewPassword,
    UserFacts,
)
from praetorian_core.settings import DEFAULT_VALIDATION_METHOD

_LOG = logging.getLogger("praetorian")

T = TypeVar("T")

Users: TypeAlias = UserSource[object] | AsyncUserSource[object]

_WHAT: Mapping[type, str] = {
    FindUser: "the user class's lookup",
    IdentifyUser: "the user class's identify",
    DescribeUser: "reading the user's attributes",
    ReadIdentity: "reading the user's attributes",
    ReadPassword: "reading the user's attributes",
    CheckActive: "the user's validation method",
    CheckPassword: "the password hasher",
    RenewPassword: "save_password",
    GetState: "the store's get",
    CompareAndSetState: "the store's compare_and_set",
    IncrementState: "the store's increment",
}
"""How an operator is told which call failed."""

_ATTRIBUTES: Mapping[type, tuple[str, str]] = {
    ReadIdentity: ("identity", "an int or a str"),
    ReadPassword: ("password", "the stored hash as a str"),
}
"""Which attribute of a user answers, and what it must be."""

_SHAPES: Mapping[type, str] = {
    CheckActive: "True or False",
    GetState: "a list of one str or None for each key",
    CompareAndSetState: "True or False",
    IncrementState: "an int",
}
"""What an answer must be, where the flow depends on its shape."""


_ASKS_THE_STORE = frozenset[type]({GetState, CompareAndSetState, IncrementState})


class HashExecutor:
    """Threads in which a hasher's work is done under asyncio: as many as hash at once, and no others' threads.

    In the event loop's own threads, logins that queue for the hasher would keep every other blocking call waiting.
    """

    def __init__(self, passwords: PasswordHasher) -> None:
        """Serve one hasher; threads are started when they are needed."""
        self._slots = passwords.max_concurrent
        self._most = passwords.max_concurrent + passwords.max_waiting
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._pool = ThreadPoolExecutor(self._slots, thread_name_prefix="praetorian-hash")
        self._lock = threading.Lock()
        self._accepted = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Return what the call returns; context variables go along.

        Raises:
            ServiceUnavailableError: As many calls wait already as the hasher lets queue.
        """
        if self._process != os.getpid():
            # A fork copies the pool and none of its threads.
            self._start()
        with self._lock:
            if self._accepted >= self._most:
                detail = f"hashing is full: {self._accepted} calls compute or wait already"
                raise ServiceUnavailableError(detail, retry_after=1)
            self._accepted += 1
        context = contextvars.copy_context()
        work = self._pool.submit(context.run, call)
        # Also where the task was cancelled before its turn: then the call is never made.
        work.add_done_callback(self._finish)
        return await asyncio.wrap_future(work)

    def _finish(self, _work: Future[T]) -> None:
        with self._lock:
            self._accepted -= 1


@attrs.frozen(kw_only=True)
class Services:
    """Everybody a flow may ask. A guard without one of them refuses a call before its flow would ask.

    Attributes:
        users: The application's user class.
        validation_method: The name of the method that says whether a user may still act.
        with_roles: Whether users have role names.
        passwords: The hasher.
        store: Where sessions are remembered and attempts counted.
        save_password: Stores a user's new password hash.
        on_event: Is told what happened.
        hash_executor: Where the hasher works under asyncio.
        store_timeout: How long the store may take under asyncio, in seconds.
    """

    users: Users
    validation_method: str
    with_roles: bool
    passwords: PasswordHasher
    store: Store | AsyncStore
    save_password: Callable[[NoReturn, str], object]
    on_event: Sink
    hash_executor: HashExecutor
    store_timeout: float

    def answering(self, question: Question[object]) -> Callable[[], object]:
        """Return the call that answers a question."""
        match question:
            case FindUser():
                return partial(self.users.lookup, question.username)
            case IdentifyUser():
                # Which type an identity has is the application's affair.
                return partial(self.users.identify, cast("NoReturn", question.identity))
            case DescribeUser():
                return partial(self._describe, question.user)
            case ReadIdentity() | ReadPassword():
                return partial(_read_attribute, question.user, *_ATTRIBUTES[type(question)])
            case CheckActive():
                return partial(_ask_validity, question.user, self.validation_method)
            case CheckPassword():
                return partial(self.passwords.check, question.password, question.hashed)
            case RenewPassword():
                return partial(self._renew, question.user, question.password)
            case GetState():
                return partial(self.store.get, *question.keys, now=question.now)
            case CompareAndSetState():
                return partial(
                    self.store.compare_and_set,
                    question.key,
                    question.expected,
                    question.new,
                    expires_at=question.expires_at,
                    now=question.now,
                )
            case IncrementState():
                return partial(
                    self.store.increment,
                    question.key,
                    question.amount,
                    expires_at=question.expires_at,
                    now=question.now,
                )
            case Emit():
                return partial(self.announce, question.event)
            case _:
                detail = f"nobody answers a {type(question).__name__}"
                raise ConfigurationError(detail)

    def announce(self, event: Event) -> None:
        """Tell the operator. What goes wrong there neither grants nor refuses anything."""
        try:
            self.on_event(event)
        except Exception as error:  # noqa: BLE001  (an application's sink may raise anything)
            # Without the traceback: the text of an exception may hold anything.
            _LOG.error("on_event raised %s for %s", type(error).__name__, type(event).__name__)

    def report(self, what: str, error: Exception, now: int) -> None:
        """Tell the operator that a call failed, without the failure's own text."""
        self.announce(CallFailed(at=now, what=what, failure=type(error).__name__, where=_where(error)))

    def _describe(self, user: object) -> UserFacts:
        identity = _read_attribute(user, *_ATTRIBUTES[ReadIdentity])
        rolenames = _read_attribute(user, "rolenames", "a list of str") if self.with_roles else None
        return UserFacts(identity, rolenames)

    def _renew(self, user: object, password: str) -> object:
        return self.save_password(cast("NoReturn", user), self.passwords.rehash(password))


def _ask_validity(user: object, name: str) -> object:
    try:
        method: object = getattr(user, name)
    except AttributeError:
        # A property that failed is not a class that has none.
        if hasattr(type(user), name):
            raise
        if name != DEFAULT_VALIDATION_METHOD:
            detail = f"{type(user).__name__} instances have no method {name!r}; write: def {name}(self) -> bool"
            raise ConfigurationError(detail) from None
        # A user class without a validation method has no users that may not act.
        return True
    if not callable(method):
        detail = f"{type(user).__name__}.{name} is {type(method).__name__}; write: def {name}(self) -> bool"
        raise ConfigurationError(detail)
    answer: object = method()
    return answer


def _read_attribute(user: object, name: str, wanted: str) -> object:
    try:
        value: object = getattr(user, name)
    except AttributeError:
        detail = f"{type(user).__name__} instances have no attribute {name!r}; give them one, {wanted}"
        raise ConfigurationError(detail) from None
    return value


def _checked(question: Question[object], answer: object) -> object:
    """Return an answer of the right shape: a store that answers rubbish has failed."""
    good = True
    if isinstance(question, GetState):
        good = _are_values(answer, len(question.keys))
    elif isinstance(question, CompareAndSetState | CheckActive):
        good = type(answer) is bool
    elif isinstance(question, IncrementState):
        good = type(answer) is int
    if not good:
        kind = type(question)
        detail = f"{_WHAT[kind]} returned {type(answer).__name__}; expected {_SHAPES[kind]}"
        raise ServiceUnavailableError(detail)
    return answer


def _are_values(answer: object, count: int) -> bool:
    if not isinstance(answer, list):
        return False
    values = cast("list[object]", answer)
    return len(values) == count and all(value is None or type(value) is str for value in values)


def _failure(services: Services, question: Question[object], error: Exception, now: int) -> PraetorianError:
    """Return what a flow is told about a failed call, and tell the operator, without the failure's own text."""
    if isinstance(error, PraetorianError) and not isinstance(error, ServiceUnavailableError):
        return error
    what = _WHAT.get(type(question), type(question).__name__)
    services.report(what, error, now)
    if isinstance(error, ServiceUnavailableError):
        return error
    refusal = ServiceUnavailableError(f"{what} raised {type(error).__name__}")
    refusal.__cause__ = error
    return refusal


def _where(error: Exception) -> str:
    """Return the file and line that raised, which says more than a type and gives nothing away."""
    place = "?"
    trace = error.__traceback__
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def run_flow(flow: Flow[T], services: Services, now: int) -> T:
    """Run a flow to its end, answering each question directly.

    Args:
        flow: What is to happen.
        services: The dependencies that answer questions.
        now: The present, in seconds since the epoch, for what is announced.

    Returns:
        What the flow returns.

    Raises:
        PraetorianError: The flow refused.
    """
    told: PraetorianError | None = None
    try:
        question = next(flow)
        while True:
            try:
                answer = _checked(question, _plain(question, services.answering(question)()))
            except Exception as error:  # noqa: BLE001  (whatever an application or a store raises)
                told = _failure(services, question, error, now)
                question = flow.throw(told)
            else:
                question = flow.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    except ServiceUnavailableError as error:
        if error is not told:
            services.report(str(error), error, now)
        raise


def read_now(services: Services, keys: tuple[str, str], now: int) -> list[str | None]:
    """Ask the store about a session without a flow: the one question of access, which every request pays for.

    Args:
        services: The dependencies that answer questions.
        keys: What is asked.
        now: The present, in seconds since the epoch.

    Raises:
        PraetorianError: The store failed, as ``run_flow`` has it.
    """
    try:
        answer = cast("Store", services.store).get(*keys, now=now)
        # What is good is not asked twice; what is not is refused in the words of every other question.
        if type(answer) is not list or not _are_values(answer, len(keys)):
            question = cast("Question[object]", GetState(keys, now))
            _checked(question, _plain(question, answer))
    except Exception as error:
        refusal = _failure(services, cast("Question[object]", GetState(keys, now)), error, now)
        if refusal is error:
            raise
        raise refusal from error
    return answer


async def run_flow_async(flow: Flow[T], services: Services, now: int) -> T:
    """Run a flow to its end under asyncio: coroutines are awaited, everything else runs in a thread.

    See ``run_flow``. Context variables go along into the thread. A task that is cancelled leaves the flow at its question.
    """
    told: PraetorianError | None = None
    try:
        question = next(flow)
        while True:
            try:
                answer = _checked(question, await _answer(services, question))
            except Exception as error:  # noqa: BLE001  (whatever an application or a store raises)
                told = _failure(services, question, error, now)
                question = flow.throw(told)
            else:
                question = flow.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    except ServiceUnavailableError as error:
        if error is not told:
            services.report(str(error), error, now)
        raise
    finally:
        flow.close()


async def _answer(services: Services, question: Question[object]) -> object:
    if type(question) in _ASKS_THE_STORE:
        # One store that hangs would keep every request for ever (ASVS 13.1.3).
        return await asyncio.wait_for(_wait_for_answer(services, question), services.store_timeout)
    return await _wait_for_answer(services, question)


async def _wait_for_answer(services: Services, question: Question[object]) -> object:
    call = services.answering(question)
    if isinstance(question, Emit):
        return call()
    if inspect.iscoroutinefunction(getattr(call, "func", call)):
        return await cast("Awaitable[object]", call())
    call = partial(_without_stop_iteration, call)
    if isinstance(question, CheckPassword | RenewPassword):
        answer = await services.hash_executor.run(call)
    else:
        answer = await asyncio.to_thread(call)
    return await answer if inspect.isawaitable(answer) else answer


def _without_stop_iteration(call: Callable[[], object]) -> object:
    try:
        return call()
    except StopIteration as error:
        # A future cannot carry it: whoever awaits one would wait for ever (python/cpython#112182).
        detail = "a call raised StopIteration"
        raise RuntimeError(detail) from error


def _plain(question: Question[object], answer: object) -> object:
    """Return an answer that is there already; one that has to be awaited is no answer to a ``Guard``."""
    if not inspect.isawaitable(answer):
        return answer
    if inspect.iscoroutine(answer):
        # Nobody will await it, and the interpreter would say so at some later moment.
        answer.close()
    what = _WHAT.get(type(question), type(question).__name__)
    detail = f"{what} returned an awaitable; with async methods write AsyncGuard instead of Guard"
    raise ConfigurationError(detail)
