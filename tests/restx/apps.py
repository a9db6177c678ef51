"""Builds the applications that the tests here speak of."""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_restx import Api, Resource

from praetorian_core import Guard, Settings, generate_secret
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, as_user, cheapest_hasher
from praetorian_flask import Praetorian, current_user_id
from praetorian_restx import auth_required, init_api, roles_required

SECRET = generate_secret()
HASHER = cheapest_hasher()
ALICE = MemoryUser(identity=1, username="alice", rolenames=["reader"])
ROOT = MemoryUser(identity=2, username="root", rolenames=["reader", "admin"])

BARE = 'Bearer realm="api"'
INVALID_TOKEN = 'Bearer realm="api", error="invalid_token"'
INSUFFICIENT_SCOPE = 'Bearer realm="api", error="insufficient_scope"'

CONFIGURATIONS = {
    "production": {},
    "testing": {"TESTING": True},
    "debug": {"DEBUG": True},
    "trapping": {"TRAP_HTTP_EXCEPTIONS": True},
    "propagating": {"PROPAGATE_EXCEPTIONS": True},
    "not propagating under test": {"TESTING": True, "PROPAGATE_EXCEPTIONS": False},
    "without messages": {"ERROR_INCLUDE_MESSAGE": False},
    "without messages under test": {"ERROR_INCLUDE_MESSAGE": False, "TESTING": True},
}

PREFLIGHT = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}


def make_app(**config):
    """Return an application with a guard, and the guard."""
    app = Flask(__name__)
    app.config.update({"SECRET_KEY": SECRET, **config})
    praetorian = Praetorian(
        app,
        Guard(MemoryUsers([ALICE, ROOT]), Settings.from_mapping(app.config), passwords=HASHER, clock=FrozenClock()),
    )
    with app.app_context():
        return app, praetorian.guard


def status_of_an_unknown_path(**config):
    """Return how Flask-RESTX answers a path without a route if there is no Praetorian."""
    app = Flask(__name__)
    app.config.update(config)
    Api(app)
    return app.test_client().get("/nowhere").status_code


def api_on_the_app(app, prepare):
    """Build ``Api(app)``."""
    api = Api(app)
    prepare(api)
    return api, ""


def api_before_its_app(app, prepare):
    """Set the Api up, then give it the application."""
    api = Api()
    prepare(api)
    api.init_app(app)
    return api, ""


def api_after_its_app(app, prepare):
    """Give the Api the application, then set it up."""
    api = Api()
    api.init_app(app)
    prepare(api)
    return api, ""


def api_on_a_blueprint(app, prepare):
    """Set the Api up before its blueprint is registered."""
    blueprint = Blueprint("v1", __name__, url_prefix="/v1")
    api = Api(blueprint)
    prepare(api)
    app.register_blueprint(blueprint)
    return api, "/v1"


def api_on_a_registered_blueprint(app, prepare):
    """Set the Api up after its blueprint was registered."""
    blueprint = Blueprint("v1", __name__, url_prefix="/v1")
    api = Api(blueprint)
    app.register_blueprint(blueprint)
    prepare(api)
    return api, "/v1"


def api_given_a_blueprint(app, prepare):
    """Set the Api up before it gets its blueprint."""
    blueprint = Blueprint("v1", __name__, url_prefix="/v1")
    api = Api()
    prepare(api)
    api.init_app(blueprint)
    app.register_blueprint(blueprint)
    return api, "/v1"


SHAPES = {
    build.__name__: build
    for build in (
        api_on_the_app,
        api_before_its_app,
        api_after_its_app,
        api_on_a_blueprint,
        api_on_a_registered_blueprint,
        api_given_a_blueprint,
    )
}


class Target:
    """An application with an API, whose namespace ``camp`` has an open, a protected and an admin's resource.

    Attributes:
        raised: What ``/camp/raise`` raises.
    """

    def __init__(self, *hooks, shape=api_on_the_app, prepare=None, **config):
        self.app, self.guard = make_app(**config)
        if prepare is None:

            def prepare(api):
                init_api(api, on_error=hooks or None)

        self.api, self.prefix = shape(self.app, prepare)
        self.raised = None
        self.camp = self.api.namespace("camp")
        target = self

        @self.camp.route("/raise")
        class Raise(Resource):
            def get(self):
                raise target.raised

        @self.camp.route("/open")
        class Open(Resource):
            def get(self):
                return {"open": True}

        @self.camp.route("/protected")
        class Protected(Resource):
            @auth_required
            def get(self):
                return {"id": current_user_id()}

        @self.camp.route("/admin")
        class Admin(Resource):
            @roles_required("admin")
            def get(self):
                return {"id": current_user_id()}

    def get(self, path, user=None, **headers):
        """Return the response to a GET, with or without a user's token."""
        return self.open("GET", path, user, headers)

    def open(self, method, path, user=None, headers=()):
        """Return the response to a request below the API's prefix."""
        tokens = {} if user is None else as_user(self.guard, user)
        return self.app.test_client().open(self.prefix + path, method=method, headers={**dict(headers), **tokens})

    def answer_to(self, error):
        """Return the response to an error that a resource raises."""
        self.raised = error
        return self.get("/camp/raise")

    def operation(self, path, method="get"):
        """Return an operation of swagger.json."""
        return self.swagger()["paths"][path][method]

    def swagger(self):
        """Return swagger.json."""
        response = self.get("/swagger.json")
        assert response.status_code == 200, response.json
        return response.json


def summary(response):
    """Return of a refusal what must be the same everywhere."""
    return (
        response.status_code,
        response.json,
        response.headers.get("WWW-Authenticate"),
        response.headers.get("Cache-Control"),
        response.headers.get("Retry-After"),
    )


def refusal(status, code, error, message, challenge=None, retry_after=None):
    """Return the summary of a refusal."""
    body = {"error": error, "message": message, "status_code": status, "code": code}
    return status, body, challenge, "no-store", retry_after


MISSING_TOKEN = refusal(401, "missing_token", "MissingTokenError", "a bearer token is required", BARE)
MISSING_ROLE = refusal(
    403,
    "missing_role",
    "MissingRoleError",
    "this token does not grant access to this resource",
    INSUFFICIENT_SCOPE,
)
