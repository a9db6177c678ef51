"""Decorated responders and sinks."""

import asyncio
import functools

import falcon
import falcon.routing
import pytest
from tests.falcon.world import KINDS, PREFLIGHT, make_world, shaped

import praetorian_falcon as pf
from praetorian_core import all_roles, any_role
from praetorian_core.errors import ConfigurationError
from praetorian_core.testing import MemoryUser
from praetorian_falcon import (
    auth_accepted,
    auth_required,
    current_principal_or_none,
    policy_required,
    roles_accepted,
    roles_required,
)

STAFF_ADMIN = all_roles("staff") & any_role("admin", "editor")
DECORATORS = {
    "auth_required": auth_required,
    "auth_accepted": auth_accepted,
    "roles_required": roles_required("admin", "staff"),
    "roles_accepted": roles_accepted("admin", "editor"),
    "policy_required": policy_required(STAFF_ADMIN),
}
# Without a token, with a bad one, with alice's (admin, staff), with bob's (no role).
TABLE = {
    "auth_required": (401, 401, 200, 200),
    "auth_accepted": (200, 401, 200, 200),
    "roles_required": (401, 401, 200, 403),
    "roles_accepted": (401, 401, 200, 403),
    "policy_required": (401, 401, 200, 403),
}


def add(world, responder, path="/", name="on_get", **options):
    """Route to a resource with one responder."""
    world.app.add_route(path, type("Resource", (), {name: responder})(), **options)


def statuses(world, method="GET", path="/"):
    """Return the status codes of the four requests of the table."""
    return tuple(
        world.outcome(method, path, headers)[0]
        for headers in (None, {"Authorization": "Bearer bad"}, world.headers(), world.headers(world.bob))
    )


