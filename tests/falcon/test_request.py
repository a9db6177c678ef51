"""The facts about a Falcon request that the core reads."""

import falcon
import falcon.asgi
import pytest
from falcon.testing import create_req
from tests.falcon.world import make_world

from praetorian_core.errors import MalformedHeaderError
from praetorian_core.web.request import RequestInfo
from praetorian_falcon import auth_required
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
        """Receive nothing."""

    return falcon.asgi.Request(scope, receive)


def wsgi_request(*lines, remote="198.51.100.7"):
    """Return a WSGI request; a server has joined repeated lines already."""
    return create_req(headers=dict(lines), remote_addr=remote)


class TestRequestInfo:
    @pytest.mark.parametrize("make", [wsgi_request, asgi_request])
    def test_shows_the_request(self, make):
        """Method, address and headers are read; letter case of header names does not matter."""
        info: RequestInfo = request_info(make(("X-Token", "abc")))

        assert info.method == "GET"
        assert info.remote == "198.51.100.7"
        assert (info.header("x-token"), info.header("X-Absent")) == ("abc", None)
        assert (list(info.headers("X-TOKEN")), list(info.headers("X-Absent"))) == (["abc"], [])

    def test_is_of_the_requests_kind(self):
        """Each kind of request has its own class."""
        assert isinstance(request_info(wsgi_request()), WSGIRequest)
        assert isinstance(request_info(asgi_request()), ASGIRequest)

    def test_lists_repeated_lines_on_asgi(self):
        """Under ASGI each line of a header is returned."""
        info = request_info(
            asgi_request(("Authorization", "Bearer a"), ("Authorization", "Bearer b"), ("From", "x"), ("From", "y"))
        )

        assert info.headers("Authorization") == ["Bearer a", "Bearer b"]
        assert info.headers("From") == ["x", "y"]

    def test_lists_what_is_left_of_an_iterator(self):
        """If the server's headers are an iterator, which Falcon has consumed, the joined value is returned."""
        info = request_info(asgi_request(("X-Token", "a"), ("X-Token", "b"), iterator=True))

        assert (info.headers("X-Token"), info.headers("X-Absent")) == (("a,b",), ())

    @pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
    @pytest.mark.parametrize("make", [wsgi_request, asgi_request])
    def test_a_client_cannot_choose_its_address(self, make, header):
        """``req.access_route`` trusts these headers; ``remote`` does not."""
        value = "for=203.0.113.9" if header == "Forwarded" else "203.0.113.9"
        request = make((header, value))

        assert request.access_route[0] == "203.0.113.9"
        assert request_info(request).remote == "198.51.100.7"

    def test_a_header_that_falcon_stumbles_over_does_no_harm(self):
        """``req.remote_addr`` raises for a malformed header; ``remote`` is the server's address."""
        request = asgi_request(("Forwarded", 'for="[::1]:abc"'))

        with pytest.raises(ValueError, match="abc"):
            _ = request.remote_addr
        assert request_info(request).remote == "198.51.100.7"

    @pytest.mark.parametrize("client", [(), None, ("", 0)])
    def test_an_unknown_address_is_none_of_the_clients(self, client):
        """Without an address from the server ``remote`` is loopback or None, neither of which is counted."""
        assert request_info(asgi_request(client=client)).remote in {None, "127.0.0.1"}
        assert request_info(asgi_request(("Forwarded", 'for="[::1]:abc"'), client=client)).remote is None

    def test_a_websocket_handshake_is_a_get(self):
        """A WebSocket handshake is a GET (RFC 6455 §4.1); its scope has no method."""
        assert request_info(asgi_request(kind="websocket")).method == "GET"


class TestRepeatedAuthorization:
    """Two credentials in one request are malformed (RFC 6750 §2.1)."""

    @pytest.mark.parametrize("second", ["Bearer {}", "Bearer x", "Basic eDp5", ""])
    def test_is_malformed_on_asgi(self, second):
        """Two lines are malformed, kept apart or joined by Falcon."""
        world = make_world("asgi")
        token = world.token()
        lines = [("Authorization", f"Bearer {token}"), ("Authorization", second.format(token))]

        for iterator in (False, True):
            with pytest.raises(MalformedHeaderError):
                world.guard.find_token(request_info(asgi_request(*lines, iterator=iterator)))

    @pytest.mark.parametrize("second", ["Bearer {}", "Bearer x", "Basic eDp5", ""])
    def test_is_malformed_on_wsgi(self, second):
        """Two values that a WSGI server joined with a comma are malformed."""
        world = make_world("wsgi")
        token = world.token()

        with pytest.raises(MalformedHeaderError):
            world.guard.find_token(
                request_info(wsgi_request(("Authorization", f"Bearer {token},{second.format(token)}")))
            )

    def test_is_answered_with_400(self, world):
        """Two lines are answered with 400; ``test_servers.py`` sends them to real servers."""
        world.app.add_route("/", world.resource("on_get")())
        value = world.headers()["Authorization"]

        guarded = auth_required(world.resource("on_get"))
        world.app.add_route("/guarded", guarded())
        twice = [("Authorization", value), ("Authorization", value)]
        assert world.outcome("GET", "/guarded", twice) == (400, [])
        assert world.outcome("GET", "/guarded", twice[:1]) == (200, ["on_get"])
