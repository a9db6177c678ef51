"""The adapter suite itself: what its clients send and which differences it finds."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import attrs
import pytest

from praetorian_core import Guard, errors
from praetorian_core.errors import MissingTokenError, PraetorianError, RevokedTokenError
from praetorian_core.testing.adapter_suite import (
    ANSWERS,
    CORE,
    ROUTES,
    SCENARIOS,
    ASGIClient,
    BodyStyle,
    Expected,
    Lack,
    Received,
    Request,
    Scenario,
    Setting,
    Step,
    WSGIClient,
    differences,
    make_world,
    refused,
    run,
)
from praetorian_core.testing.adapter_suite.tokens import NOW, PASSWORD
from praetorian_core.testing.adapter_suite.world import BreakableStore

MISSING = refused("MissingTokenError")
CANONICAL = {"error": "MissingTokenError", "message": "a bearer token is required", "status_code": 401}
NATIVE = {"title": "MissingTokenError", "description": "a bearer token is required"}


STEPS = [step for scenario in SCENARIOS for step in scenario.steps]


def a_scenario(*, expected=MISSING, setting=Setting.USUAL):
    """Return a scenario of one request."""
    return Scenario(name="x", steps=(Step(request=Request(), expected=expected),), setting=setting)


def a_refusal(body=None, **changes):
    """Return the response to a request without a token, with changes."""
    headers = {
        "Www-Authenticate": MISSING.challenge,
        "cache-control": "no-store",
        "content-type": "application/json; charset=utf-8",
        **changes.pop("headers", {}),
    }
    content = {**CANONICAL, "code": "missing_token"} if body is None else body
    facts = {"status": 401, "body": json.dumps(content).encode(), **changes}
    return Received(headers=tuple((name, value) for name, value in headers.items() if value is not None), **facts)


@attrs.frozen
class Answering:
    """A target whose application does what a function does, which is given the world."""

    act: object
    style: BodyStyle = BodyStyle.CANONICAL
    lacks: frozenset[Lack] = frozenset()

    def build(self, world):
        """Return the application."""
        target = self

        class Application:
            def send(self, request):
                return target.act(world)

        return Application()


def reported_and_refused(world):
    """Call the hooks for a missing token, and answer it."""
    for hook in world.on_error:
        hook(MissingTokenError())
    return a_refusal()


def raising(error):
    """Return an application that does not handle an error."""

    def act(world):
        raise error

    return act


class TestRequest:
    def test_names_of_tokens_are_replaced(self):
        """A ``<name>`` in the path or in a header is replaced, wherever it stands."""
        request = Request(path="/x?t=<one>", headers=(("A", "Bearer <one> <two>"), ("B", "b")))

        assert Request(path="/x?t=1", headers=(("A", "Bearer 1 2"), ("B", "b"))) == request.filled(
            {"one": "1", "two": "2"}
        )

    def test_without_a_body(self):
        """A request without a body has no header line that describes one."""

        assert (None, ()) == (Request().payload(), Request().lines())

    def test_with_json(self):
        """The header lines describe a JSON body."""
        request = Request(json={"a": 1}, headers=(("A", "a"),))

        assert b'{"a": 1}' == request.payload()
        assert (("A", "a"), ("Content-Type", "application/json"), ("Content-Length", "8")) == request.lines()

    def test_with_octets(self):
        """A raw body is sent unchanged, under the given content type."""
        request = Request(body=b"{", content_type="text/plain")

        assert b"{" == request.payload()
        assert (("Content-Type", "text/plain"), ("Content-Length", "1")) == request.lines()

    def test_in_chunks(self):
        """A chunked body has no length."""
        request = Request(body=b"{", is_chunked=True)

        assert (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")) == request.lines()


class TestReceived:
    def test_header(self):
        """Letter case does not matter; repeated lines are joined."""
        received = Received(status=200, headers=(("a", "1"), ("B", "2"), ("A", "3")))

        assert ("1, 3", "2", None) == (received.header("A"), received.header("b"), received.header("c"))

    @pytest.mark.parametrize(("body", "found"), [(b'{"a": 1}', {"a": 1}), (b"", None), (b"<p>", None), (b"\xff", None)])
    def test_json(self, body, found):
        """A body that is not JSON gives None."""

        assert found == Received(status=200, body=body).json

    def test_cookies(self):
        """Each cookie has its name, its value and its attributes."""
        headers = (("Set-Cookie", "a=1=2; Path=/; Secure"), ("X", "b=2"), ("set-cookie", "c="))

        assert (("a", "1=2", "Path=/; Secure"), ("c", "", "")) == Received(status=200, headers=headers).cookies


class TestScenario:
    def test_shows_its_name(self):
        """The name of a scenario is the id of its test."""

        assert "x" == str(a_scenario())

    def test_what_a_framework_lacks(self):
        """A missing feature changes the expected response; another missing feature does not."""
        other = Expected(status=405)
        step = Step(request=Request(), expected=MISSING, unless=(Lack.HEAD, other))

        assert MISSING == step.expected_of(frozenset())
        assert MISSING == step.expected_of(frozenset({Lack.OPTIONS}))
        assert other == step.expected_of(frozenset({Lack.OPTIONS, Lack.HEAD}))


class TestTable:
    def test_has_sixty_scenarios(self):
        """The table has at least 60 scenarios, each with its own name."""

        assert 60 <= len(SCENARIOS) == len({scenario.name for scenario in SCENARIOS})

    def test_every_route_is_documented(self):
        """Each path of a request has a route, except the one that must not exist."""
        paths = {route.partition(" ")[2] for route in ROUTES}

        used = {re.sub("<\\w+>", "<id>", step.request.path.partition("?")[0]) for step in STEPS}

        assert {"/nowhere"} == used - paths

    def test_every_token_exists(self):
        """Each name in a request is the name of a token."""
        tokens = {**make_world(Setting.COOKIES).tokens, "cookie": "", "cookie_csrf": ""}

        for step in STEPS:
            assert "<" not in str(step.request.filled(tokens).headers), step

    def test_every_class_of_error_has_a_row(self):
        """The golden table holds every class of error except the root."""
        classes = {
            name
            for name, kind in vars(errors).items()
            if isinstance(kind, type) and issubclass(kind, PraetorianError) and not name.startswith("_")
        }

        assert classes - {"PraetorianError"} == ANSWERS.keys()

    def test_every_code_is_expected(self):
        """Each code of the golden table is the expected response to a request."""
        expected = {step.expected.code for step in STEPS}

        assert {code for code, *_ in ANSWERS.values()} <= expected

    def test_the_core_needs_no_world_of_its_own(self):
        """The core scenarios share one world: they use the usual setting and move no clock."""

        assert {Setting.USUAL} == {scenario.setting for scenario in CORE}
        assert {0} == {step.tick for scenario in CORE for step in scenario.steps}
        assert 12 <= len(CORE)


class TestWorld:
    def test_its_clock_stands(self):
        """A new world's clock stands at a constant."""

        assert NOW == make_world().clock()

    def test_tokens_are_not_shown(self):
        """``repr(world)`` holds no token."""
        world = make_world()

        assert world.tokens["good"] not in repr(world)

    def test_users_break_down(self):
        """The user source fails for one user, by name and by identity, and works for the others."""
        users = make_world().users

        assert users.lookup("alice") is users.identify(1)
        with pytest.raises(RuntimeError):
            users.lookup("broken")
        with pytest.raises(RuntimeError):
            users.identify(13)

    def test_tokens_are_issued_once(self):
        """Worlds of one setting have the same tokens, and clocks, users and stores of their own."""
        first, second = make_world(), make_world()

        assert first.tokens == second.tokens
        assert first.clock is not second.clock
        assert first.users.lookup("alice") is not second.users.lookup("alice")
        guards = [Guard(world.users, world.settings, **world.options) for world in (first, second)]
        guards[0].revoke(first.tokens["good"])
        with pytest.raises(RevokedTokenError):
            guards[0].verify(first.tokens["good"])
        assert 1 == guards[1].verify(second.tokens["good"]).identity

    def test_a_store_that_breaks(self):
        """A store works until it is broken."""
        store = BreakableStore()

        assert store.compare_and_set("a", None, "1", expires_at=9, now=1)
        assert 2 == store.increment("b", 2, expires_at=9, now=1)
        assert ["1", "2"] == store.get("a", "b", now=1)
        store.is_broken = True
        with pytest.raises(ConnectionError):
            store.get("a", now=1)

    @pytest.mark.parametrize(
        ("setting", "facts"),
        [
            (Setting.USUAL, (False, False, 1)),
            (Setting.RAISING_HOOK, (False, False, 2)),
            (Setting.NO_HANDLER, (True, False, 1)),
            (Setting.NO_ROLES, (False, True, 1)),
        ],
    )
    def test_settings(self, setting, facts):
        """Each setting changes one thing."""
        world = make_world(setting)

        assert facts == (world.settings.disable_error_handler, world.settings.roles_disabled, len(world.on_error))

    def test_a_hook_that_raises(self):
        """The text of its exception is a secret."""
        failing, telling = make_world(Setting.RAISING_HOOK).on_error
        telling(MissingTokenError())

        with pytest.raises(RuntimeError, match=PASSWORD):
            failing(MissingTokenError())

    def test_a_guard_takes_its_options(self):
        """A guard with the options of a world accepts the world's tokens."""
        world = make_world()

        assert 1 == Guard(world.users, world.settings, **world.options).verify(world.tokens["good"]).identity


