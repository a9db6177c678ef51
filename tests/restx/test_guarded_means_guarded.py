"""Resources whose class is guarded, whichever way the class ends up dispatching, and the order of token and payload."""

import dataclasses
import functools

import pytest
from flask import Flask
from flask_restx import Api, Resource, fields
from tests.restx.apps import ALICE, MISSING_ROLE, MISSING_TOKEN, ROOT, Target, summary

from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import Policy
from praetorian_restx import auth_exempt, auth_required, policy_required, protect_namespace, roles_required


class OwnDispatch:
    """A mix-in that answers without a call of ``super()``."""

    def dispatch_request(self, *args, **kwargs):
        return {"secret": "mix-in"}


class Caching:
    """A mix-in that returns the first response to every later request."""

    kept = None

    def dispatch_request(self, *args, **kwargs):
        if type(self).kept is None:
            type(self).kept = super().dispatch_request(*args, **kwargs)
        return type(self).kept


class OnTheInstance:
    """A mix-in whose instances bring their own dispatcher."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.dispatch_request = lambda *args, **kwargs: {"secret": "instance"}


class ByAttributeAccess:
    """A mix-in that finds the dispatcher by ``__getattribute__``."""

    def __getattribute__(self, name):
        if name == "dispatch_request":
            return lambda *args, **kwargs: {"secret": "attribute"}
        return super().__getattribute__(name)


class SilentHook:
    """A mix-in whose ``__init_subclass__`` does not call ``super()``."""

    def __init_subclass__(cls, **options):
        cls.dispatch_request = lambda self, *args, **kwargs: {"secret": "hook"}


MIXINS = [OwnDispatch, Caching, OnTheInstance, ByAttributeAccess, SilentHook]


def passing(function):
    """Return a wrapper without ``functools.wraps``."""

    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def private():
    """Return a guarded resource class."""

    @auth_required
    class Private(Resource):
        def get(self):
            return {"secret": "get"}

    return Private


class TestClasses:
    @pytest.mark.parametrize("first", [True, False], ids=["mix-in first", "mix-in last"])
    @pytest.mark.parametrize("mixin", MIXINS, ids=lambda mixin: mixin.__name__)
    def test_a_mix_in(self, mixin, first):
        """A class derived from a guarded one is guarded, whatever ``dispatch_request`` its mix-in brings."""
        target = Target()
        bases = (mixin, private()) if first else (private(), mixin)
        target.camp.route("/salary")(type("Salary", bases, {}))

        assert 200 == target.get("/camp/salary", ALICE).status_code
        assert MISSING_TOKEN == summary(target.get("/camp/salary"))

    @pytest.mark.parametrize("mixin", MIXINS, ids=lambda mixin: mixin.__name__)
    def test_without_praetorian(self, mixin):
        """An application that was never set up answers no request to it."""
        app = Flask(__name__)
        api = Api(app)
        api.route("/salary")(type("Salary", (mixin, private()), {}))

        assert 500 == app.test_client().get("/salary").status_code

    def test_assigned_later(self):
        """A dispatcher that is assigned after the class was routed is guarded."""
        target = Target()
        kind = target.camp.route("/salary")(private())
        kind.dispatch_request = lambda self: {"secret": "later"}

        assert MISSING_TOKEN == summary(target.get("/camp/salary"))
        assert {"secret": "later"} == target.get("/camp/salary", ALICE).json

    def test_routed_before_it_is_decorated(self):
        """The decorator may stand above ``route``, because it changes the class that was routed."""
        target = Target()

        @auth_required
        @target.camp.route("/salary")
        class Salary(OwnDispatch, Resource):
            methods = ["GET"]  # noqa: RUF012

        assert MISSING_TOKEN == summary(target.get("/camp/salary"))
        assert {"secret": "mix-in"} == target.get("/camp/salary", ALICE).json

    def test_rebuilt_by_dataclass(self):
        """A class that ``dataclass(slots=True)`` builds anew keeps its guard."""
        target = Target()

        @target.camp.route("/salary")
        @dataclasses.dataclass(slots=True, init=False)
        @auth_required
        class Salary(Resource):
            def get(self):
                return {"secret": "get"}

        assert MISSING_TOKEN == summary(target.get("/camp/salary"))
        assert {"secret": "get"} == target.get("/camp/salary", ALICE).json

    def test_a_view_function_of_its_own(self):
        """A class whose ``as_view`` calls no ``super()`` is guarded as well."""
        target = Target()

        class Own(private()):
            @classmethod
            def as_view(cls, name, *args, **kwargs):
                def view(**kwargs):
                    return {"secret": "own"}

                view.view_class, view.methods = cls, {"GET"}
                return view

        target.camp.add_resource(Own, "/salary", endpoint="salary")

        assert MISSING_TOKEN == summary(target.get("/camp/salary"))
        assert {"secret": "own"} == target.get("/camp/salary", ALICE).json

    def test_a_cached_view_function(self):
        """A mix-in whose ``as_view`` caches the view of ``super()`` sends no cached answer without a token."""
        target = Target()

        class CachingView:
            @classmethod
            def as_view(cls, *args, **kwargs):
                view = super().as_view(*args, **kwargs)
                answers = []

                @functools.wraps(view)
                def cached(**kwargs):
                    answers.extend([view(**kwargs)] * (not answers))
                    return answers[0]

                return cached

        target.camp.route("/salary")(type("Salary", (CachingView, private()), {}))

        assert {"secret": "get"} == target.get("/camp/salary", ALICE).json
        assert MISSING_TOKEN == summary(target.get("/camp/salary"))

    def test_open_classes_stay_open(self):
        """The same mix-ins on an undecorated class answer without a token."""
        target = Target()

        @target.camp.route("/salary")
        class Salary(OwnDispatch, Resource):
            methods = ["GET"]  # noqa: RUF012

        assert {"secret": "mix-in"} == target.get("/camp/salary").json

    @pytest.mark.parametrize("place", ["decorators", "method_decorators"])
    def test_lists_of_decorators(self, place):
        """``decorators`` and ``method_decorators`` guard as well."""
        target = Target()
        kind = type("Salary", (Resource,), {place: [roles_required("admin")], "get": lambda self: {}})
        target.camp.route("/salary")(kind)

        assert MISSING_TOKEN == summary(target.get("/camp/salary"))
        assert MISSING_ROLE == summary(target.get("/camp/salary", ALICE))
        assert 200 == target.get("/camp/salary", ROOT).status_code


class TestGuardBeforePayload:
    @pytest.mark.parametrize(
        ("decorator", "refused", "user", "admitted"),
        [(auth_required, MISSING_TOKEN, None, ALICE), (roles_required("admin"), MISSING_ROLE, ALICE, ROOT)],
        ids=["token", "role"],
    )
    @pytest.mark.parametrize(
        "place", ["method", "below", "within", "class", "method_decorators", "decorators", "namespace"]
    )
    def test_the_model_is_not_revealed(self, place, decorator, refused, user, admitted):
        """Without a token or a role a payload is not validated, so the answer reveals nothing about its model."""
        target = Target()
        model = target.api.model("Account", {"iban": fields.String(required=True, pattern="^DE[0-9]{20}$")})
        expect = target.camp.expect(model, validate=True)

        def post(self):
            return {}

        method = {"method": lambda f: decorator(expect(f)), "below": lambda f: expect(decorator(f))}
        method["within"] = lambda f: expect(passing(decorator(f)))
        members = {"post": method.get(place, expect)(post)}
        if place.endswith("decorators"):
            members[place] = [decorator]
        kind = type("Accounts", (Resource,), members)
        if place == "class":
            decorator(kind)
        if place == "namespace":
            protect_namespace(target.camp, decorator)
        target.camp.route("/accounts")(kind)
        send = target.app.test_client().post
        without = {} if user is None else {"Authorization": f"Bearer {target.guard.issue(user)}"}
        token = {"Authorization": f"Bearer {target.guard.issue(admitted)}"}

        assert refused == summary(send("/camp/accounts", json={"iban": "x"}, headers=without))
        assert refused == summary(send("/camp/accounts", data=b"{", content_type="application/json", headers=without))
        assert 400 == send("/camp/accounts", json={"iban": "x"}, headers=token).status_code
        assert 200 == send("/camp/accounts", json={"iban": "DE" + "1" * 20}, headers=token).status_code

    def test_one_verification(self):
        """A method's requirement that was checked in advance is not checked a second time."""
        target = Target()
        calls = []
        admit = target.guard.admit
        target.guard.admit = lambda *args: calls.append(args) or admit(*args)

        assert 200 == target.get("/camp/protected", ALICE).status_code
        assert 1 == len(calls)


