"""The targets as real servers serve them, with the tokens of their world at ``/tokens``."""

from __future__ import annotations

import json
import os

from tests.contract.targets.on_falcon import OnFalcon, OnFalconASGI
from tests.contract.targets.on_flask import OnFlask
from tests.contract.targets.on_restx import OnRestx

from praetorian_core.testing.adapter_suite import make_world

TARGETS = {"flask": OnFlask(), "restx": OnRestx(), "falcon": OnFalcon(), "falcon_asgi": OnFalconASGI()}


def wsgi():
    """Return the WSGI application of the target in the environment variable CONTRACT_TARGET."""
    world = make_world()
    app = TARGETS[os.environ["CONTRACT_TARGET"]].build(world).app

    def with_tokens(environ, start_response):
        if environ["PATH_INFO"] != "/tokens":
            return app(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(world.tokens).encode()]

    return with_tokens


def asgi():
    """Return the ASGI application of the target in the environment variable CONTRACT_TARGET."""
    world = make_world()
    app = TARGETS[os.environ["CONTRACT_TARGET"]].build(world).app

    async def with_tokens(scope, receive, send):
        if scope["type"] == "lifespan" or scope["path"] != "/tokens":
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(world.tokens).encode()})

    return with_tokens


def serve_asgi(descriptor):
    """Serve the ASGI application with uvicorn on an open socket."""
    import socket

    import uvicorn

    config = uvicorn.Config(asgi(), log_level="warning", lifespan="on", proxy_headers=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])
