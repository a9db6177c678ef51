"""Refusals over HTTP, in every configuration of the application."""

import asyncio
import io
import json
import logging
from xml.etree import ElementTree as ET

import falcon
import falcon.asgi
import falcon.testing
import pytest
from tests.errors import NAMES, sample
from tests.falcon.world import make_app, make_guard, make_world

from praetorian_core import AsyncGuard, Guard, KeyRing, Settings, errors, generate_secret
from praetorian_core.errors import ConfigurationError, MissingTokenError, PraetorianError
from praetorian_core.testing import MemoryUsers
from praetorian_core.web.responses import error_response
from praetorian_falcon import auth_required, build_error_handler, build_error_handler_async, init_app

CANARY = "canary-of-the-detail"


def raising(world, error, before=lambda resp: None):
    """Route to a responder that raises."""

    def on_get(self, req, resp):
        before(resp)
        raise error

    world.app.add_route("/", type("Resource", (), {"on_get": world.shaped(on_get)})())
    return world


class TestNative:
    @pytest.mark.parametrize("name", NAMES)
    def test_is_the_table_of_the_core(self, world, name):
        """Status and headers are the core's; the body has the members of ``falcon.HTTPError``."""
        error = sample(name, CANARY)
        response = raising(world, error).send("GET", "/")
        answer = error_response(error)

        assert response.status_code == answer.status
        assert {name: response.headers.get(name) for name in ("Cache-Control", "WWW-Authenticate", "Retry-After")} == {
            "Cache-Control": None,
            "WWW-Authenticate": None,
            "Retry-After": None,
        } | dict(answer.headers)
        assert response.json == {"title": name, "description": answer.message, "code": answer.code}
        assert CANARY not in response.text

    @pytest.mark.parametrize("accept", ["text/xml", "application/xml"])
    def test_is_xml_for_who_prefers_it(self, world, accept):
        """The application's serializer writes XML for a client that prefers it."""
        response = raising(world, MissingTokenError()).send("GET", "/", {"Accept": accept})

        element = ET.fromstring(response.text)
        assert response.headers["Content-Type"] == accept
        assert {child.tag: child.text for child in element} == {
            "title": "MissingTokenError",
            "description": MissingTokenError.message,
            "code": "missing_token",
        }

    def test_is_empty_for_who_takes_neither(self, world):
        """For a client that accepts neither JSON nor XML the body is empty; status and headers are sent."""
        response = raising(world, MissingTokenError()).send("GET", "/", {"Accept": "text/plain"})

        assert (response.status_code, response.content) == (401, b"")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
        assert response.headers["Cache-Control"] == "no-store"

    def test_is_what_the_applications_serializer_makes_of_it(self, world):
        """A serializer of the application receives a ``falcon.HTTPError`` with every fact."""

        def serialize(req, resp, error):
            resp.text = f"{error.status_code} {error.title} {error.description} {error.code}"
            resp.content_type = falcon.MEDIA_TEXT

        world.app.set_error_serializer(serialize)
        response = raising(world, MissingTokenError()).send("GET", "/")

        assert response.text == f"401 MissingTokenError {MissingTokenError.message} missing_token"

    def test_names_scheme_and_realm_of_the_settings(self, kind):
        """The challenge names scheme and realm of the settings."""
        world = make_world(kind, header_type="Token", realm="shop")

        response = raising(world, MissingTokenError()).send("GET", "/")
        assert response.headers["WWW-Authenticate"] == 'Token realm="shop"'

    def test_of_head_has_no_body(self, world):
        """A refused HEAD has the headers of GET and no body (RFC 9110 §9.3.2)."""
        world.app.add_route("/", auth_required(world.resource("on_head"))())
        response = world.send("HEAD", "/")

        assert (response.status_code, response.content) == (401, b"")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


class TestCanonical:
    """``native=False``: the body of the other frameworks."""

    @pytest.mark.parametrize("accept", ["*/*", "text/xml", "text/plain"])
    @pytest.mark.parametrize("name", NAMES)
    def test_is_the_body_of_the_core(self, kind, name, accept):
        """The body is the core's JSON, whatever the client accepts."""
        error = sample(name, CANARY)
        response = raising(make_world(kind, native=False), error).send("GET", "/", {"Accept": accept})
        answer = error_response(error)

        assert response.status_code == answer.status
        assert response.headers["Content-Type"] == "application/json"
        assert response.json == answer.body()
        assert dict(answer.headers).items() <= {name: response.headers.get(name) for name, _ in answer.headers}.items()

    def test_needs_no_media_handler(self, kind):
        """The application may have removed its handler for JSON."""
        world = make_world(kind, native=False)
        world.app.resp_options.media_handlers.pop("application/json")

        response = raising(world, MissingTokenError()).send("GET", "/")
        assert (response.status_code, response.json["code"]) == (401, "missing_token")

    def test_bypasses_the_applications_serializer(self, kind):
        """A serializer of the application is not called."""
        world = make_world(kind, native=False)
        world.app.set_error_serializer(lambda req, resp, error: None)

        assert raising(world, MissingTokenError()).send("GET", "/").json["code"] == "missing_token"


