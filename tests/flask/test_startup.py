"""The checks at the first request: guards without effect, handlers that come too late, stores of one process."""

from __future__ import annotations

import functools
import logging

import pytest
from flask import Blueprint, Flask, jsonify
from flask.views import MethodView
from flask_restful import Api as RestfulApi
from flask_restful import Resource as RestfulResource
from tests.flask.runner import Site
from tests.flask.scenarios import SECRET, make_world
from werkzeug.exceptions import HTTPException

from praetorian_core import Guard, Settings
from praetorian_core.errors import MissingTokenError
from praetorian_core.testing import MemoryUsers, as_user
from praetorian_flask import Praetorian, auth_accepted, auth_exempt, auth_required, credentials, roles_required

PREFLIGHT = {"Origin": "https://example.org", "Access-Control-Request-Method": "PUT"}


@pytest.fixture
def site():
    return Site()


def shout(view):
    """A decorator of the application that keeps the name of a view."""

    @functools.wraps(view)
    def shouting(*args, **kwargs):
        return view(*args, **kwargs)

    return shouting


def hide(view):
    """A decorator of the application whose wrapper does not show what it wraps."""

    def hidden():
        return view()

    return hidden


def above_get(app):
    @auth_required
    @app.get("/secret")
    def secret():
        return "open"


def above_a_blueprints_get(app):
    blueprint = Blueprint("vault", __name__)

    @roles_required("admin")
    @blueprint.get("/secret")
    def secret():
        return "open"

    app.register_blueprint(blueprint)


def above_add_url_rule(app):
    def secret():
        return "open"

    app.add_url_rule("/secret", view_func=secret)
    auth_required(secret)


def above_another_decorator(app):
    @auth_required
    @shout
    @app.get("/secret")
    def secret():
        return "open"


def between_two_routes(app):
    @app.get("/guarded", endpoint="guarded")
    @auth_required
    @app.get("/secret")
    def secret():
        return "open"


def of_a_class_based_view(app):
    view = type("Secret", (MethodView,), {"get": lambda self: "open"}).as_view("secret")
    app.add_url_rule("/secret", view_func=view)
    auth_required(view)


def listed_after_as_view(app):
    kind = type("Secret", (MethodView,), {"get": lambda self: "open"})
    app.add_url_rule("/secret", view_func=kind.as_view("secret"))
    kind.decorators = [auth_required]


def listed_after_as_view_beside_another(app):
    kind = type("Secret", (MethodView,), {"get": lambda self: "open", "decorators": [shout, auth_accepted]})
    app.add_url_rule("/secret", view_func=kind.as_view("secret"))
    kind.decorators = [*kind.decorators, roles_required("admin")]


def listed_by_a_base_after_as_view(app):
    base = type("Base", (MethodView,), {})
    app.add_url_rule("/secret", view_func=type("Secret", (base,), {"get": lambda self: "open"}).as_view("secret"))
    base.decorators = [auth_required]


def above_before_request(app):
    @auth_required
    @app.before_request
    def guard():
        return None

    @app.get("/secret")
    def secret():
        return "open"


def above_before_request_of_a_blueprint(app):
    blueprint = Blueprint("vault", __name__)
    blueprint.add_url_rule("/secret", "secret", lambda: "open")

    @auth_required
    @blueprint.before_request
    def guard():
        return None

    app.register_blueprint(blueprint)


def weaker_than_written(app):
    @roles_required("admin")
    @app.get("/secret")
    @auth_accepted
    def secret():
        return "open"


def with_a_partial(app):
    view = functools.partial(lambda text: text, "open")
    app.add_url_rule("/secret", "secret", view)
    auth_required(view)


def of_a_bound_method(app):
    class Views:
        def secret(self):
            return "open"

    views = Views()
    app.add_url_rule("/secret", view_func=views.secret)
    auth_required(views.secret)


def above_an_extensions_route(app):
    def route(view):  # As flask-sock and others do: they register a function of their own.
        app.add_url_rule("/secret", "secret", shout(view))
        return view

    @auth_required
    @route
    def secret():
        return "open"


