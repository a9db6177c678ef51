"""A Falcon request as the engine sees it, and who acts in it."""

import asyncio
import inspect

import falcon
import falcon.asgi
import pytest
from falcon.testing import create_asgi_req, create_req
from tests.falcon.world import PASSWORD, make_app, make_world

from praetorian_core.errors import ConfigurationError, MalformedHeaderError, MissingTokenError
from praetorian_core.testing import MemoryUser
from praetorian_core.web.request import RequestInfo
from praetorian_falcon import (
    auth_accepted,
    auth_required,
    authenticate,
    credentials,
    current_custom_claims,
    current_guard,
    current_principal,
    current_principal_or_none,
    current_rolenames,
    current_token,
    current_user,
    current_user_id,
    current_user_or_none,
)
from praetorian_falcon.request import ASGIRequest, WSGIRequest, request_info


def asgi_request(*lines, client=("198.51.100.7", 1), kind="http", iterator=False):
    """Return an ASGI request with exactly these header lines, as a server hands them over."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in lines]
    scope = {
        "type": kind,
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": iter(headers) if iterator else headers,
    }
    if client != ():
        scope["client"] = client

    async def receive():
        """Say nothing."""

    return falcon.asgi.Request(scope, receive)


def wsgi_request(*lines, remote="198.51.100.7"):
    """Return a WSGI request; a server has joined repeated lines already."""
    return create_req(headers=dict(lines), remote_addr=remote)


def awaited(value):
    """Return what a call returned, or what it returns once awaited."""
    if not inspect.isawaitable(value):
        return value

    async def wait():
        return await value

    return asyncio.run(wait())


def ask(world, question, decorate=auth_required, headers=None, **options):
    """Ask a question within a request, and return the answer."""
    answers = []

    def on_post(self, req, resp):
        answer = question(req)
        if not inspect.isawaitable(answer):
            answers.append(answer)
            return None

        async def keep():
            answers.append(await answer)

        return keep()

    world.app.add_route("/ask", type("Resource", (), {"on_post": decorate(world.shaped(on_post))})())
    response = world.send("POST", "/ask", world.headers() if headers is None else headers, **options)
    return answers[0] if answers else (response.status_code, (response.json or {}).get("code"))


class TestView:
    @pytest.mark.parametrize("make", [wsgi_request, asgi_request])
    def test_shows_the_request(self, make):
        """Method, address and headers, whatever the letter case of their names."""
        view: RequestInfo = request_info(make(("X-Token", "abc"), ("Cookie", "a=1; b=2; a=3")))

        assert view.method == "GET"
        assert view.remote == "198.51.100.7"
        assert (view.header("x-token"), view.header("X-Absent")) == ("abc", None)
        assert (list(view.headers("X-TOKEN")), list(view.headers("X-Absent"))) == (["abc"], [])
        assert (view.cookies("a"), view.cookies("b"), list(view.cookies("c"))) == (["1", "3"], ["2"], [])

    def test_is_of_the_requests_kind(self):
        """Each kind of request has its view."""
        assert isinstance(request_info(wsgi_request()), WSGIRequest)
        assert isinstance(request_info(asgi_request()), ASGIRequest)

    def test_lists_repeated_lines_on_asgi(self):
        """Each line by itself, of headers too of which Falcon keeps only the last."""
        view = request_info(
            asgi_request(("Authorization", "Bearer a"), ("Authorization", "Bearer b"), ("From", "x"), ("From", "y"))
        )

        assert view.headers("Authorization") == ["Bearer a", "Bearer b"]
        assert view.headers("From") == ["x", "y"]

    def test_lists_what_is_left_of_an_iterator(self):
        """ASGI promises no more than an iterable, and test clients give one: Falcon has joined the lines."""
        view = request_info(asgi_request(("X-Token", "a"), ("X-Token", "b"), iterator=True))

        assert (view.headers("X-Token"), view.headers("X-Absent")) == (("a,b",), ())

    def test_lists_cookies_of_every_line_on_asgi(self):
        """RFC 9113 §8.2.3: the header may be split, and Falcon reads only its last line."""
        request = asgi_request(("Cookie", "t=1; u=2"), ("Cookie", "t=3"))

        assert request.get_cookie_values("t") == ["3"]
        assert request_info(request).cookies("t") == ["1", "3"]
        assert request_info(request).cookies("u") == ["2"]

    @pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
    @pytest.mark.parametrize("make", [wsgi_request, asgi_request])
    def test_a_client_cannot_choose_its_address(self, make, header):
        """``req.access_route`` believes these headers, the view does not."""
        value = "for=203.0.113.9" if header == "Forwarded" else "203.0.113.9"
        request = make((header, value))

        assert request.access_route[0] == "203.0.113.9"
        assert request_info(request).remote == "198.51.100.7"

    def test_a_header_that_falcon_stumbles_over_does_no_harm(self):
        """``req.remote_addr`` raises for it on ASGI; the address is the server's all the same."""
        request = asgi_request(("Forwarded", 'for="[::1]:abc"'))

        with pytest.raises(ValueError, match="abc"):
            _ = request.remote_addr
        assert request_info(request).remote == "198.51.100.7"

    @pytest.mark.parametrize("client", [(), None, ("", 0)])
    def test_an_unknown_address_is_none_of_the_clients(self, client):
        """A server that names no address, on a UNIX socket say: loopback or none, which are not counted by."""
        assert request_info(asgi_request(client=client)).remote in {None, "127.0.0.1"}
        assert request_info(asgi_request(("Forwarded", 'for="[::1]:abc"'), client=client)).remote is None

    def test_a_websocket_handshake_is_a_get(self):
        """RFC 6455 §4.1; the ASGI scope has no method for it."""
        assert request_info(asgi_request(kind="websocket")).method == "GET"


