"""Decorators of views: on functions, coroutines, classes and generators, alone and stacked."""

from __future__ import annotations

import enum
import functools
import inspect
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Blueprint, Flask, jsonify, stream_with_context
from flask.views import MethodView, View
from tests.flask.runner import Site
from tests.flask.scenarios import ACCESS
from werkzeug.exceptions import HTTPException

from praetorian_core import all_roles, any_role
from praetorian_core.errors import ConfigurationError
from praetorian_flask import (
    auth_accepted,
    auth_required,
    current_principal_or_none,
    current_user,
    policy_required,
    roles_accepted,
    roles_required,
)

DECORATORS = {
    "auth_required": auth_required,
    "auth_accepted": auth_accepted,
    "roles_required": roles_required("reader"),
    "roles_accepted": roles_accepted("reader", "admin"),
    "policy_required": policy_required(any_role("reader") & all_roles("reader")),
}
PREFLIGHT = {"Origin": "https://example.org", "Access-Control-Request-Method": "PUT"}


@pytest.fixture
def site():
    return Site()


def view():
    """Say who acts."""
    principal = current_principal_or_none()
    return jsonify(id=principal and principal.identity)


def undecorated():
    """Return the same, in a view that no decorator is ever applied to."""
    return view()


async def coroutine():
    """Say who acts, asynchronously."""
    return view()


class TestFunctions:
    @pytest.mark.parametrize("kind", [view, coroutine], ids=["sync", "async"])
    def test_auth_required(self, site, kind):
        """A request without a token is refused, one with a token is admitted."""
        site.route(auth_required(kind))

        assert site.codes() == [401, 200, 200]
        assert site.client.get("/", headers=site.headers("alice")).json == {"id": 1}

    @pytest.mark.parametrize("kind", [view, coroutine], ids=["sync", "async"])
    def test_auth_accepted(self, site, kind):
        """A request without a token is anonymous, one with a token has its principal."""
        site.route(auth_accepted(kind))

        assert site.client.get("/").json == {"id": None}
        assert site.client.get("/", headers=site.headers("alice")).json == {"id": 1}

    @pytest.mark.parametrize("kind", [view, coroutine], ids=["sync", "async"])
    def test_auth_accepted_refuses_a_bad_token(self, site, kind):
        """An expired or forged token is refused, although none is needed."""
        site.route(auth_accepted(kind))
        headers = site.headers("alice")
        site.world.clock.tick(ACCESS)

        assert site.client.get("/", headers=headers).json["code"] == "expired_access"
        assert site.client.get("/", headers={"Authorization": "Bearer x"}).json["code"] == "invalid_token"

    @pytest.mark.parametrize("kind", [view, coroutine], ids=["sync", "async"])
    def test_roles_required(self, site, kind):
        """All of the roles are needed."""
        site.route(roles_required("reader", "admin")(kind))

        assert site.codes() == [401, 403, 200]

    @pytest.mark.parametrize("kind", [view, coroutine], ids=["sync", "async"])
    def test_roles_accepted(self, site, kind):
        """One of the roles is enough."""
        site.route(roles_accepted("editor", "admin")(kind))

        assert site.codes() == [401, 403, 200]

    @pytest.mark.parametrize("kind", [view, coroutine], ids=["sync", "async"])
    def test_policy_required(self, site, kind):
        """A policy of several parts is evaluated as a whole."""
        site.route(policy_required(all_roles("reader") & any_role("editor", "admin"))(kind))

        assert site.codes() == [401, 403, 200]

    def test_arguments_and_result(self, site):
        """What the URL gives reaches the view, and what the view returns goes out."""
        site.route(
            auth_required(lambda number, name: (f"{number + 1} {name}", 201, {"X-A": "b"})), "/<int:number>/<name>"
        )
        response = site.client.get("/6/seven", headers=site.headers("alice"))

        assert (response.status_code, response.text, response.headers["X-A"]) == (201, "7 seven", "b")

    def test_what_a_view_raises(self, site):
        """An error of the view itself is Flask's affair."""

        @auth_required
        def failing():
            raise KeyError

        site.route(failing)

        assert site.codes() == [401, 500, 500]

    def test_partial(self, site):
        """A partial function is a view like any other."""
        site.route(auth_required(functools.partial(lambda who: who, "me")))

        assert site.codes() == [401, 200, 200]

    def test_callable_object(self, site):
        """So is an object that can be called."""

        class Hello:
            def __call__(self):
                return "hello"

        site.route(auth_required(Hello()))

        assert site.codes() == [401, 200, 200]

    def test_before_request(self, site):
        """A guard for all routes is one line: before_request with a decorated function that returns nothing."""
        site.app.before_request(auth_required(lambda: None))
        site.route(undecorated)

        assert site.codes() == [401, 200, 200]

    def test_before_request_of_a_blueprint(self, site):
        """A blueprint's guards its own routes and no others, and leaves what is no route a 404."""
        blueprint = Blueprint("guarded", __name__, url_prefix="/guarded")
        blueprint.before_request(roles_required("admin")(lambda: None))
        blueprint.add_url_rule("/", "index", undecorated)
        site.app.register_blueprint(blueprint)
        site.route(undecorated, "/open")

        assert site.codes("/guarded/") == [401, 403, 200]
        assert site.codes("/open") == [200, 200, 200]
        assert site.codes("/guarded/nowhere") == [404, 404, 404]

    def test_one_function_on_two_applications(self):
        """A decorated view belongs to no application: each request asks the guard of its own."""
        guarded = auth_required(view)
        first, second = Site().route(guarded), Site().route(guarded)
        second.guard.revoke(second.guard.issue(second.world.users.lookup("alice")))
        revoked = second.headers("alice")
        second.guard.revoke_user(1)

        assert first.client.get("/", headers=first.headers("alice")).status_code == 200
        assert second.client.get("/", headers=revoked).status_code == 401


