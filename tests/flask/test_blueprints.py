"""Guarded blueprints, exempt views, and verification by hand."""

from __future__ import annotations

import functools

import pytest
from flask import Blueprint, Flask, jsonify
from flask.views import MethodView
from tests.flask.runner import Site

from praetorian_core import all_roles
from praetorian_core.errors import ConfigurationError, ForbiddenError
from praetorian_flask import (
    auth_exempt,
    auth_required,
    build_error_handler,
    current_principal_or_none,
    current_user_id,
    keep_principal,
    protect_blueprint,
    roles_required,
    verify_in_request,
)

PREFLIGHT = {"Origin": "https://example.org", "Access-Control-Request-Method": "PUT"}


class VaultSite(Site):
    """A site with a protected blueprint ``vault`` that a test adds views to."""

    def __init__(self, decorator=auth_required):
        super().__init__()
        self.seen = []
        self.vault = Blueprint("vault", __name__, url_prefix="/vault")
        self.vault.before_request(lambda: self.seen.append(current_principal_or_none()))
        protect_blueprint(self.vault, decorator)

    def register(self):
        self.app.register_blueprint(self.vault)
        return self


@pytest.fixture
def site():
    return VaultSite()


class TestProtectBlueprint:
    def test_every_view(self, site):
        """Each view of the blueprint is guarded, whenever it was added; other views are not."""
        site.vault.add_url_rule("/gold", "gold", lambda: str(current_user_id()))
        site.register()
        site.app.add_url_rule("/", "index", lambda: "open")

        assert [401, 200, 200] == site.codes("/vault/gold")
        assert [200, 200, 200] == site.codes("/")

    def test_nested(self, site):
        """Blueprints that are nested in it are guarded as well."""
        inner = Blueprint("inner", __name__, url_prefix="/inner")
        inner.add_url_rule("/gold", "gold", lambda: "gold")
        site.vault.register_blueprint(inner)

        assert [401, 200, 200] == site.register().codes("/vault/inner/gold")

    def test_roles(self):
        """Any decorator can be given."""
        site = VaultSite(roles_required("admin"))
        site.vault.add_url_rule("/gold", "gold", lambda: "gold")

        assert [401, 403, 200] == site.register().codes("/vault/gold")

    def test_comes_first(self, site):
        """The guard runs before the blueprint's other ``before_request`` functions, which see the principal."""
        site.vault.add_url_rule("/gold", "gold", lambda: "gold")
        site.register().codes("/vault/gold")

        assert [1, 2] == [principal.identity for principal in site.seen]

    def test_preflight(self, site):
        """A preflight of a view that answers OPTIONS itself is answered, and the view does not run."""
        site.vault.add_url_rule("/gold", "gold", lambda: "ran", methods=["OPTIONS"])

        assert b"" == site.register().client.options("/vault/gold", headers=PREFLIGHT).data
        assert 401 == site.client.options("/vault/gold").status_code

    @pytest.mark.parametrize("wrong", [Flask("app"), None, auth_required])
    def test_refuses_what_is_no_blueprint(self, wrong):
        """An application is guarded in another way, which the error names."""
        with pytest.raises(ConfigurationError, match=r"write app\.before_request\(auth_required\(lambda: None\)\)"):
            protect_blueprint(wrong)

    def test_after_registration(self, site):
        """A blueprint that is registered already would stay open, so Flask refuses."""
        blueprint = Blueprint("late", __name__)
        site.app.register_blueprint(blueprint)

        with pytest.raises(AssertionError, match="already been registered"):
            protect_blueprint(blueprint)


