"""A real server, gunicorn, over loopback: what only a server does, and the life of a token once."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from tests.flask.scenarios import ACCESS, PASSWORD, REFRESH

ROOT = Path(__file__).parent.parent.parent

# The clock stands still until a request moves it: no test waits for an expiry.
PROGRAM = """
from praetorian_flask import current_guard, current_token
from tests.flask.runner import add_routes, make_app
from tests.flask.scenarios import make_world

world = make_world()
app, guard = make_app(world)
add_routes(app, world.users)


@app.post("/clock/<int:seconds>")
def tick(seconds):
    world.clock.tick(seconds)
    return ""


@app.post("/token")
def token():
    return guard.issue(world.users.lookup("alice"))


@app.post("/exchange")
def exchange():
    return current_guard().refresh(current_token())
"""


@attrs.frozen
class ErrorResponse:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def code(self):
        """The error's code; None where there is none."""
        return json.loads(self.text)["code"] if self.status >= 400 else None


@attrs.frozen
class Server:
    port: int

    def call(self, method, path, *authorizations, body=None):
        """Send a request, each Authorization value on a line of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, path)
        octets = b"" if body is None else json.dumps(body).encode()
        connection.putheader("Content-Length", str(len(octets)))
        connection.putheader("Content-Type", "application/json")
        for value in authorizations:
            connection.putheader("Authorization", value)
        connection.endheaders(octets)
        response = connection.getresponse()
        answer = ErrorResponse(response.status, dict(response.getheaders()), response.read().decode())
        connection.close()
        return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Start gunicorn with one synchronous worker on a port that is free, and stop it in the end."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "served.py").write_text(PROGRAM, encoding="utf-8")
    path = os.pathsep.join([str(folder), str(ROOT), *sys.path])
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1", "served:app"]
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True
    ) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            listening = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line)
            if listening:
                break
        else:
            pytest.fail("".join(said))
        try:
            yield Server(int(listening[1]))
        finally:
            process.terminate()
            process.stderr.read()


@pytest.fixture
def token(server):
    """Return a token of alice's."""
    return server.call("POST", "/token").text


class TestGunicorn:
    def test_no_token(self, server):
        """RFC 6750 §3: a bare challenge, and nothing that a cache may keep."""
        answer = server.call("GET", "/protected")

        assert (answer.status, answer.code) == (401, "missing_token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="legion"'
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"

    def test_a_token(self, server, token):
        """A good token opens the route."""
        answer = server.call("GET", "/protected", f"Bearer {token}")

        assert (answer.status, json.loads(answer.text)) == (200, {"id": 1, "roles": ["reader"]})

    @pytest.mark.parametrize(
        "other",
        ["Bearer {}", "Basic YQ==", "bearer x", ""],
        ids=["the same", "another scheme", "another token", "empty"],
    )
    def test_two_lines(self, server, token, other):
        """RFC 9110 §5.3: the server joins two Authorization lines with a comma; neither is chosen."""
        lines = [f"Bearer {token}", other.format(token)]

        for values in (lines, lines[::-1]):
            answer = server.call("GET", "/protected", *values)

            assert (answer.status, answer.code) == (400, "malformed_header"), values
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="legion", error="invalid_request"'

    def test_head(self, server, token):
        """HEAD is guarded, and answered without a body."""
        refused, let_in = server.call("HEAD", "/protected"), server.call("HEAD", "/protected", f"Bearer {token}")

        assert (refused.status, refused.text) == (401, "")
        assert (let_in.status, let_in.text) == (200, "")

    def test_bad_logins(self, server):
        """Login over a real connection: a wrong password, wrong types, no object."""
        bodies = [{"username": "alice", "password": "wrong"}, {"username": [], "password": 1}, []]

        assert [server.call("POST", "/login", body=body).status for body in bodies] == [401, 401, 400]

    def test_the_life_of_a_token(self, server):
        """Login, access, too early, expired, refreshed, both lifespans over."""
        assert server.call("POST", "/login", body={"username": "alice", "password": PASSWORD}).status == 200
        first = f"Bearer {server.call('POST', '/token').text}"
        seen = [server.call("GET", "/protected", first).code, server.call("POST", "/exchange", first).code]
        server.call("POST", f"/clock/{ACCESS}")
        seen.append(server.call("GET", "/protected", first).code)
        second = f"Bearer {server.call('POST', '/exchange', first).text}"
        seen.append(server.call("GET", "/protected", second).code)
        server.call("POST", f"/clock/{REFRESH - ACCESS}")
        seen += [server.call("GET", "/protected", second).code, server.call("POST", "/exchange", second).code]

        assert seen == [None, "early_refresh", "expired_access", None, "expired_refresh", "expired_refresh"]
