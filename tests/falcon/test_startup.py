"""An application in which a guard has no effect is refused at its first request."""

import dataclasses
import functools
import os
import subprocess
import sys
from pathlib import Path

import attrs
import falcon
import falcon.asgi
import pytest
from tests.falcon.world import make_app, make_world

from praetorian_falcon import PraetorianMiddleware, auth_exempt, auth_required, roles_required


class Delegating:
    """A resource whose responders are those of another object."""

    def __init__(self, inner):
        """Keep the other object."""
        self.inner = inner

    def __getattr__(self, name):
        """Return the other object's attribute."""
        return getattr(self.inner, name)


def refused(world, caplog, *names, path="/"):
    """Assert that the application is refused, and that the log names the views and the right order."""
    assert world.outcome("GET", path, world.headers()) == (500, [])
    assert world.outcome("GET", path) == (500, [])
    for name in names:
        assert name in caplog.text
    assert "before app.add_route" in caplog.text
    return True


class TestRefused:
    def test_class_decorated_after_its_route(self, world, caplog):
        """Falcon keeps the responders that it found in ``add_route``."""
        kind = world.resource("on_get")
        world.app.add_route("/", kind())
        auth_required(kind)

        assert refused(world, caplog, "Resource.on_get (GET /)")

    def test_second_decorator_after_the_route(self, world, caplog):
        """A demand that was added to a guarded class after ``add_route`` is missing on the route."""
        kind = auth_required(world.resource("on_get"))
        world.app.add_route("/", kind())
        roles_required("admin")(kind)

        assert refused(world, caplog, "Resource.on_get")

    def test_responder_decorated_after_its_route(self, world, caplog):
        """The same holds for a single responder."""
        kind = world.resource("on_get")
        world.app.add_route("/", kind())
        kind.on_get = auth_required(kind.on_get)

        assert refused(world, caplog, "Resource.on_get")

    def test_inherited_responder_of_a_class_decorated_after_its_route(self, world, caplog):
        """A responder of an open base is missing the demands of the class that inherits it."""
        kind = world.resource(bases=(world.resource("on_get"),))
        world.app.add_route("/", kind())
        auth_required(kind)

        assert refused(world, caplog, "Resource.on_get")

    def test_decorator_above_one_that_adds_a_sink(self, world, caplog):
        """A decorator that registers the function below ours registers the original."""

        def sink(path):
            def register(function):
                world.app.add_sink(function, path)
                return function

            return register

        auth_required(sink("/sink")(world.named("proxy")))

        assert refused(world, caplog, "the sink proxy", path="/sink/x")

    @pytest.mark.parametrize(
        "rebuild", [dataclasses.dataclass(slots=True), attrs.define(slots=True)], ids=["dataclass", "attrs"]
    )
    def test_class_rebuilt_after_its_route(self, world, caplog, rebuild):
        """A class with slots is a second class; the route has a responder of the first."""
        first = world.resource("on_get")
        world.app.add_route("/", first())
        auth_required(rebuild(first))

        assert refused(world, caplog, "Resource.on_get")

    def test_delegation(self, world, caplog):
        """``__getattr__`` of a guarded class returns responders that the class does not have."""
        kind = auth_required(type("Proxy", (Delegating,), {}))
        world.app.add_route("/", kind(world.resource("on_get")()))

        assert refused(world, caplog, "Proxy.on_get")

    def test_responder_assigned_to_an_instance(self, world, caplog):
        """An attribute of an instance comes before the guarded responder of its class."""
        resource = auth_required(world.resource("on_get"))()
        resource.on_get = world.say("instance").__get__(resource)
        world.app.add_route("/", resource)

        assert refused(world, caplog, "Resource")

    def test_responder_assigned_to_the_class(self, world, caplog):
        """A responder that replaces a guarded one is open."""
        kind = auth_required(world.resource("on_get"))
        kind.on_get = world.named("on_get")
        world.app.add_route("/", kind())

        assert refused(world, caplog, "Resource.on_get")

    def test_subclass_that_was_not_seen(self, world, caplog):
        """A base that does not call ``super().__init_subclass__()`` hides the subclass from the decorator."""

        class Silent:
            def __init_subclass__(cls):
                """Call no other."""

        base = auth_required(world.resource("on_get"))
        world.app.add_route("/", world.resource("on_get", bases=(Silent, base))())

        assert refused(world, caplog, "Resource.on_get")

    def test_original_under_a_hook(self, world, caplog):
        """``falcon.before`` around the original hides it no better."""

        def hook(req, resp, resource, params):
            """Do nothing."""

        responder = falcon.before(world.shaped(hook))(world.named("on_get"))
        world.app.add_route("/", type("Resource", (), {"on_get": responder})())
        auth_required(responder)

        assert refused(world, caplog, "Resource.on_get")

    def test_sink_of_a_guarded_class(self, world, caplog):
        """A class decorator guards responders; another method of the class is no guarded sink."""
        kind = auth_required(type("Proxy", (), {"forward": world.named("forward")}))
        world.app.add_sink(kind().forward, "/sink")

        assert refused(world, caplog, "the sink Proxy.forward (/sink)", path="/sink")

    def test_object_of_a_guarded_class_as_a_sink(self, world, caplog):
        """``__call__`` is no responder, so a class decorator does not guard it."""

        class Proxy:
            def __call__(self, req, resp):
                world.ran.append("sink")

        Proxy.__call__ = world.shaped(Proxy.__call__)
        world.app.add_sink(auth_required(Proxy)(), "/sink")

        assert refused(world, caplog, "the sink Proxy.__call__ (/sink)", path="/sink")

    def test_original_in_a_partial(self, world, caplog):
        """A ``functools.partial`` of the original is as open as the original."""
        original = world.named("proxy")
        world.app.add_sink(functools.partial(original), "/sink")
        auth_required(original)

        assert refused(world, caplog, "the sink", path="/sink")

    def test_class_as_a_resource(self, world, caplog):
        """A class with static responders may itself be the resource."""

        def on_get(req, resp):
            world.ran.append("static")

        kind = auth_required(type("Static", (), {"on_get": staticmethod(world.shaped(on_get))}))
        kind.on_get = staticmethod(world.shaped(on_get))
        world.app.add_route("/", kind)

        assert refused(world, caplog, "Static.on_get")

    def test_other_routes(self, world):
        """No other route is served either, until the set-up is right."""
        kind = world.resource("on_get")
        world.app.add_route("/", kind())
        world.app.add_route("/other", world.resource("on_get")())
        auth_required(kind)

        assert world.outcome("GET", "/other") == (500, [])

    def test_middleware_by_hand(self, world, caplog):
        """The middleware finds its application without ``init_app``."""
        world.app = make_app(world.kind, middleware=[PraetorianMiddleware(world.guard)])
        world.handle()
        kind = world.resource("on_get")
        world.app.add_route("/", kind())
        auth_required(kind)

        assert refused(world, caplog, "Resource.on_get")


