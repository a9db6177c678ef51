"""The contract itself: that it sends what it says, and that it sees what differs."""

from __future__ import annotations

import json
import subprocess
import sys

import attrs
import pytest

from praetorian_core import Guard, errors
from praetorian_core.errors import MissingTokenError, PraetorianError
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
    WSGIClient,
    differences,
    make_world,
    refused,
    run,
)
from praetorian_core.testing.adapter_suite.world import NOW, PASSWORD, BreakableStore

MISSING = refused("MissingTokenError")
CANONICAL = {"error": "MissingTokenError", "message": "a bearer token is required", "status_code": 401}
NATIVE = {"title": "MissingTokenError", "description": "a bearer token is required"}


def a_refusal(body=None, **changes):
    """Return the response to a request without a token, with changes."""
    headers = {"Www-Authenticate": MISSING.challenge, "cache-control": "no-store", **changes.pop("headers", {})}
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


def told_and_refused(world):
    """Tell the tasks of a missing token, and answer it."""
    for task in world.tasks:
        task(MissingTokenError())
    return a_refusal()


def raising(error):
    """Return what lets an error come through."""

    def act(world):
        raise error

    return act


class TestRequest:
    def test_names_of_tokens_are_replaced(self):
        """In the path and in the headers, wherever they stand."""
        request = Request(path="/x?t=<one>", headers=(("A", "Bearer <one> <two>"), ("B", "b")))

        assert Request(path="/x?t=1", headers=(("A", "Bearer 1 2"), ("B", "b"))) == request.filled(
            {"one": "1", "two": "2"}
        )

    def test_without_a_body(self):
        """Nothing is said about one."""

        assert (None, ()) == (Request().payload(), Request().lines())

    def test_with_json(self):
        """The lines describe it."""
        request = Request(json={"a": 1}, headers=(("A", "a"),))

        assert b'{"a": 1}' == request.payload()
        assert (("A", "a"), ("Content-Type", "application/json"), ("Content-Length", "8")) == request.lines()

    def test_with_octets(self):
        """They go out as they are, under the type that is said."""
        request = Request(body=b"{", content_type="text/plain")

        assert b"{" == request.payload()
        assert (("Content-Type", "text/plain"), ("Content-Length", "1")) == request.lines()


class TestReceived:
    def test_header(self):
        """Whatever its letters; repeated lines are seen."""
        received = Received(status=200, headers=(("a", "1"), ("B", "2"), ("A", "3")))

        assert ("1, 3", "2", None) == (received.header("A"), received.header("b"), received.header("c"))

    @pytest.mark.parametrize(("body", "found"), [(b'{"a": 1}', {"a": 1}), (b"", None), (b"<p>", None), (b"\xff", None)])
    def test_json(self, body, found):
        """None where it is none."""

        assert found == Received(status=200, body=body).json


class TestScenario:
    def test_shows_its_name(self):
        """A test is named after it."""

        assert "x" == str(Scenario(name="x", request=Request(), expected=MISSING))

    def test_what_a_framework_lacks(self):
        """It changes what is expected, and nothing else that is lacking does."""
        other = Expected(status=405)
        scenario = Scenario(name="x", request=Request(), expected=MISSING, unless=(Lack.HEAD, other))

        assert MISSING == scenario.expected_of(frozenset())
        assert MISSING == scenario.expected_of(frozenset({Lack.OPTIONS}))
        assert other == scenario.expected_of(frozenset({Lack.OPTIONS, Lack.HEAD}))


class TestTable:
    def test_has_sixty_scenarios(self):
        """No two of one name."""

        assert 60 <= len(SCENARIOS) == len({scenario.name for scenario in SCENARIOS})

    def test_every_route_is_documented(self):
        """What a scenario asks for is a route, another method of one, or unknown on purpose."""
        paths = {route.partition(" ")[2] for route in ROUTES}

        assert {"/nowhere"} == {scenario.request.path.partition("?")[0] for scenario in SCENARIOS} - paths

    def test_every_token_exists(self):
        """Each name that a request holds is minted."""
        tokens = make_world().tokens

        for scenario in SCENARIOS:
            assert "<" not in str(scenario.request.filled(tokens).headers), scenario.name

    def test_every_class_of_error_has_a_row(self):
        """Design §6, all of it."""
        classes = {
            name
            for name, kind in vars(errors).items()
            if isinstance(kind, type) and issubclass(kind, PraetorianError) and not name.startswith("_")
        }

        assert classes - {"PraetorianError"} == ANSWERS.keys()

    def test_every_code_is_played(self):
        """Each code that a client can see is the answer to a scenario."""
        played = {scenario.expected.code for scenario in SCENARIOS}

        assert {code for code, *_ in ANSWERS.values()} <= played

    def test_the_core_needs_no_world_of_its_own(self):
        """One server plays it: in the usual setting, and no token is spent twice."""

        assert {Setting.USUAL} == {scenario.setting for scenario in CORE}
        assert 12 <= len(CORE)


