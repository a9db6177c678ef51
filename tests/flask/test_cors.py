"""CORS with flask-cors: preflights, and what a browser may read of a refusal."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from flask_cors import CORS, cross_origin
from flask_restx import Api, Resource
from flask_restx import cors as restx_cors
from tests.flask.runner import Site

import praetorian_restx
from praetorian_core.errors import ConfigurationError, LoginThrottledError
from praetorian_flask import (
    auth_accepted,
    auth_exempt,
    auth_required,
    protect_blueprint,
    roles_required,
    verify_in_request,
)

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
        preflight = site.client.options("/", headers=PREFLIGHT)
        assert (200, b"") == (preflight.status_code, preflight.data)

    def test_that_passes_preflights_on(self, site, caplog):
        """``crossdomain(automatic_options=False)`` leaves the answer to the guard, so its headers would be lost."""
        cors = restx_cors.crossdomain(origin="*", automatic_options=False)
        site.app.add_url_rule("/", "cows", cors(auth_required(lambda: "in")), methods=["GET", "OPTIONS"])

        assert 500 == site.client.options("/", headers=PREFLIGHT).status_code
        assert "the preflights of the view 'cows'" in caplog.text


class TestGuardInBeforeRequest:
    @pytest.fixture(params=["application", "blueprint", "verify_in_request"])
    def farm(self, site, request):
        """Return a blueprint whose views are guarded by a ``before_request`` function."""
        farm = Blueprint("farm", __name__)
        if request.param == "application":
            site.app.before_request(auth_required(lambda: None))
        elif request.param == "blueprint":
            protect_blueprint(farm)
        else:
            farm.before_request(lambda: verify_in_request() and None)
        return farm

    def test_is_refused(self, site, farm, caplog):
        """It ends a preflight before the view's CORS decorator adds its headers, so the preflight is refused."""
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

    def test_exempt_views(self, site):
        """An exempt view answers its preflights itself."""
        farm = Blueprint("farm", __name__)
        protect_blueprint(farm)
        farm.add_url_rule("/farm", "cows", cross_origin(origins=[ORIGIN])(auth_exempt(lambda: "in")))
        site.app.register_blueprint(farm)
        preflight = site.client.options("/farm", headers=PREFLIGHT)

        assert (200, ORIGIN) == (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"])
        assert "in" == site.client.get("/farm", headers={"Origin": ORIGIN}).text


cors = cross_origin(origins=[ORIGIN])


def guard_class(kind):
    """Guard a class of RESTX."""
    return praetorian_restx.auth_required(kind)


def unchanged(view):
    """Return the same view."""
    return view


def write_class(base, method=unchanged, **members):
    """Return a class-based view with a decorated method for GET and one for OPTIONS, which no preflight may run."""

    def get(self):
        return "in"

    def options(self):
        pytest.fail("a preflight ran the view")

    return type("Cows", (base,), {"get": method(get), "options": method(options), **members})


def route_restx(site, kind, **namespace):
    """Route to a class of RESTX."""
    api = Api(site.app)
    praetorian_restx.init_api(api)
    api.namespace("farm", path="/", **namespace).route("/farm", endpoint="cows")(kind)


def route_flask(site, kind, *, protected=False):
    """Route to a class of Flask, in a blueprint."""
    farm = Blueprint("farm", __name__)
    if protected:
        protect_blueprint(farm)
    farm.add_url_rule("/farm", view_func=kind.as_view("cows"))
    site.app.register_blueprint(farm)


def restx_methods(site):
    route_restx(site, write_class(Resource, lambda method: cors(auth_required(method))))


def restx_decorators_of_a_guarded_class(site):
    route_restx(site, guard_class(write_class(Resource, decorators=[cors])))


def restx_decorators_and_method_decorators(site):
    route_restx(site, write_class(Resource, decorators=[cors], method_decorators=[auth_required]))


def restx_decorators_and_guarded_methods(site):
    route_restx(site, write_class(Resource, auth_required, decorators=[cors]))


def restx_methods_of_a_guarded_class(site):
    route_restx(site, guard_class(write_class(Resource, cors)))


def flask_methods_of_a_guarded_class(site):
    route_flask(site, write_class(MethodView, cors, decorators=[auth_required]))


def flask_methods_in_a_protected_blueprint(site):
    route_flask(site, write_class(MethodView, cors), protected=True)


def restx_decorators_in_a_protected_blueprint(site):
    farm = Blueprint("farm", __name__)
    protect_blueprint(farm)
    Api(farm).add_resource(write_class(Resource, decorators=[cors]), "/farm", endpoint="cows")
    site.app.register_blueprint(farm)


def flask_dispatch_in_a_protected_blueprint(site):
    kind = write_class(MethodView)
    kind.dispatch_request = cors(kind.dispatch_request)
    route_flask(site, kind, protected=True)


INSIDE = [
    restx_methods,
    restx_decorators_of_a_guarded_class,
    restx_decorators_and_method_decorators,
    restx_decorators_and_guarded_methods,
    restx_methods_of_a_guarded_class,
    restx_decorators_in_a_protected_blueprint,
    flask_methods_of_a_guarded_class,
    flask_methods_in_a_protected_blueprint,
    flask_dispatch_in_a_protected_blueprint,
]


def restx_namespace(site):
    route_restx(site, guard_class(write_class(Resource)), decorators=[cors])


def restx_decorators(site):
    route_restx(site, write_class(Resource, decorators=[auth_required, cors]))


def flask_decorators(site):
    route_flask(site, write_class(MethodView, decorators=[auth_required, cors]))


def flask_methods(site):
    route_flask(site, write_class(MethodView, lambda method: cors(auth_required(method))))


class TestClasses:
    """A guard of a class may answer preflights before the CORS decorator of its methods or of ``decorators``."""

    @pytest.mark.parametrize("write", INSIDE, ids=lambda write: write.__name__)
    def test_a_decorator_that_the_guard_hides(self, site, write, caplog):
        """The guard answers first, so the preflight is refused, and the log names the view and what to write."""
        write(site)

        assert 500 == site.client.options("/farm", headers=PREFLIGHT).status_code
        assert "cows' without the headers of its CORS decorator; write flask_cors.CORS(app)" in caplog.text
        assert 401 == site.client.get("/farm", headers={"Origin": ORIGIN}).status_code

    @pytest.mark.parametrize("write", INSIDE, ids=lambda write: write.__name__)
    def test_beside_cors_for_all(self, site, write):
        """With ``CORS(app)`` the preflight has the headers, and the guard admits requests as before."""
        CORS(site.app, origins=[ORIGIN])
        write(site)

        preflight = site.client.options("/farm", headers=PREFLIGHT)

        assert (200, ORIGIN) == (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"])
        assert 401 == site.client.get("/farm", headers={"Origin": ORIGIN}).status_code
        assert 200 == site.client.get("/farm", headers={"Origin": ORIGIN, **site.headers("alice")}).status_code

    @pytest.mark.parametrize(
        "write", [restx_namespace, restx_decorators, flask_decorators, flask_methods], ids=lambda write: write.__name__
    )
    def test_a_decorator_outside_the_guard(self, site, write):
        """It answers preflights itself, with its headers."""
        write(site)

        preflight = site.client.options("/farm", headers=PREFLIGHT)

        assert (200, ORIGIN) == (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"])
        assert 401 == site.client.get("/farm", headers={"Origin": ORIGIN}).status_code

    @pytest.mark.parametrize("route", [route_restx, route_flask], ids=["RESTX", "Flask"])
    def test_a_class_that_answers_options_itself(self, site, route):
        """A class may set Flask's attribute; the guard answers its preflights."""
        route(
            site,
            write_class(
                Resource if route is route_restx else MethodView, auth_required, provide_automatic_options=False
            ),
        )
        preflight = site.client.options("/farm", headers=PREFLIGHT)

        assert (200, b"") == (preflight.status_code, preflight.data)
