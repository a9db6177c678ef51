"""CORS preflights of checks that other code calls: no code that the check protects runs."""

import falcon
import pytest
from tests.falcon.world import PREFLIGHT, make_app, make_world

from praetorian_falcon import PraetorianMiddleware, auth_required

METHODS = ["process_request", "process_resource"]


def middleware(kind, method, check):
    """Return middleware that calls a check."""

    def plain(self, req, resp, *rest):
        return check(req, resp)

    async def coroutine(self, req, resp, *rest):
        await check(req, resp)

    names = {method: plain} if kind == "wsgi" else {f"{method}_async": coroutine}
    return type("Checking", (), names)()


@pytest.fixture(params=[True, False], ids=["independent", "dependent"])
def checked(request, kind):
    """Return a function that returns a world whose middleware calls a guarded check."""

    def build(method, **options):
        world = make_world(kind)
        check = auth_required(world.shaped(lambda req, resp: None))
        stack = [PraetorianMiddleware(world.guard), middleware(kind, method, check)]
        world.app = make_app(kind, middleware=stack, independent_middleware=request.param, **options)
        world.handle()
        world.app.add_sink(world.say("sink"), "/sink")
        world.app.add_route("/route", world.resource("on_get", "on_options")())
        return world

    return build


class TestMiddleware:
    def test_sink_does_not_run(self, checked, tmp_path):
        """A preflight of a sink behind a check is answered, and the sink does not run."""
        world = checked("process_request")

        assert world.outcome("OPTIONS", "/sink/x", PREFLIGHT) == (200, [])

    def test_static_file_is_not_sent(self, checked, tmp_path):
        """A preflight of a static file behind a check has no body."""
        (tmp_path / "secret.txt").write_text("secret")
        world = checked("process_request")
        world.app.add_static_route("/static", str(tmp_path))

        response = world.send("OPTIONS", "/static/secret.txt", PREFLIGHT)
        assert (response.status_code, response.text) == (200, "")

    @pytest.mark.parametrize("method", METHODS)
    def test_responder_does_not_run(self, checked, method):
        """A preflight of an ``on_options`` behind a check is answered, and the responder does not run."""
        world = checked(method)

        assert world.outcome("OPTIONS", "/route", PREFLIGHT) == (200, [])

    @pytest.mark.parametrize("missing", PREFLIGHT)
    def test_half_a_preflight(self, checked, missing):
        """OPTIONS with one of the two headers needs a token."""
        world = checked("process_request")
        headers = {name: value for name, value in PREFLIGHT.items() if name != missing}

        assert world.outcome("OPTIONS", "/sink/x", headers) == (401, [])

    @pytest.mark.parametrize("path", ["/sink", "/route"])
    def test_other_requests(self, checked, path):
        """Every other request runs with a token only."""
        world = checked("process_request")

        assert world.outcome("GET", path) == (401, [])
        assert world.outcome("GET", path, world.headers())[0] == 200
        assert len(world.ran) == 1

    @pytest.mark.parametrize("path", ["/sink", "/route"])
    def test_cors_grants_it(self, checked, path):
        """With ``cors_enable`` a browser gets what it asks for."""
        world = checked("process_request", cors_enable=True)
        response = world.send("OPTIONS", path, {**PREFLIGHT, "Access-Control-Request-Headers": "authorization"})

        assert (response.status_code, world.ran) == (200, [])
        assert "GET" in response.headers["Access-Control-Allow-Methods"]
        assert response.headers["Access-Control-Allow-Headers"] == "authorization"


class TestHook:
    def test_responder_does_not_run(self, world):
        """``falcon.before`` calls the responder after its hook, so the hook ends the request."""

        def check(req, resp, resource, params):
            """Do nothing else."""

        hook = auth_required(world.shaped(check))
        world.app.add_route("/", falcon.before(hook)(world.resource("on_get", "on_options"))())

        assert world.outcome("OPTIONS", "/", PREFLIGHT) == (200, [])
        assert world.outcome("OPTIONS", "/") == (401, [])
        assert world.outcome("OPTIONS", "/", world.headers()) == (200, ["on_options"])
        assert world.outcome("GET", "/", world.headers()) == (200, ["on_get"])


class TestWithin:
    @pytest.mark.parametrize("written", ["text", "data", "media"])
    def test_what_a_sink_writes_is_discarded(self, kind, written):
        """A sink that calls a check itself goes on after a preflight; nothing that it writes is sent."""
        world = make_world(kind)
        check = auth_required(world.shaped(lambda req, resp: None))
        secret = {"text": "secret", "data": b"secret", "media": {"a": "secret"}}[written]

        def plain(req, resp, **params):
            check(req, resp)
            resp.status = 201
            setattr(resp, written, secret)

        async def coroutine(req, resp, **params):
            await check(req, resp)
            resp.status = 201
            setattr(resp, written, secret)

        world.app.add_sink(plain if kind == "wsgi" else coroutine, "/sink")

        response = world.send("OPTIONS", "/sink", PREFLIGHT)
        assert (response.status_code, response.text) == (200, "")
        assert world.send("GET", "/sink").status_code == 401
        allowed = world.send("GET", "/sink", world.headers())
        assert (allowed.status_code, "secret" in allowed.text) == (201, True)