class TestClasses:
    def test_view(self, site):
        """View.decorators guards dispatch_request."""

        class Hello(View):
            decorators = [auth_required]  # noqa: RUF012

            def dispatch_request(self):
                return view()

        site.route(Hello.as_view("hello"))

        assert site.codes() == [401, 200, 200]

    def test_asynchronous_view(self, site):
        """So it does where dispatch_request is a coroutine function."""

        class Hello(View):
            decorators = [roles_required("admin")]  # noqa: RUF012

            async def dispatch_request(self):
                return view()

        site.route(Hello.as_view("hello"))

        assert site.codes() == [401, 403, 200]

    def test_method_view(self, site):
        """MethodView.decorators guards every method of the class."""

        class Hello(MethodView):
            decorators = [auth_required]  # noqa: RUF012

            def get(self):
                return view()

            async def post(self):
                return view()

        site.route(Hello.as_view("hello"))

        assert site.codes(method="GET") == site.codes(method="POST") == [401, 200, 200]
        assert site.codes(method="PUT") == [405, 405, 405]

    def test_methods(self, site):
        """Each method may demand something of its own."""

        class Hello(MethodView):
            @auth_accepted
            def get(self):
                return view()

            @roles_required("admin")
            def post(self):
                return view()

            @auth_required
            async def put(self):
                return view()

            @roles_accepted("admin")
            async def patch(self):
                return view()

            def delete(self):
                return view()

        site.route(Hello.as_view("hello"))

        assert site.codes(method="GET") == site.codes(method="DELETE") == [200, 200, 200]
        assert site.codes(method="POST") == site.codes(method="PATCH") == [401, 403, 200]
        assert site.codes(method="PUT") == [401, 200, 200]

    def test_class_and_method(self, site):
        """What the class demands, and what the method demands beside it."""

        class Hello(MethodView):
            decorators = [auth_required]  # noqa: RUF012

            def get(self):
                return view()

            @roles_required("admin")
            def post(self):
                return view()

        site.route(Hello.as_view("hello"))

        assert site.codes(method="GET") == [401, 200, 200]
        assert site.codes(method="POST") == [401, 403, 200]

    def test_static_method(self, site):
        """A static method is decorated like a function."""

        class Views:
            @auth_required
            @staticmethod
            def hello():
                return view()

        site.route(Views.hello)

        assert site.codes() == [401, 200, 200]


