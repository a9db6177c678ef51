"""The page and its API, without a browser: both applications answer alike."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from praetorian_core import generate_secret
from praetorian_core.testing import FrozenClock, cheapest_hasher

from . import falcon_app, flask_app
from .config import MAX_NOTE, PAGE, headers_for
from .devices import device_of
from .people import PASSWORD

ROOT = Path(__file__).parents[2]
ACCESS = 15 * 60
TOKEN = "__Host-access_token"
CSRF = "__Host-csrf_access_token"


class Client:
    """Sends requests to one of the applications, and keeps cookies as a browser does."""

    def __init__(self, framework: str) -> None:
        """Create the application."""
        self.clock = FrozenClock()
        config = {"SECRET_KEY": generate_secret()}
        passwords = cheapest_hasher()
        self._loop = asyncio.new_event_loop()
        if framework == "flask":
            app = flask_app.create_app(config, passwords=passwords, clock=self.clock)
            self._client = httpx.Client(transport=httpx.WSGITransport(app), base_url="https://localhost")
        else:
            app = falcon_app.create_app(config, passwords=passwords, clock=self.clock)
            self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://localhost")

    def send(self, method: str, path: str, json: object = None, **headers: str) -> httpx.Response:
        """Send a request; an underscore in the name of a header stands for a hyphen."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self._client.request(method, path, json=json, headers=fields)
        return response if isinstance(response, httpx.Response) else self._loop.run_until_complete(response)

    def log_in(self, password: str = PASSWORD) -> httpx.Response:
        """Log in with cookies."""
        return self.send("POST", "/api/login", {"username": "ada", "password": password})

    def write(self, text: object, **headers: str) -> httpx.Response:
        """Write a note, with the value of the CSRF cookie unless the headers hold another one."""
        return self.send(
            "POST", "/api/notes", {"text": text}, **{"X_CSRF_Token": self.cookies.get(CSRF, ""), **headers}
        )

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        return dict(self._client.cookies)

    def clear_cookies(self) -> None:
        """Forget the cookies."""
        self._client.cookies.clear()

    def close(self) -> None:
        """Close the event loop."""
        self._loop.close()


def outcome(response: httpx.Response) -> tuple[int, str | None]:
    """Return the status, and the code of the error or None."""
    return response.status_code, response.json().get("code")