class TestRepeatedAuthorization:
    """Two values are not one: RFC 6750 §2.1 (facts 3.6)."""

    @pytest.mark.parametrize("second", ["Bearer {}", "Bearer x", "Basic eDp5", ""])
    def test_is_malformed_on_asgi(self, second):
        """As lines of their own, and joined by Falcon."""
        world = make_world("asgi")
        token = world.token()
        lines = [("Authorization", f"Bearer {token}"), ("Authorization", second.format(token))]

        for iterator in (False, True):
            with pytest.raises(MalformedHeaderError):
                world.guard.find_token(request_info(asgi_request(*lines, iterator=iterator)))

    @pytest.mark.parametrize("second", ["Bearer {}", "Bearer x", "Basic eDp5", ""])
    def test_is_malformed_on_wsgi(self, second):
        """Joined with a comma, as WSGI servers do."""
        world = make_world("wsgi")
        token = world.token()

        with pytest.raises(MalformedHeaderError):
            world.guard.find_token(
                request_info(wsgi_request(("Authorization", f"Bearer {token},{second.format(token)}")))
            )

    def test_is_answered_with_400(self, world):
        """The test client sends two lines; a real server does in ``test_servers.py``."""
        world.app.add_route("/", world.resource("on_get")())
        value = world.headers()["Authorization"]

        guarded = auth_required(world.resource("on_get"))
        world.app.add_route("/guarded", guarded())
        twice = [("Authorization", value), ("Authorization", value)]
        assert world.outcome("GET", "/guarded", twice) == (400, [])
        assert world.outcome("GET", "/guarded", twice[:1]) == (200, ["on_get"])


