"""Decorated resource classes."""

import functools

import attrs
import falcon
import pytest
from tests.falcon.world import PREFLIGHT, make_world

from praetorian_core.errors import ConfigurationError
from praetorian_falcon import auth_accepted, auth_exempt, auth_required, roles_accepted, roles_required

RESPONDERS = ("on_get", "on_head", "on_post", "on_put", "on_patch", "on_delete")


def route(world, kind, path="/", **options):
    """Route to an instance of a class."""
    world.app.add_route(path, kind(), **options)


class TestDecoratedClass:
    def test_guards_every_responder(self, world):
        """Every method is refused without a token, and runs with one."""
        route(world, auth_required(world.resource(*RESPONDERS)))

        for name in RESPONDERS:
            method = name.removeprefix("on_").upper()
            assert world.outcome(method, "/") == (401, [])
            assert world.outcome(method, "/", world.headers()) == (200, [name])

    def test_is_the_class_itself(self, world):
        """A decorated class is the same object."""
        kind = world.resource("on_get")

        assert auth_required(kind) is kind

    def test_guards_suffixed_responders(self, world):
        """Responders with a suffix are guarded."""
        kind = auth_required(world.resource("on_get", "on_get_item", "on_post_item"))
        route(world, kind, "/item", suffix="item")

        assert world.outcome("GET", "/item") == (401, [])
        assert world.outcome("POST", "/item", world.headers()) == (200, ["on_post_item"])

    def test_guards_inherited_responders(self, world):
        """A responder that a decorated class inherits is guarded there, and open in its own class."""
        base = world.resource("on_get")
        kind = auth_required(world.resource("on_post", bases=(base,)))
        route(world, base, "/base")
        route(world, kind, "/kind")

        assert world.outcome("GET", "/base") == (200, ["on_get"])
        assert world.outcome("GET", "/kind") == (401, [])
        assert world.outcome("GET", "/kind", world.headers()) == (200, ["on_get"])

    def test_leaves_other_methods_alone(self, world):
        """Methods that no route calls are unchanged."""

        @auth_required
        class Resource:
            on_air = True
            on_get = None

            def on_off(self):
                return "plain"

            def get(self):
                return "plain"

        resource = Resource()

        assert (resource.on_off(), resource.get(), resource.on_air, resource.on_get) == ("plain", "plain", True, None)

    def test_guards_static_and_class_methods(self, world):
        """Static and class methods are guarded."""

        @auth_required
        class Resource:
            on_get = staticmethod(world.say("static"))
            on_post = classmethod(world.say("class"))

        route(world, Resource)

        for method in ("GET", "POST"):
            assert world.outcome(method, "/")[0] == 401
            assert world.outcome(method, "/", world.headers())[0] == 200

    @pytest.mark.parametrize("member", [property(print), functools.partial(print), functools.partialmethod(print), int])
    def test_refuses_a_responder_that_cannot_be_guarded(self, member):
        """A responder that is no method is refused at decoration."""
        with pytest.raises(ConfigurationError, match=r"Resource\.on_get is a \w+, which cannot be guarded"):
            auth_required(type("Resource", (), {"on_get": member}))

    def test_a_base_without_responders_is_a_way_to_guard_a_family(self, world):
        """An empty decorated class guards the classes derived from it."""
        base = auth_required(world.resource())
        route(world, world.resource("on_get", bases=(base,)))

        assert world.outcome("GET", "/") == (401, [])
        assert world.outcome("GET", "/", world.headers()) == (200, ["on_get"])

    def test_roles_are_those_of_the_class(self, world):
        """The roles of a class hold for every responder."""
        route(world, roles_required("admin")(world.resource("on_get", "on_post")))

        for method in ("GET", "POST"):
            assert world.outcome(method, "/", world.headers(world.bob)) == (403, [])
            assert world.outcome(method, "/", world.headers())[0] == 200

    def test_and_its_responders_both_decide(self, world):
        """A responder of a guarded class may require more."""
        kind = world.resource("on_get", "on_post")
        kind.on_post = roles_required("admin")(kind.on_post)
        route(world, auth_required(kind))

        assert world.outcome("GET", "/", world.headers(world.bob)) == (200, ["on_get"])
        assert world.outcome("POST", "/", world.headers(world.bob)) == (403, [])
        assert world.outcome("POST", "/", world.headers()) == (200, ["on_post"])

    def test_two_demands_on_one_class_both_hold(self, world):
        """Two decorators of one class both hold, for it and for its subclasses."""
        staff = world.users.add(attrs.evolve(world.bob, identity=3, username="carol", rolenames=["staff"]))
        admin = world.users.add(attrs.evolve(world.bob, identity=4, username="dora", rolenames=["admin"]))
        kind = roles_required("admin")(roles_accepted("staff", "guest")(world.resource("on_get")))
        route(world, kind, "/kind")
        route(world, world.resource("on_get", bases=(kind,)), "/override")
        route(world, world.resource(bases=(kind,)), "/inherit")

        for path in ("/kind", "/override", "/inherit"):
            assert world.outcome("GET", path) == (401, [])
            assert world.outcome("GET", path, world.headers(staff)) == (403, [])
            assert world.outcome("GET", path, world.headers(admin)) == (403, [])
            assert world.outcome("GET", path, world.headers()) == (200, ["on_get"])

    def test_asks_once_for_each_demand(self, kind):
        """Each demand is checked once, also for inherited responders."""
        readings = []

        def clock():
            readings.append(1)
            return 1_800_000_000

        world = make_world(kind, guard_options={"clock": clock})
        base = auth_required(world.resource("on_get"))
        route(world, base, "/one")
        route(world, world.resource(bases=(base,)), "/inherited")
        two = roles_required("admin")(auth_required(world.resource("on_get")))
        route(world, two, "/two")
        route(world, world.resource(bases=(two,)), "/two-inherited")
        static = auth_required(type("Resource", (), {"on_get": staticmethod(world.say("static"))}))
        route(world, world.resource(bases=(static,)), "/static")
        asked = []
        for path in ("/one", "/inherited", "/static", "/two", "/two-inherited"):
            readings.clear()
            world.send("GET", path, world.headers())
            asked.append(len(readings))

        assert asked == [1, 1, 1, 2, 2]

    def test_stays_guarded_under_class_level_hooks(self, world):
        """``falcon.before`` on either side of a guard keeps the class guarded."""

        def hook(req, resp, resource, params):
            world.ran.append("hook")

        hook = world.shaped(hook)
        route(world, falcon.before(hook)(auth_required(world.resource("on_get"))), "/outside")
        route(world, auth_required(falcon.before(hook)(world.resource("on_get"))), "/inside")

        assert world.outcome("GET", "/outside") == (401, ["hook"])
        assert world.outcome("GET", "/inside") == (401, [])
        for path in ("/outside", "/inside"):
            assert world.outcome("GET", path, world.headers()) == (200, ["hook", "on_get"])

    @pytest.mark.parametrize("slots", [True, False])
    def test_goes_together_with_attrs(self, world, slots):
        """A class that attrs rebuilds with slots is guarded, and so are its subclasses."""

        @attrs.define(slots=slots)
        @auth_required
        class Resource:
            name: str = "x"

            on_get = world.say("get")

        route(world, Resource, "/kind")
        route(world, world.resource("on_get", bases=(Resource,)), "/override")

        for path in ("/kind", "/override"):
            assert world.outcome("GET", path) == (401, [])
            assert world.outcome("GET", path, world.headers())[0] == 200


