"""Guard, principal and user of a request."""

import asyncio

import falcon
import falcon.asgi
import pytest
from falcon.testing import create_asgi_req, create_req
from tests.falcon.world import PASSWORD, PREFLIGHT, ask, make_app, make_world

from praetorian_core import all_roles
from praetorian_core.errors import ConfigurationError
from praetorian_core.testing import MemoryUser
from praetorian_falcon import (
    auth_accepted,
    auth_required,
    authenticate,
    current_custom_claims,
    current_guard,
    current_principal,
    current_principal_or_none,
    current_rolenames,
    current_token,
    current_user,
    current_user_id,
    current_user_or_none,
    keep_principal,
    verify_in_request,
)

ADMIN = all_roles("admin")


class TestCurrent:
    def test_tells_who_acts(self, world):
        """Identity, roles and custom claims are read without the user store."""
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
    def test_anonymous_request(self, world, question):
        """A responder with ``auth_accepted`` answers 401 if it needs the principal of an anonymous request."""
        assert ask(world, question, auth_accepted, headers={}) == (401, "missing_token")

    @pytest.mark.parametrize(
        "question",
        [current_principal, current_user_id, current_rolenames, current_custom_claims, current_user],
    )
    def test_undecorated_responder(self, world, question, caplog):
        """A responder without a decorator answers 500, and the log says what to write."""
        assert ask(world, question, decorate=lambda responder: responder) == (500, "configuration")
        assert "decorate the responder with @auth_required" in caplog.text
        assert "'/ask'" in caplog.text

    def test_claims_as_json(self, world):
        """The return value of ``current_custom_claims`` is the media of a response."""

        def on_get(resource, req, resp):
            resp.media = current_custom_claims(req)

        world.app.add_route("/", type("Claims", (), {"on_get": auth_required(world.shaped(on_get))})())

        assert world.send("GET", "/", world.headers(a=[1, {"b": None}])).json == {"a": [1, {"b": None}]}

    def test_or_none_is_none_without_a_principal(self, world):
        """The ``or_none`` functions return None for an anonymous request, also in an undecorated responder."""
        assert ask(world, current_principal_or_none, auth_accepted, headers={}) is None

        fresh = make_world(world.kind)
        assert ask(fresh, current_user_or_none, auth_accepted, headers={}) is None

    def test_or_none_is_the_user_of_a_principal(self, world):
        """The ``or_none`` functions return the user of an authenticated request, with and without its class."""
        assert ask(world, current_user_or_none, auth_accepted) is world.alice

        fresh = make_world(world.kind)
        assert ask(fresh, lambda req: current_user_or_none(req, MemoryUser), auth_accepted) is fresh.alice

    def test_does_not_leak_into_the_next_request(self, world):
        """An anonymous request after alice's is anonymous."""
        world.app.add_route("/", auth_required(world.resource("on_get"))())
        world.send("GET", "/", world.headers())

        assert ask(world, current_principal_or_none, auth_accepted, headers={}) is None

    def test_token_is_the_raw_one(self, world):
        """``current_token`` returns the token unverified, also in an undecorated responder."""
        headers = {"Authorization": "Bearer not.a.token"}

        assert ask(world, current_token, lambda responder: responder, headers=headers) == "not.a.token"

    def test_token_without_one(self, world):
        """``current_token`` raises for a request without a token."""
        assert ask(world, current_token, lambda responder: responder, headers={}) == (401, "missing_token")

    def test_guard_is_the_applications(self, world):
        """``current_guard`` returns the application's guard."""
        assert ask(world, current_guard) is world.guard

    @pytest.mark.parametrize("make", [create_req, create_asgi_req])
    def test_without_a_middleware_names_what_to_write(self, make):
        """A request without the middleware has neither guard nor principal."""
        request = make()

        for call in (current_guard, current_token):
            with pytest.raises(ConfigurationError, match="write init_app"):
                call(request)
        assert current_principal_or_none(request) is None
        with pytest.raises(ConfigurationError, match="no token was verified"):
            current_principal(request)
        with pytest.raises(ConfigurationError, match="write init_app"):
            keep_principal(request, None)


class TestKeepPrincipal:
    def test_sets_the_principal(self, world):
        """A principal that was verified by other means is returned by the ``current_*`` functions."""
        token = world.token(world.bob)

        def question(req):
            if world.kind == "wsgi":
                keep_principal(req, world.guard.verify(token))
                return current_user(req), current_user_id(req)

            async def wait():
                keep_principal(req, await world.guard.verify(token))
                return await current_user(req), current_user_id(req)

            return wait()

        assert ask(world, question, decorate=lambda responder: responder, headers={}) == (world.bob, 2)

    def test_anonymous(self, world):
        """None marks the request as anonymous, so a missing principal is 401 and not 500."""

        def question(req):
            keep_principal(req, None)
            return current_user_id(req)

        assert ask(world, question, decorate=lambda responder: responder) == (401, "missing_token")