class TestResponder:
    @pytest.mark.parametrize("name", DECORATORS)
    def test_decides_by_the_token(self, world, name):
        """Each decorator admits the requests that satisfy it, and no other."""
        add(world, DECORATORS[name](world.say("ran")))

        assert statuses(world) == TABLE[name]

    def test_does_not_run_when_refused(self, world):
        """A responder does not run for a refused request."""
        add(world, auth_required(world.say("ran")))

        assert world.outcome("GET", "/") == (401, [])
        assert world.outcome("GET", "/", world.headers()) == (200, ["ran"])

    def test_keeps_name_and_docstring(self, world):
        """A decorated responder keeps its name and docstring."""

        def on_get(self, req, resp):
            """Say it."""

        guarded = auth_required(world.shaped(on_get))

        assert (guarded.__name__, guarded.__doc__) == ("on_get", "Say it.")

    def test_sees_path_parameters(self, world):
        """The fields of a route's template reach a decorated responder."""
        seen = []

        def on_get(self, req, resp, number, name):
            seen.append((number, name))

        add(world, auth_required(world.shaped(on_get)), "/{number:int}/{name}")

        world.send("GET", "/7/x", world.headers())
        assert seen == [(7, "x")]

    def test_guards_a_suffixed_responder(self, world):
        """A responder with a suffix is guarded or open by its own decorator."""
        names = {"on_get": world.say("public"), "on_get_item": auth_required(world.say("private"))}
        resource = type("Resource", (), names)()
        world.app.add_route("/o", resource)
        world.app.add_route("/ox", resource, suffix="item")

        assert world.outcome("GET", "/o") == (200, ["public"])
        assert world.outcome("GET", "/ox") == (401, [])
        assert world.outcome("GET", "/ox", world.headers()) == (200, ["private"])

    def test_guards_a_static_method(self, world):
        """A static or class method is guarded, with the decorator above or below ``staticmethod``."""

        def on_get(req, resp):
            resp.media = "ran"

        for number, responder in enumerate(
            (
                auth_required(staticmethod(world.shaped(on_get))),
                staticmethod(auth_required(world.shaped(on_get))),
                auth_required(classmethod(world.say("ran"))),
            )
        ):
            add(world, responder, f"/{number}")
            assert world.outcome("GET", f"/{number}")[0] == 401
            assert world.outcome("GET", f"/{number}", world.headers())[0] == 200

    def test_can_be_called_with_keywords(self, world):
        """A guarded responder that another one calls with keywords finds the request."""

        class Resource:
            on_get = auth_required(world.say("ran"))

            def on_post(self, req, resp):
                return self.on_get(req, resp=resp)

        Resource.on_post = world.shaped(Resource.on_post)
        world.app.add_route("/", Resource())

        assert world.outcome("POST", "/") == (401, [])
        assert world.outcome("POST", "/", world.headers()) == (200, ["ran"])

    def test_stays_guarded_under_a_hook(self, world):
        """``falcon.before`` works on either side of a guard; the outermost decorator runs first."""
        order = []

        def hook(req, resp, resource, params):
            order.append(current_principal_or_none(req))

        hook = world.shaped(hook)
        add(world, falcon.before(hook)(auth_required(world.say("ran"))), "/outside")
        add(world, auth_required(falcon.before(hook)(world.say("ran"))), "/inside")

        assert world.outcome("GET", "/outside") == (401, [])
        assert order == [None]
        assert world.outcome("GET", "/inside") == (401, [])
        assert len(order) == 1
        assert world.outcome("GET", "/inside", world.headers()) == (200, ["ran"])
        assert order[1].identity == 1

    def test_two_decorators_both_decide(self, world):
        """Each decorator does the full check, in either order."""
        add(world, auth_accepted(roles_required("admin")(world.say("ran"))), "/a")
        add(world, roles_required("admin")(auth_accepted(world.say("ran"))), "/b")

        for path in ("/a", "/b"):
            assert statuses(world, path=path) == (401, 401, 200, 403)

    def test_a_missing_guard_refuses(self, kind):
        """Without the middleware a decorated responder does not run."""
        world = make_world(kind)
        app = falcon.App() if kind == "wsgi" else falcon.asgi.App()
        app.add_route("/", type("Resource", (), {"on_get": auth_required(world.say("ran"))})())
        world.app = app
        world.handle()

        assert world.outcome("GET", "/", world.headers()) == (500, [])

    def test_without_a_request_refuses(self, kind):
        """A decorated function that is called without a request does not run."""
        world = make_world(kind)
        guarded = auth_required(world.say("ran"))
        call = guarded if kind == "wsgi" else lambda value: asyncio.run(guarded(value))

        with pytest.raises(ConfigurationError, match="without a request"):
            call(None)
        assert world.ran == []

    def test_roles_disabled_is_a_mistake(self, kind):
        """A role decorator is a configuration error if roles are disabled."""
        world = make_world(kind, roles_disabled=True)
        add(world, roles_required("admin")(world.say("ran")))
        add(world, auth_required(world.say("ran")), "/auth")

        assert world.outcome("GET", "/", world.headers()) == (500, [])
        assert world.outcome("GET", "/auth", world.headers()) == (200, ["ran"])


class TestSink:
    """Falcon calls no ``process_resource`` for a sink, so the sink itself is guarded."""

    @pytest.mark.parametrize("name", DECORATORS)
    def test_decides_by_the_token(self, world, name):
        """A sink is guarded for every method."""
        world.app.add_sink(DECORATORS[name](world.say("ran")), "/sink")

        for method in ("GET", "POST", "DELETE"):
            assert statuses(world, method, "/sink/x") == TABLE[name]

    def test_sees_its_parameters(self, world):
        """The named groups of a prefix reach a decorated sink."""
        seen = []

        def sink(req, resp, **kwargs):
            seen.append(kwargs)

        world.app.add_sink(auth_required(world.shaped(sink)), r"/(?P<name>\w+)")

        world.send("GET", "/x", world.headers())
        assert seen == [{"name": "x"}]

    def test_guards_a_bound_method(self, world):
        """A method of an object is a guarded sink, decorated in its class or when it is added."""

        class Proxy:
            declared = auth_required(world.say("declared"))
            added = world.say("added")

        world.app.add_sink(Proxy().declared, "/declared")
        world.app.add_sink(auth_required(Proxy().added), "/added")

        for name in ("declared", "added"):
            assert world.outcome("GET", f"/{name}") == (401, [])
            assert world.outcome("GET", f"/{name}", world.headers()) == (200, [name])

    def test_an_undecorated_one_is_open(self, world):
        """An undecorated sink is open."""
        world.app.add_sink(world.say("ran"), "/sink")

        assert world.outcome("GET", "/sink") == (200, ["ran"])