class TestOptions:
    def test_falcons_own_is_untouched(self, world):
        """Falcon's own answer to OPTIONS is unchanged."""
        route(world, auth_required(world.resource("on_get", "on_put")))

        for headers in ({}, PREFLIGHT):
            response = world.send("OPTIONS", "/", headers)
            assert (response.status_code, response.headers["Allow"]) == (200, "GET, PUT")

    def test_the_class_leaves_its_own_alone(self, world):
        """A class decorator leaves ``on_options`` open, with and without a suffix."""
        kind = auth_required(world.resource("on_get", "on_options", "on_options_item"))
        route(world, kind)
        route(world, kind, "/item", suffix="item")

        assert world.outcome("OPTIONS", "/") == (200, ["on_options"])
        assert world.outcome("OPTIONS", "/item", PREFLIGHT) == (200, ["on_options_item"])

    def test_one_that_tells_more_is_decorated_itself(self, world):
        """A decorated ``on_options`` is guarded, and a preflight does not run it."""
        kind = world.resource("on_get", "on_options")
        kind.on_options = auth_required(kind.on_options)
        route(world, auth_required(kind))

        assert world.outcome("OPTIONS", "/") == (401, [])
        assert world.outcome("OPTIONS", "/", PREFLIGHT) == (200, [])
        assert world.outcome("OPTIONS", "/", world.headers()) == (200, ["on_options"])


