"""Builds the Flask application that the contract's scenarios speak of."""

from __future__ import annotations

from flask import Flask, jsonify, request
from tests.flask.scenarios import CONFIG, make_world

from praetorian_core import Guard, Settings, all_roles, any_role, authenticated_within
from praetorian_core.errors import ForbiddenError
from praetorian_core.testing import as_user
from praetorian_core.testing.adapter_suite import OutOfHoursError, Received
from praetorian_flask import (
    Praetorian,
    auth_accepted,
    auth_required,
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
    policy_required,
    roles_accepted,
    roles_required,
    set_token_cookies,
)


def make_app(world, /, **config):
    """Return an application over a world, without a route, and its guard."""
    app = Flask(__name__)
    app.config.update(CONFIG, **config)
    praetorian = Praetorian(app, Guard(world.users, Settings.from_mapping(app.config), **world.options))
    with app.app_context():
        return app, praetorian.guard


class Site:
    """An application over a fresh world, without a route, with its guard and a client.

    Attributes:
        world: Clock, users and options of the guard.
        app: The application.
        guard: Its guard.
        client: A test client.
    """

    def __init__(self, world=None, **config):
        self.world = make_world() if world is None else world
        self.app, self.guard = make_app(self.world, **config)
        self.client = self.app.test_client()

    def route(self, view, path="/", **options):
        """Route to a view, whose endpoint is the path."""
        self.app.add_url_rule(path, endpoint=path, view_func=view, **options)
        return self

    def headers(self, name, **options):
        """Return the headers of a request of a user."""
        return as_user(self.guard, self.world.users.lookup(name), **options)

    def codes(self, path="/", method="GET"):
        """Return the statuses of a request without a token, with alice's and with root's."""
        everyone = ({}, self.headers("alice"), self.headers("root"))
        return [self.client.open(path, method=method, headers=headers).status_code for headers in everyone]


def add_routes(app, users):
    """Give an application the routes of the scenarios."""

    @app.get("/open")
    def open_():
        principal = current_principal_or_none()
        return jsonify(id=principal and principal.identity)

    @app.get("/protected")
    @auth_required
    def protected():
        return jsonify(id=current_user_id(), roles=sorted(current_rolenames()))

    @app.get("/optional")
    @auth_accepted
    def optional():
        principal = current_principal_or_none()
        return jsonify(id=principal and principal.identity)

    @app.get("/admin")
    @roles_required("admin", "reader")
    def admin():
        return jsonify(id=current_user_id())

    @app.get("/staff")
    @roles_accepted("admin", "editor")
    def staff():
        return jsonify(id=current_principal().identity)

    @app.get("/policy")
    @policy_required(all_roles("reader") & any_role("admin", "editor"))
    def policy():
        return jsonify(id=current_user_id())

    recent = authenticated_within("5 minutes")

    @app.get("/recent")
    @policy_required(recent)
    def recent_view():
        return jsonify(id=current_user_id())

    @app.get("/transfer")
    @policy_required(all_roles("admin") & recent)
    def transfer():
        return jsonify(id=current_user_id())

    @app.get("/twice")
    @auth_required
    @roles_required("reader")
    def twice():
        return jsonify(id=current_user_id())

    @app.route("/options", methods=["OPTIONS"])
    @auth_required
    def options():
        return jsonify(id=current_user_id())

    count = 0

    @app.get("/counter", provide_automatic_options=False)
    def read_counter():
        return jsonify(count=count)

    @app.route("/counter", methods=["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    @auth_required
    def add_one():
        nonlocal count
        count += 1
        return jsonify(count=count)

    @app.get("/undecorated")
    def undecorated():
        return jsonify(id=current_user_id())

    @app.get("/forbidden")
    def forbidden():
        raise ForbiddenError

    @app.get("/own")
    def own():
        raise OutOfHoursError(required="hours")

    @app.get("/me")
    @auth_required
    def me():
        return jsonify(username=current_user().username)

    @app.post("/login")
    def login():
        return jsonify(username=authenticate(*credentials()).username)

    @app.post("/refresh")
    def refresh():
        return jsonify(refreshed=bool(current_guard().refresh(current_token())))

    @app.post("/confirm", endpoint="confirm")
    def confirm_view():
        renewed = confirm(request.get_json()["password"])
        return jsonify(authenticated_at=current_guard().verify(renewed).authenticated_at)

    @app.post("/logout")
    def logout():
        current_guard().revoke(current_token())
        return jsonify(ended=True)

    @app.post("/cookie/login")
    def cookie_login():
        user = authenticate(*credentials())
        return set_token_cookies(jsonify(username=user.username), current_guard().issue(user))

    @app.post("/cookie/refresh")
    def cookie_refresh():
        return set_token_cookies(jsonify(refreshed=True), current_guard().refresh(current_token()))

    @app.post("/cookie/logout")
    def cookie_logout():
        current_guard().revoke(current_token())
        return clear_token_cookies(jsonify(ended=True))

    @app.get("/sessions")
    @auth_required
    def sessions():
        principal = current_principal()
        found = current_guard().sessions(principal.identity, current=principal.session_id)
        return jsonify(sessions=[(session.label, session.is_current) for session in found])

    @app.post("/sessions")
    def new_session():
        user = authenticate(*credentials())
        current_guard().issue(user, label=request.headers.get("User-Agent"))
        return jsonify(username=user.username)

    @app.delete("/sessions")
    @auth_required
    def end_others():
        principal = current_principal()
        current_guard().revoke_user(principal.identity, keep=principal.session_id)
        return jsonify(ended=True)

    @app.delete("/sessions/<session_id>")
    @auth_required
    def end_session(session_id):
        return jsonify(ended=current_guard().revoke_session(current_user_id(), session_id))

    @app.post("/redeem")
    def redeem():
        return jsonify(username=current_guard().redeem_action(current_token(), "confirm").username)

    @app.post("/password")
    def password():
        return jsonify(changed=bool(current_guard().hash_password(request.get_json()["password"])))

    @app.post("/collide")
    def collide():
        return current_guard().issue(users.lookup("alice"), SUB="2")

    @app.post("/misfit")
    def misfit():
        return current_guard().issue(users.lookup("alice"), misfit=object())


def received(response):
    """Return what a test client received, as the contract compares it."""
    return Received(status=response.status_code, headers=tuple(response.headers), body=response.data)