def of_a_callable_object(app):
    class Secret:
        __slots__ = ()
        __name__ = "secret"

        def __call__(self):
            return "open"

    view = Secret()
    app.add_url_rule("/secret", "secret", view)
    auth_required(view)


WRONG = [
    above_get,
    above_a_blueprints_get,
    above_add_url_rule,
    above_another_decorator,
    between_two_routes,
    of_a_class_based_view,
    listed_after_as_view,
    listed_after_as_view_beside_another,
    listed_by_a_base_after_as_view,
    above_before_request,
    above_before_request_of_a_blueprint,
    weaker_than_written,
    with_a_partial,
    of_a_bound_method,
    above_an_extensions_route,
    of_a_callable_object,
]


class TestGuardsWithoutEffect:
    @pytest.mark.parametrize("write", WRONG, ids=lambda write: write.__name__)
    @pytest.mark.parametrize("when", ["before", "after"], ids="Praetorian {} the routes".format)
    def test_are_refused(self, write, when, caplog):
        """No request is answered by an application that registered the undecorated original of a decorated view."""
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        if when == "before":
            Praetorian(app, MemoryUsers())
        write(app)
        if when == "after":
            Praetorian(app, MemoryUsers())
        app.add_url_rule("/other", "other", lambda: "open")
        client = app.test_client()

        for path in ("/secret", "/other", "/secret"):
            response = client.get(path)
            assert (500, "configuration") == (response.status_code, response.json["code"])
        assert "has no effect, because the undecorated function is registered; write @app.get(...) above" in caplog.text

    def test_names_the_view(self, site, caplog):
        """The log names the endpoint."""
        above_a_blueprints_get(site.app)
        site.client.get("/secret")

        assert "the guard of 'vault.secret' has no effect" in caplog.text

    def test_the_right_order(self, site):
        """The matching positive test: a decorator below ``@app.get`` guards."""

        @site.app.get("/secret")
        @auth_required
        @shout
        def secret():
            return "secret"

        assert 401 == site.client.get("/secret").status_code
        assert "secret" == site.client.get("/secret", headers=site.headers("alice")).text

    @pytest.mark.parametrize("outer", [shout, hide], ids=lambda outer: outer.__name__)
    def test_the_list_of_a_class(self, site, outer):
        """``decorators`` guards if it is written in the class, also below a decorator that hides what it wraps."""
        members = {"get": lambda self: "secret", "decorators": [auth_required, outer]}
        site.route(type("Secret", (MethodView,), members).as_view("secret"), "/secret")

        assert 401 == site.client.get("/secret").status_code
        assert "secret" == site.client.get("/secret", headers=site.headers("alice")).text

    def test_one_view_guarded_twice(self, site):
        """A guarded view may be guarded by more in a second route, because both routes are guarded as written."""
        view = auth_required(lambda: "secret")
        site.app.add_url_rule("/user", "user", view)
        site.app.add_url_rule("/admin", "admin", roles_required("admin")(view))

        assert "secret" == site.client.get("/user", headers=site.headers("alice")).text
        assert 403 == site.client.get("/admin", headers=site.headers("alice")).status_code

    def test_other_applications_are_not_affected(self):
        """Another application in the same process serves its own views."""
        wrong, right = Site(), Site()
        above_get(wrong.app)
        right.app.add_url_rule("/", view_func=lambda: "open")

        assert 500 == wrong.client.get("/secret").status_code
        assert "open" == right.client.get("/").text


