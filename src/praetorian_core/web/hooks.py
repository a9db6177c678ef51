"""Functions of an application that run for each error before it is answered."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias, cast

from praetorian_core.errors import ConfigurationError, PraetorianError

_LOG = logging.getLogger("praetorian")

ErrorHook: TypeAlias = Callable[[PraetorianError], object]
"""Called with the error, to log or to count it; its return value is ignored, or awaited under asyncio."""

OnError: TypeAlias = ErrorHook | Iterable[ErrorHook] | None
"""One hook or several, in the order in which they run."""


def error_hooks(on_error: OnError) -> tuple[ErrorHook, ...]:
    """Return the hooks as a tuple.

    Raises:
        ConfigurationError: A hook is not callable.
    """
    if on_error is None:
        return ()
    if not callable(on_error) and not isinstance(on_error, Iterable):
        raise ConfigurationError(
            f"`on_error` must be a function of one argument or an iterable of such functions; got "
            f"{type(on_error).__name__}"
        )
    hooks = (on_error,) if callable(on_error) else tuple(on_error)
    for hook in hooks:
        if not callable(hook):
            raise ConfigurationError(
                f"`on_error` must hold functions of one argument, the error; got {type(hook).__name__}"
            )
    return hooks


def run_error_hooks(hooks: Iterable[ErrorHook], error: PraetorianError) -> None:
    """Call each hook; log one that raises, so that the response is sent nevertheless."""
    for hook in hooks:
        try:
            result = hook(error)
        except Exception as failure:  # noqa: BLE001  (a hook may raise anything)
            _log_failure(failure, error)
            continue
        if inspect.iscoroutine(result):
            result.close()
            _LOG.error("an on_error hook returned a coroutine for %s, which is not awaited here", error.code)


async def run_error_hooks_async(hooks: Iterable[ErrorHook], error: PraetorianError) -> None:
    """Call each hook and await what is awaitable; log one that raises, so that the response is sent nevertheless."""
    for hook in hooks:
        try:
            result = hook(error)
            if inspect.isawaitable(result):
                await cast("Awaitable[object]", result)
        except Exception as failure:  # noqa: BLE001  (a hook may raise anything)
            _log_failure(failure, error)


def _log_failure(failure: Exception, error: PraetorianError) -> None:
    # Without the traceback: the text of an exception may hold secrets.
    _LOG.error("an on_error hook raised %s for %s", type(failure).__name__, error.code)