class TestStacks:
    @pytest.mark.parametrize("kind", [view, coroutine], ids=["sync", "async"])
    @pytest.mark.parametrize(
        "names",
        [order for count in (2, 3) for order in itertools.permutations(DECORATORS, count)],
        ids=lambda names: "-".join(name.replace("_re", "") for name in names),
    )
    def test_any_order(self, names, kind):
        """Their order does not matter: a request needs the consent of all, and one that needs a token is enough to need one."""
        stack = functools.reduce(lambda held, name: DECORATORS[name](held), names, kind)
        site = Site().route(stack)

        assert site.codes() == [401, 200, 200]
        assert site.client.get("/", headers=site.headers("alice")).json == {"id": 1}

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
    def test_the_strictest_decides(self, order):
        """In whichever order, the demand that is not met refuses."""
        decorators = [auth_required, auth_accepted, roles_required("admin")]
        site = Site().route(functools.reduce(lambda held, index: decorators[index](held), order, view))

        assert site.codes() == [401, 403, 200]

    def test_twice_the_same(self, site):
        """A decorator may stand there twice."""
        site.route(auth_required(auth_required(view)))

        assert site.codes() == [401, 200, 200]

    def test_foreign_decorators(self, site):
        """Another decorator may stand between."""

        def shout(held):
            @functools.wraps(held)
            def shouting(*args, **kwargs):
                return str(held(*args, **kwargs).json["id"]) + "!"

            return shouting

        site.route(auth_required(shout(roles_accepted("reader")(view))))

        assert site.codes() == [401, 200, 200]
        assert site.client.get("/", headers=site.headers("alice")).text == "1!"


class TestAtDecoration:
    @pytest.mark.parametrize("maker", [roles_required, roles_accepted])
    @pytest.mark.parametrize(
        "names",
        [
            (),
            ("",),
            (None,),
            (1,),
            (b"admin",),
            (["admin", "reader"],),
            ("admin", None),
            (view,),
            (coroutine,),
            (View,),
        ],
    )
    def test_refuses_what_is_no_role(self, maker, names):
        """ASVS 8.2.1: no role, a bare decorator and a name that is no str fail at import, not in a request."""

        with pytest.raises(ConfigurationError, match="role"):
            maker(*names)

    @pytest.mark.parametrize(
        ("decorate", "text"),
        [
            (auth_required, "auth_required takes no parentheses; write @auth_required"),
            (auth_accepted, "auth_accepted takes no parentheses; write @auth_accepted"),
            (lambda: auth_required("admin"), "auth_required takes no roles; write .*@roles_required"),
            (lambda: roles_required(view), "roles_required was given view in place of a role; write roles_required"),
            (lambda: roles_accepted(["a", "b"]), "roles_accepted was given a list; write the names"),
            (lambda: roles_required("a, b"), r"roles_required was given 'a, b'.* write roles_required\('a', 'b'\)"),
            (roles_required, "roles_required needs at least one role"),
            (lambda: policy_required("admin"), "policy_required takes a policy; got str"),
        ],
        ids=["auth_required()", "auth_accepted()", "auth_required(role)", "bare", "list", "comma", "none", "name"],
    )
    def test_typical_mistakes(self, decorate, text):
        """Each mistake is refused by the decorator's own name, with what to write."""

        with pytest.raises(ConfigurationError, match=text):
            decorate()

    def test_takes_members_of_a_str_enum(self, site):
        """A member of a str enum is the role of its value."""

        class Role(str, enum.Enum):
            ADMIN = "admin"

        site.route(roles_required(Role.ADMIN)(view))

        assert site.codes() == [401, 403, 200]

    @pytest.mark.parametrize("maker", [roles_required, roles_accepted])
    @pytest.mark.parametrize("names", [("admin",), ("admin", "reader"), ("a b",), ("r\u00f4le",)], ids=str)
    def test_takes_role_names(self, maker, names):
        """Every non-empty str is a role's name."""

        assert callable(maker(*names)(view))

    @pytest.mark.parametrize("policy", [None, "admin", ["admin"], view])
    def test_refuses_what_is_no_policy(self, policy):
        """policy_required without a policy, a bare one and one of names fail at import."""

        with pytest.raises(ConfigurationError, match="policy_required takes a policy; got"):
            policy_required(policy)

    @pytest.mark.parametrize("name", DECORATORS)
    def test_refuses_a_class(self, name):
        """A decorated class would guard its construction; the error says what to write instead."""
        for kind in (View, MethodView, type("Mine", (), {})):
            with pytest.raises(
                ConfigurationError,
                match=rf"{name} takes a view function; got the class {kind.__name__}; .*decorators = \[{name}\]",
            ):
                DECORATORS[name](kind)

    @pytest.mark.parametrize("name", DECORATORS)
    @pytest.mark.parametrize("found", [None, 1, Blueprint("b", __name__)], ids=["None", "number", "blueprint"])
    def test_refuses_what_cannot_be_called(self, name, found):
        """Anything but a function is refused, with its type."""

        with pytest.raises(ConfigurationError, match=f"{name} takes a view function; got {type(found).__name__};"):
            DECORATORS[name](found)

    @pytest.mark.parametrize("decorator", DECORATORS.values(), ids=DECORATORS)
    @pytest.mark.parametrize("kind", [view, coroutine], ids=["sync", "async"])
    def test_wraps(self, decorator, kind):
        """Name, docstring, attributes, signature and kind of a view stay, so that Flask and its tools see the view."""
        kind.methods = ["GET"]
        guarded = decorator(kind)

        assert (guarded.__name__, guarded.__doc__, guarded.__module__) == (kind.__name__, kind.__doc__, __name__)
        assert guarded.__wrapped__ is kind
        assert guarded.methods == ["GET"]
        assert inspect.signature(guarded) == inspect.signature(kind)
        assert inspect.iscoroutinefunction(guarded) is inspect.iscoroutinefunction(kind)
        del kind.methods

    def test_asks_nobody(self):
        """Decoration needs neither an application nor a guard."""

        assert callable(auth_required(lambda: None))


