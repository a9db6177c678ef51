"""The demo's API on Falcon (ASGI): the same six routes, each a resource of coroutines.

The user store is the blocking one of the other servers. ``AsyncGuard`` calls it, and hashes passwords, in threads.
"""

from __future__ import annotations

import attrs
from falcon.asgi import App, Request, Response

from praetorian_core import AsyncGuard, Settings
from praetorian_falcon import (
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_token,
    current_user_id,
    init_app,
    roles_accepted,
    roles_required,
)
from users import Users


class Login:
    """Exchanges a username and a password for a token."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Log in."""
        user = await authenticate(req, *await credentials(req))
        resp.media = {"access_token": await current_guard(req).issue(user)}


class Refresh:
    """Exchanges a token for a new one."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Refresh the token. No auth_required here: access has expired when a client refreshes."""
        resp.media = {"access_token": await current_guard(req).refresh(current_token(req))}


class Protected:
    """Requires a valid token."""

    @auth_required
    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the identity."""
        resp.media = {"identity": current_user_id(req)}


class Editors:
    """Requires the role editor or the role admin."""

    @roles_accepted("editor", "admin")
    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the identity."""
        resp.media = {"identity": current_user_id(req)}


class Admins:
    """Requires the role admin."""

    @roles_required("admin")
    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the identity."""
        resp.media = {"identity": current_user_id(req)}


@attrs.frozen
class Calls:
    """Reports the user-store calls of this server."""

    users: Users

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the number of calls."""
        resp.media = {"calls": self.users.calls}


def make_app(settings: Settings, users: Users) -> App[Request, Response]:
    """Return the ASGI application."""
    app = init_app(App(), AsyncGuard(users, settings))
    app.add_route("/login", Login())
    app.add_route("/refresh", Refresh())
    app.add_route("/protected", Protected())
    app.add_route("/editors", Editors())
    app.add_route("/admins", Admins())
    app.add_route("/user-store-calls", Calls(users))
    return app
