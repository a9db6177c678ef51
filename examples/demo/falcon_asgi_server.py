"""The demo's API on Falcon (ASGI): the same six routes, each a resource of coroutines.

The user store is the one of the other servers and blocks; ``AsyncGuard`` asks it, and hashes, in threads.
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
    """Names and passwords for tokens."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Log in."""
        user = await authenticate(req, *await credentials(req))
        resp.media = {"access_token": await current_guard(req).issue(user)}


class Refresh:
    """Expired tokens for new ones."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Exchange a token. No auth_required: it has expired for access, which is why its holder comes."""
        resp.media = {"access_token": await current_guard(req).refresh(current_token(req))}


class Protected:
    """Open to every good token."""

    @auth_required
    async def on_get(self, req: Request, resp: Response) -> None:
        """Tell whose it is."""
        resp.media = {"identity": current_user_id(req)}


class Editors:
    """Open to editors, and to admins."""

    @roles_accepted("editor", "admin")
    async def on_get(self, req: Request, resp: Response) -> None:
        """Tell who came."""
        resp.media = {"identity": current_user_id(req)}


class Admins:
    """Open to admins."""

    @roles_required("admin")
    async def on_get(self, req: Request, resp: Response) -> None:
        """Tell who came."""
        resp.media = {"identity": current_user_id(req)}


@attrs.frozen
class Calls:
    """What this server's user store was asked."""

    users: Users

    async def on_get(self, req: Request, resp: Response) -> None:
        """Tell how many calls there were."""
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
