"""WebSockets, for which Falcon runs other middleware than for HTTP."""

import asyncio

import falcon
import falcon.asgi
import pytest
from falcon.testing import ASGIConductor
from tests.falcon.world import make_world

from praetorian_core import MemoryStore
from praetorian_core.errors import ServiceUnavailableError
from praetorian_falcon import auth_accepted, auth_required, current_principal_or_none, current_user, roles_required


def socket_responder(world):
    """Return a responder that opens the connection and says who acts."""

    async def on_websocket(self, req, ws):
        world.ran.append("websocket")
        await ws.accept()
        principal = current_principal_or_none(req)
        await ws.send_text(str(principal and principal.identity))
        await ws.receive_text()

    return on_websocket


def talk(world, headers=None, path="/", **options):
    """Open a connection; return what was said first, or the code with which it was closed."""

    async def play():
        async with ASGIConductor(world.app) as client:
            try:
                async with client.simulate_ws(path, headers=headers, **options) as ws:
                    said = await ws.receive_text()
                    await ws.send_text("bye")
                    return said
            except falcon.WebSocketDisconnected as closed:
                return closed.code

    return asyncio.run(play())


@pytest.fixture
def world():
    """Return an ASGI world."""
    return make_world("asgi")


def route(world, responder, path="/", **options):
    """Route to a resource with ``on_websocket``."""
    world.app.add_route(path, type("Resource", (), {"on_websocket": responder})(), **options)


class TestResponder:
    def test_is_not_opened_without_a_token(self, world):
        """Without a valid token the handshake is not accepted, and the responder does not run."""
        route(world, auth_required(socket_responder(world)))

        assert talk(world) == 3401
        assert talk(world, {"Authorization": "Bearer bad"}) == 3401
        assert talk(world, {"Authorization": "Bearer a b"}) == 3400
        assert world.ran == []

    def test_is_opened_with_one(self, world):
        """With a token the handshake is accepted, and the responder has the principal."""
        route(world, auth_required(socket_responder(world)))

        assert talk(world, world.headers()) == "1"

    def test_demands_its_roles(self, world):
        """A missing role closes the connection with 3403."""
        route(world, roles_required("admin")(socket_responder(world)))

        assert talk(world, world.headers(world.bob)) == 3403
        assert talk(world, world.headers()) == "1"

    def test_may_accept_an_anonymous_one(self, world):
        """``auth_accepted`` accepts an anonymous handshake and refuses an invalid token."""
        route(world, auth_accepted(socket_responder(world)))

        assert talk(world) == "None"
        assert talk(world, world.headers()) == "1"
        assert talk(world, {"Authorization": "Bearer bad"}) == 3401

    def test_takes_no_token_from_the_query_or_the_subprotocol(self, world):
        """A token in the query or the subprotocol is not read, because logs may hold both."""
        route(world, auth_required(socket_responder(world)))
        token = world.token()

        assert talk(world, query_string=f"access_token={token}&token={token}") == 3401
        assert talk(world, {"Sec-WebSocket-Protocol": f"bearer, {token}"}) == 3401

    def test_undecorated_is_open(self, world):
        """An undecorated responder is open."""
        route(world, socket_responder(world))

        assert talk(world) == "None"

    def test_loads_its_user(self, world):
        """The current user can be loaded."""

        async def on_websocket(self, req, ws):
            await ws.accept()
            await ws.send_text((await current_user(req)).username)
            await ws.receive_text()

        route(world, auth_required(on_websocket))

        assert talk(world, world.headers()) == "alice"


class TestCookie:
    @pytest.mark.parametrize(
        ("origin", "expected"),
        [
            ("http://falconframework.org", "1"),
            ("https://app.example", "1"),
            ("https://evil.example", 3403),
            ("http://falconframework.org.evil.example", 3403),
            ("http://falconframework.org:8000", 3403),
            ("null", 3403),
            ("", 3403),
            (None, 3403),
        ],
    )
    @pytest.mark.parametrize("decorate", [auth_required, auth_accepted])
    def test_needs_its_origin(self, decorate, origin, expected):
        """A handshake with a cookie is accepted only from a page of its own or of a trusted origin.

        A browser sends cookies with the handshake of any page, without CORS (Cross-Site WebSocket Hijacking, CWE-1385).
        """
        world = make_world("asgi", places=["cookie"], trusted_origins=["https://app.example"])
        route(world, decorate(socket_responder(world)))
        headers = {"Cookie": f"__Host-access_token={world.token()}"} | ({} if origin is None else {"Origin": origin})

        assert expected == talk(world, headers)
        assert world.ran == (["websocket"] if expected == "1" else [])

    def test_header_needs_none(self):
        """A client that sends a header is no browser, so its origin does not count."""
        world = make_world("asgi", places=["header", "cookie"])
        route(world, auth_required(socket_responder(world)))

        assert "1" == talk(world, {**world.headers(), "Origin": "https://evil.example"})