class TestMethods:
    """HEAD and OPTIONS."""

    def test_head_is_guarded_as_declared(self, world):
        """``on_head`` is guarded by its own decorator; without ``on_head`` Falcon answers 405."""
        names = {"on_get": world.say("get"), "on_head": auth_required(world.say("head"))}
        world.app.add_route("/both", type("Resource", (), names)())
        add(world, auth_required(world.say("get")), "/get")

        assert world.outcome("HEAD", "/both") == (401, [])
        assert world.outcome("HEAD", "/both", world.headers()) == (200, ["head"])
        assert world.outcome("HEAD", "/get")[0] == 405

    @pytest.mark.parametrize("headers", [{}, PREFLIGHT])
    def test_falcons_own_options_is_untouched(self, world, headers):
        """Falcon's own answer to OPTIONS needs no token."""
        add(world, auth_required(world.say("get")))

        response = world.send("OPTIONS", "/", headers)
        assert (response.status_code, response.headers["Allow"], world.ran) == (200, "GET", [])

    def test_a_method_that_is_not_there_is_405(self, world):
        """A method without a responder is 405, as without a guard."""
        add(world, auth_required(world.say("get")))

        assert world.outcome("PATCH", "/") == (405, [])

    def test_a_declared_options_is_guarded(self, world):
        """A decorated ``on_options`` is guarded."""
        names = {"on_options": auth_required(world.named("on_options")), "on_get": world.say("get")}
        world.app.add_route("/", type("Resource", (), names)())

        assert world.outcome("OPTIONS", "/") == (401, [])
        assert world.outcome("OPTIONS", "/", world.headers()) == (200, ["on_options"])


class TestPreflight:
    """A preflight carries no token (Fetch Standard), so it is never refused, and no guarded code runs for it."""

    def preflight(self, world, path, **extra):
        """Return the status, the methods allowed, the length and what ran."""
        world.ran.clear()
        response = world.send("OPTIONS", path, {**PREFLIGHT, **extra})
        return response.status_code, response.headers.get("Allow"), response.headers["Content-Length"], world.ran

    def test_is_answered_as_falcon_does(self, world):
        """Status, methods and length are those of Falcon's own answer."""
        guarded = {
            "on_options": auth_required(world.named("on_options")),
            "on_get": world.say("get"),
            "on_put": world.say("put"),
        }
        plain = {name: responder for name, responder in guarded.items() if name != "on_options"}
        world.app.add_route("/guarded", type("Resource", (), guarded)())
        world.app.add_route("/plain", type("Resource", (), plain)())

        assert self.preflight(world, "/guarded") == self.preflight(world, "/plain") == (200, "GET, PUT", "0", [])

    def test_speaks_of_the_suffix(self, world):
        """The answer lists the methods of the route's suffix."""
        names = {
            "on_options_item": auth_required(world.named("on_options_item")),
            "on_get": world.say("get"),
            "on_delete_item": world.say("delete"),
        }
        world.app.add_route("/", type("Resource", (), names)(), suffix="item")

        assert self.preflight(world, "/") == (200, "DELETE", "0", [])

    def test_of_a_sink_allows_every_usual_method(self, world):
        """A sink declares no methods, so the answer lists every usual one."""
        world.app.add_sink(auth_required(world.say("sink")), "/sink")

        assert self.preflight(world, "/sink") == (200, "DELETE, GET, HEAD, PATCH, POST, PUT", "0", [])

    def test_is_answered_for_any_caller(self, world):
        """A guarded function that other code calls with keywords alone answers it."""
        sink = auth_required(world.say("sink"))

        def caller(req, resp):
            return sink(req=req, resp=resp)

        world.app.add_sink(world.shaped(caller), "/sink")

        assert self.preflight(world, "/sink")[3] == []

    def test_with_a_token_runs_nothing_either(self, world):
        """A preflight with a token runs no guarded code either."""
        world.app.add_sink(auth_required(world.say("sink")), "/sink")

        assert self.preflight(world, "/sink", **world.headers())[3] == []

    @pytest.mark.parametrize("missing", PREFLIGHT)
    def test_half_a_preflight_is_none(self, world, missing):
        """OPTIONS with one of the two headers is guarded."""
        world.app.add_sink(auth_required(world.say("sink")), "/sink")
        headers = {name: value for name, value in PREFLIGHT.items() if name != missing}

        assert world.outcome("OPTIONS", "/sink", headers) == (401, [])

    def test_get_with_its_headers_is_none(self, world):
        """Another method with both headers is guarded."""
        world.app.add_sink(auth_required(world.say("sink")), "/sink")

        assert world.outcome("GET", "/sink", PREFLIGHT) == (401, [])