class TestResolution:
    """Falcon looks for a handler along the MRO, in any order of registration."""

    def own(self, world, mark):
        """Return a handler that leaves a mark."""

        def handle(req, resp, ex, params):
            resp.status = 499
            resp.text = mark

        return world.shaped(handle)

    def test_a_derived_error_of_the_applications_is_answered_like_its_base(self, world):
        """A derived error is answered like its base, with its own name and code."""

        class Banned(errors.InvalidUserError):
            code = "banned"

        response = raising(world, Banned()).send("GET", "/")
        assert (response.status_code, response.json["title"], response.json["code"]) == (401, "Banned", "banned")

    def test_beats_a_handler_for_exception(self, world):
        """A handler for ``Exception`` does not replace ours, in either order."""
        world.app.add_error_handler(Exception, self.own(world, "exception"))

        assert raising(world, MissingTokenError()).send("GET", "/").status_code == 401

    def test_a_more_specific_handler_beats_ours(self, world):
        """A handler for one class of error comes before ours."""
        world.app.add_error_handler(MissingTokenError, self.own(world, "mine"))
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        assert world.send("GET", "/").text == "mine"
        assert world.send("GET", "/", {"Authorization": "Bearer x"}).status_code == 401

    def test_a_later_handler_of_the_same_class_wins(self, world):
        """A later handler for ``PraetorianError`` replaces ours."""
        world.app.add_error_handler(PraetorianError, self.own(world, "mine"))

        assert raising(world, MissingTokenError()).send("GET", "/").text == "mine"

    def test_an_earlier_handler_of_the_same_class_stays(self, kind):
        """``init_app`` does not replace the application's handler for ``PraetorianError``."""
        world = make_world(kind)
        app = make_app(kind)
        app.add_error_handler(PraetorianError, self.own(world, "mine"))
        world.app = init_app(app, world.guard)

        assert raising(world, MissingTokenError()).send("GET", "/").text == "mine"

    def test_hooks_beside_an_earlier_handler(self, kind):
        """Hooks that the application's handler would leave uncalled are refused."""
        world = make_world(kind)
        app = make_app(kind)
        app.add_error_handler(PraetorianError, self.own(world, "mine"))

        with pytest.raises(ConfigurationError, match="on_error would never be called"):
            init_app(app, world.guard, on_error=print)

    def test_a_handler_for_http_errors_does_not_see_ours(self, world):
        """A handler for ``falcon.HTTPError`` does not see ours."""
        world.app.add_error_handler(falcon.HTTPError, self.own(world, "http"))

        assert raising(world, MissingTokenError()).send("GET", "/").status_code == 401

    @pytest.mark.parametrize("hook", ["process_request", "process_resource", "process_response"])
    def test_answers_what_middleware_raises(self, kind, hook):
        """An error that middleware raises is answered, also of middleware before ours."""

        def method(self, *args):
            raise MissingTokenError

        name = hook if kind == "wsgi" else f"{hook}_async"
        app = make_app(kind, middleware=[type("Raising", (), {name: make_world(kind).shaped(method)})()])
        world = make_world(kind, app=app)
        world.app.add_route("/", world.resource("on_get")())

        assert world.send("GET", "/").status_code == 401

    def test_answers_what_a_hook_raises(self, world):
        """An error that ``falcon.before`` raises is answered."""

        def hook(req, resp, resource, params):
            raise MissingTokenError

        world.app.add_route("/", falcon.before(world.shaped(hook))(world.resource("on_get"))())

        assert world.outcome("GET", "/") == (401, [])