class Unhashable(Policy):
    """A policy of the application, which compares by value and has no hash."""

    __hash__ = None

    def __eq__(self, other):
        return isinstance(other, Unhashable)

    def permits(self, principal, now):
        return "admin" in principal.roles

    def __str__(self):
        return "an admin"


class TestPolicies:
    def test_without_a_hash(self):
        """A policy of the application needs no hash, on a class and on its method."""
        target = Target()

        @target.camp.route("/vault")
        @policy_required(Unhashable())
        class Vault(Resource):
            @policy_required(Unhashable())
            def get(self):
                return {}

        assert MISSING_ROLE == summary(target.get("/camp/vault", ALICE))
        assert 200 == target.get("/camp/vault", ROOT).status_code
        assert "Roles required: an admin" == target.operation("/camp/vault")["description"]


class TestExempt:
    def exempt_method(self, target):
        """Route a guarded resource with one open method."""

        @target.camp.route("/mixed")
        @auth_required
        class Mixed(Resource):
            @auth_exempt
            def get(self):
                return {"open": True}

            def post(self):
                return {"open": False}

    def test_a_method_of_a_class(self):
        """One method of a guarded class is open, for HEAD as well; the others stay guarded."""
        target = Target()
        self.exempt_method(target)

        assert {"open": True} == target.get("/camp/mixed").json
        assert 200 == target.open("HEAD", "/camp/mixed").status_code
        assert MISSING_TOKEN == summary(target.open("POST", "/camp/mixed"))

    def test_is_documented_as_open(self):
        """Its operation has no lock and no 401; that of the guarded method has both."""
        target = Target()
        self.exempt_method(target)

        assert "security" not in target.operation("/camp/mixed")
        assert {"200"} == set(target.operation("/camp/mixed")["responses"])
        assert [{"Bearer": []}] == target.operation("/camp/mixed", "post")["security"]

    @pytest.mark.parametrize("place", ["method_decorators", "decorators", "namespace", "namespace decorators"])
    def test_of_a_list(self, place):
        """A method is exempt from the decorators of every list, and shown without a lock."""
        target = Target()
        camp = target.camp
        if place == "namespace":
            protect_namespace(camp)
        if place == "namespace decorators":
            camp = target.api.namespace("vault", decorators=[auth_required])
        members = {"get": auth_exempt(lambda self: {"open": True}), "post": lambda self: {}}
        if place.endswith("_decorators") or place == "decorators":
            members[place] = [auth_required]
        camp.route("/mixed")(type("Mixed", (Resource,), members))
        path = f"/{camp.name}/mixed"

        assert {"open": True} == target.get(path).json
        assert MISSING_TOKEN == summary(target.open("POST", path))
        assert "security" not in target.operation(path)
        assert "security" in target.operation(path, "post")

    def test_a_resource_of_a_namespace(self):
        """One resource of a protected namespace is open; a class derived from it is guarded."""
        target = Target()
        protect_namespace(target.camp)

        @target.camp.route("/status")
        @auth_exempt
        class Status(Resource):
            def get(self):
                return {"up": True}

        target.camp.route("/derived")(type("Derived", (Status,), {}))

        assert {"up": True} == target.get("/camp/status").json
        assert MISSING_TOKEN == summary(target.get("/camp/derived"))
        assert "security" not in target.operation("/camp/status")

    def test_an_overriding_method_is_guarded(self):
        """An exemption belongs to the function: a method that overrides it is guarded."""
        target = Target()

        @auth_required
        class Base(Resource):
            @auth_exempt
            def get(self):
                return {}

        @target.camp.route("/derived")
        class Derived(Base):
            def get(self):
                return {"secret": True}

        assert MISSING_TOKEN == summary(target.get("/camp/derived"))

    @pytest.mark.parametrize("exempt_first", [True, False])
    def test_both_on_one_target(self, exempt_first):
        """A resource cannot be guarded and exempt."""
        kind = type("Both", (Resource,), {})
        first, second = (auth_exempt, auth_required) if exempt_first else (auth_required, auth_exempt)
        first(kind)

        with pytest.raises(ConfigurationError, match="remove one of the two"):
            second(kind)
