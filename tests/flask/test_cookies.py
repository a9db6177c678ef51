"""``set_token_cookies`` and ``clear_token_cookies``: what is theirs beyond the adapter suite."""

from __future__ import annotations

import flask
import pytest
from flask import Flask, jsonify
from flask_restx import Api, Resource
from tests.support import ACCESS, NOW

from praetorian_core import Guard, Settings
from praetorian_core.errors import ConfigurationError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers
from praetorian_core.token import generate_secret
from praetorian_flask import (
    Praetorian,
    auth_required,
    clear_token_cookies,
    current_guard,
    current_token,
    current_user_id,
    set_token_cookies,
)

ALICE = MemoryUser(identity=1, username="alice")
NAME = "__Host-access_token"


def public(response):
    """Let caches keep every response."""
    response.headers["Cache-Control"] = "public"
    return response


def application(first=None, **config):
    """Return an application that reads cookies, and its clock."""
    clock = FrozenClock(NOW)
    app = Flask(__name__)
    if first is not None:
        app.after_request(first)
    app.config.update(SECRET_KEY=generate_secret(), JWT_PLACES=["cookie"], JWT_ACCESS_LIFESPAN=ACCESS, **config)
    settings = Settings.from_mapping(app.config)
    Praetorian(app, Guard(MemoryUsers([ALICE]), settings, clock=clock, passwords=None))
    return app, clock


def values_of(response):
    """Return the values of the token cookies that a response sets."""
    lines = response.headers.getlist("Set-Cookie")
    return [line.partition(";")[0].partition("=")[2] for line in lines if line.startswith(f"{NAME}=")]


class TestMistakes:
    @pytest.mark.parametrize(
        "response", [{"a": 1}, ({"a": 1}, 200), "text", None], ids=["dict", "tuple", "str", "None"]
    )
    def test_no_response(self, response):
        """A view returns many things; cookies are set on a response alone."""
        app, _ = application()
        with app.test_request_context(method="POST"):
            token = current_guard().issue(ALICE)
            with pytest.raises(
                ConfigurationError, match=r"set_token_cookies takes a response; .* write set_token_cookies"
            ):
                set_token_cookies(response, token)
            with pytest.raises(ConfigurationError, match="clear_token_cookies takes a response"):
                clear_token_cookies(response)

    def test_swapped(self):
        """The response comes first."""
        app, _ = application()
        with (
            app.test_request_context(method="POST"),
            pytest.raises(ConfigurationError, match="set_token_cookies takes a response; got str"),
        ):
            set_token_cookies(current_guard().issue(ALICE), jsonify())


class TestRenewal:
    @pytest.mark.parametrize("path", ["/own", "/clear", "/plain"])
    def test_one_cookie(self, path):
        """A view that sets or deletes the cookies itself decides; any other answer sets those of the renewed token."""
        app, clock = application(PRAETORIAN_COOKIE_REFRESH=True)

        @app.get("/own")
        @auth_required
        def own():
            return set_token_cookies(jsonify(), current_guard().issue(ALICE))

        @app.get("/clear")
        @auth_required
        def clear():
            return clear_token_cookies(jsonify())

        @app.get("/plain")
        @auth_required
        def plain():
            return jsonify(current_token())

        with app.app_context():
            token = current_guard().issue(ALICE)
        clock.tick(ACCESS)
        response = app.test_client(use_cookies=False).get(path, headers={"Cookie": f"{NAME}={token}"})
        (value,) = values_of(response)

        assert {"/own": 3, "/clear": 1, "/plain": 3}[path] == len(value.split("."))
        assert path != "/plain" or value == response.json
        assert value != token

    @pytest.mark.parametrize("path", ["/error", "/other"])
    def test_other_response(self, path):
        """The cookies go out also if the view returns another response than the one that it gave cookies."""
        app, clock = application(PRAETORIAN_COOKIE_REFRESH=True)

        @app.get("/error")
        @auth_required
        def error():
            set_token_cookies(jsonify(), current_guard().issue(ALICE))
            flask.abort(400)

        @app.get("/other")
        @auth_required
        def other():
            clear_token_cookies(jsonify())
            return jsonify()

        with app.app_context():
            token = current_guard().issue(ALICE)
        clock.tick(ACCESS)
        (value,) = values_of(app.test_client(use_cookies=False).get(path, headers={"Cookie": f"{NAME}={token}"}))

        assert 3 == len(value.split("."))

    def test_no_store(self):
        """No other function changes that the answer may not be stored."""
        app, clock = application(PRAETORIAN_COOKIE_REFRESH=True, first=public)

        @app.get("/me")
        @auth_required
        def me():
            return jsonify()

        with app.app_context():
            token = current_guard().issue(ALICE)
        clock.tick(ACCESS)
        response = app.test_client(use_cookies=False).get("/me", headers={"Cookie": f"{NAME}={token}"})

        assert "no-store" == response.headers["Cache-Control"]

    def test_restx(self):
        """A resource that returns a dict gets the cookies of the renewed token too."""
        app, clock = application(PRAETORIAN_COOKIE_REFRESH=True)
        api = Api(app)

        @api.route("/me")
        class Me(Resource):
            method_decorators = (auth_required,)

            def get(self):
                return {"id": current_user_id()}

        with app.app_context():
            token = current_guard().issue(ALICE)
        clock.tick(ACCESS)
        response = app.test_client(use_cookies=False).get("/me", headers={"Cookie": f"{NAME}={token}"})

        assert ({"id": 1}, 1) == (response.json, len(values_of(response)))

    def test_before_request(self):
        """A check before the view renews once for all checks of the request, and the answer sets the last token."""
        app, clock = application(
            PRAETORIAN_COOKIE_REFRESH=True, PRAETORIAN_STORE="memory://", PRAETORIAN_REFRESH_GRACE=1
        )
        app.before_request(auth_required(lambda: None))

        @app.get("/twice")
        @auth_required
        def twice():
            return jsonify(current_user_id())

        with app.app_context():
            token = current_guard().issue(ALICE)
        clock.tick(ACCESS)
        client = app.test_client(use_cookies=False)
        response = client.get("/twice", headers={"Cookie": f"{NAME}={token}"})
        (fresh,) = values_of(response)

        assert 200 == response.status_code
        assert 200 == client.get("/twice", headers={"Cookie": f"{NAME}={fresh}"}).status_code
