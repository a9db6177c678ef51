"""The application: its people, its resources and how they are put together."""

from __future__ import annotations

import asyncio
import os
from typing import ClassVar

import attrs
import falcon
from falcon.asgi import App, Request, Response, WebSocket

from praetorian_core import AsyncGuard, KeyRing, PasswordHasher, Settings
from praetorian_core.clock import Clock, system_clock
from praetorian_falcon import (
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_token,
    current_user,
    init_app,
    roles_required,
)


@attrs.define
class Person:
    """Somebody in the room; a real application would await its database in both class methods.

    They may be plain methods as well: what may block, AsyncGuard runs in a thread.
    """

    everybody: ClassVar[dict[str, Person]] = {}

    identity: int
    name: str
    password: str = attrs.field(repr=False)
    rolenames: list[str]

    @classmethod
    async def lookup(cls, username: str) -> Person | None:
        """Return the person of this name."""
        await asyncio.sleep(0)
        return cls.everybody.get(username)

    @classmethod
    async def identify(cls, identity: int) -> Person | None:
        """Return the person of this identity."""
        await asyncio.sleep(0)
        return next((person for person in cls.everybody.values() if person.identity == identity), None)


class Session:
    """A session: POST begins it, PUT prolongs it, DELETE ends it."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Exchange name and password for a token."""
        user = await authenticate(req, *await credentials(req))
        answer(resp, await current_guard(req).issue(user))

    async def on_put(self, req: Request, resp: Response) -> None:
        """Exchange a token whose access is over. No auth_required: it would refuse each of them."""
        answer(resp, await current_guard(req).refresh(current_token(req)))

    async def on_delete(self, req: Request, resp: Response) -> None:
        """End the session on every machine; an expired token will do."""
        await current_guard(req).revoke(current_token(req))
        resp.status = falcon.HTTP_NO_CONTENT


def answer(resp: Response, token: str) -> None:
    """Answer with a token, which no cache may keep (RFC 6750 §5.3)."""
    resp.media = {"access_token": token}
    resp.cache_control = ["no-store"]


@auth_required
class Room:
    """The room. The decorator guards every responder of the class, the WebSocket too."""

    def __init__(self) -> None:
        """Begin with an empty log."""
        self.log: list[str] = []
        self.sockets: set[WebSocket] = set()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Show what was said."""
        resp.media = self.log

    @roles_required("host")
    async def on_delete(self, req: Request, resp: Response) -> None:
        """Let a host forget what was said."""
        self.log.clear()
        resp.status = falcon.HTTP_NO_CONTENT

    async def on_websocket(self, req: Request, ws: WebSocket) -> None:
        """Let somebody in and hand on what they say; without a good token this never runs."""
        person = await current_user(req, Person)
        await ws.accept()
        self.sockets.add(ws)
        try:
            while True:
                line = f"{person.name}: {await ws.receive_text()}"
                # The connection may outlive the token, so each word is said with a token that is good now.
                await current_guard(req).verify(current_token(req))
                self.log.append(line)
                await asyncio.gather(*(other.send_text(line) for other in self.sockets))
        finally:
            self.sockets.discard(ws)


def create_app(
    secret: str | None = None, *, passwords: PasswordHasher | None = None, clock: Clock = system_clock
) -> App[Request, Response]:
    """Return a new application.

    Args:
        secret: What tokens are signed with; left out it is read from the environment variable SECRET_KEY.
        passwords: Another hasher than the usual one; tests hand in a cheap one.
        clock: Another clock than the system's; tests hand in one that stands still.
    """
    keys = KeyRing.from_secret(os.environ["SECRET_KEY"] if secret is None else secret)
    settings = Settings(keys=keys, store="memory://")
    guard = AsyncGuard(Person, settings, passwords=passwords or PasswordHasher(), clock=clock)
    app = init_app(App(), guard)
    app.add_route("/session", Session())
    app.add_route("/room", Room())
    return app