class TestRoleNames:
    """``PRAETORIAN_ROLES`` declares the names that views may require."""

    def code(self, **routes):
        """Return the code that an application with these views answers an unrelated request with."""
        site = Site(PRAETORIAN_ROLES=["admin", "reader"])
        for name, view in routes.items():
            site.app.add_url_rule(f"/{name}", name, view)
        site.app.add_url_rule("/", "index", lambda: {"code": None})
        return site.client.get("/").json["code"]

    def test_a_view(self, caplog):
        """A view that requires another name is refused at the first request, with the view and the nearest name."""

        assert "configuration" == self.code(a=roles_required("admn")(lambda: "never"))
        assert (
            "view 'a': a required role must be one of PRAETORIAN_ROLES; got 'admn'; did you mean 'admin'?"
            in caplog.text
        )

    @pytest.mark.parametrize("place", ["decorators", "method"])
    def test_a_class(self, place):
        """So is a class-based view, with the decorator on the class or on a method."""
        decorator = roles_required("admn")
        members = {"get": decorator(lambda self: "never")} if place == "method" else {"decorators": [decorator]}
        view = type("Secret", (MethodView,), {"get": lambda self: "never", **members}).as_view("secret")

        assert "configuration" == self.code(a=view)

    def test_declared_names(self):
        """Declared names are accepted."""

        assert self.code(a=roles_required("admin", "reader")(lambda: "in"), b=auth_required(lambda: "in")) is None


class TestTrappedExceptions:
    @pytest.mark.parametrize("kind", [Exception, HTTPException])
    @pytest.mark.parametrize("place", ["application", "blueprint"])
    @pytest.mark.parametrize("trap", [False, True], ids=["", "TRAP_HTTP_EXCEPTIONS"])
    def test_is_answered(self, place, kind, trap):
        """A preflight is answered although HTTP exceptions are trapped or handled by the application."""
        site = Site(TRAP_HTTP_EXCEPTIONS=trap)
        blueprint = Blueprint("vault", __name__)
        owner = site.app if place == "application" else blueprint
        owner.register_error_handler(kind, lambda error: ("theirs", 418))
        blueprint.add_url_rule("/", view_func=auth_required(lambda: "never"), methods=["GET", "OPTIONS"])
        site.app.register_blueprint(blueprint)

        response = site.client.options("/", headers=PREFLIGHT)

        assert (200, b"") == (response.status_code, response.data)
        assert {"GET", "HEAD", "OPTIONS"} == set(response.allow)

    @pytest.mark.parametrize("trap", [False, True], ids=["", "TRAP_HTTP_EXCEPTIONS"])
    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [(b"[]", "application/json", 400), (b" " * 65_537, "application/json", 413), (b"{}", "text/plain", 415)],
        ids=["400", "413", "415"],
    )
    def test_login_bodies(self, trap, body, content_type, status):
        """A login body that is not usable has its status, and an application's handler for the status is asked."""
        site = Site(TRAP_HTTP_EXCEPTIONS=trap)
        site.app.add_url_rule("/login", "login", lambda: str(credentials()), methods=["POST"])
        site.app.register_error_handler(413, lambda error: ("theirs", 413))

        response = site.client.post("/login", data=body, content_type=content_type)

        assert status == response.status_code
        assert ("theirs" == response.text) is (status == 413)

    @pytest.mark.parametrize("testing", [False, True], ids=["production", "testing"])
    def test_refusals_under_trap(self, testing):
        """TRAP_HTTP_EXCEPTIONS changes no refusal: our errors are not HTTP exceptions."""
        site = Site(TRAP_HTTP_EXCEPTIONS=True, TESTING=testing)
        site.app.add_url_rule("/", view_func=auth_required(lambda: "never"))

        assert "missing_token" == site.client.get("/").json["code"]


class Secret(RestfulResource):
    """A guarded resource of Flask-RESTful."""

    method_decorators = [auth_required]  # noqa: RUF012

    def get(self):
        return {"secret": True}