class TestDecoration:
    """A mistake is refused when the decorator runs, in a message that names it."""

    @pytest.mark.parametrize("name", ["roles_required", "roles_accepted"])
    @pytest.mark.parametrize(
        ("roles", "text"),
        [
            ((), "needs at least one role"),
            (("",), "was given ''"),
            ((1,), "was given int"),
            (("admin", None), "was given NoneType"),
            ((["admin"],), "was given a list"),
            (("admin,editor",), "which is one name"),
        ],
        ids=["none", "empty", "int", "NoneType", "list", "comma"],
    )
    def test_refuses_what_is_no_role_name(self, name, roles, text):
        """Each argument must be the name of one role."""
        with pytest.raises(ConfigurationError, match=f"{name} .*{text}"):
            getattr(pf, name)(*roles)

    @pytest.mark.parametrize("name", ["roles_required", "roles_accepted"])
    def test_refuses_a_forgotten_call(self, name):
        """``@roles_required`` without roles is applied to the responder."""

        def on_get(self, req, resp):
            """Do nothing."""

        with pytest.raises(
            ConfigurationError, match=rf"{name} was given on_get in place of a role; write {name}\('admin'\)"
        ):
            getattr(pf, name)(on_get)

    @pytest.mark.parametrize("name", ["auth_required", "auth_accepted"])
    def test_refuses_parentheses(self, name):
        """``@auth_required()`` decorates nothing."""
        with pytest.raises(ConfigurationError, match=f"{name} takes no parentheses; write @{name}"):
            getattr(pf, name)()

    @pytest.mark.parametrize("name", ["auth_required", "auth_accepted"])
    def test_refuses_roles(self, name):
        """``@auth_required("admin")`` does not require the role."""
        with pytest.raises(ConfigurationError, match=f"{name} takes no roles"):
            getattr(pf, name)("admin")

    @pytest.mark.parametrize(
        "policy",
        ["admin", None, lambda self, req, resp: None, frozenset({"admin"})],
        ids=["str", "none", "function", "set"],
    )
    def test_refuses_what_is_no_policy(self, policy):
        """``policy_required`` takes a policy and nothing else."""
        with pytest.raises(ConfigurationError, match="policy_required takes a policy"):
            policy_required(policy)

    @pytest.mark.parametrize("name", DECORATORS)
    @pytest.mark.parametrize(
        "target",
        [None, 7, object(), functools.partial(print), property(print), staticmethod(functools.partial(print))],
        ids=["none", "int", "object", "partial", "property", "staticmethod of a partial"],
    )
    def test_refuses_what_cannot_be_guarded(self, name, target):
        """Only functions, methods and classes are decorated."""
        with pytest.raises(ConfigurationError, match=f"{name} takes a responder, a sink or a resource class"):
            DECORATORS[name](target)


