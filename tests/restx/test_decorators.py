"""The decorators on methods, resources and namespaces: who gets in."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.views import MethodView
from flask_restx import Api, Namespace, Resource, fields
from tests.restx.apps import ALICE, MISSING_ROLE, MISSING_TOKEN, PREFLIGHT, ROOT, Target, summary

from praetorian_core import all_roles, any_role
from praetorian_core.errors import ConfigurationError
from praetorian_flask import current_custom_claims, current_principal_or_none, current_user_id
from praetorian_restx import (
    auth_accepted,
    auth_required,
    init_api,
    policy_required,
    protect_namespace,
    roles_accepted,
    roles_required,
)

DECORATORS = {
    "auth_required": (auth_required, 401, 200, 200),
    "auth_accepted": (auth_accepted, 200, 200, 200),
    "roles_required": (roles_required("admin", "reader"), 401, 403, 200),
    "roles_accepted": (roles_accepted("admin", "editor"), 401, 403, 200),
    "policy_required": (policy_required(all_roles("admin") | any_role("editor")), 401, 403, 200),
}


def on_the_method(decorator):
    """Decorate a method."""

    class Guarded(Resource):
        @decorator
        def get(self):
            return {"id": getattr(current_principal_or_none(), "identity", None)}

    return Guarded


def on_the_resource(decorator):
    """Decorate a class."""

    @decorator
    class Guarded(Resource):
        def get(self):
            return {"id": getattr(current_principal_or_none(), "identity", None)}

    return Guarded


def among_method_decorators(decorator):
    """Write the decorator where RESTX looks for those of all methods."""

    class Guarded(Resource):
        method_decorators = [decorator]  # noqa: RUF012

        def get(self):
            return {"id": getattr(current_principal_or_none(), "identity", None)}

    return Guarded


PLACES = {place.__name__: place for place in (on_the_method, on_the_resource, among_method_decorators)}


class TestDecorators:
    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("name", DECORATORS)
    def test_who_gets_in(self, place, name):
        """A decorator lets the same people in wherever it is written."""
        decorator, nobody, alice, root = DECORATORS[name]
        target = Target()
        target.camp.route("/guarded")(PLACES[place](decorator))

        found = [target.get("/camp/guarded", user).status_code for user in (None, ALICE, ROOT)]

        assert found == [nobody, alice, root]

    @pytest.mark.parametrize("place", PLACES)
    def test_a_bad_token_is_refused_where_none_is_needed(self, place):
        """auth_accepted refuses a bad token."""
        target = Target()
        target.camp.route("/guarded")(PLACES[place](auth_accepted))

        assert target.get("/camp/guarded").json == {"id": None}
        assert target.get("/camp/guarded", ALICE).json == {"id": 1}
        assert target.get("/camp/guarded", Authorization="Bearer x").json["code"] == "invalid_token"

    def test_above_the_route(self):
        """A resource that is decorated after it was routed is guarded all the same."""
        target = Target()
        auth_required(target.camp.route("/guarded")(on_the_resource(lambda view: view)))

        assert summary(target.get("/camp/guarded")) == MISSING_TOKEN
        assert target.get("/camp/guarded", ALICE).status_code == 200

    def test_the_class_stays_a_class(self):
        """A decorated resource is the same class, and dispatches as before."""

        class Plain(Resource):
            pass

        assert auth_required(Plain) is Plain
        assert Resource.dispatch_request is Plain.dispatch_request

    def test_a_subclass_is_guarded(self):
        """A subclass of a guarded resource is guarded."""
        target = Target()

        class Derived(on_the_resource(roles_required("admin"))):
            def post(self):
                return {}

        target.camp.route("/guarded")(Derived)

        assert summary(target.open("POST", "/camp/guarded", ALICE)) == MISSING_ROLE
        assert target.open("POST", "/camp/guarded", ROOT).status_code == 200

    def test_all_of_several(self):
        """Decorators add up, in whatever order."""
        target = Target()

        @target.camp.route("/guarded")
        @roles_required("reader")
        class Guarded(Resource):
            @auth_accepted
            @roles_accepted("admin", "editor")
            def get(self):
                return {}

        assert summary(target.get("/camp/guarded")) == MISSING_TOKEN
        assert summary(target.get("/camp/guarded", ALICE)) == MISSING_ROLE
        assert target.get("/camp/guarded", ROOT).status_code == 200

    def test_several_method_decorators(self):
        """RESTX applies ``method_decorators`` anew for each request, and each of them is checked."""
        target = Target()

        class Guarded(Resource):
            method_decorators = [auth_required, roles_required("admin")]  # noqa: RUF012

            def get(self):
                return {}

        target.camp.route("/guarded")(Guarded)

        assert target.get("/camp/guarded", ROOT).status_code == 200
        assert summary(target.get("/camp/guarded", ALICE)) == MISSING_ROLE
        assert summary(target.get("/camp/guarded")) == MISSING_TOKEN

    def test_marshalling_above_and_below(self):
        """Marshalling does its work on either side."""
        target = Target()
        model = target.api.model("Who", {"id": fields.Integer})

        @target.camp.route("/guarded")
        class Guarded(Resource):
            @target.camp.marshal_with(model)
            @auth_required
            def get(self):
                return {"id": current_user_id(), "more": True}

            @auth_required
            @target.camp.marshal_with(model)
            def post(self):
                return {"id": current_user_id(), "more": True}

        for method in ("GET", "POST"):
            assert target.open(method, "/camp/guarded", ALICE).json == {"id": 1}
            assert summary(target.open(method, "/camp/guarded")) == MISSING_TOKEN

    def test_claims_as_json(self):
        """The return value of ``current_custom_claims`` is a response."""
        target = Target()
        target.camp.route("/claims")(
            type("Claims", (Resource,), {"get": auth_required(lambda self: current_custom_claims())})
        )
        token = {"Authorization": f"Bearer {target.guard.issue(ALICE, a=[1, {'b': None}])}"}

        assert target.get("/camp/claims", **token).json == {"a": [1, {"b": None}]}

    @pytest.mark.parametrize("place", PLACES)
    def test_payload_validation_still_works(self, place):
        """A payload that breaks its model is refused after the token was found good."""
        target = Target()
        model = target.api.model("Legion", {"name": fields.String(required=True)})

        class Guarded(PLACES[place](auth_required)):
            @auth_required
            @target.camp.expect(model, validate=True)
            def post(self):
                return {}

        target.camp.route("/guarded")(Guarded)
        send = target.app.test_client().post
        token = {"Authorization": f"Bearer {target.guard.issue(ALICE)}"}

        assert send("/camp/guarded", json={}, headers=token).status_code == 400
        assert send("/camp/guarded", json={"name": "X"}, headers=token).status_code == 200

    @pytest.mark.parametrize("place", PLACES)
    def test_preflight(self, place):
        """A preflight for a resource with OPTIONS of its own is answered by Flask, and the method does not run."""
        target = Target()
        ran = []

        class Guarded(PLACES[place](auth_required)):
            @target.camp.marshal_with(target.api.model("Who", {"id": fields.Integer}))
            @auth_required
            def options(self):
                ran.append("options")
                return {"id": 1}

        target.camp.route("/guarded")(Guarded)

        response = target.open("OPTIONS", "/camp/guarded", headers=PREFLIGHT)

        assert (response.status_code, response.data) == (200, b"")
        assert set(response.allow) == {"GET", "HEAD", "OPTIONS"}
        assert ran == []
        assert summary(target.open("OPTIONS", "/camp/guarded")) == MISSING_TOKEN
        assert target.open("OPTIONS", "/camp/guarded", ALICE).json == {"id": 1}

    @pytest.mark.parametrize("place", PLACES)
    def test_head(self, place):
        """HEAD is guarded as GET is."""
        target = Target()
        target.camp.route("/guarded")(PLACES[place](auth_required))

        assert target.open("HEAD", "/camp/guarded").status_code == 401
        assert target.open("HEAD", "/camp/guarded", ALICE).status_code == 200

    @pytest.mark.parametrize("maker", [roles_required, roles_accepted])
    def test_role_decorators_need_names(self, maker):
        """Without a role, or with something that is none, a decorator is refused where it is written."""

        for names in ((), ("",), (1,), (lambda: None,)):
            with pytest.raises(ConfigurationError, match=f"{maker.__name__} "):
                maker(*names)

    def test_a_policy_is_needed(self):
        """A role's name is no policy."""

        with pytest.raises(ConfigurationError, match="policy_required takes a policy; got str"):
            policy_required("admin")

    @pytest.mark.parametrize("wrong", [MethodView, 1, None])
    def test_what_cannot_be_guarded_is_refused(self, wrong):
        """A class of another framework, or no view at all, is refused where it is decorated."""

        with pytest.raises(ConfigurationError, match="auth_required takes a view function"):
            auth_required(wrong)

    def test_roles_disabled(self):
        """If roles are disabled, a role decorator refuses every request."""

        assert Target(PRAETORIAN_ROLES_DISABLED=True).get("/camp/admin", ROOT).json["code"] == "configuration"