class TestPreparedResponse:
    """A body that was prepared before a refusal is not sent."""

    SECRET = "prepared secret"

    def texts(self, world, before):
        """Return the bodies for three kinds of client."""
        raising(world, MissingTokenError(), before)
        return [world.send("GET", "/", {"Accept": accept}) for accept in ("*/*", "text/xml", "text/plain")]

    @pytest.mark.parametrize("native", [True, False])
    @pytest.mark.parametrize("member", ["text", "data", "media"])
    def test_a_body_does_not(self, kind, member, native):
        """Text, data and media are not sent."""
        value = self.SECRET.encode() if member == "data" else self.SECRET

        for response in self.texts(make_world(kind, native=native), lambda resp: setattr(resp, member, value)):
            assert response.status_code == 401
            assert self.SECRET not in response.text

    @pytest.mark.parametrize("native", [True, False])
    def test_a_stream_does_not(self, kind, native):
        """A stream is not sent, nor its length."""

        async def generate():
            yield self.SECRET.encode()

        def before(resp):
            resp.set_stream(io.BytesIO(self.SECRET.encode()) if kind == "wsgi" else generate(), len(self.SECRET))

        for response in self.texts(make_world(kind, native=native), before):
            assert response.status_code == 401
            assert self.SECRET not in response.text
            assert int(response.headers.get("Content-Length", 0)) == len(response.content)

    def test_the_length_of_a_stream_does_not(self, world):
        """The length of a stream is not sent with HEAD."""

        def on_head(self, req, resp):
            resp.set_stream(io.BytesIO(b""), 4711)
            raise MissingTokenError

        world.app.add_route("/", type("Resource", (), {"on_head": world.shaped(on_head)})())

        assert world.send("HEAD", "/").headers["Content-Length"] != "4711"

    @pytest.mark.parametrize("native", [True, False])
    def test_events_do_not(self, native):
        """Server-sent events are not sent."""

        async def generate():
            yield falcon.asgi.SSEvent(text=self.SECRET)

        for response in self.texts(make_world("asgi", native=native), lambda resp: setattr(resp, "sse", generate())):
            assert response.status_code == 401
            assert self.SECRET not in response.text


class TestHooks:
    """``on_error``; the loop itself is tested in ``tests/core/web/test_hooks.py``."""

    def test_run_before_the_response(self, kind):
        """Each hook receives the error, in order, and a failing one changes neither the next nor the response."""
        seen = []
        error = MissingTokenError()

        def failing(error):
            raise falcon.HTTPStatus(200)

        world = make_world(kind, [failing, lambda e: seen.append(("first", e)), lambda e: seen.append(("second", e))])

        assert raising(world, error).send("GET", "/").status_code == 401
        assert seen == [("first", error), ("second", error)]

    def test_one_hook(self, kind):
        """A single function needs no list."""
        seen = []

        assert raising(make_world(kind, seen.append), MissingTokenError()).send("GET", "/").status_code == 401
        assert len(seen) == 1

    def test_failure_is_logged_without_its_text(self, kind, caplog):
        """The log names the class of the failure; its text may hold secrets."""

        def failing(error):
            raise ValueError(CANARY)

        world = make_world(kind, failing)
        with caplog.at_level(logging.ERROR, "praetorian"):
            assert raising(world, MissingTokenError()).send("GET", "/").status_code == 401

        assert caplog.messages == ["an on_error hook raised ValueError for missing_token"]
        assert CANARY not in caplog.text

    def test_are_awaited_on_asgi(self):
        """Under ASGI a hook may be a coroutine function."""
        seen = []

        async def waiting(error):
            seen.append(error.code)

        async def failing(error):
            raise ValueError

        assert raising(make_world("asgi", [failing, waiting]), MissingTokenError()).send("GET", "/").status_code == 401
        assert seen == ["missing_token"]

    def test_cannot_be_coroutines_on_wsgi(self):
        """WSGI cannot await a hook, so a coroutine function is refused at set-up."""

        async def waiting(error):
            """Wait."""

        with pytest.raises(ConfigurationError, match="write a plain function"):
            build_error_handler(on_error=waiting)
        with pytest.raises(ConfigurationError, match="write a plain function"):
            make_world("wsgi", waiting)

    @pytest.mark.parametrize("build", [build_error_handler, build_error_handler_async])
    @pytest.mark.parametrize("hook", [7, [None], ["log"], [MissingTokenError()]], ids=["int", "none", "str", "error"])
    def test_have_to_be_callable(self, build, hook):
        """A hook that is not callable is refused at set-up."""
        with pytest.raises(ConfigurationError, match="on_error"):
            build(on_error=hook)

    def test_builder_as_a_handler(self):
        """A builder that was registered without a call does not answer: Falcon calls it with four arguments."""
        with pytest.raises(TypeError):
            build_error_handler(None, None, MissingTokenError(), {})

    def test_are_not_run_for_other_errors(self, kind):
        """A 404 of Falcon calls no hook."""
        seen = []

        assert make_world(kind, seen.append).send("GET", "/nowhere").status_code == 404
        assert seen == []


class TestConfigurationError:
    def test_is_told_to_the_operator_alone(self, world, caplog):
        """The reason is logged, and the client does not receive it."""
        with caplog.at_level(logging.ERROR, "praetorian"):
            response = raising(world, ConfigurationError(CANARY)).send("GET", "/")

        assert (response.status_code, CANARY in response.text) == (500, False)
        assert caplog.messages == [f"ConfigurationError: {CANARY}"]

    def test_is_the_only_one_that_is(self, world, caplog):
        """Other errors are not logged here; the guard logs them as events."""
        with caplog.at_level(logging.ERROR, "praetorian"):
            raising(world, MissingTokenError(CANARY)).send("GET", "/")

        assert caplog.messages == []


