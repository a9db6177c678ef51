"""The demo's API on Flask-RESTX: the same six routes, as resources with generated documentation."""

# Flask-RESTX has no types.
# pyright: basic
from __future__ import annotations

from flask import Flask
from flask_restx import Api, Resource

from praetorian_core import Guard, Settings
from praetorian_flask import Praetorian, authenticate, credentials, current_guard, current_token, current_user_id
from praetorian_restx import auth_required, authorizations, init_api, roles_accepted, roles_required
from users import Users


def make_app(settings: Settings, users: Users) -> Flask:
    """Return the WSGI application."""
    app = Flask(__name__)
    Praetorian(app, Guard(users, settings))
    api = Api(app, title="The demo's API", authorizations=authorizations(settings))
    init_api(api)

    @api.route("/login")
    class Login(Resource):
        def post(self) -> dict[str, object]:
            return {"access_token": current_guard().issue(authenticate(*credentials()))}

    @api.route("/refresh")
    class Refresh(Resource):
        # No auth_required here: access has expired when a client refreshes.
        @api.doc(security="Bearer")
        def post(self) -> dict[str, object]:
            return {"access_token": current_guard().refresh(current_token())}

    @api.route("/protected")
    class Protected(Resource):
        @auth_required
        def get(self) -> dict[str, object]:
            return {"identity": current_user_id()}

    @api.route("/editors")
    class Editors(Resource):
        @roles_accepted("editor", "admin")
        def get(self) -> dict[str, object]:
            return {"identity": current_user_id()}

    @api.route("/admins")
    class Admins(Resource):
        @roles_required("admin")
        def get(self) -> dict[str, object]:
            return {"identity": current_user_id()}

    @api.route("/user-store-calls")
    class Calls(Resource):
        def get(self) -> dict[str, object]:
            return {"calls": users.calls}

    return app