class TestStreams:
    @pytest.fixture
    def stream(self, site):
        """Return a view that streams who acts, before and after the first part has gone out."""

        def generate():
            yield f"{current_user().username},"
            principal = current_principal_or_none()
            yield f"{principal.identity},"
            yield current_user().username

        return generate

    def test_stream_with_context(self, site, stream):
        """A streamed response knows the user until its last part, and loads the user once."""
        site.route(auth_required(lambda: stream_with_context(stream())))
        headers = site.headers("alice")
        site.world.users.calls = 0

        assert site.client.get("/", headers=headers).text == "alice,1,alice"
        assert site.world.users.calls == 1

    def test_decorated_generator(self, site, stream):
        """A view that is itself a generator is guarded before its first line, not when it is first asked."""
        site.route(auth_required(stream_with_context(stream)))

        assert site.codes() == [401, 200, 200]
        assert site.client.get("/", headers=site.headers("root")).text == "root,2,root"

    def test_two_streams_at_once(self, site):
        """Two responses that are sent by turns keep their own users."""
        turn = threading.Barrier(2, timeout=10)

        def generate():
            for _ in range(3):
                turn.wait()
                yield current_user().username

        site.route(auth_required(lambda: stream_with_context(generate())))
        headers = [site.headers("alice"), site.headers("root")]
        with ThreadPoolExecutor(2) as pool:
            texts = list(pool.map(lambda held: site.app.test_client().get("/", headers=held).text, headers))

        assert texts == ["alice" * 3, "root" * 3]


