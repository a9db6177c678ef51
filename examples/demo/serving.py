"""Real servers on the loopback interface, each on a free port of its own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias

from werkzeug.serving import make_server

from flask_server import make_app
from praetorian_core import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Server: TypeAlias = Callable[[Settings], AbstractContextManager[str]]
"""Starts a server and yields its URL; the server stops when the context ends."""


@contextmanager
def wsgi(app: WSGIApplication) -> Generator[str, None, None]:
    """Serve a WSGI application from a thread."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    # It looks up twenty times a second whether it shall stop.
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def flask(settings: Settings) -> AbstractContextManager[str]:
    """Serve the API of ``flask_server``."""
    return wsgi(make_app(settings))


SERVERS: Mapping[str, Server] = {"Flask": flask}
"""Everything that the story is played against, by the name of its column."""
