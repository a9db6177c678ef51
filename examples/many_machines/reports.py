"""Reports, on Falcon and asyncio: like orders, it checks tokens and ends sessions, and makes none.

    uvicorn --port 8003 --factory examples.many_machines.reports:create_app

The address of the Valkey is read from the environment variable STORE, that of the public keys from JWKS_URL.
"""

from __future__ import annotations

import os

import falcon
from falcon.asgi import App, Request, Response

from praetorian_core import AsyncGuard, Settings
from praetorian_falcon import auth_required, current_guard, current_token, current_user_id, init_app, roles_required

from .trust import AUDIENCE, ISSUER, fetch_keys


@auth_required
class Reports:
    """The reports. The decorator guards every responder of the class."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Show the reports of who acts, whose identity stands in the token."""
        resp.media = {"reports": ["brooms, by month"], "of": current_user_id(req)}

    @roles_required("manager")
    async def on_post(self, req: Request, resp: Response) -> None:
        """Let a manager have a report made."""
        resp.media = {"making": "brooms, by year", "for": current_user_id(req)}
        resp.status = falcon.HTTP_ACCEPTED


class Logout:
    """The end of a session."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """End the session, here and on every other machine."""
        await current_guard(req).revoke(current_token(req))
        resp.status = falcon.HTTP_NO_CONTENT


def create_app() -> App[Request, Response]:
    """Return a new application, when accounts has told its keys."""
    settings = Settings(
        keys=fetch_keys(os.environ["JWKS_URL"]),
        issuer=ISSUER,
        audience=AUDIENCE,
        # An AsyncGuard opens an asyncio store by this URL.
        store=os.environ["STORE"],
    )
    guard: AsyncGuard[object] = AsyncGuard(None, settings)
    app = init_app(App(), guard)
    app.add_route("/reports", Reports())
    app.add_route("/logout", Logout())
    return app
