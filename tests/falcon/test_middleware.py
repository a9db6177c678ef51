"""Set-up of an application, and what the middleware leaves unchanged."""

import falcon
import falcon.asgi
import pytest
from tests.falcon.world import HASHER, KEYS, PREFLIGHT, make_app, make_world

from praetorian_core import AsyncGuard, Guard, Settings
from praetorian_core.errors import ConfigurationError, LoginThrottledError, PraetorianError
from praetorian_falcon import (
    PraetorianMiddleware,
    auth_required,
    build_error_handler,
    build_error_handler_async,
    current_guard,
    current_principal_or_none,
    init_app,
)

SETTINGS = Settings(keys=KEYS)
METHODS = ("GET", "HEAD", "OPTIONS", "POST")


def by_hand(world):
    """Replace the world's application by one that was set up without ``init_app``."""
    world.app = make_app(world.kind, middleware=[PraetorianMiddleware(world.guard)])
    world.handle()
    return world


class TestInitApp:
    def test_refuses_an_async_guard_on_wsgi(self):
        """An ``AsyncGuard`` on WSGI is refused; the message says what to write."""
        with pytest.raises(ConfigurationError, match=r"write Guard\(User, settings\), or falcon\.asgi\.App\(\)"):
            init_app(falcon.App(), AsyncGuard(None, SETTINGS))

    def test_refuses_a_guard_on_asgi(self):
        """A ``Guard`` on ASGI is refused, because it would block the event loop."""
        with pytest.raises(ConfigurationError, match=r"write AsyncGuard\(User, settings\)"):
            init_app(falcon.asgi.App(), Guard(None, SETTINGS))

    @pytest.mark.parametrize("guard", [None, Guard, SETTINGS])
    @pytest.mark.parametrize("make", [falcon.App, falcon.asgi.App])
    def test_refuses_what_is_no_guard(self, make, guard):
        """Anything but a guard is refused."""
        with pytest.raises(ConfigurationError, match=r"expected Guard\(User, settings\)"):
            init_app(make(), guard)

    @pytest.mark.parametrize("app", [None, falcon.App, object()])
    def test_refuses_what_is_no_application(self, app):
        """Anything but an application is refused."""
        with pytest.raises(ConfigurationError, match=r"expected a falcon\.App"):
            init_app(app, Guard(None, SETTINGS))

    def test_a_refused_guard_leaves_the_application_alone(self):
        """A refused set-up leaves the application unchanged."""
        app = falcon.App()
        with pytest.raises(ConfigurationError):
            init_app(app, Guard(None, SETTINGS), on_error=7)
        init_app(app, Guard(None, SETTINGS))

        assert falcon.testing.simulate_get(app, "/").status_code == 404

    def test_twice_is_refused_at_the_first_request(self, world):
        """With two guards no request is served."""
        init_app(world.app, world.guard)
        world.app.add_route("/", world.resource("on_get")())

        assert world.outcome("GET", "/") == (500, [])
        assert world.outcome("GET", "/") == (500, [])

    def test_two_applications_are_apart(self, kind):
        """Each of two applications has its own guard; the tokens of one are invalid for the other."""
        first = make_world(kind)
        second = make_world(kind, issuer="second")
        for world in (first, second):
            world.app.add_route("/", auth_required(world.resource("on_get"))())

        assert first.outcome("GET", "/", first.headers()) == (200, ["on_get"])
        assert second.outcome("GET", "/", first.headers()) == (401, [])


class TestByHand:
    def test_middleware_and_handler_are_enough(self, world):
        """The middleware and an error handler can be added by hand."""
        by_hand(world).app.add_route("/", auth_required(world.resource("on_get"))())

        assert world.outcome("GET", "/") == (401, [])
        assert world.outcome("GET", "/", world.headers()) == (200, ["on_get"])

    def test_other_middleware_sees_guard_and_principal(self, kind):
        """Middleware behind ours sees the guard at once, and the principal after the responder."""
        seen = []

        def process_request(self, req, resp):
            seen.append(current_guard(req))

        def process_response(self, req, resp, resource, succeeded):
            principal = current_principal_or_none(req)
            seen.append(principal and principal.identity)

        world = make_world(kind)
        suffix = "" if kind == "wsgi" else "_async"
        hooks = {f"process_request{suffix}": process_request, f"process_response{suffix}": process_response}
        other = type("Other", (), {name: world.shaped(hook) for name, hook in hooks.items()})()
        world.app = make_app(kind, middleware=[PraetorianMiddleware(world.guard), other])
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        assert world.send("GET", "/", world.headers()).status_code == 200
        assert seen == [world.guard, 1]

    def test_a_guard_by_hand_on_asgi_admits_no_request(self):
        """A ``Guard`` added by hand on ASGI admits no request."""
        world = make_world("asgi")
        app = falcon.asgi.App(middleware=[PraetorianMiddleware(world.issuer)])
        app.add_error_handler(PraetorianError, build_error_handler_async())
        app.add_route("/", auth_required(world.resource("on_get"))())

        async def on_get(self, req, resp):
            current_guard(req)

        app.add_route("/guard", type("Resource", (), {"on_get": on_get})())
        world.app = app

        assert world.outcome("GET", "/", world.headers()) == (500, [])
        assert world.outcome("GET", "/guard", world.headers()) == (500, [])

    def test_an_async_guard_by_hand_on_wsgi_admits_no_request(self):
        """An ``AsyncGuard`` added by hand on WSGI admits no request."""
        world = make_world("wsgi")
        users = make_world("asgi").guard
        app = falcon.App(middleware=[PraetorianMiddleware(users)])
        app.add_error_handler(PraetorianError, build_error_handler())
        app.add_route("/", auth_required(world.resource("on_get"))())
        world.app = app

        assert world.outcome("GET", "/", world.headers()) == (500, [])

    @pytest.mark.parametrize("guard", [None, Guard, HASHER])
    def test_refuses_what_is_no_guard(self, guard):
        """Anything but a guard is refused."""
        with pytest.raises(ConfigurationError, match="guard is"):
            PraetorianMiddleware(guard)


