"""The demo: it plays to its end, and nothing that is wrong gets past it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

DEMO = Path(__file__).parent.parent / "examples" / "demo" / "run.py"
COMMAND = [sys.executable, "-W", "error", str(DEMO)]
BARE = 'Bearer realm="api"'
INVALID = f'{BARE}, error="invalid_token"'
DENIED = f'{BARE}, error="insufficient_scope"'


def run(*arguments, **environment):
    """Run the demo to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
    )


def token(iat, exp, rf_exp):
    """Return what a client can read of a token with these dates."""
    payload = json.dumps({"iat": iat, "exp": exp, "rf_exp": rf_exp}).encode()
    return f"e30.{urlsafe_b64encode(payload).rstrip(b'=').decode()}.e30"


def script():
    """Return what a right server answers, step by step: status, code, challenge, dates of the token, store calls."""
    return [
        (401, "missing_token", BARE, None, 0),
        (401, "bad_credentials", BARE, None, 1),
        (200, None, None, (0, 4, 10), 1),
        (200, None, None, None, 0),
        (403, "missing_role", DENIED, None, 0),
        (200, None, None, None, 0),
        (400, "early_refresh", None, None, 0),
        (401, "expired_access", INVALID, None, 0),
        (200, None, None, (4, 8, 10), 1),
        (200, None, None, None, 0),
        (200, None, None, (8, 10, 10), 1),
        (401, "expired_refresh", INVALID, None, 0),
        (401, "expired_refresh", INVALID, None, 0),
        (200, None, None, (10, 14, 20), 1),
    ]


@contextmanager
def scripted(answers):
    """Serve these answers, one after the other, and yield the URL; all tokens are of the past, so nobody waits."""
    answers = iter(answers)
    base = int(time.time()) - 12
    calls = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            nonlocal calls
            if self.path == "/user-store-calls":
                self.say(200, {"calls": calls})
                return
            status, code, challenge, dates, cost = next(answers)
            calls += cost
            text = token(*(base + second for second in dates)) if isinstance(dates, tuple) else dates
            body = {"code": code} if code else {"access_token": text}
            self.say(status, body, challenge)

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def say(self, status, body, challenge=None):
            octets = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(octets)))
            if challenge is not None:
                self.send_header("WWW-Authenticate", challenge)
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestStory:
    def test_plays_to_its_end_against_a_real_server(self):
        """Every step of a token's life comes out as it must, and the picture shows where it happened."""
        begun = time.monotonic()
        result = run()

        assert (result.returncode, result.stderr) == (0, ""), result.stdout
        assert time.monotonic() - begun < 60
        for line in (
            r"  1 .* GET  /protected   401    missing_token ",
            r"  2 .* POST /login       401    bad_credentials ",
            r"  3 .* POST /login       200 ",
            r"  4 .* GET  /protected   200 .*\n +0 user-store calls were made\n",
            r"  5 .* GET  /admins      403    missing_role ",
            r"  6 .* GET  /editors     200 .*\n +0 user-store calls were made\n",
            r"  7 .* POST /refresh     400    early_refresh ",
            r"  8 .* GET  /protected   401    expired_access ",
            r"  9 .* POST /refresh     200 .*SAME rf_exp\n",
            r" 10 .* GET  /protected   200 .*\n +0 user-store calls were made\n",
            r" 11 .* POST /refresh     200 .*SAME rf_exp\n",
            r" 12 .* GET  /protected   401    expired_refresh ",
            r" 13 .* POST /refresh     401    expired_refresh ",
            r" 14 .* POST /login       200 ",
            r"token 1 +┣━+ access ━+╋╌+ refresh ╌+┫\n +iat +exp +rf_exp\n",
            r"steps +1-7 +8-10 +11 +12-14\n",
            r"Everything was as expected",
        ):
            assert re.search(line, result.stdout), f"{line}\n{result.stdout}"
        ends = re.findall(r"iat = second (\d+), exp = second (\d+), rf_exp = second (\d+)", result.stdout)
        first, second, third, _ = [tuple(map(int, dates)) for dates in ends]
        assert first == (first[0], first[0] + 4, first[0] + 10)
        assert second == (second[0], second[0] + 4, first[2])
        assert third == (third[0], first[2], first[2])

    def test_draws_with_plain_characters_where_others_cannot_be_printed(self):
        """A terminal of few characters gets the same picture."""
        with scripted(script()) as url:
            result = run("--against", url, PYTHONIOENCODING="ascii")

        assert result.returncode == 0, result.stdout
        assert re.search(r"token 1 +\|=+ access =+\|-+ refresh -+\|\n", result.stdout)


class TestExpectations:
    def test_a_right_server_passes(self):
        """The twin of the wrong ones below: the script as it stands is what the story expects."""
        with scripted(script()) as url:
            result = run("--against", url)

        assert (result.returncode, result.stderr) == (0, ""), result.stdout

    @pytest.mark.parametrize(
        ("step", "wrong", "line"),
        [
            (2, (401, "missing_user", BARE, None, 1), "code: expected 'bad_credentials', found 'missing_user'"),
            (
                3,
                (200, None, None, "no.token", 1),
                "access_token: expected 'a token with iat, exp and rf_exp', found None",
            ),
            (3, (200, None, None, (0, 5, 10), 1), r"exp of the token: expected \d+, found \d+"),
            (4, (200, None, None, None, 1), "user-store calls: expected 0, found 1"),
            (7, (200, None, None, (1, 5, 10), 1), "status: expected 400, found 200"),
            (9, (200, None, None, (4, 8, 14), 1), r"rf_exp of the new token: expected \d+, found \d+"),
            (11, (200, None, None, (8, 12, 10), 1), r"exp of the new token: expected \d+, found \d+"),
            (13, (200, None, None, (10, 14, 20), 1), "status: expected 401, found 200"),
        ],
    )
    def test_a_wrong_answer_ends_the_play(self, step, wrong, line):
        """The step, what was expected and what was found are named, and the exit status tells."""
        answers = script()
        answers[step - 1] = wrong
        with scripted(answers) as url:
            result = run("--against", url)

        assert result.returncode == 1
        assert f"NOT AS EXPECTED: step {step}, " in result.stdout
        assert re.search(line, result.stdout), result.stdout

    def test_a_server_that_is_not_there_ends_the_play(self):
        """So does no answer at all."""
        with scripted([]) as url:
            pass
        result = run("--against", url)

        assert result.returncode == 1
        assert "NOT AS EXPECTED: " in result.stdout


class TestServe:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_stays_up_until_it_is_told_to_end(self, number):
        """The lines it prints name a URL, a user and a password that work; a signal ends it with status 0."""
        with subprocess.Popen(
            [*COMMAND, "--serve"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                said = ""
                for line in process.stdout:
                    said += line
                    if line.startswith("Press Ctrl-C"):
                        break
                url = urlsplit(re.search(r"http://[\d.:]+", said)[0])
                credentials = re.search(r"-d '(\{.*\})'", said)[1]
                connection = HTTPConnection(url.hostname, url.port, timeout=20)
                connection.request("POST", "/login", credentials, {"Content-Type": "application/json"})
                text = json.load(connection.getresponse())["access_token"]
                connection.request("GET", "/protected", headers={"Authorization": f"Bearer {text}"})
                status = connection.getresponse().status
                connection.close()
            finally:
                process.send_signal(number)
            rest = process.stdout.read()

        assert (status, process.returncode) == (200, 0)
        assert rest.rstrip().endswith("The end.")