class TestSubclass:
    """Subclasses of a guarded class are guarded."""

    def test_an_override_stays_guarded(self, world):
        """An override is guarded, and so is what the subclass adds."""
        base = auth_required(world.resource("on_get"))
        child = world.resource("on_get", "on_post", bases=(base,))
        grandchild = world.resource("on_get", "on_get_item", bases=(child,))
        route(world, child, "/child")
        route(world, grandchild, "/grandchild")
        route(world, grandchild, "/item", suffix="item")

        for method, path in (("GET", "/child"), ("POST", "/child"), ("GET", "/grandchild"), ("GET", "/item")):
            assert world.outcome(method, path) == (401, [])
            assert world.outcome(method, path, world.headers())[0] == 200

    def test_an_override_may_call_the_original(self, world):
        """``super().on_get(…)`` does the check again, and runs."""
        base = auth_required(world.resource("on_get"))

        class Child(base):
            def on_get(self, req, resp):
                world.ran.append("child")
                return super().on_get(req, resp)

        Child.on_get = auth_required(world.shaped(Child.__dict__["on_get"].__wrapped__))
        route(world, Child)

        assert world.outcome("GET", "/") == (401, [])
        assert world.outcome("GET", "/", world.headers()) == (200, ["child", "on_get"])

    def test_keeps_the_demand_of_its_base(self, world):
        """An override keeps the demand of its base; a weaker decorator does not change that."""
        base = roles_required("admin")(world.resource("on_get"))
        weaker = type("Resource", (base,), {"on_get": auth_accepted(world.say("weaker"))})
        route(world, weaker)
        route(world, auth_accepted(world.resource("on_get", bases=(base,))), "/class")

        for path in ("/", "/class"):
            assert world.outcome("GET", path) == (401, [])
            assert world.outcome("GET", path, world.headers(world.bob)) == (403, [])
            assert world.outcome("GET", path, world.headers())[0] == 200

    def test_a_mix_in_before_the_base_is_guarded(self, world):
        """A responder of another base is guarded in a class with a guarded base, and open in its own class."""
        mix_in = world.resource("on_get")
        base = auth_required(world.resource("on_get"))
        route(world, mix_in, "/alone")
        route(world, world.resource(bases=(mix_in, base)), "/both")

        assert world.outcome("GET", "/alone") == (200, ["on_get"])
        assert world.outcome("GET", "/both") == (401, [])

    def test_of_two_guarded_bases_is_held_to_both(self, world):
        """The demands of every base hold, also for inherited responders."""
        first = roles_required("admin")(world.resource("on_get"))
        second = roles_required("guest")(world.resource("on_post"))
        route(world, world.resource(bases=(first, second)))

        for method in ("GET", "POST"):
            assert world.outcome(method, "/", world.headers()) == (403, [])

    def test_does_not_change_its_base_or_siblings(self, world):
        """A decorated subclass does not change its base or its siblings."""
        base = world.resource("on_get")
        guarded = auth_required(world.resource(bases=(base,)))
        sibling = world.resource(bases=(base,))
        stricter = roles_required("guest")(world.resource(bases=(guarded,)))
        for number, kind in enumerate((base, sibling, guarded, stricter)):
            route(world, kind, f"/{number}")

        assert [world.outcome("GET", f"/{n}")[0] for n in range(4)] == [200, 200, 401, 401]
        assert [world.outcome("GET", f"/{n}", world.headers())[0] for n in range(4)] == [200, 200, 200, 403]

    def test_may_take_a_responder_away(self, world):
        """``on_get = None`` is 405, as without a guard."""
        base = auth_required(world.resource("on_get", "on_post"))
        route(world, type("Resource", (base,), {"on_get": None}))

        assert world.outcome("GET", "/") == (405, [])
        assert world.outcome("POST", "/") == (401, [])

    def test_cannot_hide_behind_a_copied_attribute(self, world):
        """A decorator that copies the attributes of a guarded responder, and does not call it, is guarded in turn."""
        base = auth_required(world.resource("on_get"))
        cached = functools.wraps(base.on_get)(world.say("cached"))
        route(world, type("Resource", (base,), {"on_get": cached}))

        assert world.outcome("GET", "/") == (401, [])
        assert world.outcome("GET", "/", world.headers()) == (200, ["cached"])

    def test_is_refused_when_it_cannot_be_guarded(self, world):
        """An override that is no method is refused when the class is created."""
        base = auth_required(world.resource("on_get"))

        with pytest.raises(ConfigurationError, match="cannot be guarded"):
            type("Resource", (base,), {"on_get": property(print)})


