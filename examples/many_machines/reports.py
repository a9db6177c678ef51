"""The reports service, on Falcon and asyncio: like orders, it verifies tokens and ends sessions.

    uvicorn --port 8003 --factory examples.many_machines.reports:create_app

The environment variable STORE holds the URL of the Valkey, JWKS_URL that of the public keys.
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
        """Return the reports of the authenticated user, whose identity is in the token."""
        resp.media = {"reports": ["brooms, by month"], "of": current_user_id(req)}

    @roles_required("manager")
    async def on_post(self, req: Request, resp: Response) -> None:
        """Request a report, as a manager."""
        resp.media = {"making": "brooms, by year", "for": current_user_id(req)}
        resp.status = falcon.HTTP_ACCEPTED


class Logout:
    """The end of a session."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """End the session on every machine."""
        await current_guard(req).revoke(current_token(req))
        resp.status = falcon.HTTP_NO_CONTENT


def create_app() -> App[Request, Response]:
    """Return a new application; accounts must be running, because its keys are fetched."""
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
