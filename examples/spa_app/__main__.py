"""Serves the browser application until Ctrl-C: ``python -m examples.spa_app``, with ``--falcon`` on uvicorn."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from functools import partial

from praetorian_core import generate_secret

from .people import PASSWORD

say = partial(print, flush=True)

LIFESPANS: dict[str, object] = {"JWT_ACCESS_LIFESPAN": "20 seconds", "JWT_REFRESH_LIFESPAN": "10 minutes"}
"""Short, so that the page shows within half a minute how access is renewed."""


def main() -> int:
    """Serve the application; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.spa_app", description="Serve the browser application.")
    parser.add_argument("--falcon", action="store_true", help="serve it with Falcon on uvicorn instead of Flask")
    parser.add_argument("--port", type=int, default=8000, help="0 for a free one (default: %(default)s)")
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    # SIGTERM ends the servers as Ctrl-C does. A shell starts background jobs with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # A new secret at each start: a restart ends all sessions.
    config = {"SECRET_KEY": generate_secret(), **LIFESPANS}
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except OSError:
        parser.error(f"cannot listen on port {options.port}; write --port 0 for a free one")
    with listener:
        # Chromium accepts Secure cookies from this name without HTTPS; 127.0.0.1 is another site.
        say(f"Open http://localhost:{listener.getsockname()[1]}/ and log in as ada, with the password: {PASSWORD}")
        say("Access ends after 20 seconds; the next call renews it. Press Ctrl-C to end.\n")
        try:
            serve = serve_falcon if options.falcon else serve_flask
            serve(config, listener)
        except KeyboardInterrupt:
            pass
    say("\nThe end.")
    return 0


def serve_flask(config: dict[str, object], listener: socket.socket) -> None:
    """Serve the application on Flask with the server of Werkzeug, which is for development only."""
    from werkzeug.serving import make_server

    from .flask_app import create_app

    host, port = listener.getsockname()
    make_server(host, port, create_app(config), threaded=True, fd=listener.fileno()).serve_forever()


def serve_falcon(config: dict[str, object], listener: socket.socket) -> None:
    """Serve the application on Falcon with uvicorn."""
    import uvicorn

    from .falcon_app import create_app

    uvicorn.Server(uvicorn.Config(create_app(config), log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
