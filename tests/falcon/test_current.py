"""Guard, principal and user of a request."""

import asyncio

import falcon
import falcon.asgi
import pytest
from falcon.testing import create_asgi_req, create_req
from tests.falcon.world import PASSWORD, ask, make_app, make_world

from praetorian_core.errors import ConfigurationError, MissingTokenError
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
)


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
