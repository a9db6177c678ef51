"""Real servers on the loopback interface, each on a free port."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias, cast

import uvicorn
from werkzeug.serving import make_server

import falcon_asgi_server
import falcon_server
import flask_server
import restx_server
from praetorian_core import Settings
from users import Users

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Server: TypeAlias = Callable[[Settings, Users], AbstractContextManager[str]]
"""Starts a server and yields its URL; the server stops when the context ends."""


@contextmanager
def wsgi(app: WSGIApplication) -> Generator[str, None, None]:
    """Serve a WSGI application from a thread."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    # The server checks twenty times a second whether to stop.
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def asgi(app: Callable[..., Awaitable[None]]) -> Generator[str, None, None]:
    """Serve an ASGI application from a thread with its own event loop.

    Raises:
        RuntimeError: The server did not start.
    """
    # uvicorn installs signal handlers only in the main thread, so this server leaves them unchanged.
    config = uvicorn.Config(app, ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            while not server.started:
                if not thread.is_alive():
                    raise RuntimeError("uvicorn did not start")
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def flask(settings: Settings, users: Users) -> AbstractContextManager[str]:
    """Serve the API of ``flask_server``."""
    return wsgi(flask_server.make_app(settings, users))


def restx(settings: Settings, users: Users) -> AbstractContextManager[str]:
    """Serve the API of ``restx_server``."""
    return wsgi(restx_server.make_app(settings, users))


def falcon_wsgi(settings: Settings, users: Users) -> AbstractContextManager[str]:
    """Serve the API of ``falcon_server``."""
    # Falcon and Werkzeug annotate start_response differently.
    return wsgi(cast("WSGIApplication", falcon_server.make_app(settings, users)))


def falcon_asgi(settings: Settings, users: Users) -> AbstractContextManager[str]:
    """Serve the API of ``falcon_asgi_server``."""
    return asgi(falcon_asgi_server.make_app(settings, users))


SERVERS: Mapping[str, Server] = {
    "Flask": flask,
    "Flask-RESTX": restx,
    "Falcon WSGI": falcon_wsgi,
    "Falcon ASGI": falcon_asgi,
}
"""The servers by the names of their columns."""
