"""A clock that moves the guard and the event loop together, and one side of a WebSocket for tests."""

from __future__ import annotations

import asyncio

import falcon
from falcon.testing import ASGIConductor


class SteppedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time a test moves forward, so that nothing has to wait."""

    def __init__(self):
        super().__init__()
        self.offset = 0

    def time(self):
        return super().time() + self.offset


async def settle():
    """Let every task run until it waits."""
    for _ in range(100):
        await asyncio.sleep(0)


class Peer:
    """The client of one application, and the time of both."""

    def __init__(self, world, client, loop):
        self.world = world
        self.client = client
        self.loop = loop

    async def tick(self, seconds):
        """Move the guard's clock and the loop's time, and let everything run that is due."""
        self.world.clock.tick(seconds)
        self.loop.offset += seconds
        await settle()

    def open(self, headers=None, path="/", **options):
        """Open a WebSocket as a context manager."""
        return self.client.simulate_ws(path, headers=headers, spec_version="2.3", **options)


def play(world, script):
    """Run a script of a ``Peer``; fail if it leaves a task behind."""

    async def main():
        async with ASGIConductor(world.app) as client:
            before = asyncio.all_tasks()
            result = await script(Peer(world, client, loop))
            await settle()
            assert before == asyncio.all_tasks()
            return result

    loop = SteppedLoop()
    failures = []
    loop.set_exception_handler(lambda _, context: failures.append(context["message"]))
    try:
        return loop.run_until_complete(main())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        assert failures == []


async def echo(ws):
    """Return what the other side makes of a message, or the code and the reason with which it has closed."""
    try:
        await ws.send_text("still here")
        return await ws.receive_text()
    except falcon.WebSocketDisconnected:
        return ws.close_code, ws.close_reason
