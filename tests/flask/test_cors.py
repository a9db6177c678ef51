"""CORS with flask-cors: preflights, and what a browser may read of a refusal."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask
from flask_cors import CORS, cross_origin
from flask_restx import cors as restx_cors
from tests.flask.runner import Site

from praetorian_core.errors import ConfigurationError, LoginThrottledError
from praetorian_flask import auth_accepted, auth_exempt, auth_required, protect_blueprint, roles_required

ORIGIN = "https://app.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization",
}


@pytest.fixture
def site():
    return Site()


class TestWholeApplication:
    @pytest.mark.parametrize("methods", [["GET"], ["GET", "OPTIONS"]], ids=["Flask's OPTIONS", "the view's OPTIONS"])
    def test_preflight(self, site, methods):
        """With ``CORS(app)`` a preflight of a guarded view has the headers, and the view does not run."""
        ran = []
        CORS(site.app, origins=[ORIGIN])
        site.app.add_url_rule("/", view_func=auth_required(lambda: ran.append(1) or "ran"), methods=methods)

        response = site.client.options("/", headers=PREFLIGHT)

        assert 200 == response.status_code
        assert ORIGIN == response.headers["Access-Control-Allow-Origin"]
        assert "authorization" == response.headers["Access-Control-Allow-Headers"]
        assert [] == ran

    def test_refusals_can_be_read(self, site):
        """A refusal has the header as well, so a browser shows its status and body to the application."""
        CORS(site.app, origins=[ORIGIN])
        site.app.add_url_rule("/", view_func=auth_required(lambda: "in"))

        for headers, status in (({"Origin": ORIGIN, **site.headers("alice")}, 200), ({"Origin": ORIGIN}, 401)):
            response = site.client.get("/", headers=headers)
            assert (status, ORIGIN) == (response.status_code, response.headers["Access-Control-Allow-Origin"])

    def test_challenge_and_retry_after_can_be_read(self, site):
        """Fetch: a browser hides response headers from the application unless they are exposed."""
        CORS(site.app, origins=[ORIGIN], expose_headers=["WWW-Authenticate", "Retry-After"])

        @site.app.get("/")
        def throttled():
            raise LoginThrottledError(retry_after=7)

        response = site.client.get("/", headers={"Origin": ORIGIN})

        assert {"WWW-Authenticate", "Retry-After"} == set(response.headers["Access-Control-Expose-Headers"].split(", "))
        assert "7" == response.headers["Retry-After"]


class TestOneView:
    def test_above(self, site):
        """``cross_origin`` above the guard answers preflights with its headers, and the guard the requests."""

        @site.app.get("/")
        @cross_origin(origins=[ORIGIN])
        @auth_required
        def view():
            return "in"

        preflight = site.client.options("/", headers=PREFLIGHT)

        assert (200, ORIGIN) == (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"])
        assert 401 == site.client.get("/", headers={"Origin": ORIGIN}).status_code
        assert "in" == site.client.get("/", headers={"Origin": ORIGIN, **site.headers("alice")}).text

    @pytest.mark.parametrize(
        "decorator",
        [auth_required, auth_accepted, roles_required("admin"), lambda view: auth_required(auth_accepted(view))],
        ids=["auth_required", "auth_accepted", "roles_required", "stacked"],
    )
    @pytest.mark.parametrize(
        "cors", [cross_origin(), restx_cors.crossdomain(origin="*")], ids=["flask-cors", "flask-restx"]
    )
    def test_below(self, decorator, cors):
        """Below the guard its headers would be lost for preflights, so the order is refused with the right one."""
        app = Flask(__name__)
        app.add_url_rule("/", "other", lambda: "other")

        with pytest.raises(ConfigurationError, match="write the CORS decorator above @"):
            decorator(cors(lambda: "never"))

    def test_a_view_that_answers_options_itself(self, site):
        """A view of the application may set Flask's attribute, stacked guards included."""

        def view():
            return "in"

        view.provide_automatic_options = False
        site.app.add_url_rule("/", view_func=auth_required(auth_accepted(view)), methods=["GET", "OPTIONS"])

        assert "in" == site.client.get("/", headers={"Origin": ORIGIN, **site.headers("alice")}).text
        assert b"" == site.client.options("/", headers=PREFLIGHT).data


class TestGuardInBeforeRequest:
    @pytest.fixture(params=["application", "blueprint"])
    def farm(self, site, request):
        """Return a blueprint whose views are guarded by a ``before_request`` function."""
        farm = Blueprint("farm", __name__)
        if request.param == "application":
            site.app.before_request(auth_required(lambda: None))
        else:
            protect_blueprint(farm)
        return farm

    def test_is_refused(self, site, farm, caplog):
        """It ends a preflight before the view's CORS decorator adds its headers, so the application is refused."""
        farm.add_url_rule("/farm", "cows", cross_origin()(lambda: "in"))
        site.app.register_blueprint(farm)

        assert 500 == site.client.options("/farm", headers=PREFLIGHT).status_code
        assert "the view 'farm.cows'" in caplog.text
        assert "write flask_cors.CORS(app)" in caplog.text

    @pytest.mark.parametrize("place", ["application", "blueprint"])
    def test_beside_cors_for_all(self, site, farm, place):
        """``CORS`` adds the headers to the answer of the guard, also if the view has a decorator besides."""
        CORS(site.app if place == "application" else farm, origins=[ORIGIN])
        farm.add_url_rule("/farm", "cows", cross_origin(origins=[ORIGIN])(lambda: "in"))
        site.app.register_blueprint(farm)
        preflight = site.client.options("/farm", headers=PREFLIGHT)

        assert (200, ORIGIN) == (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"])
        assert 401 == site.client.get("/farm", headers={"Origin": ORIGIN}).status_code
        assert "in" == site.client.get("/farm", headers={"Origin": ORIGIN, **site.headers("alice")}).text

    def test_exempt_views(self, site, farm):
        """An exempt view answers its preflights itself."""
        farm.add_url_rule("/farm", "cows", cross_origin(origins=[ORIGIN])(auth_exempt(lambda: "in")))
        site.app.register_blueprint(farm)
        preflight = site.client.options("/farm", headers=PREFLIGHT)

        assert (200, ORIGIN) == (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"])
        assert "in" == site.client.get("/farm", headers={"Origin": ORIGIN}).text
