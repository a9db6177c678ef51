"""The applications that real servers serve in ``test_servers.py``: one life-cycle, on WSGI and on ASGI."""

from __future__ import annotations

import os

import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, Guard, KeyRing, Settings
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_falcon import (
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_principal,
    current_token,
    current_user_id,
    init_app,
    roles_required,
)
from praetorian_falcon.request import request_info

HASHER = cheapest_hasher()
CLOCK = FrozenClock()
USERS = MemoryUsers(
    [
        MemoryUser(identity=1, username="alice", password=HASHER.hash("correct horse"), rolenames=["admin"]),
        MemoryUser(identity=2, username="bob", password=HASHER.hash("correct horse")),
    ]
)


def settings():
    """Return the settings; the secret comes from the test."""
    return Settings(keys=KeyRing.from_secret(os.environ["SECRET"]))


class Login:
    def on_post(self, req, resp):
        resp.media = {"token": current_guard(req).issue(authenticate(req, *credentials(req)))}


class AsyncLogin:
    async def on_post(self, req, resp):
        user = await authenticate(req, *await credentials(req))
        resp.media = {"token": await current_guard(req).issue(user)}


class Refresh:
    def on_post(self, req, resp):
        resp.media = {"token": current_guard(req).refresh(current_token(req))}


class AsyncRefresh:
    async def on_post(self, req, resp):
        resp.media = {"token": await current_guard(req).refresh(current_token(req))}


@auth_required
class Me:
    def on_get(self, req, resp):
        resp.media = {"id": current_user_id(req), "remote": request_info(req).remote}

    @roles_required("admin")
    def on_delete(self, req, resp):
        resp.media = {"id": current_user_id(req)}


@auth_required
class AsyncMe:
    async def on_get(self, req, resp):
        resp.media = {"id": current_user_id(req), "remote": request_info(req).remote}

    @roles_required("admin")
    async def on_delete(self, req, resp):
        resp.media = {"id": current_user_id(req)}

    async def on_websocket(self, req, ws):
        await ws.accept()
        await ws.send_text(f"{current_user_id(req)}")
        await ws.receive_text()
        # Whoever is no admin is closed upon, long after the connection was accepted.
        await demand_admin(req, ws)
        await ws.send_text("admin")


@roles_required("admin")
async def demand_admin(req, ws):
    """Do nothing, for an admin."""
    current_principal(req)


class Tick:
    def on_post(self, req, resp):
        CLOCK.tick(req.get_param_as_int("seconds", required=True))


class AsyncTick:
    async def on_post(self, req, resp):
        CLOCK.tick(req.get_param_as_int("seconds", required=True))


def _with_routes(app, **resources):
    for name, resource in resources.items():
        app.add_route(f"/{name}", resource)
    return app


def wsgi():
    """Return the WSGI application."""
    guard = Guard(USERS, settings(), clock=CLOCK, passwords=HASHER)
    app = init_app(falcon.App(), guard)
    return _with_routes(app, login=Login(), refresh=Refresh(), me=Me(), tick=Tick())


def asgi():
    """Return the ASGI application."""
    guard = AsyncGuard(USERS, settings(), clock=CLOCK, passwords=HASHER)
    app = init_app(falcon.asgi.App(), guard)
    return _with_routes(app, login=AsyncLogin(), refresh=AsyncRefresh(), me=AsyncMe(), tick=AsyncTick())


def serve_asgi(descriptor):
    """Serve the ASGI application with uvicorn on an open socket."""
    import socket

    import uvicorn

    # By default uvicorn believes X-Forwarded-For of whoever connects from loopback.
    config = uvicorn.Config(asgi(), log_level="warning", lifespan="on", proxy_headers=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])
