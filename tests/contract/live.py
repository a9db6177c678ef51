"""The targets as real servers serve them, with the tokens of their world at ``/tokens``."""

from __future__ import annotations

import json
import os
from importlib import import_module

from praetorian_core.testing.adapter_suite import make_world

_CLASSES = {
    "flask": "tests.contract.targets.on_flask:OnFlask",
    "restx": "tests.contract.targets.on_restx:OnRestx",
    "falcon": "tests.contract.targets.on_falcon:OnFalcon",
    "falcon_asgi": "tests.contract.targets.on_falcon:OnFalconASGI",
}


def target(name):
    """Return a target. A server imports its own framework only, because the imports are most of its start."""
    module, _, kind = _CLASSES[name].partition(":")
    return getattr(import_module(module), kind)()


def wsgi():
    """Return the WSGI application of the target in the environment variable CONTRACT_TARGET."""
    world = make_world()
    app = target(os.environ["CONTRACT_TARGET"]).build(world).app

    def with_tokens(environ, start_response):
        if environ["PATH_INFO"] != "/tokens":
            return app(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(world.tokens).encode()]

    return with_tokens


def asgi():
    """Return the ASGI application of the target in the environment variable CONTRACT_TARGET."""
    world = make_world()
    app = target(os.environ["CONTRACT_TARGET"]).build(world).app

    async def with_tokens(scope, receive, send):
        if scope["type"] == "lifespan" or scope["path"] != "/tokens":
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(world.tokens).encode()})

    return with_tokens


def serve_with_waitress(descriptor):
    """Serve the WSGI application with waitress on an open socket."""
    import socket

    import waitress

    waitress.serve(wsgi(), sockets=[socket.socket(fileno=descriptor)])


def serve_with_hypercorn(descriptor):
    """Serve the ASGI application with hypercorn on an open socket."""
    import asyncio

    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{descriptor}"]
    asyncio.run(serve(asgi(), config))


def serve_with_uvicorn(descriptor):
    """Serve the ASGI application with uvicorn on an open socket."""
    import socket

    import uvicorn

    config = uvicorn.Config(asgi(), log_level="warning", lifespan="on", proxy_headers=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])