class TestTicket:
    def ticketed(self, decorate):
        """Return a world that takes tickets, and one of alice."""
        world = make_world("asgi", places=["header", "cookie", "query_ticket"], store=MemoryStore())
        route(world, decorate(socket_responder(world)))
        ticket = asyncio.run(world.guard.issue_ticket(world.issuer.verify(world.token())))
        return world, f"ticket={ticket}"

    @pytest.mark.parametrize(
        "decorate", [auth_required, auth_accepted, lambda responder: auth_required(roles_required("admin")(responder))]
    )
    def test_opens_one_socket(self, decorate):
        """A ticket in the query opens one socket, with however many decorators, and no second one."""
        world, query = self.ticketed(decorate)

        assert ["1", 3401] == [talk(world, query_string=query) for _ in range(2)]

    def test_from_any_origin(self):
        """A page that has the ticket may open the socket."""
        world, query = self.ticketed(auth_required)

        assert "1" == talk(world, {"Origin": "https://evil.example"}, query_string=query)

    def test_alone(self):
        """A ticket beside a token is refused with 3400."""
        world, query = self.ticketed(auth_required)

        assert 3400 == talk(world, world.headers(), query_string=query)
        assert "1" == talk(world, query_string=query)


class TestClass:
    def test_guards_it_with_everything_else(self, world):
        """A class decorator guards ``on_websocket``, with a suffix and in subclasses."""
        base = auth_required(type("Resource", (), {"on_websocket": socket_responder(world)}))
        names = {"on_websocket": socket_responder(world), "on_websocket_item": socket_responder(world)}
        child = type("Child", (base,), names)
        world.app.add_route("/base", base())
        world.app.add_route("/child", child())
        world.app.add_route("/item", child(), suffix="item")

        for path in ("/base", "/child", "/item"):
            assert talk(world, path=path) == 3401
            assert talk(world, world.headers(), path=path) == "1"


class TestSink:
    def test_is_guarded_as_a_responder_is(self, world):
        """A sink is guarded for WebSockets; Falcon passes the socket as ``ws``, older versions as the response."""

        async def sink(req, resp, ws=None):
            await socket_responder(world)(None, req, ws or resp)

        world.app.add_sink(auth_required(sink), "/sink")

        assert talk(world, path="/sink") == 3401
        assert world.ran == []
        assert talk(world, world.headers(), path="/sink") == "1"


class TestRefusal:
    def raising(self, world, error, *, accept):
        """Route to a responder that raises, before or after it opened the connection."""

        async def on_websocket(self, req, ws):
            if accept:
                await ws.accept()
            raise error

        route(world, on_websocket)
        return world

    @pytest.mark.parametrize("accept", [False, True])
    @pytest.mark.parametrize("native", [False, True])
    def test_is_a_close_code_before_and_after(self, native, accept):
        """The close code is 3000 plus the status, before and after the handshake is accepted."""
        world = make_world("asgi", native=native)

        assert talk(self.raising(world, ServiceUnavailableError(), accept=accept)) == 3503

    def test_runs_the_hooks(self):
        """The hooks run as for HTTP, and a failing one does not keep the connection open."""
        seen = []

        def failing(error):
            raise ValueError

        world = make_world("asgi", [failing, lambda error: seen.append(error.code)])
        route(world, auth_required(socket_responder(world)))

        assert talk(world) == 3401
        assert seen == ["missing_token"]

    def test_without_our_handler_is_a_refusal_all_the_same(self):
        """Without the error handler Falcon closes the connection with its own code."""
        world = make_world("asgi", disable_error_handler=True)
        route(world, auth_required(socket_responder(world)))

        assert talk(world) in {1011, 3011}
        assert talk(world, world.headers()) == "1"

    def test_without_our_middleware_is_a_refusal_all_the_same(self, world):
        """Without the middleware the connection is closed with 3500."""
        world.app = falcon.asgi.App()
        world.handle()
        route(world, auth_required(socket_responder(world)))

        assert talk(world, world.headers()) == 3500
        assert world.ran == []

    def test_http_on_the_same_path_is_answered_as_ever(self, world):
        """HTTP on a path that has only ``on_websocket`` is 405."""
        route(world, auth_required(socket_responder(world)))

        assert world.send("GET", "/").status_code == 405