class TestWSGIClient:
    def test_sends_what_a_server_sends(self):
        """Header lines are joined with a comma, the path is decoded, the body and the address are passed on."""
        seen = {}

        def app(environ, start_response):
            seen.update(environ, body=environ["wsgi.input"].read())
            start_response("200 OK", [("A", "1")])
            return [b"a", b"b"]

        request = Request(method="POST", path="/p%20q?r=1", headers=(("X", "1"), ("x", "2"), ("Y", "3")), json=[])
        received = WSGIClient(app).send(request)

        assert Received(status=200, headers=(("A", "1"),), body=b"ab") == received
        assert ("POST", "/p q", "r=1") == (seen["REQUEST_METHOD"], seen["PATH_INFO"], seen["QUERY_STRING"])
        assert ("1,2", "3", "8.8.8.8") == (seen["HTTP_X"], seen["HTTP_Y"], seen["REMOTE_ADDR"])
        assert (b"[]", "2", "application/json") == (seen["body"], seen["CONTENT_LENGTH"], seen["CONTENT_TYPE"])

    def test_closes(self):
        """An iterable with close() is closed; the last call of start_response counts (PEP 3333)."""
        closed = []

        class Chunks:
            def __iter__(self):
                yield b"b"

            def close(self):
                closed.append(True)

        def app(environ, start_response):
            start_response("200 OK", [])
            start_response("503 Down", [], (None, None, None))(b"a")
            return Chunks()

        assert Received(status=503, body=b"ab") == WSGIClient(app).send(Request())
        assert [True] == closed

    def test_sends_chunks(self):
        """A chunked body has no length, and the stream ends by itself (``wsgi.input_terminated``)."""
        seen = {}

        def app(environ, start_response):
            seen.update(environ, body=environ["wsgi.input"].read())
            start_response("200 OK", [])
            return []

        WSGIClient(app).send(Request(method="POST", body=b"x" * 20_000, is_chunked=True))

        assert (20_000, True, "chunked") == (
            len(seen["body"]),
            seen["wsgi.input_terminated"],
            seen["HTTP_TRANSFER_ENCODING"],
        )
        assert "CONTENT_LENGTH" not in seen


