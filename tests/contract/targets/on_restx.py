"""The application of the contract on Flask-RESTX."""

from __future__ import annotations

from flask import Flask, jsonify, request
from flask_restx import Api, Resource

from praetorian_core import Guard, Settings, all_roles, any_role, authenticated_within
from praetorian_core.errors import ForbiddenError
from praetorian_core.testing.adapter_suite import BodyStyle, OutOfHoursError, WSGIClient
from praetorian_flask import (
    Praetorian,
    authenticate,
    clear_token_cookies,
    confirm,
    credentials,
    current_guard,
    current_principal,
    current_principal_or_none,
    current_rolenames,
    current_token,
    current_user,
    current_user_id,
    set_token_cookies,
)
from praetorian_restx import auth_accepted, auth_required, init_api, policy_required, roles_accepted, roles_required


class OnRestx:
    """Flask-RESTX, in whatever configuration."""

    style = BodyStyle.CANONICAL
    lacks = frozenset()

    def __init__(self, **config):
        self.config = config

    def build(self, world):
        """Return the application."""
        app = Flask(__name__)
        app.config.update(world.config, **self.config)
        Praetorian(app, Guard(world.users, Settings.from_mapping(app.config), **world.options))
        api = Api(app)
        init_api(api, on_error=world.on_error)
        _add_resources(api, world.users)
        return WSGIClient(app)


def _add_resources(api, users):
    @api.route("/open")
    class Open(Resource):
        def get(self):
            principal = current_principal_or_none()
            return {"id": principal and principal.identity}

    @api.route("/protected")
    class Protected(Resource):
        @auth_required
        def get(self):
            return {"id": current_user_id(), "roles": sorted(current_rolenames())}

    @api.route("/optional")
    class Optional(Resource):
        @auth_accepted
        def get(self):
            principal = current_principal_or_none()
            return {"id": principal and principal.identity}

    @api.route("/admin")
    @roles_required("admin", "reader")
    class Admin(Resource):
        def get(self):
            return {"id": current_user_id()}

    @api.route("/staff")
    class Staff(Resource):
        @roles_accepted("admin", "editor")
        def get(self):
            return {"id": current_user_id()}

    @api.route("/policy")
    class Policy(Resource):
        @policy_required(all_roles("reader") & any_role("admin", "editor"))
        def get(self):
            return {"id": current_user_id()}

    recent = authenticated_within("5 minutes")

    @api.route("/recent")
    class Recent(Resource):
        @policy_required(recent)
        def get(self):
            return {"id": current_user_id()}

    @api.route("/transfer")
    class Transfer(Resource):
        method_decorators = (policy_required(all_roles("admin") & recent),)

        def get(self):
            return {"id": current_user_id()}

    @api.route("/twice")
    class Twice(Resource):
        method_decorators = [auth_required]  # noqa: RUF012  (as Flask-RESTX documents it)

        @roles_required("reader")
        def get(self):
            return {"id": current_user_id()}

    @api.route("/me")
    class Me(Resource):
        @auth_required
        def get(self):
            return {"username": current_user().username}

    @api.route("/options")
    @auth_required
    class Options(Resource):
        def options(self):
            return {"id": current_user_id()}

    count = 0

    def add_one(self):
        nonlocal count
        count += 1
        return {"count": count}

    @api.route("/counter")
    class Counter(Resource):
        post = put = patch = delete = options = auth_required(add_one)

        def get(self):
            return {"count": count}

    @api.route("/undecorated")
    class Undecorated(Resource):
        def get(self):
            return {"id": current_user_id()}

    @api.route("/forbidden")
    class Forbidden(Resource):
        def get(self):
            raise ForbiddenError

    @api.route("/own")
    class Own(Resource):
        def get(self):
            raise OutOfHoursError(required="hours")

    @api.route("/login")
    class Login(Resource):
        def post(self):
            return {"username": authenticate(*credentials()).username}

    @api.route("/refresh")
    class Refresh(Resource):
        def post(self):
            return {"refreshed": bool(current_guard().refresh(current_token()))}

    @api.route("/confirm")
    class Confirm(Resource):
        def post(self):
            renewed = confirm(request.get_json()["password"])
            return {"authenticated_at": current_guard().verify(renewed).authenticated_at}

    @api.route("/logout")
    class Logout(Resource):
        def post(self):
            current_guard().revoke(current_token())
            return {"ended": True}

    @api.route("/cookie/login")
    class CookieLogin(Resource):
        def post(self):
            user = authenticate(*credentials())
            return set_token_cookies(jsonify(username=user.username), current_guard().issue(user))

    @api.route("/cookie/refresh")
    class CookieRefresh(Resource):
        def post(self):
            return set_token_cookies(jsonify(refreshed=True), current_guard().refresh(current_token()))

    @api.route("/cookie/logout")
    class CookieLogout(Resource):
        def post(self):
            current_guard().revoke(current_token())
            return clear_token_cookies(jsonify(ended=True))

    @api.route("/sessions")
    class Sessions(Resource):
        @auth_required
        def get(self):
            principal = current_principal()
            found = current_guard().sessions(principal.identity, current=principal.session_id)
            return {"sessions": [(session.label, session.is_current) for session in found]}

        def post(self):
            user = authenticate(*credentials())
            current_guard().issue(user, label=request.headers.get("User-Agent"))
            return {"username": user.username}

        @auth_required
        def delete(self):
            principal = current_principal()
            current_guard().revoke_user(principal.identity, keep=principal.session_id)
            return {"ended": True}

    @api.route("/sessions/<session_id>")
    class Session(Resource):
        @auth_required
        def delete(self, session_id):
            return {"ended": current_guard().revoke_session(current_user_id(), session_id)}

    @api.route("/redeem")
    class Redeem(Resource):
        def post(self):
            return {"username": current_guard().redeem_action(current_token(), "confirm").username}

    @api.route("/password")
    class Password(Resource):
        def post(self):
            return {"changed": bool(current_guard().hash_password(request.get_json()["password"]))}

    @api.route("/collide")
    class Collide(Resource):
        def post(self):
            return current_guard().issue(users.lookup("alice"), SUB="2")

    @api.route("/misfit")
    class Misfit(Resource):
        def post(self):
            return current_guard().issue(users.lookup("alice"), misfit=object())