class TestInitSubclass:
    """Subclasses are guarded through ``__init_subclass__``, beside one of the application."""

    def test_an_applications_own_is_called(self, world):
        """An application's ``__init_subclass__`` is called, with its keywords."""
        seen = []

        @auth_required
        class Base:
            on_get = world.say("base")

            def __init_subclass__(cls, *, tag, **options):
                super().__init_subclass__(**options)
                seen.append((cls.__name__, tag))

        class Child(Base, tag="c"):
            on_get = world.say("child")

            def __init_subclass__(cls, **options):
                seen.append(cls.__name__)  # and does not tell its base

        class Grandchild(Child):
            on_get = world.say("grandchild")

        route(world, Child, "/child")
        route(world, Grandchild, "/grandchild")

        assert seen == [("Child", "c"), "Grandchild"]
        assert world.outcome("GET", "/child") == (401, [])
        assert world.outcome("GET", "/grandchild") == (401, [])
        assert world.outcome("GET", "/grandchild", world.headers()) == (200, ["grandchild"])


class TestExempt:
    def test_leaves_a_responder_open(self, world):
        """``auth_exempt`` opens one responder of a guarded class."""
        kind = auth_required(
            type("Resource", (), {"on_get": auth_exempt(world.named("on_get")), "on_put": world.named("on_put")})
        )
        route(world, kind)

        assert world.outcome("GET", "/") == (200, ["on_get"])
        assert world.outcome("GET", "/", {"Authorization": "Bearer bad"}) == (200, ["on_get"])
        assert world.outcome("PUT", "/") == (401, [])
        assert world.outcome("PUT", "/", world.headers()) == (200, ["on_put"])

    def test_is_inherited_and_overridden(self, world):
        """A subclass inherits the exemption; its override is guarded."""
        base = auth_required(type("Resource", (), {"on_get": auth_exempt(world.named("on_get"))}))
        route(world, world.resource(bases=(base,)), "/inherited")
        route(world, world.resource("on_get", bases=(base,)), "/override")

        assert world.outcome("GET", "/inherited") == (200, ["on_get"])
        assert world.outcome("GET", "/override") == (401, [])

    def test_static_method(self, world):
        """A static method can be exempt, with the decorator on either side."""

        def on_get(req, resp):
            world.ran.append("static")

        for number, member in enumerate(
            (auth_exempt(staticmethod(world.shaped(on_get))), staticmethod(auth_exempt(world.shaped(on_get))))
        ):
            route(world, auth_required(type("Resource", (), {"on_get": member})), f"/{number}")
            assert world.outcome("GET", f"/{number}") == (200, ["static"])

    def test_refuses_a_guarded_responder(self, world):
        """Two decorators that contradict each other are refused, in either order."""
        with pytest.raises(ConfigurationError, match="remove one decorator"):
            auth_exempt(auth_required(world.named("on_get")))
        with pytest.raises(ConfigurationError, match="auth_required was applied to the exempt responder on_get"):
            auth_required(auth_exempt(world.named("on_get")))

    @pytest.mark.parametrize("target", [None, int, property(print)], ids=["none", "class", "property"])
    def test_refuses_what_is_no_responder(self, target):
        """Only a function can be exempt."""
        with pytest.raises(ConfigurationError, match="auth_exempt takes a responder"):
            auth_exempt(target)
