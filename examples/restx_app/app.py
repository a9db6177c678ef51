"""An API on Flask-RESTX, whose Swagger page shows the roles that each operation requires.

In the root of this repository:

    pip install ".[restx]"
    python examples/restx_app/app.py

Open http://127.0.0.1:5000/, try ``POST /login`` as ``alice`` or as ``julia``, both with the password
``veni, vidi, vici``; press "Authorize", type ``Bearer``, a space and the token, and try the other operations.
"""

# Flask-RESTX has no types.
# pyright: basic
from __future__ import annotations

import logging
import os

import attrs
from flask import Flask
from flask_restx import Api, Namespace, Resource, fields

from praetorian_core import PasswordHasher, generate_secret
from praetorian_flask import (
    Praetorian,
    authenticate,
    credentials,
    current_guard,
    current_token,
    current_user,
    current_user_or_none,
)
from praetorian_restx import (
    auth_accepted,
    auth_required,
    authorizations,
    document_login,
    init_api,
    protect_namespace,
    roles_required,
)

PASSWORD = "veni, vidi, vici"
HASHED = PasswordHasher().hash(PASSWORD)
LOG = logging.getLogger("legion")


@attrs.frozen
class Soldier:
    """A user: a class with these four attributes and two class methods."""

    identity: int
    username: str
    rolenames: list[str]
    password: str = attrs.field(default=HASHED, repr=False)

    @classmethod
    def lookup(cls, username: str) -> Soldier | None:
        """Return the soldier with this username."""
        return next((soldier for soldier in LEGION if soldier.username == username), None)

    @classmethod
    def identify(cls, identity: object) -> Soldier | None:
        """Return the soldier with this identity."""
        return next((soldier for soldier in LEGION if soldier.identity == identity), None)


LEGION = [Soldier(1, "alice", ["soldier"]), Soldier(2, "julia", ["soldier", "general"])]

session = Namespace("session", "Login and refresh", path="/")
camp = Namespace("camp", "The camp")
treasury = Namespace("treasury", "The treasury, for generals only")
protect_namespace(treasury, roles_required("general"))

name = fields.String(required=True, example="alice")
password = fields.String(required=True, example=PASSWORD)
Credentials = session.model("Credentials", {"username": name, "password": password})
Token = session.model("Token", {"access_token": fields.String})


@session.route("/login")
class Login(Resource):
    """Exchanges username and password for a token."""

    @document_login
    @session.expect(Credentials)
    @session.marshal_with(Token)
    def post(self) -> dict[str, object]:
        """Log in."""
        return {"access_token": current_guard().issue(authenticate(*credentials()))}


@session.route("/refresh")
class Refresh(Resource):
    """Exchanges an expired token for a new one."""

    @session.doc(security="Bearer")
    @session.marshal_with(Token)
    @session.response(401, "Log in again", "PraetorianError")
    def post(self) -> dict[str, object]:
        """Exchange a token whose access lifespan has expired."""
        return {"access_token": current_guard().refresh(current_token())}


@camp.route("/gate")
class Gate(Resource):
    """Accepts requests with and without a token."""

    @auth_accepted
    def get(self) -> dict[str, object]:
        """Return a greeting, by name with a token."""
        soldier = current_user_or_none(Soldier)
        return {"greeting": f"Salve, {soldier.username if soldier else 'stranger'}!"}


@camp.route("/me")
class Me(Resource):
    """Requires a token."""

    @auth_required
    def get(self) -> dict[str, object]:
        """Return your name and roles."""
        soldier = current_user(Soldier)
        return {"username": soldier.username, "roles": soldier.rolenames}


@camp.route("/orders")
class Orders(Resource):
    """Requires roles."""

    @roles_required("soldier", "general")
    def post(self) -> tuple[dict[str, object], int]:
        """Give an order."""
        return {"orders": "March!"}, 202


@treasury.route("/gold")
class Gold(Resource):
    """Requires the role of its namespace."""

    def get(self) -> dict[str, object]:
        """Count the gold."""
        return {"aurei": 10_000}


def create_app() -> Flask:
    """Build the application."""
    app = Flask(__name__)
    # A new secret at each start invalidates every token; a real service keeps one.
    app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY") or generate_secret()
    app.config.update(SWAGGER_UI_DOC_EXPANSION="list", RESTX_MASK_SWAGGER=False)
    Praetorian(app, Soldier)
    api = Api(app, title="Legion", authorizations=authorizations())
    init_api(api, on_error=lambda error: LOG.warning("refused: %s", error))
    for namespace in (session, camp, treasury):
        api.add_namespace(namespace)
    return app


if __name__ == "__main__":
    create_app().run()
