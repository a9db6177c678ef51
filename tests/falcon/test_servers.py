"""The adapter behind real servers, over loopback: gunicorn for WSGI, uvicorn for ASGI."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
ACCESS = 15 * 60
REFRESH = 30 * 86_400


@attrs.frozen
class ErrorResponse:
    """Response of a server."""

    status: int
    headers: dict
    json: dict

    @property
    def code(self):
        """Return status and code of a refusal."""
        return self.status, self.json.get("code")


@attrs.frozen
class Server:
    """A server on loopback."""

    port: int

    def send(self, method, path, *authorization, body=None, **headers):
        """Send a request with as many Authorization lines as are given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path)
            lines = [("Authorization", value) for value in authorization]
            for name, value in [*lines, *headers.items()]:
                connection.putheader(name.replace("_", "-"), value)
            payload = b"" if body is None else json.dumps(body).encode()
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(payload)))
            connection.endheaders(payload)
            response = connection.getresponse()
            content = response.read()
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return ErrorResponse(response.status, lowered, json.loads(content) if content else {})
        finally:
            connection.close()

    def login(self, username="alice", password="correct horse"):
        """Log in and return the header's value."""
        answer = self.send("POST", "/login", body={"username": username, "password": password})
        return f"Bearer {answer.json['token']}"

    def tick(self, seconds):
        """Move the server's clock."""
        assert self.send("POST", f"/tick?seconds={seconds}").status == 200

    def websocket(self, authorization=None, path="/me"):
        """Open a WebSocket."""
        headers = {} if authorization is None else {"Authorization": authorization}
        return connect(f"ws://127.0.0.1:{self.port}{path}", additional_headers=headers, proxy=None)


COMMANDS = {
    "gunicorn": [
        "-m",
        "gunicorn",
        "--bind",
        "fd://{}",
        "--workers",
        "1",
        "--log-level",
        "error",
        "tests.falcon.live:wsgi()",
    ],
    "uvicorn": ["-c", "from tests.falcon.live import serve_asgi; serve_asgi({})"],
}


def serve(name, tmp_path):
    """Serve with this server until the generator is closed."""
    # The socket listens already, so a request that is sent before the server is ready waits in its queue.
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        listener.set_inheritable(True)
        descriptor = listener.fileno()
        environment = {
            **os.environ,
            "SECRET": secrets.token_urlsafe(48),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        }
        process = subprocess.Popen(
            [sys.executable, *(part.format(descriptor) for part in COMMANDS[name])],
            pass_fds=[descriptor],
            env=environment,
            cwd=tmp_path,
        )
        try:
            yield Server(listener.getsockname()[1])
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module", params=COMMANDS)
def server(request, tmp_path_factory):
    """Return a running server of either kind."""
    yield from serve(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def uvicorn(tmp_path_factory):
    """Return a running uvicorn."""
    yield from serve("uvicorn", tmp_path_factory.mktemp("uvicorn"))


class TestLifeCycle:
    def test_from_login_to_the_end(self, server):
        """A token gives access until exp, can be refreshed until rf_exp, and neither afterwards."""
        token = server.login()
        assert server.send("GET", "/me", token).json == {"id": 1, "remote": "127.0.0.1"}

        server.tick(ACCESS - 1)
        assert server.send("GET", "/me", token).status == 200
        server.tick(1)
        assert server.send("GET", "/me", token).code == (401, "expired_access")

        newer = f"Bearer {server.send('POST', '/refresh', token).json['token']}"
        assert server.send("GET", "/me", newer).status == 200
        assert server.send("POST", "/refresh", newer).code == (400, "early_refresh")

        server.tick(REFRESH - ACCESS)
        assert server.send("GET", "/me", newer).code == (401, "expired_refresh")
        assert server.send("POST", "/refresh", newer).code == (401, "expired_refresh")

    def test_refuses_a_wrong_password(self, server):
        """A wrong password is 401 with a bare challenge."""
        answer = server.send("POST", "/login", body={"username": "alice", "password": "wrong"})

        assert answer.code == (401, "bad_credentials")
        assert answer.headers["www-authenticate"] == 'Bearer realm="api"'

    def test_refuses_a_missing_role(self, server):
        """A missing role is 403."""
        assert server.send("DELETE", "/me", server.login("bob")).code == (403, "missing_role")
        assert server.send("DELETE", "/me", server.login()).status == 200


class TestAuthorizationHeader:
    def test_two_lines_are_malformed(self, server):
        """Two lines are 400, in either order, joined by gunicorn and kept apart by uvicorn."""
        token = server.login()

        for lines in ((token, token), (token, "Bearer x"), ("Basic eDp5", token), (token, "Basic eDp5")):
            answer = server.send("GET", "/me", *lines)
            assert answer.code == (400, "malformed_header")
        assert server.send("GET", "/me", token).status == 200

    def test_none_is_missing(self, server):
        """Without a token the answer is 401 with a challenge, and not cacheable."""
        answer = server.send("GET", "/me")

        assert answer.code == (401, "missing_token")
        assert answer.headers["www-authenticate"] == 'Bearer realm="api"'
        assert answer.headers["cache-control"] == "no-store"

    def test_a_preflight_needs_none(self, server):
        """A preflight is answered with 200 and the methods."""
        answer = server.send("OPTIONS", "/me", Origin="https://app.example", Access_Control_Request_Method="DELETE")

        assert (answer.status, answer.headers["allow"]) == (200, "DELETE, GET")


class TestAddress:
    @pytest.mark.parametrize("value", ["203.0.113.9", 'for="[::1]:abc"'])
    @pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "X_Real_IP"])
    def test_is_the_servers(self, server, header, value):
        """The address is the server's, whatever headers a client sends."""
        answer = server.send("GET", "/me", server.login(), **{header: value})

        assert answer.json["remote"] == "127.0.0.1"