class TestASGIClient:
    def test_sends_chunks(self):
        """A chunked body arrives in several events."""
        events = []

        async def app(scope, receive, send):
            events.append(dict(scope["headers"]).get(b"content-length"))
            while (event := await receive())["more_body"]:
                events.append(len(event["body"]))
            events.append(len(event["body"]))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})

        ASGIClient(app).send(Request(method="POST", body=b"x" * 20_000, is_chunked=True))

        assert [None, 16_384, 3_616] == events

    def test_sends_what_a_server_sends(self):
        """Header lines are kept apart, the path is decoded, the body and the address are passed on."""
        seen = {}

        async def app(scope, receive, send):
            seen.update(scope, body=(await receive())["body"])
            await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"1")]})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": b"b"})
            seen["gone"] = await receive()

        request = Request(method="POST", path="/p%20q?r=1", headers=(("X", "1"), ("x", "\xf6")), json=[])
        received = ASGIClient(app).send(request)

        assert Received(status=200, headers=(("a", "1"),), body=b"ab") == received
        assert ("POST", "/p q", b"r=1", "8.8.8.8") == (
            seen["method"],
            seen["path"],
            seen["query_string"],
            seen["client"][0],
        )
        assert [b"1", b"\xf6"] == [value for name, value in seen["headers"] if name == b"x"]
        assert (b"[]", {"type": "http.disconnect"}) == (seen["body"], seen["gone"])


