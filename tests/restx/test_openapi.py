"""The guarded operations in swagger.json."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask
from flask_restx import Api, Namespace, Resource, fields
from tests.restx.apps import SECRET, Target

from praetorian_core import Guard, KeyRing, Settings, all_roles, any_role, authenticated_within
from praetorian_flask import Praetorian, protect_blueprint
from praetorian_flask import roles_required as flask_roles_required
from praetorian_restx import (
    auth_accepted,
    auth_exempt,
    auth_required,
    authorizations,
    init_api,
    policy_required,
    protect_namespace,
    roles_accepted,
    roles_required,
)

BEARER = [{"Bearer": []}]
MODEL = {"$ref": "#/definitions/PraetorianError"}
CHALLENGE = {"WWW-Authenticate": {"description": "The challenge (RFC 6750 §3)", "type": "string"}}
UNAUTHORIZED = {
    "description": "The token is missing or invalid; `code` is the reason",
    "schema": MODEL,
    "headers": CHALLENGE,
}
STALE = {
    "description": "The token is missing or invalid, or the user authenticated too long ago; `code` is the reason",
    "schema": MODEL,
    "headers": {
        "WWW-Authenticate": {
            "description": "The challenge (RFC 6750 §3); if the authentication is too old, with `max_age` (RFC 9470 §3)",
            "type": "string",
        }
    },
}
SUCCESS = {"description": "Success"}


def forbidden(roles):
    """Return what is said of the response to a request without the roles."""
    return {"description": f"The token lacks a role; required: {roles}", "schema": MODEL, "headers": CHALLENGE}


def documented(*decorators, resource=lambda view: view, route=None, target=None):
    """Return the operation of a GET whose method is decorated, from the outermost decorator to the innermost."""
    target = target or Target()

    def get(self):
        """Say hello. More of it."""

    for decorator in reversed(decorators):
        get = decorator(get)
    view = resource(type("Guarded", (Resource,), {"get": get}))
    target.api.namespace("doc").route("/guarded", **(route or {}))(view)
    return target.operation("/doc/guarded")


class TestDecorators:
    def test_auth_required(self):
        """An operation that needs a token says so: security, and what a refusal looks like."""
        operation = documented(auth_required)

        assert operation["security"] == BEARER
        assert operation["responses"] == {"200": SUCCESS, "401": UNAUTHORIZED}
        assert operation["description"] == "More of it."

    def test_auth_accepted(self):
        """An operation that also runs without a token offers both, and says that a bad one is refused."""
        operation = documented(auth_accepted)

        assert operation["security"] == [*BEARER, {}]
        assert operation["responses"]["401"]["description"] == "The token is invalid; `code` is the reason"
        assert "403" not in operation["responses"]

    @pytest.mark.parametrize(
        ("decorator", "roles"),
        [
            (roles_required("staff", "admin"), "all of admin, staff"),
            (roles_accepted("editor", "admin"), "any of admin, editor"),
            (policy_required(all_roles("a") & any_role("b", "c")), "(all of a) and (any of b, c)"),
        ],
    )
    def test_roles(self, decorator, roles):
        """The roles that are needed stand in the description and at the 403."""
        operation = documented(decorator)

        assert operation["security"] == BEARER
        assert operation["description"] == f"Roles required: {roles}\nMore of it."
        assert operation["responses"] == {"200": SUCCESS, "401": UNAUTHORIZED, "403": forbidden(roles)}

    def test_age(self):
        """How recently the user must have authenticated stands in the description, and the challenge at the 401."""
        operation = documented(policy_required(authenticated_within("5 minutes")))

        assert operation["security"] == BEARER
        assert operation["description"] == "Required: authenticated within 5 minutes\nMore of it."
        assert operation["responses"] == {"200": SUCCESS, "401": STALE}

    def test_age_and_role(self):
        """With a role there is a 403 too."""
        operation = documented(policy_required(authenticated_within(90) & all_roles("staff")))
        words = "(authenticated within 90 seconds) and (all of staff)"

        assert operation["description"] == f"Required: {words}\nMore of it."
        assert operation["responses"] == {"200": SUCCESS, "401": STALE, "403": forbidden(words)}

    def test_age_and_role_apart(self):
        """Of two decorators, the 403 names the one for roles."""
        operation = documented(policy_required(authenticated_within("1 hour")), roles_required("staff"))

        assert operation["description"] == "Required: all of staff; authenticated within 1 hour\nMore of it."
        assert operation["responses"] == {"200": SUCCESS, "401": STALE, "403": forbidden("all of staff")}

    def test_an_open_operation_says_nothing(self):
        """Without a decorator RESTX's documentation is unchanged."""
        operation = documented()

        assert "security" not in operation
        assert operation["responses"] == {"200": SUCCESS}

    def test_several_decorators_add_up(self):
        """Of several decorators all roles are named, and a token that one of them needs is needed."""
        operation = documented(auth_accepted, roles_required("staff"), auth_required, roles_accepted("a", "b"))

        assert operation["security"] == BEARER
        assert operation["description"] == "Roles required: any of a, b; all of staff\nMore of it."
        assert operation["responses"]["403"] == forbidden("any of a, b; all of staff")
        assert operation["responses"]["401"] == UNAUTHORIZED

    def test_the_same_decorator_twice(self):
        """The same requirement is documented once."""

        assert documented(roles_required("a"), roles_required("a"))["responses"]["403"] == forbidden("all of a")

    def test_on_a_resource(self):
        """A decorated class documents all its operations."""
        operation = documented(resource=roles_required("staff"))

        assert operation["security"] == BEARER
        assert operation["description"] == "Roles required: all of staff\nMore of it."
        assert operation["responses"] == {"200": SUCCESS, "401": UNAUTHORIZED, "403": forbidden("all of staff")}

    def test_on_a_resource_and_its_method(self):
        """What the class demands and what the method demands are both said."""
        operation = documented(roles_accepted("a", "b"), resource=roles_required("staff"))

        assert operation["description"].startswith("Roles required: all of staff; any of a, b\n")

    def test_among_method_decorators(self):
        """What RESTX applies at each request is documented as well."""

        def resource(view):
            view.method_decorators = [lambda method: method, roles_required("staff")]
            return view

        operation = documented(resource=resource)

        assert operation["security"] == BEARER
        assert operation["responses"] == {"200": SUCCESS, "401": UNAUTHORIZED, "403": forbidden("all of staff")}

    def test_among_namespace_decorators(self):
        """What a namespace applies is documented as well."""
        target = Target()
        vault = target.api.namespace("vault", decorators=[roles_required("staff")])

        @vault.route("/a")
        class A(Resource):
            def get(self):
                return {}

        operation = target.operation("/vault/a")

        assert operation["security"] == BEARER
        assert operation["responses"] == {"200": SUCCESS, "401": UNAUTHORIZED, "403": forbidden("all of staff")}
        assert target.get("/vault/a").status_code == 401

    def test_resources_inherit(self):
        """A class derived from a guarded one demands the same, and more if it is decorated."""

        def resource(view):
            return roles_required("b")(type("Derived", (roles_required("a")(view),), {}))

        assert documented(resource=resource)["responses"]["403"] == forbidden("all of a; all of b")

    def test_a_view_outside_any_api(self):
        """A function that no API documents can be decorated all the same."""

        @auth_required
        def view():
            """Say hello."""

        assert (view.__name__, view.__doc__) == ("view", "Say hello.")