class TestWebSocket:
    def test_without_a_token_is_refused_before_it_opens(self, uvicorn):
        """A refused handshake is HTTP 403."""
        for authorization in (None, "Bearer bad", f"{uvicorn.login()} twice"):
            with pytest.raises(InvalidStatus) as refusal:
                uvicorn.websocket(authorization)
            assert refusal.value.response.status_code == 403

    def test_with_one_is_open(self, uvicorn):
        """With a token the connection is open, and the responder has the principal."""
        with uvicorn.websocket(uvicorn.login()) as socket_:
            assert socket_.recv(30) == "1"
            socket_.send("am I an admin?")
            assert socket_.recv(30) == "admin"

    def test_refused_after_it_opened_is_closed_with_3403(self, uvicorn):
        """A later refusal closes the connection with 3403 and the error's code as the reason."""
        with uvicorn.websocket(uvicorn.login("bob")) as socket_:
            assert socket_.recv(30) == "2"
            socket_.send("am I an admin?")
            with pytest.raises(ConnectionClosed) as closed:
                socket_.recv(30)

        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3403, "missing_role")

    def test_expired_while_it_was_open_is_closed_with_3401(self, uvicorn):
        """A guarded function called later verifies the token at the current time."""
        with uvicorn.websocket(uvicorn.login()) as socket_:
            assert socket_.recv(30) == "1"
            uvicorn.tick(ACCESS)
            socket_.send("am I an admin?")
            with pytest.raises(ConnectionClosed) as closed:
                socket_.recv(30)

        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3401, "expired_access")

    def closed(self, socket_):
        """Return code and reason with which an idle socket is closed by the server."""
        with pytest.raises(ConnectionClosed) as closed:
            socket_.recv(30)
        return closed.value.rcvd.code, closed.value.rcvd.reason

    def test_idle_is_closed_with_3401_when_its_access_ends(self, uvicorn):
        """The client need not send anything."""
        with uvicorn.websocket(uvicorn.login()) as socket_:
            assert socket_.recv(30) == "1"
            uvicorn.tick(ACCESS)

            assert self.closed(socket_) == (3401, "expired_access")

    def test_idle_is_closed_with_3401_when_its_session_ends(self, uvicorn):
        """A logout elsewhere closes it within ``PRAETORIAN_WEBSOCKET_RECHECK``, and no socket of another session."""
        first, second = uvicorn.login(), uvicorn.login()
        with uvicorn.websocket(first) as socket_, uvicorn.websocket(second) as other:
            assert (socket_.recv(30), other.recv(30)) == ("1", "1")
            uvicorn.send("POST", "/logout", first)

            assert self.closed(socket_) == (3401, "revoked_token")
            other.send("am I an admin?")
            assert other.recv(30) == "admin"

    def test_by_first_message(self, uvicorn):
        """A socket that was opened without a token is admitted by a message, and watched."""
        token = uvicorn.login()
        with uvicorn.websocket(path="/message") as socket_:
            socket_.send(token.removeprefix("Bearer "))
            assert socket_.recv(30) == "1"
            uvicorn.send("POST", "/logout", token)

            assert self.closed(socket_) == (3401, "revoked_token")
        with uvicorn.websocket(path="/message") as socket_:
            socket_.send("no token")

            assert self.closed(socket_) == (3401, "invalid_token")

    def test_by_ticket(self, uvicorn):
        """A ticket opens one socket."""
        ticket = uvicorn.send("POST", "/ticket", uvicorn.login()).json["ticket"]
        with uvicorn.websocket(path=f"/me?ticket={ticket}") as socket_:
            assert socket_.recv(30) == "1"
        with pytest.raises(InvalidStatus):
            uvicorn.websocket(path=f"/me?ticket={ticket}")