class TestDifferences:
    def test_none(self):
        """The expected response has no difference."""

        assert [] == differences(MISSING, a_refusal())

    def test_native(self):
        """The native style changes the body and nothing else."""
        received = a_refusal({**NATIVE, "code": "missing_token"})

        assert [] == differences(MISSING, received, BodyStyle.NATIVE)
        assert 1 == len(differences(MISSING, received))

    @pytest.mark.parametrize(
        "received",
        [
            a_refusal(status=403),
            a_refusal(headers={"Www-Authenticate": None}),
            a_refusal(headers={"WWW-Authenticate": "Basic"}),
            a_refusal(headers={"cache-control": None}),
            a_refusal(headers={"Retry-After": "1"}),
            a_refusal(headers={"content-type": "text/html; charset=utf-8"}),
            a_refusal({**CANONICAL, "code": "missing_token", "more": 1}),
        ],
        ids=["status", "no challenge", "two challenges", "cache", "retry", "content type", "body"],
    )
    def test_one(self, received):
        """Each fact of a response is compared separately."""

        assert 1 == len(differences(MISSING, received))

    def test_the_code_is_compared_in_any_style(self):
        """A body without the code differs twice, in any style."""

        assert 2 == len(differences(MISSING, a_refusal(NATIVE), BodyStyle.NATIVE))
        assert 2 == len(differences(MISSING, a_refusal(["missing_token"])))

    def test_a_body_that_does_not_count(self):
        """The body of a framework's own response is not compared."""

        assert [] == differences(Expected(status=404), Received(status=404, body=b"not here"))

    def test_says_what(self):
        """A difference names what was found and what was expected."""

        assert ["status is 200; expected 404"] == differences(Expected(status=404), Received(status=200))


class TestRun:
    def test_passes(self):
        """A refusal that the hooks received passes."""

        assert [] == run(Answering(reported_and_refused), a_scenario())

    def test_hooks_that_were_not_called(self):
        """A handler that does not call the hooks is found."""

        assert ["the hooks received []; expected ['missing_token']"] == run(
            Answering(lambda world: a_refusal()), a_scenario()
        )

    def test_an_exception(self):
        """An exception is a difference, and does not end the run."""
        target = Answering(raising(MissingTokenError()))

        assert ["MissingTokenError was not handled; expected status 401"] == run(target, a_scenario())

    def test_without_a_handler(self):
        """Without a handler the error propagates, or becomes a plain 500; another exception is a difference."""
        scenario = a_scenario(expected=Expected(status=500, is_unhandled=True), setting=Setting.NO_HANDLER)

        assert [] == run(Answering(raising(MissingTokenError())), scenario)
        assert [] == run(Answering(lambda world: Received(status=500)), scenario)
        assert ["KeyError was not handled; expected status 500"] == run(Answering(raising(KeyError())), scenario)

    def test_several_requests(self):
        """The requests go to one application in order, the clock moves before each, and the difference is numbered."""
        seen = []

        def act(world):
            seen.append((id(world), world.clock() - NOW))
            return Received(status=200 if len(seen) < 3 else 500)

        step = Step(request=Request(), expected=Expected(), tick=5)
        found = run(Answering(act), Scenario(name="x", steps=(step, step, step, step)))

        assert ["request 3: status is 500; expected 200"] == found
        assert [5, 10, 15] == [moved for _, moved in seen]
        assert 1 == len({world for world, _ in seen})

    def test_cookies(self):
        """A later request carries the cookies that a response has set, and a cookie that is not expected is found."""
        sent = []

        class Browser(Answering):
            def build(self, world):
                return self

            def send(self, request):
                sent.append(request.headers)
                values = (("Set-Cookie", "t=a; Path=/"), ("Set-Cookie", "csrf_t=b; Path=/"))
                return Received(status=200, headers=values)

        setting = Step(request=Request(), expected=Expected(cookies=("t=*; Path=/", "csrf_t=*; Path=/")))
        repeating = Step(request=Request(headers=(("X", "<cookie> <cookie_csrf>"),)), expected=Expected())
        found = run(Browser(None), Scenario(name="x", steps=(setting, repeating)))

        assert [(), (("X", "a b"),)] == sent
        assert ["request 2: Set-Cookie is ('t=*; Path=/', 'csrf_t=*; Path=/'); expected ()"] == found

    def test_hooks_are_compared_per_request(self):
        """The hooks of one request do not count for the next."""
        step = Step(request=Request(), expected=MISSING)

        assert [] == run(Answering(reported_and_refused), Scenario(name="x", steps=(step, step)))


class TestImport:
    def test_needs_no_test_runner(self):
        """Importing the suite imports no pytest."""
        program = "import sys, praetorian_core.testing.adapter_suite; print('pytest' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert "False" == done.stdout.strip()
