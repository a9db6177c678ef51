"""Ends the responder of a WebSocket when the access or the session of its token ends.

Facts:

* A WebSocket outlives its handshake, so what was true then is checked again while it is open.
* ``ws.close`` of another task than the responder's lets the responder fail in the middle of a call: Falcon stops receiving
  before it marks the socket as closed. So the responder is cancelled first, and the error handler closes the socket as it
  does for every error of a responder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn, TypeVar, cast

from praetorian_core import AsyncGuard
from praetorian_core.protocols import UserLike
from praetorian_falcon.current import State

T = TypeVar("T")

CLEANUP = 5
"""How long a cancelled responder may clean up before its socket is closed, in seconds."""


async def watched(responder: Callable[[], object], guard: AsyncGuard[UserLike], state: State) -> object:
    """Run the responder of a WebSocket until it returns, or until its principal is not admitted any more.

    A failed store ends it too, as it rejects every request: the client connects again when the store answers.

    Raises:
        PraetorianError: The reason why the principal is not admitted any more.
    """
    state.changed = asyncio.Event()
    running = asyncio.ensure_future(cast("Awaitable[object]", responder()))
    watching = asyncio.ensure_future(_recheck(guard, state, state.changed))
    # If both end at the same moment, the result of the watch is not used.
    watching.add_done_callback(_retrieve)
    try:
        await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            watching.result()
        return running.result()
    finally:
        state.changed = None
        running.cancel()
        watching.cancel()
        await asyncio.wait({running, watching}, timeout=CLEANUP)


async def _recheck(guard: AsyncGuard[UserLike], state: State, changed: asyncio.Event) -> NoReturn:
    """Check the principal again and again, at once whenever it changes; raise when it is not admitted."""
    while True:
        changed.clear()
        seconds = None if state.principal is None else await guard.recheck(state.principal)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(changed.wait(), seconds)


def _retrieve(task: asyncio.Future[T]) -> None:
    """Keep asyncio from logging an exception that is not used."""
    if not task.cancelled():
        task.exception()