class TestUserText:
    @pytest.mark.parametrize("above", [True, False])
    def test_wins(self, above):
        """What a user wrote is what is shown, above or below our decorator."""
        target = Target()
        doc = target.api.doc(
            description="Mine.", security="Other", responses={"401": "My 401", "418": "Teapot"}, id="mine"
        )
        decorators = [doc, roles_required("staff")]

        operation = documented(*(decorators if above else reversed(decorators)), target=target)

        assert operation["security"] == [{"Other": []}]
        assert operation["description"] == "Mine.\nMore of it."
        assert operation["operationId"] == "mine"
        assert operation["responses"] == {
            "200": SUCCESS,
            "401": {"description": "My 401"},
            "403": forbidden("all of staff"),
            "418": {"description": "Teapot"},
        }

    @pytest.mark.parametrize("above", [True, False])
    @pytest.mark.parametrize("code", [403, "403"])
    def test_wins_with_a_model(self, above, code):
        """@api.response with a model of the user's replaces ours."""
        target = Target()
        target.api.model("Mine", {"oops": fields.String})
        response = target.api.response(code, "My 403", target.api.models["Mine"])
        decorators = [response, roles_required("staff")]

        operation = documented(*(decorators if above else reversed(decorators)), target=target)

        assert operation["responses"]["403"] == {"description": "My 403", "schema": {"$ref": "#/definitions/Mine"}}
        assert operation["responses"]["401"] == UNAUTHORIZED

    @pytest.mark.parametrize("above", [True, False])
    def test_wins_between_two_of_ours(self, above):
        """It stays when another of our decorators follows."""
        target = Target()
        doc = target.api.doc(description="Mine.")
        inner = [doc, roles_required("a")] if above else [roles_required("a"), doc]

        operation = documented(roles_required("b"), *inner, target=target)

        assert operation["description"] == "Mine.\nMore of it."
        assert operation["responses"]["403"] == forbidden("all of a; all of b")

    @pytest.mark.parametrize("above", [True, False])
    def test_wins_on_a_resource(self, above):
        """Security that a user takes off a class is off."""
        target = Target()
        doc = target.api.doc(security=[], responses={"401": "My 401"})

        def resource(view):
            return doc(auth_required(view)) if above else auth_required(doc(view))

        operation = documented(resource=resource, target=target)

        assert operation["security"] == []
        assert operation["responses"]["401"]["description"] == "My 401"

    def test_wins_on_a_method_of_a_guarded_resource(self):
        """A method's own text is preferred to what the class says."""
        target = Target()
        operation = documented(target.api.response(401, "Mine"), resource=auth_required, target=target)

        assert operation["responses"]["401"]["description"] == "Mine"

    @pytest.mark.parametrize("above", [True, False])
    def test_hidden_methods_stay_hidden(self, above):
        """@api.hide hides, on either side of our decorator."""
        target = Target()
        decorators = [target.api.hide, roles_required("staff")]
        method = auth_required(lambda self: {})
        for decorator in decorators if above else reversed(decorators):
            method = decorator(method)
        target.camp.route("/hidden")(type("Hidden", (Resource,), {"get": method, "post": auth_required(print)}))

        assert set(target.swagger()["paths"]["/camp/hidden"]) == {"post"}
        assert target.get("/camp/hidden").status_code == 401

    @pytest.mark.parametrize("above", [True, False])
    def test_hidden_resources_stay_hidden(self, above):
        """@api.doc(False) on a class hides it, on either side of our decorator, and it is guarded all the same."""
        target = Target()
        hide = target.api.doc(False)  # noqa: FBT003

        class Hidden(Resource):
            def get(self):
                return {}

        target.camp.route("/hidden")(hide(auth_required(Hidden)) if above else auth_required(hide(Hidden)))

        assert "/camp/hidden" not in target.swagger()["paths"]
        assert target.get("/camp/hidden").status_code == 401

    def test_documentation_below_is_not_written_to(self):
        """What we add is not added to the function that we were given, nor to anybody else's."""
        target = Target()

        @target.api.doc(responses={"418": "Teapot"})
        def method(self):
            return {}

        before = dict(method.__apidoc__)
        operation = documented(roles_required("a"), auth_required, lambda _: method, target=target)

        assert before == method.__apidoc__
        assert set(operation["responses"]) == {"200", "401", "403", "418"}


