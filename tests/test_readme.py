"""The README's application, pasted into ``app.py`` and served by the README's own command."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
COMMAND = "gunicorn -w 2 app:app"
REQUESTS = 20
"""So many that both workers answer some of them."""


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Return a function that sends a request to the application, served by two worker processes."""
    folder = tmp_path_factory.mktemp("readme")
    (application,) = re.findall(r"```python\n(import os\n.*?)```", README, re.DOTALL)
    (folder / "app.py").write_text(application, encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-m", *COMMAND.split(), "--bind", "127.0.0.1:0"],
        cwd=folder,
        env={**os.environ, "SECRET_KEY": "kept-outside-of-the-code-and-32-bytes-long"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    with server:
        try:
            port = next(int(found[1]) for line in server.stderr if (found := re.search(r"127\.0\.0\.1:(\d+)", line)))

            def send(method, path, token=None, body=None):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                headers = {} if token is None else {"Authorization": f"Bearer {token}"}
                if body is not None:
                    headers["Content-Type"] = "application/json"
                connection.request(method, path, None if body is None else json.dumps(body), headers)
                response = connection.getresponse()
                text = response.read()
                connection.close()
                return response.status, json.loads(text) if text else None

            yield send
        finally:
            server.terminate()


def test_length():
    """The page is read in one go: at most 150 lines."""
    assert len(README.splitlines()) <= 150


def test_command():
    """The command that is tested here is the command that the README gives."""
    assert COMMAND in README


def test_whole_session(ask):
    """Two workers accept each other's tokens, and both reject one after its logout."""
    status, login = ask("POST", "/login", body={"username": "alice", "password": "correct horse battery staple"})
    token = login["access_token"]

    assert 200 == status
    assert [(200, {"identity": 7})] * REQUESTS == [ask("GET", "/protected", token) for _ in range(REQUESTS)]
    assert (403, "missing_role") == _outcome(ask("GET", "/admins", token))
    assert (400, "early_refresh") == _outcome(ask("POST", "/refresh", token))
    assert (204, None) == ask("POST", "/logout", token)
    assert {(401, "revoked_token")} == {_outcome(ask("GET", "/protected", token)) for _ in range(REQUESTS)}


def test_wrong_password(ask):
    """A wrong password gets the answer of the README's table."""
    body = {"username": "alice", "password": "wrong"}

    assert (401, "bad_credentials") == _outcome(ask("POST", "/login", body=body))


def test_no_token(ask):
    """So does a request without a token."""
    assert (401, "missing_token") == _outcome(ask("GET", "/protected"))


def _outcome(answer):
    status, body = answer
    return status, body["code"]
