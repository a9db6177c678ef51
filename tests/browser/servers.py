"""Real servers for the browser: werkzeug and uvicorn in threads, so that a test moves their clock."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import contextmanager
from threading import Thread

import attrs
import pytest
import uvicorn
from examples.spa_app import falcon_app, flask_app
from werkzeug.serving import make_server

from praetorian_core import generate_secret
from praetorian_core.testing import FrozenClock, cheapest_hasher

ON_BOTH = pytest.mark.parametrize("site", ["flask", "falcon"], indirect=True, scope="module")
"""Runs a test with the fixture ``site`` on both frameworks."""


@contextmanager
def serve_wsgi(app):
    """Serve a WSGI application on a free port of the loopback and yield the port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_asgi(app):
    """Serve an ASGI application on a free port of the loopback and yield the port."""
    config = uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    # The socket listens already, so a request that is sent before the server is ready waits in its queue.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@attrs.frozen
class Call:
    """A request that a server answered.

    Attributes:
        method: Request method.
        path: Path.
        status: Status of the answer.
        relation: What the browser sent as ``Sec-Fetch-Site``; None from other clients.
        cookies: The names of the cookies that it sent.
    """

    method: str
    path: str
    status: int
    relation: str | None
    cookies: frozenset[str]


def call(method, path, status, relation, cookie):
    """Return a call from the values of its headers."""
    names = frozenset(pair.partition("=")[0].strip() for pair in cookie.split(";") if pair)
    return Call(method, path, status, relation, names)


def recorded_wsgi(app, calls):
    """Return an application that adds each answered call to a list."""

    def record(environ, start_response):
        headers = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_COOKIE", "")

        def start(status, fields, exc_info=None):
            calls.append(call(environ["REQUEST_METHOD"], environ["PATH_INFO"], int(status[:3]), *headers))
            return start_response(status, fields, exc_info)

        return app(environ, start)

    return record


def recorded_asgi(app, calls):
    """Return an application that adds each answered call to a list."""

    async def record(scope, receive, send):
        fields = {name.decode(): value.decode() for name, value in scope.get("headers", ())}
        headers = fields.get("sec-fetch-site"), fields.get("cookie", "")

        async def send_recorded(event):
            if event["type"] == "http.response.start":
                calls.append(call(scope["method"], scope["path"], event["status"], *headers))
            await send(event)

        await app(scope, receive, send_recorded)

    return record


@attrs.define
class Site:
    """The example on a real server.

    Attributes:
        port: The port; the server listens on 127.0.0.1, which is the address of ``localhost`` and of every name below it.
        clock: The clock of the guard.
        calls: The requests that the server answered.
    """

    port: int
    clock: FrozenClock
    calls: list[Call]

    def url(self, path="/", host="localhost"):
        """Return an address of the site."""
        return f"http://{host}:{self.port}{path}"

    def count(self, method, path):
        """Return the statuses of the answers to these requests."""
        return [call.status for call in self.calls if (call.method, call.path) == (method, path)]


@contextmanager
def serve_example(framework, config=None, *, extend=None):
    """Serve the example on Flask or on Falcon, with the current time frozen, and yield the site.

    Args:
        framework: ``flask`` or ``falcon``.
        config: Configuration that overrides the example's.
        extend: Called with the application before it is served; None for nothing.
    """
    # Browsers know the current time, so the clock begins with it.
    clock, calls = FrozenClock(int(time.time())), []
    module, record, serve = {
        "flask": (flask_app, recorded_wsgi, serve_wsgi),
        "falcon": (falcon_app, recorded_asgi, serve_asgi),
    }[framework]
    config = {"SECRET_KEY": generate_secret(), **(config or {})}
    app = module.create_app(config, passwords=cheapest_hasher(), clock=clock)
    if extend is not None:
        extend(app)
    with serve(record(app, calls)) as port:
        yield Site(port, clock, calls)
