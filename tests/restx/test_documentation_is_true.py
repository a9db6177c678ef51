"""The requirements that swagger.json shows are those that requests meet."""

import pytest
from flask_restx import Namespace, Resource
from tests.restx.apps import ALICE, Target

from praetorian_restx import (
    auth_exempt,
    auth_required,
    document_login,
    init_api,
    protect_namespace,
    roles_required,
)

LOCK = [{"Bearer": []}]


def shown(operation):
    """Return whether an operation shows a lock, and its responses."""
    return operation.get("security") == LOCK, set(operation["responses"])


class Guarded(Resource):
    """A resource that is guarded by RESTX's list of decorators."""

    method_decorators = [auth_required]  # noqa: RUF012

    def get(self):
        """Return nothing."""
        return {}


class Plain(Resource):
    """An open resource."""

    def get(self):
        """Return nothing."""
        return {}


class TestLocks:
    def check(self, target, path, *, guarded):
        """Compare what is shown with what a request without a token gets."""
        lock, responses = shown(target.operation(path))

        assert (lock, "401" in responses) == (guarded, guarded)
        assert target.get(path).status_code == (401 if guarded else 200)
        assert target.get(path, ALICE).status_code == 200

    def test_a_subclass_without_the_list(self):
        """A subclass that empties ``method_decorators`` is open, and shown as open."""
        target = Target()
        target.camp.route("/guarded")(Guarded)
        target.camp.route("/open")(type("Open", (Guarded,), {"method_decorators": []}))

        self.check(target, "/camp/guarded", guarded=True)
        self.check(target, "/camp/open", guarded=False)

    def test_decorators(self):
        """Flask's list ``decorators`` guards, and shows a lock."""
        target = Target()
        target.camp.route("/guarded")(type("Decorated", (Plain,), {"decorators": [auth_required]}))

        self.check(target, "/camp/guarded", guarded=True)

    def test_decorators_assigned_after_the_route(self, caplog):
        """A list that is assigned after the route guards nothing, so the application and its documentation are refused."""
        target = Target()
        kind = target.camp.route("/late")(type("Late", (Plain,), {}))
        kind.decorators = [auth_required]

        assert 500 == target.get("/camp/late").status_code
        assert 500 == target.get("/swagger.json").status_code
        assert "the guard of 'camp_late' has no effect" in caplog.text

    def test_method_decorators_assigned_after_the_route(self):
        """RESTX reads ``method_decorators`` at each request, so a list that is assigned later guards."""
        target = Target()
        kind = target.camp.route("/late")(type("Late", (Plain,), {}))
        kind.method_decorators = [auth_required]

        self.check(target, "/camp/late", guarded=True)

    def test_two_namespaces(self):
        """One resource in a namespace with decorators and in one without is guarded in the first only."""
        target = Target()
        vault, hall = Namespace("vault", decorators=[auth_required]), Namespace("hall")
        for namespace in (vault, hall):
            namespace.route("/room", endpoint=f"{namespace.name}_room")(Plain)
            target.api.add_namespace(namespace)

        self.check(target, "/vault/room", guarded=True)
        self.check(target, "/hall/room", guarded=False)

    def test_a_protected_namespace(self):
        """``protect_namespace`` guards the class, so it is guarded and locked in another namespace as well."""
        target = Target()
        vault, hall = Namespace("vault"), Namespace("hall")
        kind = type("Room", (Plain,), {})
        for namespace in (vault, hall):
            namespace.route("/room", endpoint=f"{namespace.name}_room")(kind)
            target.api.add_namespace(namespace)
        protect_namespace(vault)

        self.check(target, "/vault/room", guarded=True)
        self.check(target, "/hall/room", guarded=True)

    def test_decorated_after_it_was_routed(self):
        """A class that is decorated after it was routed is guarded and locked."""
        target = Target()
        auth_required(target.camp.route("/late")(type("Late", (Plain,), {})))

        self.check(target, "/camp/late", guarded=True)

    def test_a_subclass_of_a_guarded_class(self):
        """A subclass that overrides the method is guarded and locked."""
        target = Target()
        base = auth_required(type("Base", (Plain,), {}))
        target.camp.route("/derived")(type("Derived", (base,), {"get": lambda self: {}}))

        self.check(target, "/camp/derived", guarded=True)

    def test_an_api_without_init_api(self):
        """Without ``init_api`` nothing is added."""
        target = Target(prepare=lambda api: None)

        assert "security" not in target.operation("/camp/protected")


class TestRoles:
    def test_class_method_and_namespace(self):
        """The 403 names the roles that the namespace, the class and the method require."""
        target = Target()
        vault = Namespace("vault", decorators=[roles_required("a")])

        @vault.route("/room")
        @roles_required("b")
        class Room(Resource):
            method_decorators = [roles_required("c")]  # noqa: RUF012

            @roles_required("d")
            def get(self):
                """Return nothing."""

        target.api.add_namespace(vault)
        described = target.operation("/vault/room")["responses"]["403"]["description"]

        assert all(f"all of {name}" in described for name in "abcd")


class TestLogin:
    @pytest.mark.parametrize("place", ["method", "class"])
    def test_responses(self, place):
        """One decorator documents the 401 and the 429 of a login, without a lock."""
        target = Target()

        def post(self):
            """Log in."""

        kind = type("Login", (Resource,), {"post": document_login(post) if place == "method" else post})
        target.camp.route("/login")(document_login(kind) if place == "class" else kind)
        operation = target.operation("/camp/login", "post")

        assert "security" not in operation
        assert {"200", "401", "429"} == set(operation["responses"])
        assert "Retry-After" in operation["responses"]["429"]["headers"]

    def test_written_by_hand(self):
        """A response that the application describes stays."""
        target = Target()
        method = document_login(target.camp.response(429, "Slow down")(lambda self: {}))
        target.camp.route("/login")(type("Login", (Resource,), {"post": method}))

        assert "Slow down" == target.operation("/camp/login", "post")["responses"]["429"]["description"]


class TestNothingInternal:
    def test_shared_responses(self):
        """``responses`` holds RESTX's own entries and the public class of our errors."""

        assert {"MaskError", "ParseError", "PraetorianError"} == set(Target().swagger()["responses"])

    def test_exempt(self):
        """The name of an internal class is nowhere in the documentation of guarded and exempt operations."""
        target = Target()
        protect_namespace(target.camp)
        target.camp.route("/exempt")(auth_exempt(type("Exempt", (Plain,), {})))

        assert "Preflight" not in target.get("/swagger.json").text

    def test_twice(self):
        """A second ``init_api`` adds nothing."""
        target = Target()
        once = target.operation("/camp/admin")
        other = Target(prepare=lambda api: (init_api(api), init_api(api)))

        assert once == other.operation("/camp/admin")
