"""The application that real servers serve while its store is down: Flask on gunicorn, Falcon on uvicorn."""

from __future__ import annotations

import os
import socket

import falcon.asgi
import uvicorn
from flask import Flask

import praetorian_falcon
import praetorian_flask
from praetorian_core import AsyncGuard, Guard, Settings
from praetorian_core.testing import MemoryUser, MemoryUsers, cheapest_hasher

HASHER = cheapest_hasher()
PASSWORD = "correct horse battery staple"


def config():
    """Return the configuration; the test sets secret and store."""
    return {
        "SECRET_KEY": os.environ["SECRET"],
        "PRAETORIAN_STORE": os.environ["STORE"],
        "PRAETORIAN_STORE_TIMEOUT": 0.5,
    }


def users():
    """Return the only user."""
    return MemoryUsers([MemoryUser(identity=1, username="alice", password=HASHER.hash(PASSWORD))])


def wsgi():
    """Return the application for Flask."""
    app = Flask(__name__)
    app.config.update(config())
    praetorian_flask.Praetorian(app, Guard(users(), Settings.from_mapping(app.config), passwords=HASHER))

    @app.post("/login")
    def login():
        user = praetorian_flask.authenticate(*praetorian_flask.credentials())
        return {"token": praetorian_flask.current_guard().issue(user)}

    @app.get("/me")
    @praetorian_flask.auth_required
    def me():
        return {"id": praetorian_flask.current_user_id()}

    return app


class Login:
    async def on_post(self, req, resp):
        user = await praetorian_falcon.authenticate(req, *await praetorian_falcon.credentials(req))
        resp.media = {"token": await praetorian_falcon.current_guard(req).issue(user)}


@praetorian_falcon.auth_required
class Me:
    async def on_get(self, req, resp):
        resp.media = {"id": praetorian_falcon.current_user_id(req)}


def asgi():
    """Return the application for Falcon."""
    guard = AsyncGuard(users(), Settings.from_mapping(config()), passwords=HASHER)
    app = praetorian_falcon.init_app(falcon.asgi.App(), guard)
    app.add_route("/login", Login())
    app.add_route("/me", Me())
    return app


def serve_asgi(descriptor):
    """Serve the ASGI application on an open socket."""
    settings = uvicorn.Config(asgi(), log_level="warning", lifespan="on", proxy_headers=False)
    uvicorn.Server(settings).run(sockets=[socket.socket(fileno=descriptor)])