@pytest.fixture(params=["flask", "falcon"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Return a client of a new application."""
    client = Client(request.param)
    yield client
    client.close()


class TestPage:
    @pytest.mark.parametrize("path", ["/", *(f"/{file.name}" for file in sorted(PAGE.iterdir()))])
    def test_is_the_same_on_both(self, path: str) -> None:
        """Flask and Falcon send the same bytes, of the same type, with the same headers."""
        flask, falcon = (Client(framework) for framework in ("flask", "falcon"))
        first, second = flask.send("GET", path), falcon.send("GET", path)
        flask.close()
        falcon.close()

        assert (PAGE / (path[1:] or "index.html")).read_bytes() == first.content == second.content
        media_type, other_type = (answer.headers["Content-Type"].partition(";")[0] for answer in (first, second))
        assert media_type == other_type
        for name, value in headers_for(path).items():
            assert [value] == first.headers.get_list(name) == second.headers.get_list(name)

    def test_runs_only_scripts_of_its_own_files(self, client: Client) -> None:
        """The policy allows no inline script or style and no other host, and the pages need none."""
        policy = client.send("GET", "/").headers["Content-Security-Policy"]
        directives = dict(directive.split(" ", 1) for directive in policy.split("; "))

        assert ("'none'", "'self'") == (directives["default-src"], directives["script-src"])
        assert {"'none'", "'self'"} == set(directives.values())
        for file in PAGE.glob("*.html"):
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"<script(?! type=\"module\" src=)|<style|\son[a-z]+=|\sstyle=|//", text), file

    def test_other_paths_are_not_found(self, client: Client) -> None:
        """Neither a file that is absent nor one outside the folder is sent."""
        for path in ("/other.html", "/../config.py", "/%2e%2e/config.py", "/api/other"):
            assert 404 == client.send("GET", path).status_code


class TestSessionInCookies:
    def test_from_login_to_logout(self, client: Client) -> None:
        """Cookies are set at login and deleted at logout; no body ever holds the token."""
        assert (401, "missing_token") == outcome(client.send("GET", "/api/me"))
        assert (401, "bad_credentials") == outcome(client.log_in("wrong"))
        assert {} == client.cookies

        assert {"name": "ada"} == client.log_in().json()
        assert {TOKEN, CSRF} == set(client.cookies)
        now = client.clock.now
        me = {"name": "ada", "access_ends": now + ACCESS, "session_ends": now + 30 * 86_400}
        assert me == client.send("GET", "/api/me").json()

        assert (403, "csrf_failed") == outcome(client.send("POST", "/api/logout"))
        answer = client.send("POST", "/api/logout", X_CSRF_Token=client.cookies[CSRF])
        assert ({"message": "logged out"}, {}) == (answer.json(), client.cookies)

    def test_access_is_renewed_by_the_server(self, client: Client) -> None:
        """At exp a request is answered and sets the next token; one second earlier it sets none."""
        client.log_in()
        first = client.cookies[TOKEN]
        client.clock.tick(ACCESS - 1)
        assert 200 == client.send("GET", "/api/me").status_code
        assert first == client.cookies[TOKEN]

        client.clock.tick(1)
        assert client.clock.now + ACCESS == client.send("GET", "/api/me").json()["access_ends"]
        assert first != client.cookies[TOKEN]


class TestSessionInHeader:
    def test_from_login_to_logout(self, client: Client) -> None:
        """The token is in the body, no cookie is set, and no CSRF value is needed."""
        token = client.send("POST", "/api/token", {"username": "ada", "password": PASSWORD}).json()["access_token"]
        assert {} == client.cookies
        assert 200 == client.write("by header", Authorization=f"Bearer {token}").status_code

        client.clock.tick(ACCESS)
        assert (401, "expired_access") == outcome(client.send("GET", "/api/me", Authorization=f"Bearer {token}"))
        newer = client.send("PUT", "/api/token", Authorization=f"Bearer {token}").json()["access_token"]
        assert 200 == client.send("GET", "/api/me", Authorization=f"Bearer {newer}").status_code

        assert 200 == client.send("DELETE", "/api/token", Authorization=f"Bearer {newer}").status_code
        assert (401, "revoked_token") == outcome(client.send("GET", "/api/me", Authorization=f"Bearer {newer}"))


class TestSessions:
    def test_are_listed_and_ended(self, client: Client) -> None:
        """A user sees the sessions with their devices, and ends one of them or all but the current one."""
        client.log_in()
        for _ in range(3):
            client.send("POST", "/api/token", {"username": "ada", "password": PASSWORD}, User_Agent="Firefox/1 Linux")
        sessions = client.send("GET", "/api/sessions").json()["sessions"]
        assert ["Firefox on Linux"] * 3 == [session["label"] for session in sessions if not session["is_current"]]

        csrf = client.cookies[CSRF]
        for path, left in ((f"/api/sessions/{sessions[0]['session_id']}", 3), ("/api/sessions", 1)):
            assert {"ended": True} == client.send("DELETE", path, X_CSRF_Token=csrf).json()
            assert left == len(client.send("GET", "/api/sessions").json()["sessions"])

    def test_of_others_are_out_of_reach(self, client: Client) -> None:
        """The id of another user's session ends nothing."""
        eve = client.send("POST", "/api/token", {"username": "eve", "password": PASSWORD}).json()["access_token"]
        bearer = {"Authorization": f"Bearer {eve}"}
        (session,) = client.send("GET", "/api/sessions", **bearer).json()["sessions"]
        client.log_in()

        path = f"/api/sessions/{session['session_id']}"
        assert {"ended": False} == client.send("DELETE", path, X_CSRF_Token=client.cookies[CSRF]).json()
        client.clear_cookies()
        assert 200 == client.send("GET", "/api/me", **bearer).status_code


class TestDevices:
    @pytest.mark.parametrize(
        ("user_agent", "device"),
        [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15", "Safari on macOS"),
            ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"),
            ("Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
            ("curl/8.5.0", "A client"),
            (None, "A client"),
        ],
        ids=["firefox", "safari", "edge", "chrome", "curl", "none"],
    )
    def test_are_named(self, user_agent: str | None, device: str) -> None:
        """The name holds the browser and the system, as far as the header names them."""

        assert device == device_of(user_agent)


class TestNotes:
    @pytest.mark.parametrize("text", ["", "x" * (MAX_NOTE + 1), 7, None], ids=["empty", "long", "number", "none"])
    def test_refuses_what_is_no_note(self, client: Client, text: object) -> None:
        """A note is a text of 1 to 200 characters."""
        client.log_in()

        assert 400 == client.write(text).status_code
        assert {"notes": []} == client.send("GET", "/api/notes").json()

    @pytest.mark.parametrize("text", ["x", "x" * MAX_NOTE], ids=["shortest", "longest"])
    def test_keeps_a_note(self, client: Client, text: str) -> None:
        """The answer holds all notes."""
        client.log_in()

        assert {"notes": [text]} == client.write(text).json()

    @pytest.mark.parametrize("body", [[], "text", 7], ids=["list", "text", "number"])
    def test_refuses_another_body(self, client: Client, body: object) -> None:
        """The text is a member of an object."""
        client.log_in()

        assert 400 == client.send("POST", "/api/notes", body, X_CSRF_Token=client.cookies[CSRF]).status_code


COMMAND = [sys.executable, "-m", "examples.spa_app"]


class TestCommand:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
    @pytest.mark.parametrize("arguments", [[], ["--falcon"]], ids=["flask", "falcon"])
    def test_serves_until_it_is_told_to_end(self, arguments: list[str], number: signal.Signals) -> None:
        """The printed address and password work; a signal ends the server with status 0 and without a traceback."""
        # As a shell starts a background job: with SIGINT ignored.
        ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
        with subprocess.Popen(
            [*ignoring, *COMMAND, "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                url, password = re.match(
                    r"Open (http://localhost:\d+/) .* password: (.*)", process.stdout.readline()
                ).groups()
                page = httpx.get(url)
                login = httpx.post(f"{url}api/login", json={"username": "ada", "password": password})
            finally:
                process.send_signal(number)
            said, errors = process.communicate()

        assert (True, 200, 0) == ("<title>Notes</title>" in page.text, login.status_code, process.returncode)
        assert said.rstrip().endswith("The end.")
        assert "Traceback" not in errors

    def test_a_port_in_use_is_named(self) -> None:
        """The message says what to write."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            result = subprocess.run([*COMMAND, "--port", port], cwd=ROOT, capture_output=True, text=True, check=False)

        assert 2 == result.returncode
        assert result.stderr.rstrip().endswith(f"cannot listen on port {port}; write --port 0 for a free one")