class TestCurrent:
    def test_tells_who_acts(self, world):
        """Identity, roles and custom claims, without the user store."""
        headers = world.headers(colour="blue")
        world.users.calls = 0

        def everything(req):
            principal = current_principal(req)
            assert principal is current_principal_or_none(req)
            return principal.identity, current_user_id(req), current_rolenames(req), dict(current_custom_claims(req))

        assert ask(world, everything, headers=headers) == (1, 1, {"admin", "staff"}, {"colour": "blue"})
        assert world.users.calls == 0

    @pytest.mark.parametrize(
        "question",
        [current_principal, current_user_id, current_rolenames, current_custom_claims, current_user],
    )
    def test_refuses_where_nobody_acts(self, world, question):
        """On an open responder, and on one that accepts an anonymous request."""
        assert ask(world, question, auth_accepted, headers={}) == (401, "missing_token")

        fresh = make_world(world.kind)
        assert ask(fresh, question, decorate=lambda responder: responder) == (401, "missing_token")

    def test_or_none_is_none_where_nobody_acts(self, world):
        """The twin, for ``auth_accepted``."""
        assert ask(world, current_principal_or_none, auth_accepted, headers={}) is None

        fresh = make_world(world.kind)
        assert ask(fresh, current_user_or_none, auth_accepted, headers={}) is None

    def test_or_none_is_the_user_where_somebody_does(self, world):
        """With and without the class that is wanted."""
        assert ask(world, current_user_or_none, auth_accepted) is world.alice

        fresh = make_world(world.kind)
        assert ask(fresh, lambda req: current_user_or_none(req, MemoryUser), auth_accepted) is fresh.alice

    def test_does_not_leak_into_the_next_request(self, world):
        """An anonymous request after alice's is anonymous (facts 3.6)."""
        world.app.add_route("/", auth_required(world.resource("on_get"))())
        world.send("GET", "/", world.headers())

        assert ask(world, current_principal_or_none, auth_accepted, headers={}) is None

    def test_token_is_the_raw_one(self, world):
        """Unjudged, on an open route too: what a refresh route hands on."""
        headers = {"Authorization": "Bearer not.a.token"}

        assert ask(world, current_token, lambda responder: responder, headers=headers) == "not.a.token"

    def test_token_refuses_where_there_is_none(self, world):
        """The twin."""
        assert ask(world, current_token, lambda responder: responder, headers={}) == (401, "missing_token")

    def test_guard_is_the_applications(self, world):
        """The very object, of the application's kind."""
        assert ask(world, current_guard) is world.guard

    @pytest.mark.parametrize("make", [create_req, create_asgi_req])
    def test_without_a_middleware_names_what_to_write(self, make):
        """A request that no middleware saw has no guard, and nobody acts in it."""
        request = make()

        for call in (current_guard, current_token):
            with pytest.raises(ConfigurationError, match="write init_app"):
                call(request)
        assert current_principal_or_none(request) is None
        with pytest.raises(MissingTokenError):
            current_principal(request)


class TestCurrentUser:
    def test_is_loaded_once_a_request(self, world):
        """However often it is asked for."""

        def twice(req):
            if world.kind == "wsgi":
                return current_user(req), current_user(req)

            async def wait():
                return await current_user(req), await current_user(req, MemoryUser)

            return wait()

        headers = world.headers()
        world.users.calls = 0

        assert ask(world, twice, headers=headers) == (world.alice, world.alice)
        assert world.users.calls == 1

    def test_is_loaded_once_by_two_who_ask_at_once(self):
        """On ASGI the second waits for the first."""
        world = make_world("asgi")
        headers = world.headers()
        world.users.calls = 0

        async def both(req):
            return await asyncio.gather(current_user(req), current_user(req))

        assert ask(world, both, headers=headers) == [world.alice, world.alice]
        assert world.users.calls == 1

    def test_is_loaded_anew_in_the_next_request(self, world):
        """Nothing is kept longer than a request."""
        world.app.add_route("/", auth_required(world.resource("on_get"))())
        headers = world.headers()
        assert ask(world, current_user, headers=headers) is world.alice
        world.users.calls = 0

        world.send("POST", "/ask", headers)
        assert world.users.calls == 1

    def test_refuses_a_user_who_is_gone(self, world):
        """401, though the token still opens the route."""
        headers = world.headers()
        world.users.remove(world.alice)

        assert ask(world, current_user, headers=headers) == (401, "missing_user")

    def test_refuses_a_user_who_may_not_act(self, world):
        """Disabled since the token was issued."""
        headers = world.headers()
        world.alice.valid = False

        assert ask(world, current_user, headers=headers) == (401, "invalid_user")

    def test_refuses_another_class(self, world):
        """A mistake of the programmer's, found at once."""
        assert ask(world, lambda req: current_user(req, int)) == (500, "configuration")

    def test_a_failing_user_class_is_503(self, kind):
        """And the client keeps its session."""

        class Failing:
            def __init__(self, users):
                self.lookup = users.lookup

            def identify(self, identity):
                raise OSError

        world = make_world(kind, users=Failing)

        assert ask(world, current_user) == (503, "unavailable")