class TestMethods:
    def test_head(self, site):
        """HEAD is guarded like GET (ASVS 4.1.4)."""
        site.route(auth_required(view))

        assert site.codes(method="HEAD") == [401, 200, 200]

    def test_automatic_options(self, site):
        """OPTIONS that Flask answers itself runs no view and needs no token."""
        site.route(auth_required(view), methods=["GET", "POST"])
        response = site.client.options("/")

        assert response.status_code == 200
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}

    def test_preflight_of_an_automatic_options(self, site):
        """So is a preflight."""
        site.route(auth_required(view))

        assert site.client.options("/", headers=PREFLIGHT).status_code == 200

    @pytest.mark.parametrize("decorator", DECORATORS.values(), ids=DECORATORS)
    @pytest.mark.parametrize("kind", ["sync", "async"])
    @pytest.mark.parametrize("token", [False, True], ids=["no token", "token"])
    def test_preflight(self, site, decorator, kind, token):
        """Fetch: a preflight carries no credentials. It is answered with the methods, and the view does not run."""
        runs = []

        def mine():
            runs.append("run")
            return "ran"

        async def mine_too():
            return mine()

        site.route(decorator(mine if kind == "sync" else mine_too), methods=["GET", "OPTIONS"])
        headers = site.headers("alice") if token else {}
        response = site.client.options("/", headers={**headers, **PREFLIGHT})

        assert response.status_code == 200
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        assert (response.data, runs) == (b"", [])

    @pytest.mark.parametrize(
        "headers",
        [{}, {"Origin": "https://example.org"}, {"Access-Control-Request-Method": "PUT"}],
        ids=["plain", "origin alone", "method alone"],
    )
    def test_plain_options(self, site, headers):
        """An OPTIONS that is no preflight is a request like any other, where a view answers it."""
        site.route(auth_required(view), methods=["GET", "OPTIONS"])

        assert site.client.options("/", headers=headers).status_code == 401
        assert site.client.options("/", headers={**headers, **site.headers("alice")}).json == {"id": 1}

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    def test_preflight_headers_on_another_method(self, site, method):
        """The headers of a preflight open nothing: only OPTIONS is one."""
        site.route(auth_required(view), methods=["GET", "POST"])

        assert site.client.open("/", method=method, headers=PREFLIGHT).status_code == 401

    def test_preflight_of_a_method_view(self, site):
        """A class that answers OPTIONS itself is not run for a preflight either."""

        class Hello(MethodView):
            decorators = [auth_required]  # noqa: RUF012

            def get(self):
                return view()

            def options(self):
                return "ran"

        site.route(Hello.as_view("hello"))

        assert site.client.options("/", headers=PREFLIGHT).data == b""
        assert site.codes(method="OPTIONS") == [401, 200, 200]

    def test_preflight_through_before_request(self, site):
        """A guard for all routes lets a preflight through, and after_request can put its headers on the answer."""
        site.app.before_request(auth_required(lambda: None))
        site.route(undecorated)

        @site.app.after_request
        def cors(response):
            response.headers["Access-Control-Allow-Origin"] = "*"
            return response

        response = site.client.options("/", headers=PREFLIGHT)

        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert site.client.options("/").status_code == 401

    @pytest.mark.parametrize("kind", [Exception, HTTPException])
    def test_preflight_beside_a_handler_of_every_exception(self, site, kind):
        """A handler of every exception is not asked about a preflight, which is none."""
        site.app.register_error_handler(kind, lambda error: ("theirs", 418))
        site.route(auth_required(view), methods=["GET", "OPTIONS"])

        assert site.client.options("/", headers=PREFLIGHT).status_code == 200

    @pytest.mark.parametrize("testing", [False, True])
    def test_preflight_without_an_extension(self, testing):
        """A preflight asks for no guard."""
        app = Flask(__name__)
        app.testing = testing
        app.add_url_rule("/", view_func=auth_required(view), methods=["OPTIONS"])

        assert app.test_client().options("/", headers=PREFLIGHT).status_code == 200

    def test_not_found_and_not_allowed(self, site):
        """An unknown path or method is answered by Flask and needs no token."""
        site.route(auth_required(view))

        assert site.codes("/nowhere") == [404, 404, 404]
        assert site.codes(method="DELETE") == [405, 405, 405]

    def test_without_an_extension(self):
        """A guarded view of an application without a guard never runs."""
        app = Flask(__name__)
        app.testing = True
        app.add_url_rule("/", view_func=auth_required(view))

        with pytest.raises(ConfigurationError, match="has no guard"):
            app.test_client().get("/")


class AsyncObject:
    """An object whose call is a coroutine function."""

    __name__ = "callable_object"

    async def __call__(self):
        """Say who acts, asynchronously."""
        return view()


class TestObjects:
    def test_async_call(self, site):
        """An object whose call is a coroutine function is awaited like one."""
        site.route(auth_required(AsyncObject()))

        assert [401, 200, 200] == site.codes()
