"""Builds the Flask application that the scenarios speak of, and sends it their requests."""

from __future__ import annotations

import re

import attrs
from flask import Flask, jsonify, request
from tests.flask.scenarios import CONFIG, Expected, exhaust, make_world, mint

from praetorian_flask import (
    Praetorian,
    auth_accepted,
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_principal,
    current_principal_or_none,
    current_rolenames,
    current_token,
    current_user,
    current_user_id,
    roles_accepted,
    roles_required,
)


def make_app(world, /, **config):
    """Return an application over a world, without a route, and its guard."""
    app = Flask(__name__)
    app.config.update(CONFIG, **config)
    praetorian = Praetorian(app, world.users, **world.options)
    with app.app_context():
        return app, praetorian.guard


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

    @app.post("/redeem")
    def redeem():
        return jsonify(username=current_guard().redeem_action(current_token(), "confirm").username)

    @app.post("/password")
    def password():
        return jsonify(changed=bool(current_guard().hash_password(request.get_json()["password"])))

    @app.post("/collide")
    def collide():
        return current_guard().issue(users.lookup("alice"), SUB="2")


def fill(text, tokens):
    """Return a text with tokens in the place of their names."""
    return re.sub(r"<(\w+)>", lambda match: tokens[match[1]], text)


def send(client, sent, tokens):
    """Send a request of a scenario and return the response."""
    body = {} if sent.body is None else {"data": sent.body, "content_type": sent.content_type}
    return client.open(
        fill(sent.path, tokens),
        method=sent.method,
        headers=[(name, fill(value, tokens)) for name, value in sent.headers],
        json=sent.json,
        environ_overrides={"REMOTE_ADDR": sent.remote},
        **body,
    )


def answer_of(response, expected):
    """Return what came back, in the terms of what was expected."""
    return Expected(
        status=response.status_code,
        body=None if expected.body is None else response.json,
        cache_control=response.headers.get("Cache-Control"),
        challenge=response.headers.get("WWW-Authenticate"),
        retry_after=response.headers.get("Retry-After"),
    )


@attrs.frozen
class Target:
    """An application with all routes and tokens, ready for any scenario."""

    app: Flask
    tokens: dict[str, str]

    def play(self, scenario):
        """Return the response to a scenario's request."""
        return send(self.app.test_client(), scenario.request, self.tokens)


def make_target(**config):
    """Return an application in which every scenario can be played, the first of them and once."""
    world = make_world()
    app, guard = make_app(world, **config)
    add_routes(app, world.users)
    tokens = mint(guard, world)
    exhaust(guard, "alice", "8.8.4.4")
    return Target(app, tokens)