class TestAuthenticate:
    def login(self, world, username, password):
        """Log in through the request, and return the user."""
        return ask(world, lambda req: authenticate(req, username, password), lambda responder: responder, headers={})

    def test_returns_the_user(self, world):
        """Who proved name and password."""
        assert self.login(world, "alice", PASSWORD) is world.alice

    @pytest.mark.parametrize("username", ["alice", "nobody", None, 7, ["alice"]])
    def test_refuses_alike(self, world, username):
        """Unknown names and wrong passwords are not told apart, and junk is a failed login."""
        assert self.login(world, username, "wrong") == (401, "bad_credentials")

    def test_counts_by_the_address_that_falcon_trusts(self, kind):
        """The source of the events is the server's, whatever ``X-Forwarded-For`` claims."""
        events = []
        world = make_world(kind, guard_options={"on_event": events.append})

        def login(req):
            return authenticate(req, "alice", PASSWORD)

        ask(
            world,
            login,
            lambda responder: responder,
            headers={"X-Forwarded-For": "203.0.113.9"},
            remote_addr="198.51.100.7",
        )
        assert [event.source for event in events] == ["198.51.100.7"]


class TestCredentials:
    def post(self, world, **options):
        """Post a body, and return the credentials or what was answered."""
        return ask(world, credentials, lambda responder: responder, headers=options.pop("headers", {}), **options)

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"username": "alice", "password": "x"}, ("alice", "x")),
            ({"username": "alice"}, ("alice", None)),
            ({}, (None, None)),
            ({"username": 7, "password": ["x"]}, (7, ["x"])),
        ],
    )
    def test_returns_what_is_there(self, world, body, expected):
        """Whatever it is; an absent member is None."""
        assert self.post(world, json=body) == expected

    @pytest.mark.parametrize("body", ["[]", '"alice"', "1", "null", "true"])
    def test_refuses_what_is_no_object(self, world, body):
        """400."""
        assert self.post(world, body=body, headers={"Content-Type": "application/json"})[0] == 400

    @pytest.mark.parametrize("body", ["", "{", '{"username": ', "\xff"])
    def test_refuses_what_is_no_json(self, world, body):
        """400, Falcon's own."""
        assert self.post(world, body=body, headers={"Content-Type": "application/json"})[0] == 400

    def test_refuses_what_is_too_deep_to_parse(self, world):
        """400, though Python's parser gives up with a ``RecursionError``."""
        body = "[" * 200_000

        assert self.post(world, body=body, headers={"Content-Type": "application/json"})[0] == 400

    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/json",
            "x+json",
        ],
    )
    def test_refuses_another_content_type(self, world, content_type):
        """415: a form of another site cannot log anybody in."""
        headers = {} if content_type is None else {"Content-Type": content_type}

        assert self.post(world, body='{"username": "alice"}', headers=headers)[0] == 415

    @pytest.mark.parametrize(
        "content_type", ["application/json", "application/json; charset=utf-8", "application/json ;x=y"]
    )
    def test_takes_json_with_parameters(self, world, content_type):
        """The twin."""
        headers = {"Content-Type": content_type}

        assert self.post(world, body='{"username": "alice"}', headers=headers) == ("alice", None)

    def test_takes_a_json_dialect_that_the_application_handles(self, world):
        """What ends in ``+json`` is JSON if there is a handler for it."""
        world.app.req_options.media_handlers["application/vnd.x+json"] = falcon.media.JSONHandler()
        headers = {"Content-Type": "application/vnd.x+json"}

        assert self.post(world, body='{"username": "alice"}', headers=headers) == ("alice", None)


class TestContextType:
    """What keeps a request's state may be of the application's own making."""

    @pytest.mark.parametrize("context_type", [dict, type("Mine", (), {})])
    def test_a_dict_or_an_object_will_do(self, kind, context_type):
        """Falcon lets a request type choose."""
        base = falcon.Request if kind == "wsgi" else falcon.asgi.Request
        world = make_world(kind, app=make_app(kind, request_type=type("Mine", (base,), {"context_type": context_type})))
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        for _ in range(2):
            assert world.outcome("GET", "/") == (401, [])
            assert world.outcome("GET", "/", world.headers()) == (200, ["on_get"])
        assert ask(world, current_user) is world.alice