class TestUntouched:
    """The middleware makes no decision."""

    def test_what_is_not_decorated_is_open(self, world):
        """Undecorated responders and sinks are open, also with an invalid token."""
        world.app.add_route("/", world.resource("on_get")())
        world.app.add_sink(world.say("sink"), "/sink")

        for headers in ({}, {"Authorization": "Bearer bad"}):
            assert world.outcome("GET", "/", headers) == (200, ["on_get"])
            assert world.outcome("GET", "/sink", headers) == (200, ["sink"])

    def test_an_unknown_path_is_404(self, world):
        """An unknown path is 404 for every method."""
        assert [world.outcome(method, "/nowhere")[0] for method in METHODS] == [404] * 4

    def test_a_static_file_is_served(self, world, tmp_path):
        """Static files are served as without a guard."""
        (tmp_path / "hello.txt").write_text("hello")
        world.app.add_static_route("/static", str(tmp_path))

        assert world.send("GET", "/static/hello.txt").text == "hello"
        assert world.send("GET", "/static/absent.txt").status_code == 404


class TestCORS:
    """CORS headers on refusals and preflights, with independent and dependent middleware."""

    @pytest.fixture(params=["independent", "dependent"])
    def options(self, request):
        """Return how the application treats its middleware."""
        return {"independent_middleware": request.param == "independent"}

    @pytest.fixture(params=["cors first", "guard first"])
    def cors(self, request, kind, options):
        """Return a world with CORS and a guarded resource, in either order."""
        if request.param == "cors first":
            world = make_world(kind, app=make_app(kind, cors_enable=True, **options))
        else:
            world = make_world(kind)
            stack = [PraetorianMiddleware(world.guard), falcon.CORSMiddleware()]
            world.app = make_app(kind, middleware=stack, **options)
            world.handle()
        world.app.add_route("/", auth_required(world.resource("on_get", "on_put"))())
        world.app.add_sink(auth_required(world.say("sink")), "/sink")
        return world

    @pytest.mark.parametrize("path", ["/", "/sink"])
    def test_a_refusal_can_be_read_by_the_page(self, cors, path):
        """A refusal has ``Access-Control-Allow-Origin``, so that a script can read it."""
        response = cors.send("GET", path, {"Origin": "https://app.example"})

        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (401, "*")
        assert response.json["code"] == "missing_token"

    @pytest.mark.parametrize(("path", "methods"), [("/", "GET, PUT"), ("/sink", "DELETE, GET, HEAD, PATCH, POST, PUT")])
    def test_a_preflight_is_granted(self, cors, path, methods):
        """A preflight is answered with 200 and every header that a browser needs."""
        response = cors.send("OPTIONS", path, {**PREFLIGHT, "Access-Control-Request-Headers": "authorization"})

        assert (response.status_code, cors.ran) == (200, [])
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Access-Control-Allow-Methods"] == methods
        assert response.headers["Access-Control-Allow-Headers"] == "authorization"

    @pytest.mark.parametrize("path", ["/", "/sink"])
    def test_the_request_that_follows_is_guarded(self, cors, path):
        """The request after the preflight runs with a token."""
        headers = {"Origin": "https://app.example", **cors.headers()}

        assert cors.outcome("GET", path, headers)[0] == 200
        assert len(cors.ran) == 1


class TestExposedHeaders:
    def test_challenge_and_retry_after(self, kind):
        """``CORSMiddleware`` exposes the headers of a refusal that a script needs."""
        cors = falcon.CORSMiddleware(expose_headers=["WWW-Authenticate", "Retry-After"])
        world = make_world(kind, app=make_app(kind, middleware=[cors]))
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        response = world.send("GET", "/", {"Origin": "https://app.example"})
        assert response.status_code == 401
        assert response.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate, Retry-After"
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_retry_after_of_a_throttled_login(self, kind):
        """The answer to a throttled login has both headers, with the CORS headers beside them."""
        cors = falcon.CORSMiddleware(expose_headers=["WWW-Authenticate", "Retry-After"])
        world = make_world(kind, app=make_app(kind, middleware=[cors]))

        def on_post(resource, req, resp):
            raise LoginThrottledError(retry_after=7)

        world.app.add_route("/login", type("Login", (), {"on_post": world.shaped(on_post)})())

        response = world.send("POST", "/login", {"Origin": "https://app.example"})
        assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate, Retry-After"

    def test_cors_enable_exposes_none(self, kind):
        """``cors_enable`` alone exposes no header, so the middleware is written out."""
        world = make_world(kind, app=make_app(kind, cors_enable=True))
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        response = world.send("GET", "/", {"Origin": "https://app.example"})
        assert "Access-Control-Expose-Headers" not in response.headers
        assert response.headers["Access-Control-Allow-Origin"] == "*"
