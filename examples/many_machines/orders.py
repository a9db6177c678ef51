"""The orders service, on Flask: without users and private key it verifies tokens and ends sessions.

    gunicorn --workers 2 --bind 127.0.0.1:8002 "examples.many_machines.orders:create_app()"

The environment variable STORE holds the URL of the Valkey, JWKS_URL that of the public keys.
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
    """Return a new application; accounts must be running, because its keys are fetched."""
    app = Flask(__name__)
    app.config.from_mapping(
        JWT_KEYS=fetch_keys(os.environ["JWKS_URL"]),
        JWT_ISSUER=ISSUER,
        JWT_AUDIENCE=AUDIENCE,
        PRAETORIAN_STORE=os.environ["STORE"],
    )
    guard: Guard[object] = Guard(None, Settings.from_mapping(app.config))
    Praetorian(app, guard)
    app.register_blueprint(api)
    return app


@api.get("/orders")
@auth_required
def show() -> Response:
    """Return the orders of the authenticated user, whose identity is in the token."""
    return jsonify(orders=["a broom"], of=current_user_id())


@api.post("/orders")
@roles_required("manager")
def place() -> tuple[Response, int]:
    """Place an order, as a manager."""
    return jsonify(ordered="a broom", by=current_user_id()), 202


@api.post("/logout")
def logout() -> tuple[str, int]:
    """End the session on every machine."""
    current_guard().revoke(current_token())
    return "", 204