class TestSuccess:
    @pytest.mark.parametrize("order", [1, -1])
    @pytest.mark.parametrize("place", ["method", "resource"])
    def test_described_by_the_user(self, order, place):
        """If the application describes a success, no other is added."""
        target = Target()
        described = target.api.response(201, "Made")
        decorators = [described, auth_required][::order] if place == "method" else [auth_required]
        resource = described if place == "resource" else (lambda view: view)

        operation = documented(*decorators, resource=resource, target=target)

        assert set(operation["responses"]) == {"201", "401"}

    @pytest.mark.parametrize("order", [1, -1])
    def test_described_by_marshalling(self, order):
        """What is marshalled is the success."""
        target = Target()
        marshal = target.api.marshal_with(target.api.model("Made", {"id": fields.Integer}), code=201)

        operation = documented(*[marshal, auth_required][::order], target=target)

        assert set(operation["responses"]) == {"201", "401"}
        assert operation["responses"]["201"]["schema"] == {"$ref": "#/definitions/Made"}

    @pytest.mark.parametrize("place", ["method", "resource"])
    def test_described_by_a_model(self, place):
        """The model of a @api.doc is the success, under the code that it names."""
        target = Target()
        doc = target.api.doc(model=target.api.model("Made", {"id": fields.Integer}), default_code=201)
        if place == "method":
            operation = documented(doc, auth_required, target=target)
        else:
            operation = documented(auth_required, resource=doc, target=target)

        assert set(operation["responses"]) == {"201", "401"}
        assert operation["responses"]["201"]["schema"] == {"$ref": "#/definitions/Made"}


