"""Serve one of the applications on a free port: on flask-praetorian, or unchanged on the drop-in.

    python server.py APPLICATION DATABASE --mail EXTENSION [--drop-in] [--minutes-ago N]

The port is printed once the server listens. ``--minutes-ago`` issues tokens in the past, so that no test has to wait for
an expiry.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from werkzeug.serving import make_server


def set_up_mail(app, extension):
    """Install the mail extension that the application's version of flask-praetorian sends through."""
    app.config["TESTING"] = extension == "flask_mail"  # Flask-Mail suppresses delivery under TESTING
    app.config["MAIL_BACKEND"] = "locmem"
    importlib.import_module(extension).Mail(app)
    app.config["TESTING"] = False


def main():
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("application")
    parser.add_argument("database")
    parser.add_argument("--drop-in", action="store_true")
    parser.add_argument("--minutes-ago", type=int, default=0)
    parser.add_argument("--mail", choices=["flask_mail", "flask_mailman"], required=True)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent / "apps"))
    if options.drop_in:
        # The one line that an application adds.
        sys.modules["flask_praetorian"] = importlib.import_module("praetorian_flask.compat")
    elif options.minutes_ago:
        turn_back(options.minutes_ago)
    module = importlib.import_module(options.application)
    app = module.create_app(options.database)
    set_up_mail(app, options.mail)
    server = make_server("127.0.0.1", 0, app)
    print(server.server_port, flush=True)
    server.serve_forever()


def turn_back(minutes):
    """Let flask-praetorian believe that it is earlier."""
    import flask_praetorian.base
    import pendulum

    class Earlier:
        def __getattr__(self, name):
            return getattr(pendulum, name)

        @staticmethod
        def now(*args, **kwargs):
            return pendulum.now(*args, **kwargs).subtract(minutes=minutes)

    flask_praetorian.base.pendulum = Earlier()


if __name__ == "__main__":
    main()
