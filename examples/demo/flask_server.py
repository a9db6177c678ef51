"""The demo's API on Flask: six routes with their policies."""

from __future__ import annotations

from flask import Flask, Response, jsonify

from praetorian_core import Guard, Settings
from praetorian_flask import (
    Praetorian,
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_token,
    current_user_id,
    roles_accepted,
    roles_required,
)
from users import Users


def make_app(settings: Settings, users: Users) -> Flask:
    """Return the WSGI application."""
    app = Flask(__name__)
    Praetorian(app, Guard(users, settings))

    @app.post("/login")
    def login() -> Response:
        return jsonify(access_token=current_guard().issue(authenticate(*credentials())))

    @app.post("/refresh")
    def refresh() -> Response:
        # No auth_required here: access has expired when a client refreshes.
        return jsonify(access_token=current_guard().refresh(current_token()))

    @app.get("/protected")
    @auth_required
    def protected() -> Response:
        return jsonify(identity=current_user_id())

    @app.get("/editors")
    @roles_accepted("editor", "admin")
    def editors() -> Response:
        return jsonify(identity=current_user_id())

    @app.get("/admins")
    @roles_required("admin")
    def admins() -> Response:
        return jsonify(identity=current_user_id())

    @app.get("/user-store-calls")
    def calls() -> Response:
        return jsonify(calls=users.calls)

    return app