class TestDisabled:
    def test_nothing_is_registered(self, kind):
        """Without the error handler Falcon answers 500, and the responder does not run."""
        world = make_world(kind, disable_error_handler=True)
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        assert world.outcome("GET", "/") == (500, [])
        assert world.outcome("GET", "/", world.headers()) == (200, ["on_get"])

    @pytest.mark.parametrize("native", [True, False])
    def test_a_hand_registered_handler_works(self, kind, native):
        """A handler registered by hand calls its hooks and names scheme and realm of the settings."""
        seen = []
        world = make_world(kind, disable_error_handler=True, realm="shop")
        world.handle(on_error=seen.append, native=native)
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        response = world.send("GET", "/")
        assert (response.status_code, len(seen)) == (401, 1)
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="shop"'
        assert response.json["code"] == "missing_token"

    def test_a_handler_works_without_a_guard(self, kind):
        """Without a guard the challenge has the default scheme and realm."""
        world = make_world(kind)
        world.app = make_app(kind)
        world.handle()

        response = raising(world, MissingTokenError()).send("GET", "/")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


class TestNothingEscapes:
    """The error handler raises nothing but ``falcon.HTTPError``."""

    @pytest.mark.parametrize("native", [True, False])
    def test_whatever_the_error_and_the_hook(self, kind, native):
        """The response to every class of error is sent, even if a hook fails."""

        def failing(error):
            raise RuntimeError

        for name in NAMES:
            world = raising(make_world(kind, failing, native=native), sample(name, CANARY))
            assert world.send("GET", "/").status_code == error_response(sample(name, CANARY)).status

    def test_the_handler_is_of_the_new_order(self, kind):
        """The parameters have the names that Falcon looks for."""
        world = make_world(kind)
        code = world.handler().__code__

        names = code.co_varnames[: code.co_argcount]
        assert names == (("req", "resp", "ex", "params") if kind == "wsgi" else ("req", "resp", "ex", "params", "ws"))

    def test_a_sync_handler_is_refused_on_asgi(self):
        """Falcon refuses a plain handler under ASGI."""
        with pytest.raises(falcon.CompatibilityError):
            make_app("asgi").add_error_handler(PraetorianError, build_error_handler())

    def test_a_failing_store_is_503(self, kind):
        """A failed store is 503 without a challenge, so that clients keep their token."""

        class Failing:
            def get(self, *keys, now):
                raise OSError(CANARY)

            compare_and_set = increment = get

        world = make_world(kind, store=Failing())
        token = make_world("wsgi").token()
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        response = world.send("GET", "/", {"Authorization": f"Bearer {token}"})
        assert (response.status_code, response.headers.get("WWW-Authenticate"), world.ran) == (503, None, [])
        assert CANARY not in response.text

    def test_the_body_is_json_that_every_parser_reads(self, kind):
        """The body has the core's members."""
        world = make_world(kind, native=False)

        response = raising(world, MissingTokenError()).send("GET", "/")
        assert json.loads(response.content) == error_response(MissingTokenError()).body()


class TestSetUp:
    def test_init_app_returns_the_application(self, kind):
        """``init_app`` returns the application."""
        app = make_app(kind)

        assert init_app(app, make_guard(kind, None, make_world(kind).guard.settings)) is app


class TestMultipart:
    @pytest.mark.parametrize("accept", ["multipart/form-data", "multipart/form-data, text/plain", "Multipart/*;q=.9"])
    @pytest.mark.parametrize("kind", ["wsgi", "asgi"])
    def test_what_cannot_be_written(self, kind, accept):
        """For a client that prefers multipart, which Falcon cannot write, the body is the canonical JSON."""
        users = MemoryUsers()
        settings = Settings(keys=KeyRing.from_secret(generate_secret()))
        if kind == "wsgi":
            app = init_app(falcon.App(), Guard(users, settings, passwords=None))

            @auth_required
            def sink(req, resp, **params):
                resp.media = {}
        else:
            app = init_app(falcon.asgi.App(), AsyncGuard(users, settings, passwords=None))

            @auth_required
            async def sink(req, resp, ws=None, **params):
                resp.media = {}

        app.add_sink(sink, "/")

        async def play():
            async with falcon.testing.ASGIConductor(app) as client:
                return await client.simulate_get("/x", headers=wishes)

        wishes = {"Accept": accept}
        if kind == "wsgi":
            answer = falcon.testing.TestClient(app).simulate_get("/x", headers=wishes)
        else:
            answer = asyncio.run(play())

        assert (401, "missing_token") == (answer.status_code, answer.json["code"])
