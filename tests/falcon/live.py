"""Applications for the real servers of ``test_servers.py``, for WSGI and ASGI."""

from __future__ import annotations

import os

import falcon
import falcon.asgi
from tests.contract.targets.on_falcon import done, plain, waiting

from praetorian_core import AsyncGuard, Guard, KeyRing, Settings
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_falcon import (
    admit_websocket,
    auth_accepted,
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
    return Settings(
        keys=KeyRing.from_secret(os.environ["SECRET"]),
        store="memory://",
        places=["header", "query_ticket"],
        websocket_recheck=1,
    )


def resources(shape):
    """Return the resource of each path; each responder is written once and shaped for WSGI or ASGI."""

    async def login(self, req, resp):
        username, password = await done(credentials(req))
        user = await done(authenticate(req, username, password))
        resp.media = {"token": await done(current_guard(req).issue(user))}

    async def refresh(self, req, resp):
        resp.media = {"token": await done(current_guard(req).refresh(current_token(req)))}

    async def logout(self, req, resp):
        await done(current_guard(req).revoke(current_token(req)))

    async def ticket(self, req, resp):
        resp.media = {"ticket": await done(current_guard(req).issue_ticket(current_principal(req)))}

    async def tick(self, req, resp):
        CLOCK.tick(req.get_param_as_int("seconds", required=True))

    async def read(self, req, resp):
        resp.media = {"id": current_user_id(req), "remote": request_info(req).remote}

    async def delete(self, req, resp):
        resp.media = {"id": current_user_id(req)}

    me = {"on_get": shape(read), "on_delete": roles_required("admin")(shape(delete))}
    if shape is waiting:
        me["on_websocket"] = talk
    return {
        "/login": type("Login", (), {"on_post": shape(login)})(),
        "/refresh": type("Refresh", (), {"on_post": shape(refresh)})(),
        "/logout": type("Logout", (), {"on_post": shape(logout)})(),
        "/ticket": type("Ticket", (), {"on_post": auth_required(shape(ticket))})(),
        "/tick": type("Tick", (), {"on_post": shape(tick)})(),
        "/me": auth_required(type("Me", (), me))(),
    }


@auth_accepted
async def by_message(self, req, ws):
    """Accept, and admit the socket by its first message."""
    await ws.accept()
    principal = await admit_websocket(req, ws, await ws.receive_text())
    await ws.send_text(f"{principal.identity}")
    await ws.receive_text()


async def talk(self, req, ws):
    """Accept, and require the role long after that."""
    await ws.accept()
    await ws.send_text(f"{current_user_id(req)}")
    await ws.receive_text()
    await require_admin(req, ws)
    await ws.send_text("admin")


@roles_required("admin")
async def require_admin(req, ws):
    """Require the role."""
    current_principal(req)


def wsgi():
    """Return the WSGI application."""
    app = init_app(falcon.App(), Guard(USERS, settings(), clock=CLOCK, passwords=HASHER))
    for path, resource in resources(plain).items():
        app.add_route(path, resource)
    return app


def asgi():
    """Return the ASGI application."""
    app = init_app(falcon.asgi.App(), AsyncGuard(USERS, settings(), clock=CLOCK, passwords=HASHER))
    for path, resource in resources(waiting).items():
        app.add_route(path, resource)
    app.add_route("/message", type("Message", (), {"on_websocket": by_message})())
    return app


def serve_asgi(descriptor):
    """Serve the ASGI application with uvicorn on an open socket."""
    import socket

    import uvicorn

    # By default uvicorn trusts X-Forwarded-For of connections from loopback.
    config = uvicorn.Config(asgi(), log_level="warning", lifespan="on", proxy_headers=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])
