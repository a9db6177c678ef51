"""The accounts service has the users and the private key, so it alone issues tokens.

    gunicorn --workers 2 --bind 127.0.0.1:8001 "examples.many_machines.accounts:create_app()"

The environment variable PRIVATE_KEY holds the private key (PEM), STORE the URL of the Valkey.
"""

from __future__ import annotations

import os

import attrs
from flask import Blueprint, Flask, Response, jsonify

from praetorian_core import KeyRing, PasswordHasher
from praetorian_flask import (
    Praetorian,
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_rolenames,
    current_token,
    current_user,
)

from .trust import AUDIENCE, ISSUER

PASSWORD = "correct horse battery staple"
HASHED = PasswordHasher().hash(PASSWORD)


@attrs.frozen
class User:
    """A user; a real service would query its database."""

    identity: int
    username: str
    rolenames: list[str]
    password: str = attrs.field(default=HASHED, repr=False)

    @classmethod
    def lookup(cls, username: str) -> User | None:
        """Return the user with this name."""
        return next((user for user in USERS if user.username == username), None)

    @classmethod
    def identify(cls, identity: int) -> User | None:
        """Return the user with this identity."""
        return next((user for user in USERS if user.identity == identity), None)


USERS = [User(1, "alice", ["clerk"]), User(2, "julia", ["clerk", "manager"])]

api = Blueprint("accounts", __name__)


def create_app() -> Flask:
    """Return a new application."""
    app = Flask(__name__)
    app.config.from_mapping(
        JWT_KEYS=KeyRing.from_pem(os.environ["PRIVATE_KEY"], algorithm="EdDSA"),
        JWT_ISSUER=ISSUER,
        JWT_AUDIENCE=AUDIENCE,
        PRAETORIAN_STORE=os.environ["STORE"],
    )
    Praetorian(app, User)
    app.register_blueprint(api)
    return app


@api.get("/.well-known/jwks.json")
def jwks() -> Response:
    """Publish the public half of the key."""
    return jsonify(current_guard().settings.keys.to_jwks())


@api.post("/login")
def login() -> Response:
    """Exchange a user name and a password for a token."""
    return token_response(current_guard().issue(authenticate(*credentials())))


@api.post("/refresh")
def refresh() -> Response:
    """Exchange a token whose access has expired. No auth_required: it would reject such a token."""
    return token_response(current_guard().refresh(current_token()))


@api.post("/logout")
def logout() -> tuple[str, int]:
    """End the session on every machine."""
    current_guard().revoke(current_token())
    return "", 204


@api.get("/me")
@auth_required
def me() -> Response:
    """Return the authenticated user."""
    return jsonify(username=current_user(User).username, roles=sorted(current_rolenames()))


def token_response(token: str) -> Response:
    """Return a token in a response that must not be cached (RFC 6750 §5.3)."""
    response = jsonify(access_token=token)
    response.headers["Cache-Control"] = "no-store"
    return response