class TestWorld:
    def test_its_clock_stands(self):
        """Minting has moved it and put it back."""

        assert NOW == make_world().clock()

    def test_tokens_are_not_shown(self):
        """A failing test prints its world, and no token with it."""
        world = make_world()

        assert world.tokens["good"] not in repr(world)

    def test_users_break_down(self):
        """One of them by name and by identity, the others not."""
        users = make_world().users

        assert users.lookup("alice") is users.identify(1)
        with pytest.raises(RuntimeError):
            users.lookup("broken")
        with pytest.raises(RuntimeError):
            users.identify(13)

    def test_a_store_that_breaks(self):
        """It works until then."""
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
            (Setting.RAISING_TASK, (False, False, 2)),
            (Setting.NO_HANDLER, (True, False, 1)),
            (Setting.NO_ROLES, (False, True, 1)),
        ],
    )
    def test_settings(self, setting, facts):
        """Each changes one thing."""
        world = make_world(setting)

        assert facts == (world.settings.disable_error_handler, world.settings.roles_disabled, len(world.tasks))

    def test_a_task_that_raises(self):
        """Its text is one that may not be seen."""
        failing, telling = make_world(Setting.RAISING_TASK).tasks
        telling(MissingTokenError())

        with pytest.raises(RuntimeError, match=PASSWORD):
            failing(MissingTokenError())

    def test_a_guard_takes_its_options(self):
        """And lets in whom the tokens name."""
        world = make_world()

        assert 1 == Guard(world.users, world.settings, **world.options).verify(world.tokens["good"]).identity


class TestWSGIClient:
    def test_sends_what_a_server_sends(self):
        """Lines are joined with a comma, the body can be read, the path is decoded and the address handed on."""
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
        """PEP 3333: an iterable with close() is closed, also where it raises; what was begun anew counts."""
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


class TestASGIClient:
    def test_sends_what_a_server_sends(self):
        """Lines are kept apart, the body can be read, the path is decoded and the address handed on."""
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
        """What is expected is not told."""

        assert [] == differences(MISSING, a_refusal())

    def test_native(self):
        """Another body, and all else the same."""
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
            a_refusal({**CANONICAL, "code": "missing_token", "more": 1}),
        ],
        ids=["status", "no challenge", "two challenges", "cache", "retry", "body"],
    )
    def test_one(self, received):
        """Each fact is compared by itself."""

        assert 1 == len(differences(MISSING, received))

    def test_the_code_is_compared_in_any_style(self):
        """A body without it differs twice."""

        assert 2 == len(differences(MISSING, a_refusal(NATIVE), BodyStyle.NATIVE))
        assert 2 == len(differences(MISSING, a_refusal(["missing_token"])))

    def test_a_body_that_does_not_count(self):
        """The framework's own is not looked at."""

        assert [] == differences(Expected(status=404), Received(status=404, body=b"not here"))

    def test_says_what(self):
        """In words that can be read in a report."""

        assert ["status is 200; expected 404"] == differences(Expected(status=404), Received(status=200))


class TestPlay:
    SCENARIO = Scenario(name="x", request=Request(), expected=MISSING)

    def test_passes(self):
        """A refusal that the tasks were told."""

        assert [] == run(Answering(told_and_refused), self.SCENARIO)

    def test_tasks_that_were_not_told(self):
        """A handler that does not call them is found."""

        assert ["the tasks were told []; expected ['missing_token']"] == run(
            Answering(lambda world: a_refusal()), self.SCENARIO
        )

    def test_an_exception(self):
        """It is a difference, and the next scenario can be played."""
        target = Answering(raising(MissingTokenError()))

        assert ["MissingTokenError came through; expected status 401"] == run(target, self.SCENARIO)

    def test_without_a_handler(self):
        """The error comes through, or is the framework's 500; another exception is none of ours."""
        scenario = Scenario(
            name="x",
            request=Request(),
            expected=Expected(status=500, is_unhandled=True),
            setting=Setting.NO_HANDLER,
        )

        assert [] == run(Answering(raising(MissingTokenError())), scenario)
        assert [] == run(Answering(lambda world: Received(status=500)), scenario)
        assert ["KeyError came through; expected status 500"] == run(Answering(raising(KeyError())), scenario)


class TestImport:
    def test_needs_no_test_runner(self):
        """An adapter's author runs it with whatever they like."""
        program = "import sys, praetorian_core.testing.adapter_suite; print('pytest' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert "False" == done.stdout.strip()