class TestExempt:
    def test_a_view(self, site):
        """An exempt view of a guarded blueprint is open, and the others stay guarded."""
        site.vault.add_url_rule("/status", "status", auth_exempt(lambda: "up"))
        site.vault.add_url_rule("/gold", "gold", lambda: "gold")
        site.register()

        assert [200, 200, 200] == site.codes("/vault/status")
        assert [401, 200, 200] == site.codes("/vault/gold")

    def test_below_another_decorator(self, site):
        """The exemption is found through decorators that use ``functools.wraps``."""

        @site.vault.get("/status")
        @build_wrapper
        @auth_exempt
        def status():
            return "up"

        assert [200, 200, 200] == site.register().codes("/vault/status")

    def test_of_an_application(self, site):
        """A guard for all routes leaves an exempt view open, and an unknown path guarded."""
        site.app.before_request(auth_required(lambda: None))
        site.app.add_url_rule("/login", "login", auth_exempt(lambda: "form"))
        site.app.add_url_rule("/", "index", lambda: "index")

        assert [200, 200, 200] == site.codes("/login")
        assert [401, 200, 200] == site.codes("/")
        assert [401, 404, 404] == site.codes("/nowhere")

    def test_a_method_of_a_class(self, site):
        """One method of a guarded class is open; the others stay guarded."""

        class Gold(MethodView):
            decorators = [auth_required]  # noqa: RUF012

            @auth_exempt
            def get(self):
                return "open"

            def post(self):
                return "guarded"

        site.app.add_url_rule("/gold", view_func=Gold.as_view("gold"))

        assert [200, 200, 200] == site.codes("/gold") == site.codes("/gold", "HEAD")
        assert [401, 200, 200] == site.codes("/gold", "POST")

    def test_a_class(self, site):
        """An exempt class is open, a class derived from it is not."""

        @auth_exempt
        class Status(MethodView):
            def get(self):
                return "up"

        class Derived(Status):
            """Not exempt."""

        site.vault.add_url_rule("/status", view_func=Status.as_view("status"))
        site.vault.add_url_rule("/derived", view_func=Derived.as_view("derived"))
        site.register()

        assert [200, 200, 200] == site.codes("/vault/status")
        assert [401, 200, 200] == site.codes("/vault/derived")

    def test_has_no_principal(self, site):
        """No token is looked for in an exempt view."""
        site.vault.add_url_rule("/status", "status", auth_exempt(lambda: jsonify(current_principal_or_none() is None)))

        assert site.register().client.get("/vault/status", headers=site.headers("alice")).json is True

    @pytest.mark.parametrize("exempt_first", [True, False])
    def test_both_on_one_view(self, exempt_first):
        """A view cannot be guarded and exempt."""
        first, second = (auth_exempt, auth_required) if exempt_first else (auth_required, auth_exempt)
        view = first(lambda: "view")

        with pytest.raises(ConfigurationError, match="remove one of the two"):
            second(view)


def build_wrapper(view):
    """A decorator of the application."""

    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)

    return wrapper


class TestVerifyInRequest:
    def test_in_a_view(self, site):
        """A view can require a token in some cases only; the principal is then the current one."""

        @site.app.get("/notes/<kind>")
        def notes(kind):
            if kind == "private":
                principal = verify_in_request()
                assert principal.identity == current_user_id()
            return "notes"

        assert [200, 200, 200] == site.codes("/notes/public")
        assert [401, 200, 200] == site.codes("/notes/private")

    def test_roles(self, site):
        """A policy can be required."""
        site.app.add_url_rule("/", "index", lambda: str(verify_in_request(all_roles("admin")).identity))

        assert [401, 403, 200] == site.codes("/")

    def test_in_before_request(self, site):
        """In a ``before_request`` function it lets a preflight pass."""
        site.app.before_request(lambda: verify_in_request() and None)
        site.app.add_url_rule("/", "index", lambda: "ran", methods=["GET", "OPTIONS"])

        assert [401, 200, 200] == site.codes("/")
        assert b"" == site.client.options("/", headers=PREFLIGHT).data

    def test_verifies_in_an_exempt_view(self, site):
        """An exemption is one from decorators, not from a call."""
        site.app.add_url_rule("/", "index", auth_exempt(lambda: str(verify_in_request().identity)))

        assert [401, 200, 200] == site.codes("/")


class TestKeepPrincipal:
    def test_is_current(self, site):
        """A principal that was verified by other means is the current one for the rest of the request."""

        @site.app.get("/download/<token>")
        def download(token):
            keep_principal(site.guard.verify(token))
            return str(current_user_id())

        token = site.guard.issue(site.world.users.lookup("alice"))

        assert "1" == site.client.get(f"/download/{token}").text
        assert "invalid_token" == site.client.get("/download/x").json["code"]

    def test_of_an_anonymous_request(self, site):
        """None makes the request anonymous: a principal is then missing, but no decorator is."""

        @site.app.get("/")
        def index():
            keep_principal(None)
            return str(current_user_id())

        assert "missing_token" == site.client.get("/").json["code"]

    def test_decorators_verify_nevertheless(self, site):
        """A principal that was set before does not satisfy a decorator."""
        site.app.before_request(lambda: keep_principal(site.guard.verify(site.token)))
        site.app.add_url_rule("/", "index", auth_required(lambda: str(current_user_id())))
        site.token = site.guard.issue(site.world.users.lookup("root"))

        assert 401 == site.client.get("/").status_code
        assert "1" == site.client.get("/", headers=site.headers("alice")).text


class TestForbidden:
    @pytest.mark.parametrize("testing", [False, True], ids=["production", "testing"])
    def test_a_view_refuses(self, site, testing):
        """A view that raises ForbiddenError is answered like any other refusal, hooks included."""
        seen = []
        site.app.testing = testing
        site.app.register_error_handler(ForbiddenError, build_error_handler(seen.append))

        @site.app.get("/notices/<int:author>")
        @auth_required
        def notice(author):
            if author != current_user_id():
                raise ForbiddenError("only the author may read this notice")
            return "mine"

        response = site.client.get("/notices/2", headers=site.headers("alice"))

        assert (403, "forbidden") == (response.status_code, response.json["code"])
        assert "author" not in response.text
        assert ["only the author may read this notice"] == [str(error) for error in seen]
        assert "mine" == site.client.get("/notices/1", headers=site.headers("alice")).text