class TestAccepted:
    """The nearest right set-ups."""

    def test_decorated_before_the_route(self, world):
        """Class, responder and sink are decorated and then registered."""
        world.app.add_route("/class", auth_required(world.resource("on_get"))())
        world.app.add_route("/responder", type("Resource", (), {"on_get": auth_required(world.named("on_get"))})())
        world.app.add_sink(auth_required(world.say("sink")), "/sink")

        for path in ("/class", "/responder", "/sink"):
            assert world.outcome("GET", path)[0] == 401
            assert world.outcome("GET", path, world.headers())[0] == 200

    @pytest.mark.parametrize(
        "rebuild", [dataclasses.dataclass(slots=True), attrs.define(slots=True)], ids=["dataclass", "attrs"]
    )
    def test_rebuilt_on_either_side(self, world, rebuild):
        """A class that is rebuilt above or below the decorator is guarded."""
        world.app.add_route("/above", rebuild(auth_required(world.resource("on_get")))())
        world.app.add_route("/below", auth_required(rebuild(world.resource("on_get")))())

        for path in ("/above", "/below"):
            assert world.outcome("GET", path) == (401, [])
            assert world.outcome("GET", path, world.headers()) == (200, ["on_get"])

    def test_open_base_of_a_guarded_class(self, world):
        """A base may be open where a class that inherits from it is guarded."""
        base = world.resource("on_get")
        world.app.add_route("/open", base())
        world.app.add_route("/guarded", auth_required(world.resource(bases=(base,)))())

        assert world.outcome("GET", "/open") == (200, ["on_get"])
        assert world.outcome("GET", "/guarded") == (401, [])

    def test_equal_demand_on_a_replaced_responder(self, world):
        """A responder that replaces a guarded one may carry an equal demand of its own."""
        kind = auth_required(world.resource("on_get"))
        kind.on_get = auth_required(world.named("on_get"))
        world.app.add_route("/", kind())

        assert world.outcome("GET", "/") == (401, [])
        assert world.outcome("GET", "/", world.headers()) == (200, ["on_get"])

    def test_guarded_or_exempt_sink_of_a_guarded_class(self, world):
        """A method of a guarded class is a sink if it is guarded itself, or exempt."""
        members = {"guarded": auth_required(world.named("guarded")), "exempt": auth_exempt(world.named("exempt"))}
        proxy = auth_required(type("Proxy", (), members))()
        world.app.add_sink(proxy.guarded, "/guarded")
        world.app.add_sink(proxy.exempt, "/exempt")

        assert world.outcome("GET", "/guarded") == (401, [])
        assert world.outcome("GET", "/guarded", world.headers()) == (200, ["guarded"])
        assert world.outcome("GET", "/exempt") == (200, ["exempt"])

    def test_object_and_partial_as_guarded_sinks(self, world):
        """A guarded ``__call__`` and a partial of a guarded function are guarded sinks."""

        class Proxy:
            def __call__(self, req, resp):
                world.ran.append("object")

        Proxy.__call__ = auth_required(world.shaped(Proxy.__call__))
        for number, sink in enumerate((auth_required(Proxy)(), functools.partial(auth_required(world.say("partial"))))):
            world.app.add_sink(sink, f"/sink{number}")
            assert world.outcome("GET", f"/sink{number}") == (401, [])
            assert world.outcome("GET", f"/sink{number}", world.headers())[0] == 200

    def test_custom_router(self, kind):
        """A router without Falcon's tree is not checked, and the guards work."""

        class Router:
            def __init__(self):
                self.resource = None

            def add_route(self, template, resource, **options):
                self.resource = resource

            def find(self, uri, req=None):
                methods = falcon.routing.map_http_methods(self.resource)
                return self.resource, methods, {}, "/"

        world = make_world(kind, app=make_app(kind, router=Router()))
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        assert world.outcome("GET", "/") == (401, [])
        assert world.outcome("GET", "/", world.headers()) == (200, ["on_get"])


