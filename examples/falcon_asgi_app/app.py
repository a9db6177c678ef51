"""The application: people, resources and set-up."""

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
    """A person in the room; a real application awaits its database in both class methods.

    They may also be plain methods: AsyncGuard runs those in worker threads.
    """

    all: ClassVar[dict[str, Person]] = {}

    identity: int
    name: str
    password: str = attrs.field(repr=False)
    rolenames: list[str]

    @classmethod
    async def lookup(cls, username: str) -> Person | None:
        """Return the person with this name."""
        await asyncio.sleep(0)
        return cls.all.get(username)

    @classmethod
    async def identify(cls, identity: int) -> Person | None:
        """Return the person with this identity."""
        await asyncio.sleep(0)
        return next((person for person in cls.all.values() if person.identity == identity), None)


class Session:
    """A session: POST logs in, PUT refreshes the token, DELETE logs out."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Exchange username and password for a token."""
        user = await authenticate(req, *await credentials(req))
        answer(resp, await current_guard(req).issue(user))

    async def on_put(self, req: Request, resp: Response) -> None:
        """Exchange a token whose access lifespan has expired; auth_required would reject it."""
        answer(resp, await current_guard(req).refresh(current_token(req)))

    async def on_delete(self, req: Request, resp: Response) -> None:
        """Revoke the session in the shared store; an expired token is accepted."""
        await current_guard(req).revoke(current_token(req))
        resp.status = falcon.HTTP_NO_CONTENT


def answer(resp: Response, token: str) -> None:
    """Send a token, which no cache may keep (RFC 6750 §5.3)."""
    resp.media = {"access_token": token}
    resp.cache_control = ["no-store"]


@auth_required
class Room:
    """The room; the decorator guards every responder of the class, including the WebSocket."""

    def __init__(self) -> None:
        """Start with an empty log."""
        self.log: list[str] = []
        self.sockets: set[WebSocket] = set()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the log."""
        resp.media = self.log

    @roles_required("host")
    async def on_delete(self, req: Request, resp: Response) -> None:
        """Clear the log."""
        self.log.clear()
        resp.status = falcon.HTTP_NO_CONTENT

    async def on_websocket(self, req: Request, ws: WebSocket) -> None:
        """Send each line to every person in the room; without a valid token this does not run."""
        person = await current_user(req, Person)
        await ws.accept()
        self.sockets.add(ws)
        try:
            while True:
                line = f"{person.name}: {await ws.receive_text()}"
                # A logout closes the socket within 30 seconds; a line that comes earlier is not sent either.
                await current_guard(req).verify(current_token(req))
                self.log.append(line)
                # A connection that was lost must not end this one.
                await asyncio.gather(*(other.send_text(line) for other in self.sockets), return_exceptions=True)
        finally:
            self.sockets.discard(ws)


def create_app(
    secret: str | None = None, *, passwords: PasswordHasher | None = None, clock: Clock = system_clock
) -> App[Request, Response]:
    """Return a new application.

    Args:
        secret: Signing secret; by default the environment variable SECRET_KEY.
        passwords: Password hasher; tests pass a cheap one.
        clock: Clock; tests pass a frozen one.
    """
    keys = KeyRing.from_secret(os.environ["SECRET_KEY"] if secret is None else secret)
    settings = Settings(keys=keys, store="memory://")
    passwords = passwords or PasswordHasher()
    if not Person.all:
        # So that the example can be tried; a real application has its users in a database.
        Person.all["ada"] = Person(1, "ada", passwords.hash("correct horse battery staple"), ["host"])
    guard = AsyncGuard(Person, settings, passwords=passwords, clock=clock)
    app = init_app(App(), guard)
    app.add_route("/session", Session())
    app.add_route("/room", Room())
    return app