class TestProtectNamespace:
    @staticmethod
    def resource():
        return on_the_method(lambda view: view)

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_guards_what_is_there_and_what_will_be(self, moment):
        """It does not matter whether resources are routed before or after."""
        target = Target()
        vault = target.api.namespace("vault")
        if moment == "before":
            protect_namespace(vault)
        vault.route("/a")(self.resource())
        vault.add_resource(self.resource(), "/b", endpoint="b")
        if moment == "after":
            protect_namespace(vault)

        for path in ("/vault/a", "/vault/b"):
            assert summary(target.get(path)) == MISSING_TOKEN
            assert target.get(path, ALICE).json == {"id": 1}

    def test_a_namespace_without_an_api_yet(self):
        """A namespace may be protected in its own module, before any Api has it."""
        target = Target()
        vault = Namespace("vault")
        protect_namespace(vault, roles_required("admin"))
        vault.route("/a")(self.resource())
        target.api.add_namespace(vault)

        assert summary(target.get("/vault/a", ALICE)) == MISSING_ROLE
        assert target.get("/vault/a", ROOT).json == {"id": 2}

    def test_everything_else_stays_open(self):
        """Other namespaces, the page and swagger.json stay reachable, and so does OPTIONS."""
        target = Target()
        protect_namespace(target.camp)
        protect_namespace(target.api.default_namespace)
        other = target.api.namespace("other")
        other.route("/open")(self.resource())

        assert summary(target.get("/camp/open")) == MISSING_TOKEN
        assert target.open("OPTIONS", "/camp/open").status_code == 200
        assert [target.get(path).status_code for path in ("/other/open", "/", "/swagger.json")] == [200] * 3

    def test_what_the_api_routes_itself(self):
        """The namespace of what is routed without one can be protected as well."""
        target = Target()
        protect_namespace(target.api.default_namespace)
        target.api.route("/a")(self.resource())

        assert summary(target.get("/a")) == MISSING_TOKEN
        assert target.get("/a", ALICE).status_code == 200

    def test_base_classes_are_left_alone(self):
        """Protecting a resource changes neither its base nor its siblings."""
        target = Target()
        base = self.resource()
        protect_namespace(target.camp)
        target.camp.route("/a")(type("A", (base,), {}))
        target.api.route("/b")(type("B", (base,), {}))

        assert summary(target.get("/camp/a")) == MISSING_TOKEN
        assert target.get("/b").status_code == 200

    def test_one_resource_under_two_urls(self):
        """A resource that is routed twice is asked once."""
        target = Target()
        calls = []
        target.guard.admit = lambda *args: calls.append(args)
        vault = target.api.namespace("vault")
        protect_namespace(vault)
        resource = self.resource()
        vault.route("/a")(resource)
        vault.route("/b", endpoint="b")(resource)

        assert target.get("/vault/b").status_code == 200
        assert len(calls) == 1

    def test_a_dispatcher_of_its_own_is_guarded(self):
        """A resource that dispatches by itself, and never looks at method_decorators, is guarded too."""
        target = Target()
        protect_namespace(target.camp)

        @target.camp.route("/own")
        class Own(Resource):
            methods = ["GET"]  # noqa: RUF012

            def dispatch_request(self):
                return {"mine": True}

            def get(self):
                return {}

        assert summary(target.get("/camp/own")) == MISSING_TOKEN
        assert target.get("/camp/own", ALICE).json == {"mine": True}

    def test_the_token_comes_before_the_payload(self):
        """A client without a token learns nothing about the payload's model."""
        target = Target()
        protect_namespace(target.camp)
        model = target.api.model("Legion", {"name": fields.String(required=True)})

        @target.camp.route("/legions")
        class Legions(Resource):
            @target.camp.expect(model, validate=True)
            def post(self):
                return {}

        token = {"Authorization": f"Bearer {target.guard.issue(ALICE)}"}
        send = target.app.test_client().post

        assert summary(send("/camp/legions", json={})) == MISSING_TOKEN
        assert send("/camp/legions", json={}, headers=token).status_code == 400

    @pytest.mark.parametrize("wrong", [Flask("app"), Api(), None])
    def test_what_is_no_namespace_is_refused(self, wrong):
        """A whole Api in the place of a namespace is refused, saying what to write."""

        with pytest.raises(ConfigurationError, match=r"write protect_namespace\(ns\) for each namespace"):
            protect_namespace(wrong)

    @pytest.mark.parametrize("wrong", [roles_required, None, lambda view: view])
    def test_what_does_not_guard_is_refused(self, wrong):
        """Another decorator, or one without its roles, is refused before a resource is routed."""
        namespace = Namespace("vault")

        with pytest.raises(ConfigurationError, match="expected a decorator of praetorian_restx"):
            protect_namespace(namespace, wrong)

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_what_is_no_resource_is_refused(self, moment):
        """A view that RESTX would not dispatch cannot be protected, so it is refused."""
        namespace = Namespace("vault")

        class Foreign(MethodView):
            pass

        with pytest.raises(ConfigurationError, match=r"derive it from flask_restx\.Resource"):  # noqa: PT012
            if moment == "before":
                protect_namespace(namespace)
            namespace.add_resource(Foreign, "/a")
            protect_namespace(namespace)


class TestInitApi:
    def test_namespaces_added_before_and_after(self):
        """An Api guards the resources of namespaces that it gets before or after init_api."""
        target = Target(prepare=lambda api: None)
        for name in ("before", "after"):
            namespace = Namespace(name)
            namespace.route("/a")(among_method_decorators(auth_required))
            target.api.add_namespace(namespace)
            if name == "before":
                init_api(target.api)

        for name in ("before", "after"):
            assert summary(target.get(f"/{name}/a")) == MISSING_TOKEN
            assert target.operation(f"/{name}/a")["security"] == [{"Bearer": []}]