class TestVerifyInRequest:
    """``verify_in_request`` does in a call what a decorator does."""

    @pytest.mark.parametrize(
        ("token", "expected"),
        [(None, (401, "missing_token")), ("bad", (401, "invalid_token")), ("bob", (403, "missing_role"))],
    )
    def test_refuses(self, world, token, expected):
        """Without a token, with an invalid one and without the role the request is refused."""
        value = world.token(world.bob) if token == "bob" else token
        headers = {} if value is None else {"Authorization": f"Bearer {value}"}

        assert self.verify(world, headers) == expected

    def test_returns_the_principal(self, world):
        """The principal is returned and kept."""
        principal, kept = self.verify(world, world.headers())

        assert principal is kept
        assert principal.identity == 1

    def test_without_a_policy(self, world):
        """Without a policy any valid token will do."""
        assert self.verify(world, world.headers(world.bob), None)[0].identity == 2

    def verify(self, world, headers, policy=ADMIN):
        """Return what was returned and what is kept, or status and code of the refusal."""

        def question(req):
            if world.kind == "wsgi":
                return verify_in_request(req, policy), current_principal(req)

            async def wait():
                return await verify_in_request(req, policy), current_principal(req)

            return wait()

        return ask(world, question, decorate=lambda responder: responder, headers=headers)

    def test_in_a_sink_ends_a_preflight(self, world):
        """A preflight carries no token: it is answered, and the code after the call does not run."""

        def sink(req, resp):
            if world.kind == "wsgi":
                verify_in_request(req)
                world.ran.append("sink")
                return None

            async def wait():
                await verify_in_request(req)
                world.ran.append("sink")

            return wait()

        world.app.add_sink(world.shaped(sink), "/sink")

        assert world.outcome("OPTIONS", "/sink", PREFLIGHT) == (200, [])
        assert world.outcome("OPTIONS", "/sink") == (401, [])
        assert world.outcome("OPTIONS", "/sink", world.headers()) == (200, ["sink"])


class TestCurrentUser:
    def test_follows_a_change_of_the_principal(self, world):
        """After the principal of a request changed, the user is the new principal's."""
        token = world.token(world.bob)

        def question(req):
            if world.kind == "wsgi":
                before = current_user(req)
                keep_principal(req, world.guard.verify(token))
                return before, current_user(req)

            async def wait():
                before = await current_user(req)
                keep_principal(req, await world.guard.verify(token))
                return before, await current_user(req)

            return wait()

        assert ask(world, question) == (world.alice, world.bob)

    def test_is_loaded_once_a_request(self, world):
        """The user is loaded once per request."""

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
        """Two concurrent callers under ASGI load the user once."""
        world = make_world("asgi")
        headers = world.headers()
        world.users.calls = 0

        async def both(req):
            return await asyncio.gather(current_user(req), current_user(req))

        assert ask(world, both, headers=headers) == [world.alice, world.alice]
        assert world.users.calls == 1

    def test_is_loaded_anew_in_the_next_request(self, world):
        """The next request loads the user again."""
        world.app.add_route("/", auth_required(world.resource("on_get"))())
        headers = world.headers()
        assert ask(world, current_user, headers=headers) is world.alice
        world.users.calls = 0

        world.send("POST", "/ask", headers)
        assert world.users.calls == 1

    def test_refuses_a_user_who_is_gone(self, world):
        """A deleted user is 401."""
        headers = world.headers()
        world.users.remove(world.alice)

        assert ask(world, current_user, headers=headers) == (401, "missing_user")

    def test_refuses_a_user_who_may_not_act(self, world):
        """A disabled user is 401."""
        headers = world.headers()
        world.alice.valid = False

        assert ask(world, current_user, headers=headers) == (401, "invalid_user")

    def test_refuses_another_class(self, world):
        """A user of another class is a configuration error."""
        assert ask(world, lambda req: current_user(req, int)) == (500, "configuration")

    def test_a_failing_user_class_is_503(self, kind):
        """A failing user class is 503."""

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
        """The user with name and password is returned."""
        assert self.login(world, "alice", PASSWORD) is world.alice

    @pytest.mark.parametrize("username", ["alice", "nobody", None, 7, ["alice"]])
    def test_refuses_alike(self, world, username):
        """Unknown names, wrong passwords and wrong types get the same answer."""
        assert self.login(world, username, "wrong") == (401, "bad_credentials")

    def test_counts_by_the_address_that_falcon_trusts(self, kind):
        """Attempts are counted by the server's address, whatever ``X-Forwarded-For`` says."""
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


class TestContextType:
    """The application may choose the type of ``req.context``."""

    @pytest.mark.parametrize("context_type", [dict, type("Mine", (), {})])
    def test_a_dict_or_an_object_will_do(self, kind, context_type):
        """The context may be a dict or an object."""
        base = falcon.Request if kind == "wsgi" else falcon.asgi.Request
        world = make_world(kind, app=make_app(kind, request_type=type("Mine", (base,), {"context_type": context_type})))
        world.app.add_route("/", auth_required(world.resource("on_get"))())

        for _ in range(2):
            assert world.outcome("GET", "/") == (401, [])
            assert world.outcome("GET", "/", world.headers()) == (200, ["on_get"])
        assert ask(world, current_user) is world.alice
