"""The application of the contract on Flask."""

from __future__ import annotations

from flask import Flask
from tests.flask.runner import add_routes

from praetorian_core import Guard, Settings
from praetorian_core.testing.adapter_suite import BodyStyle, WSGIClient
from praetorian_flask import Praetorian


class OnFlask:
    """Flask, in whatever configuration."""

    style = BodyStyle.CANONICAL
    lacks = frozenset()

    def __init__(self, **config):
        self.config = config

    def build(self, world):
        """Return the application."""
        return WSGIClient(self.app(world))

    def app(self, world):
        """Return Flask's application."""
        app = Flask(__name__)
        app.config.update(world.config, **self.config)
        guard = Guard(world.users, Settings.from_mapping(app.config), **world.options)
        Praetorian(app, guard, on_error=world.on_error)
        add_routes(app, world.users)
        return app