class TestKinds:
    """A wrapper is a coroutine function if the wrapped function is one; Falcon refuses the wrong kind."""

    def test_a_plain_responder_is_refused_on_asgi(self):
        """A plain responder is refused under ASGI, as without a guard."""
        world = make_world("asgi")

        with pytest.raises(TypeError):
            add(world, auth_required(shaped("wsgi", lambda self, req, resp: None)))

    def test_a_coroutine_is_refused_on_wsgi(self):
        """A coroutine function is refused under WSGI, as without a guard."""
        world = make_world("wsgi")

        with pytest.raises(TypeError):
            add(world, auth_required(shaped("asgi", lambda self, req, resp: None)))

    def test_a_plain_sink_is_refused_on_asgi(self):
        """A plain sink is refused under ASGI, as without a guard."""
        world = make_world("asgi")

        with pytest.raises(falcon.CompatibilityError):
            world.app.add_sink(auth_required(shaped("wsgi", lambda req, resp: None)))

    def test_plain_code_does_not_pass_an_async_guard(self):
        """A guarded plain function under ASGI cannot await the guard, so it raises."""
        world = make_world("asgi")
        helper = auth_required(lambda req, resp: world.ran.append("helper"))

        def on_get(self, req, resp):
            helper(req, resp)

        add(world, world.shaped(on_get))

        assert world.outcome("GET", "/", world.headers()) == (500, [])


class TestPrincipal:
    @pytest.mark.parametrize("kind", KINDS)
    def test_of_an_anonymous_request_is_none(self, kind):
        """``auth_accepted`` sets no principal for an anonymous request, and the user's for an authenticated one."""
        world = make_world(kind)
        seen = []

        def on_get(self, req, resp):
            principal = current_principal_or_none(req)
            seen.append(principal and principal.identity)

        add(world, auth_accepted(world.shaped(on_get)))
        world.send("GET", "/")
        world.send("GET", "/", world.headers())
        world.send("GET", "/")

        assert seen == [None, 1, None]

    def test_asks_no_user_store(self, world):
        """Access makes no user-store call."""
        headers = world.headers(world.users.add(MemoryUser(identity=3, username="carol")))
        add(world, auth_required(world.say("ran")))
        world.users.calls = 0

        assert world.outcome("GET", "/", headers) == (200, ["ran"])
        assert world.users.calls == 0


if hasattr(falcon.routing.CompiledRouterOptions(), "default_to_on_request"):  # Since Falcon 4.2

    class TestOnRequest:
        """``on_request``, the default responder."""

        def test_is_guarded(self, world):
            """A decorated ``on_request`` is guarded, with and without a suffix."""
            world.app.router_options.default_to_on_request = True
            names = {name: auth_required(world.say("ran")) for name in ("on_request", "on_request_item")}
            resource = type("Resource", (), names)()
            world.app.add_route("/", resource)
            world.app.add_route("/item", resource, suffix="item")

            for path in ("/", "/item"):
                for method in ("GET", "HEAD", "POST"):
                    assert world.outcome(method, path) == (401, [])
                    assert world.outcome(method, path, world.headers()) == (200, ["ran"])

        def test_leaves_options_to_falcon(self, world):
            """Falcon does not call ``on_request`` for OPTIONS, so a preflight needs no token."""
            world.app.router_options.default_to_on_request = True
            add(world, auth_required(world.say("ran")), name="on_request")

            assert world.outcome("OPTIONS", "/", PREFLIGHT) == (200, [])

        def test_is_guarded_with_its_class(self, world):
            """A class decorator guards ``on_request``, also an inherited one."""
            world.app.router_options.default_to_on_request = True
            base = auth_required(world.resource("on_request"))
            world.app.add_route("/", world.resource("on_request", bases=(base,))())

            assert world.outcome("POST", "/") == (401, [])
            assert world.outcome("POST", "/", world.headers()) == (200, ["on_request"])
