"""The application on Falcon (ASGI)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs
import falcon
from falcon.asgi import App, Request, Response

from praetorian_core import AsyncGuard, PasswordHasher, Settings
from praetorian_core.clock import Clock, system_clock
from praetorian_falcon import (
    auth_required,
    authenticate,
    clear_token_cookies,
    credentials,
    current_guard,
    current_principal,
    current_token,
    current_user,
    init_app,
    set_token_cookies,
)

from .config import CONFIG, PAGE, headers_for, is_note
from .devices import device_of
from .people import People, Person


class Protection:
    """Adds the headers that protect the page."""

    async def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:  # noqa: FBT001  (Falcon's signature)
        """Set the headers of every response."""
        resp.set_headers(headers_for(req.path))


class Index:
    """The page."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the page."""
        resp.content_type = falcon.MEDIA_HTML
        resp.data = (PAGE / "index.html").read_bytes()


# ---------------------------------------------------------------- the session in cookies


class Login:
    """Starts a session in cookies."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Exchange username and password for cookies."""
        user = await authenticate(req, *await credentials(req), kind=Person)
        resp.media = {"name": user.name}
        set_token_cookies(resp, await current_guard(req).issue(user, label=device_of(req.user_agent)))


class Logout:
    """Ends a session in cookies."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Revoke the session and delete the cookies."""
        await current_guard(req).revoke(current_token(req))
        resp.media = {"message": "logged out"}
        clear_token_cookies(resp)


# ---------------------------------------------------------------- the session in a header


class Token:
    """A token for a header: POST issues, PUT refreshes, DELETE revokes."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Exchange username and password for a token."""
        user = await authenticate(req, *await credentials(req), kind=Person)
        resp.media = {"access_token": await current_guard(req).issue(user, label=device_of(req.user_agent))}

    async def on_put(self, req: Request, resp: Response) -> None:
        """Exchange a token whose access lifespan has expired; auth_required would reject it."""
        resp.media = {"access_token": await current_guard(req).refresh(current_token(req))}

    async def on_delete(self, req: Request, resp: Response) -> None:
        """Revoke the session."""
        await current_guard(req).revoke(current_token(req))
        resp.media = {"message": "logged out"}


# ---------------------------------------------------------------- guarded routes, which accept both


class Me:
    """The user of the session."""

    @auth_required
    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the name and the two deadlines of the token."""
        principal = current_principal(req)
        resp.media = {
            "name": (await current_user(req, Person)).name,
            "access_ends": principal.access_expires_at,
            "session_ends": principal.refresh_expires_at,
        }


@auth_required
class Sessions:
    """All sessions of the user."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the sessions, the newest first."""
        principal = current_principal(req)
        found = await current_guard(req).sessions(principal.identity, current=principal.session_id)
        resp.media = {"sessions": [attrs.asdict(session) for session in found]}

    async def on_delete(self, req: Request, resp: Response) -> None:
        """End all sessions but the current one."""
        principal = current_principal(req)
        await current_guard(req).revoke_user(principal.identity, keep=principal.session_id)
        resp.media = {"ended": True}


@auth_required
class OneSession:
    """One session of the user."""

    async def on_delete(self, req: Request, resp: Response, session_id: str) -> None:
        """End the session; only a session of this user ends, whatever id the client sends."""
        ended = await current_guard(req).revoke_session(current_principal(req).identity, session_id)
        resp.media = {"ended": ended}


@auth_required
class Notes:
    """The notes; the decorator guards every responder of the class."""

    def __init__(self) -> None:
        """Start without notes."""
        self.notes: list[str] = []

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the notes."""
        resp.media = {"notes": self.notes}

    async def on_post(self, req: Request, resp: Response) -> None:
        """Add a note."""
        body: object = await req.get_media()
        text = cast("dict[str, object]", body).get("text") if isinstance(body, dict) else None
        if not is_note(text):
            raise falcon.HTTPBadRequest(description="expected a JSON object with the text member text")
        self.notes.append(cast("str", text))
        resp.media = {"notes": self.notes}


def create_app(
    config: Mapping[str, object],
    *,
    passwords: PasswordHasher | None = None,
    clock: Clock = system_clock,
) -> App[Request, Response]:
    """Return a new application.

    Args:
        config: Configuration that overrides the defaults; it holds the ``SECRET_KEY``.
        passwords: The password hasher; tests pass a cheap one.
        clock: The clock; tests pass a frozen one.
    """
    passwords = passwords or PasswordHasher()
    settings = Settings.from_mapping({**CONFIG, **config})
    guard = AsyncGuard(People(passwords), settings, passwords=passwords, clock=clock)
    # native=False: errors have the same JSON as on Flask, so the page reads both.
    app = init_app(App(middleware=[Protection()]), guard, native=False)
    app.add_route("/", Index())
    app.add_static_route("/", PAGE)
    app.add_route("/api/login", Login())
    app.add_route("/api/logout", Logout())
    app.add_route("/api/token", Token())
    app.add_route("/api/me", Me())
    app.add_route("/api/sessions", Sessions())
    app.add_route("/api/sessions/{session_id}", OneSession())
    app.add_route("/api/notes", Notes())
    return app