class TestMemoryStore:
    """``memory://`` under several processes is not one store."""

    def warnings(self, world, caplog, **options):
        """Return the warnings of two requests."""
        for _ in range(2):
            assert world.send("GET", "/", **options).status_code == 404
        return [message for message in caplog.messages if "memory://" in message]

    def test_several_processes_of_a_wsgi_server(self, caplog):
        """``wsgi.multiprocess`` is logged once (PEP 3333)."""
        world = make_world("wsgi", store_setting="memory://")

        assert len(self.warnings(world, caplog, extras={"wsgi.multiprocess": True})) == 1

    def test_one_process(self, kind, caplog):
        """One process needs no warning."""
        world = make_world(kind, store_setting="memory://")
        options = {"extras": {"wsgi.multiprocess": False}} if kind == "wsgi" else {}

        assert self.warnings(world, caplog, **options) == []

    def test_another_store(self, caplog, tmp_path):
        """A shared store needs no warning."""
        world = make_world("wsgi", store_setting=f"sqlite:///{tmp_path}/store.db")

        assert self.warnings(world, caplog, extras={"wsgi.multiprocess": True}) == []

    def test_forked_after_set_up(self, kind):
        """A process that was forked after the set-up, as ``gunicorn --preload`` does, logs the warning itself."""
        program = (
            "import os\n"
            "from tests.falcon.world import make_world\n"
            f"world = make_world({kind!r}, store_setting='memory://')\n"
            "if os.fork() == 0:\n"
            "    world.send('GET', '/')\n"
            "else:\n"
            "    os.wait()\n"
        )
        path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
        )

        assert done.stderr.count("memory://") == 1
