"""A legion's API on Flask-RESTX, whose Swagger page knows who may do what.

    pip install "praetorian-core[restx]"
    python examples/restx_app/app.py

Open http://127.0.0.1:5000/, try ``POST /login`` as ``alice`` or as ``julia``, both with the password
``veni, vidi, vici``; press "Authorize", type ``Bearer``, a space and the token, and see what each of them may do.
"""

# Flask-RESTX carries no types.
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
from praetorian_restx import auth_accepted, auth_required, authorizations, init_api, protect_namespace, roles_required

PASSWORD = "veni, vidi, vici"
HASHED = PasswordHasher().hash(PASSWORD)
LOG = logging.getLogger("legion")


@attrs.frozen
class Soldier:
    """A user: anything that has these four attributes and can be found by name and by identity."""

    identity: int
    username: str
    rolenames: list[str]
    password: str = attrs.field(default=HASHED, repr=False)

    @classmethod
    def lookup(cls, username: str) -> Soldier | None:
        """Find the soldier who logs in."""
        return next((soldier for soldier in LEGION if soldier.username == username), None)

    @classmethod
    def identify(cls, identity: object) -> Soldier | None:
        """Find the soldier whom a token names."""
        return next((soldier for soldier in LEGION if soldier.identity == identity), None)


LEGION = [Soldier(1, "alice", ["soldier"]), Soldier(2, "julia", ["soldier", "general"])]

session = Namespace("session", "Log in, and stay logged in", path="/")
camp = Namespace("camp", "The camp")
treasury = Namespace("treasury", "The treasury, for generals only")
protect_namespace(treasury, roles_required("general"))

name = fields.String(required=True, example="alice")
password = fields.String(required=True, example=PASSWORD)
Credentials = session.model("Credentials", {"username": name, "password": password})
Token = session.model("Token", {"access_token": fields.String})


@session.route("/login")
class Login(Resource):
    """Names and passwords for tokens."""

    @session.expect(Credentials)
    @session.marshal_with(Token)
    @session.response(401, "Wrong name or password", "PraetorianError")
    @session.response(429, "Too many attempts", "PraetorianError")
    def post(self) -> dict[str, object]:
        """Log in."""
        return {"access_token": current_guard().issue(authenticate(*credentials()))}


@session.route("/refresh")
class Refresh(Resource):
    """Expired tokens for new ones."""

    @session.doc(security="Bearer")
    @session.marshal_with(Token)
    @session.response(401, "Log in again", "PraetorianError")
    def post(self) -> dict[str, object]:
        """Exchange a token that has expired, until its session is over."""
        return {"access_token": current_guard().refresh(current_token())}


@camp.route("/gate")
class JWSVerifier(Resource):
    """Open to everybody."""

    @auth_accepted
    def get(self) -> dict[str, object]:
        """Be greeted, by name with a token."""
        soldier = current_user_or_none(Soldier)
        return {"greeting": f"Salve, {soldier.username if soldier else 'stranger'}!"}


@camp.route("/me")
class Me(Resource):
    """Open to those who are logged in."""

    @auth_required
    def get(self) -> dict[str, object]:
        """See who you are."""
        soldier = current_user(Soldier)
        return {"username": soldier.username, "roles": soldier.rolenames}


@camp.route("/orders")
class Orders(Resource):
    """Open to some."""

    @roles_required("soldier", "general")
    def post(self) -> tuple[dict[str, object], int]:
        """Give orders."""
        return {"orders": "March!"}, 202


@treasury.route("/gold")
class Gold(Resource):
    """Guarded by the namespace."""

    def get(self) -> dict[str, object]:
        """Count the gold."""
        return {"aurei": 10_000}


def create_app() -> Flask:
    """Build the application."""
    app = Flask(__name__)
    # With a secret of its own each start logs everybody out; a real service keeps one.
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