class TestFlaskRestful:
    @pytest.mark.parametrize("mount", ["application", "blueprint"])
    @pytest.mark.parametrize("testing", [False, True], ids=["production", "testing"])
    def test_refusals(self, mount, testing):
        """Flask-RESTful answers an unknown error with 500; ours are answered by Flask's handler, hooks included."""
        seen = []
        world = make_world()
        app = Flask(__name__)
        app.config.update(SECRET_KEY=SECRET, TESTING=testing)
        guard = Guard(world.users, Settings.from_mapping(app.config), **world.options)
        Praetorian(app, guard, on_error=lambda error: seen.append(error.code))
        blueprint = Blueprint("v1", __name__)
        api = RestfulApi(app if mount == "application" else blueprint)
        api.add_resource(Secret, "/secret")
        if mount == "blueprint":
            app.register_blueprint(blueprint)
        client = app.test_client()

        response = client.get("/secret")

        assert (401, "missing_token") == (response.status_code, response.json["code"])
        assert 'Bearer realm="api"' == response.headers["WWW-Authenticate"]
        assert ["missing_token"] == seen
        assert {"secret": True} == client.get("/secret", headers=as_user(guard, world.users.lookup("alice"))).json

    def test_exempt(self, site):
        """A method is exempt from ``method_decorators``."""
        kind = type("Mixed", (Secret,), {"get": auth_exempt(lambda self: {"open": True}), "post": lambda self: {}})
        RestfulApi(site.app).add_resource(kind, "/mixed")

        assert {"open": True} == site.client.get("/mixed").json
        assert 401 == site.client.post("/mixed").status_code

    def test_errors_of_the_api(self, site):
        """``Api(errors=...)`` may answer a class of ours by its name, as Flask-RESTful documents it."""
        errors = {"MissingTokenError": {"message": "mine", "status": 418}}
        RestfulApi(site.app, errors=errors).add_resource(Secret, "/secret")

        assert 418 == site.client.get("/secret").status_code
        assert "invalid_token" == site.client.get("/secret", headers={"Authorization": "Bearer x"}).json["code"]

    def test_preflight(self, site):
        """A preflight of a guarded ``options`` method is answered by Flask."""

        class Options(RestfulResource):
            @auth_required
            def options(self):
                return {"ran": True}

        RestfulApi(site.app).add_resource(Options, "/options")

        assert b"" == site.client.options("/options", headers=PREFLIGHT).data

    def test_other_errors(self, site):
        """Errors of the application are answered by Flask-RESTful, as without Praetorian."""

        class Broken(RestfulResource):
            def get(self):
                raise KeyError

        RestfulApi(site.app).add_resource(Broken, "/broken")

        assert {"message": "Internal Server Error"} == site.client.get("/broken").json

    def test_an_application_without_handlers(self):
        """With DISABLE_PRAETORIAN_ERROR_HANDLER the application's own Flask handler answers."""
        site = Site(DISABLE_PRAETORIAN_ERROR_HANDLER=True)
        site.app.register_error_handler(MissingTokenError, lambda error: (jsonify(mine=error.code), 418))
        RestfulApi(site.app).add_resource(Secret, "/secret")

        assert {"mine": "missing_token"} == site.client.get("/secret").json


class TestMemoryStore:
    TEXT = "PRAETORIAN_STORE is memory://, but the server runs several processes"

    def warnings(self, caplog, store, *, multiprocess, requests=2, guard=False):
        app = Flask(__name__)
        app.config.update(SECRET_KEY=SECRET, PRAETORIAN_STORE=store)
        Praetorian(app, MemoryUsers())
        for _ in range(requests):
            app.test_client().get("/", environ_overrides={"wsgi.multiprocess": multiprocess})
        return [record for record in caplog.records if record.getMessage().startswith(self.TEXT)]

    def test_several_processes(self, caplog):
        """A store that each process has for itself is logged once, as a warning."""
        (record,) = self.warnings(caplog, "memory://", multiprocess=True)

        assert logging.WARNING == record.levelno

    def test_one_process(self, caplog):
        """In one process it is right."""

        assert [] == self.warnings(caplog, "memory://", multiprocess=False)

    def test_another_store(self, caplog, tmp_path):
        """Processes share a file."""

        assert [] == self.warnings(caplog, f"sqlite:///{tmp_path}/state.db", multiprocess=True)