class TestBeforeRequest:
    @pytest.mark.parametrize("place", ["application", "blueprint"])
    def test_documents_the_requirement(self, place):
        """A guard in ``before_request`` of the application or of the blueprint is documented; exempt methods are not."""
        app = Flask(__name__)
        Praetorian(app, Guard(None, Settings(keys=KeyRing.from_secret(SECRET))))
        blueprint = Blueprint("farm", __name__)
        if place == "application":
            app.before_request(flask_roles_required("admin")(lambda: None))
        else:
            protect_blueprint(blueprint, flask_roles_required("admin"))
        api = Api(blueprint)
        init_api(api)

        @api.route("/herd")
        class Herd(Resource):
            def get(self):
                """Return nothing."""

            @auth_exempt
            def post(self):
                """Return nothing."""

        app.register_blueprint(blueprint)
        with app.test_request_context():
            path = api.__schema__["paths"]["/herd"]

        assert [{"Bearer": []}] == path["get"]["security"]
        assert ["200", "401", "403"] == sorted(path["get"]["responses"])
        assert "security" not in path["post"]


class TestProtectNamespace:
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_documents_its_resources(self, moment):
        """Every operation of a protected namespace says what is demanded, whenever it was routed."""
        target = Target()
        vault = target.api.namespace("vault")
        if moment == "before":
            protect_namespace(vault, roles_required("staff"))

        @vault.route("/a")
        class A(Resource):
            def get(self):
                return {}

            @roles_accepted("x", "y")
            def post(self):
                return {}

        if moment == "after":
            protect_namespace(vault, roles_required("staff"))

        get, post = (target.operation("/vault/a", method) for method in ("get", "post"))
        assert get["security"] == post["security"] == BEARER
        assert get["responses"] == {"200": SUCCESS, "401": UNAUTHORIZED, "403": forbidden("all of staff")}
        assert post["description"] == "Roles required: all of staff; any of x, y"

    def test_user_text_wins(self):
        """An application's own documentation of a resource is kept, and a hidden one stays hidden."""
        target = Target()
        vault = Namespace("vault")
        protect_namespace(vault)

        @vault.route("/a")
        @vault.response(401, "Mine")
        class A(Resource):
            def get(self):
                return {}

        @vault.route("/b", doc=False)
        class B(Resource):
            def get(self):
                return {}

        target.api.add_namespace(vault)

        assert target.operation("/vault/a")["responses"]["401"]["description"] == "Mine"
        assert "/vault/b" not in target.swagger()["paths"]

    def test_swagger_without_protection_is_as_before(self):
        """The operations of other namespaces show no requirement."""
        target = Target()
        protect_namespace(target.api.namespace("vault"))

        assert "security" not in target.operation("/camp/open")


class TestAuthorizations:
    def test_default(self):
        """Swagger 2.0 knows no bearer tokens: the scheme is a header, and says how to fill it."""

        assert authorizations() == {
            "Bearer": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "Type the word `Bearer`, a space and the token: `Bearer <token>`",
            }
        }

    def test_of_settings(self):
        """Another header and another scheme are named as they are."""
        settings = Settings(keys=KeyRing.from_secret(SECRET), header_name="X-Token", header_type="JWT")

        scheme = authorizations(settings)["Bearer"]

        assert scheme["name"] == "X-Token"
        assert scheme["description"] == "Type the word `JWT`, a space and the token: `JWT <token>`"


class TestModel:
    def test_is_what_is_sent(self):
        """The model has the members of a body, all of them required, with their types."""
        target = Target()
        definition = target.swagger()["definitions"]["PraetorianError"]
        body = target.get("/camp/protected").json

        assert set(definition["properties"]) == set(definition["required"]) == set(body)
        assert {name: {str: "string", int: "integer"}[type(value)] for name, value in body.items()} == {
            name: member["type"] for name, member in definition["properties"].items()
        }

    def test_error_responses_are_listed(self):
        """The handler documents itself, so a docstring's ``:raises PraetorianError:`` can refer to it."""
        target = Target()

        @target.camp.route("/raises")
        class Raises(Resource):
            def get(self):
                """Refuse.

                :raises PraetorianError: Always.
                """

        assert target.operation("/camp/raises")["responses"]["401"] == {"$ref": "#/responses/PraetorianError"}
        assert target.swagger()["responses"]["PraetorianError"]["schema"] == MODEL
