"""Orders, on Flask: it has no users and no private key, so it checks tokens and ends sessions, and makes none.

    gunicorn --workers 2 --bind 127.0.0.1:8002 "examples.many_machines.orders:create_app()"

The address of the Valkey is read from the environment variable STORE, that of the public keys from JWKS_URL.
"""

from __future__ import annotations

import os

from flask import Blueprint, Flask, Response, jsonify

from praetorian_core import Guard, Settings
from praetorian_flask import (
    Praetorian,
    auth_required,
    current_guard,
    current_token,
    current_user_id,
    roles_required,
)

from .trust import AUDIENCE, ISSUER, fetch_keys

api = Blueprint("orders", __name__)


def create_app() -> Flask:
    """Return a new application, when accounts has told its keys."""
    app = Flask(__name__)
    app.config.from_mapping(
        JWT_KEYS=fetch_keys(os.environ["JWKS_URL"]),
        JWT_ISSUER=ISSUER,
        JWT_AUDIENCE=AUDIENCE,
        PRAETORIAN_STORE=os.environ["STORE"],
    )
    Praetorian(app, Guard(None, Settings.from_mapping(app.config)))
    app.register_blueprint(api)
    return app


@api.get("/orders")
@auth_required
def show() -> Response:
    """Show the orders of who acts, whose identity stands in the token."""
    return jsonify(orders=["a broom"], of=current_user_id())


@api.post("/orders")
@roles_required("manager")
def place() -> tuple[Response, int]:
    """Let a manager place an order."""
    return jsonify(ordered="a broom", by=current_user_id()), 202


@api.post("/logout")
def logout() -> tuple[str, int]:
    """End the session, here and on every other machine."""
    current_guard().revoke(current_token())
    return "", 204
