"""Run flows, synchronously or under asyncio.

Both runners turn an exception of the application or the store into ``ServiceUnavailableError`` and throw it into the
flow, so a failed call rejects the request. Every other ``BaseException`` (a cancelled task, an interrupt) is thrown into
the flow unchanged, so that a flow can take back what it has counted.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TypeVar, cast

from praetorian_core.errors import ConfigurationError, PraetorianError, ServiceUnavailableError
from praetorian_core.executor import CallTimeoutError, Executor
from praetorian_core.failures import is_raised_here
from praetorian_core.questions import Flow, HashingQuestion, IncrementState, Place, Question
from praetorian_core.services import Services

A = TypeVar("A")
T = TypeVar("T")


def run_flow(flow: Flow[T], services: Services, now: int) -> T:
    """Run a flow to its end, answering each question directly.

    Args:
        flow: The flow.
        services: The dependencies that answer questions.
        now: The current time for events, in seconds since the epoch.

    Returns:
        The result of the flow.

    Raises:
        PraetorianError: The flow raised it.
    """
    return _run(partial(next, flow), flow, services, now)


def _run(start: Callable[[], Question[object]], flow: Flow[T], services: Services, now: int) -> T:
    failure: BaseException | None = None
    try:
        question = start()
        while True:
            try:
                answer = ask_now(question, services, now)
            except GeneratorExit:
                _abandon(flow, services, now)
                raise
            except BaseException as error:  # noqa: BLE001  (the flow raises it again)
                failure = error
                question = flow.throw(error)
            else:
                question = flow.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    except ServiceUnavailableError as error:
        if error is not failure:
            services.report(str(error), error, now)
        raise


async def run_flow_async(flow: Flow[T], services: Services, now: int) -> T:
    """Run a flow to its end under asyncio; see ``run_flow``.

    Coroutine functions are awaited; other functions run in a thread, with the caller's context variables.
    """
    failure: BaseException | None = None
    try:
        question = next(flow)
        while True:
            try:
                answer = await ask_async(question, services, now)
            except GeneratorExit:
                _abandon(flow, services, now)
                raise
            except _CountedError as error:
                flow.send(error.total)
                failure = asyncio.CancelledError()
                question = flow.throw(failure)
            except BaseException as error:  # noqa: BLE001  (the flow raises it again)
                failure = error
                question = flow.throw(error)
            else:
                question = flow.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    except ServiceUnavailableError as error:
        if error is not failure:
            services.report(str(error), error, now)
        raise
    finally:
        flow.close()


def _abandon(flow: Flow[object], services: Services, now: int) -> None:
    """Cancel a flow whose caller is being closed, and answer its last questions without awaiting."""
    with suppress(BaseException):
        _run(partial(flow.throw, asyncio.CancelledError()), flow, services, now)


def ask_now(question: Question[A], services: Services, now: int) -> A:
    """Return the answer to one question.

    Raises:
        PraetorianError: The call failed or returned an invalid answer.
    """
    try:
        return _checked(question, services, question.call(services)())
    except Exception as error:
        failure = _failure(question, services, error, now)
        if failure is error:
            raise
        raise failure from error


async def ask_async(question: Question[A], services: Services, now: int) -> A:
    """Return the answer to one question under asyncio; see ``ask_now``."""
    try:
        return _checked(question, services, await _await_answer(question, services))
    except Exception as error:
        failure = _failure(question, services, error, now)
        if failure is error:
            raise
        raise failure from error


async def _await_answer(question: Question[object], services: Services) -> object:
    call = question.call(services)
    if isinstance(question, HashingQuestion):
        return await _await_call(call, partial(services.hash_executor.run, turn=question.turn))
    if question.place is Place.APPLICATION:
        return await _await_call(call, asyncio.to_thread, services.after_thread_call)
    if question.place is Place.LOOP or services.store_executor is None:
        return call()
    answer = _await_store(call, services.store_executor, services)
    return await (_count(answer) if isinstance(question, IncrementState) else answer)


class _CountedError(BaseException):
    """The task was cancelled while the store counted; the flow learns the total first, so that it can take it back."""

    def __init__(self, total: int) -> None:
        self.total = total


async def _count(answer: Coroutine[object, object, object]) -> object:
    """Return the answer of an increment, and let it end before a cancellation: half-way, its result is unknown."""
    counting = asyncio.ensure_future(answer)
    try:
        return await asyncio.shield(counting)
    except asyncio.CancelledError as cancelled:
        await asyncio.wait({counting})
        if counting.cancelled() or counting.exception() is not None:
            raise
        total = counting.result()
        if not isinstance(total, int):
            raise
        raise _CountedError(total) from cancelled


async def _await_store(call: Callable[[], object], executor: Executor, services: Services) -> object:
    # A hung store must not hold a request for ever (ASVS 13.1.3).
    timeout = services.store_timeout
    try:
        if inspect.iscoroutinefunction(call):
            answer: object = call()
        else:
            answer = await executor.run(partial(_call_in_thread, call, services.after_thread_call), timeout=timeout)
        return await asyncio.wait_for(answer, timeout) if inspect.isawaitable(answer) else answer
    except (CallTimeoutError, asyncio.TimeoutError) as error:
        # By its cause, a time-out of wait_for differs from one that the store raised itself.
        if isinstance(error, CallTimeoutError) or isinstance(error.__cause__, asyncio.CancelledError):
            raise ServiceUnavailableError(f"no answer within {timeout:g} s; see PRAETORIAN_STORE_TIMEOUT") from None
        raise


async def _await_call(
    call: Callable[[], object],
    run_in_thread: Callable[[Callable[[], object]], Awaitable[object]],
    after_thread_call: Callable[[], object] | None = None,
) -> object:
    if inspect.iscoroutinefunction(call):
        answer: object = call()
    else:
        answer = await run_in_thread(partial(_call_in_thread, call, after_thread_call))
    return await answer if inspect.isawaitable(answer) else answer


def _call_in_thread(call: Callable[[], object], after: Callable[[], object] | None) -> object:
    try:
        return call()
    except StopIteration as error:
        # A future cannot carry StopIteration: its awaiter would wait for ever (python/cpython#112182).
        raise RuntimeError("a call raised StopIteration") from error
    finally:
        if after is not None:
            after()


def _checked(question: Question[A], services: Services, answer: object) -> A:
    if question.is_valid(answer):
        return cast("A", answer)
    if not inspect.isawaitable(answer):
        raise question.rejection(answer, services)
    if inspect.iscoroutine(answer):
        # Otherwise Python warns later that it was never awaited.
        answer.close()
    raise ConfigurationError(
        f"{question.what} returned an awaitable; with async methods write AsyncGuard instead of Guard"
    )


def _failure(question: Question[object], services: Services, error: Exception, now: int) -> PraetorianError:
    """Return the error for a failed call, and report the call unless its error explains itself."""
    if isinstance(error, PraetorianError) and not isinstance(error, ServiceUnavailableError):
        return error
    if isinstance(error, TypeError) and is_raised_here(error):
        # Python raises this at the call itself: the function takes other arguments.
        return ConfigurationError(f"{question.what} cannot be called: {error}")
    target = services.store_name if question.place is Place.STORE else None
    services.report(question.what, error, now, target)
    if isinstance(error, ServiceUnavailableError):
        return error
    place = "" if target is None else f" ({target})"
    return ServiceUnavailableError(f"{question.what} raised {type(error).__name__}{place}")
