"""The demo plays to its end, and it reports every wrong answer of a server."""

import importlib
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
COMMAND = [
    sys.executable,
    "-Werror",
    # flask-restx 1.3.0, see pyproject.toml.
    "-Wignore:jsonschema.RefResolver is deprecated:DeprecationWarning",
    str(DEMO),
]
BARE = 'Bearer realm="api"'
INVALID = f'{BARE}, error="invalid_token"'
DENIED = f'{BARE}, error="insufficient_scope"'


@pytest.fixture
def tell(monkeypatch, capsys):
    """Return a function that plays against these servers in this process; it returns the exit status and the output."""
    monkeypatch.syspath_prepend(DEMO.parent)
    demo = importlib.import_module("run")

    def play(*urls):
        status = demo.tell({f"other {number}": url for number, url in enumerate(urls, 1)})
        return status, capsys.readouterr().out

    return play


def run(*arguments, **environment):
    """Run the demo to its end, in a process."""
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
    """Return the expected answers, step by step: status, code, challenge, dates of the token, user-store calls."""
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


def four(status):
    """Return a pattern for the columns of the four servers, which show the same status."""
    return f"(?:{status} +){{4}}(?<= )"


def dates_in(text):
    """Return the dates of the tokens of a step: one line if they are equal, else one line for each server."""
    found = re.findall(r"iat = second (\d+), exp = second (\d+), rf_exp = second (\d+)", text)
    return {tuple(map(int, dates)) for dates in found}


@contextmanager
def scripted(answers):
    """Serve these answers, one after the other, and yield the URL. All tokens have expired, so the play never waits."""
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


def ask(url, method, path, body=None, bearer=""):
    """Return the status and the JSON body of a server's answer."""
    connection = HTTPConnection(url.hostname, url.port, timeout=20)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", "Authorization": bearer})
        response = connection.getresponse()
        return response.status, json.load(response)
    finally:
        connection.close()


class TestStory:
    def test_plays_to_its_end_against_real_servers(self):
        """All four servers answer every step as expected, in real time, and the picture shows the steps."""
        begun = time.monotonic()
        result = run()

        assert (0, "") == (result.returncode, result.stderr), result.stdout
        assert time.monotonic() - begun < 60
        assert max(map(len, result.stdout.splitlines())) < 120
        for line in (
            rf"  1 .* GET  /protected  {four(401)}missing_token ",
            rf"  2 .* POST /login      {four(401)}bad_credentials ",
            rf"  3 .* POST /login      {four(200)} ",
            rf"  4 .* GET  /protected  {four(200)} .*\n +0 user-store calls on each server\n",
            rf"  5 .* GET  /admins     {four(403)}missing_role ",
            rf"  6 .* GET  /editors    {four(200)} .*\n +0 user-store calls on each server\n",
            rf"  7 .* POST /refresh    {four(400)}early_refresh ",
            rf"  8 .* GET  /protected  {four(401)}expired_access ",
            rf"  9 .* POST /refresh    {four(200)} .*SAME rf_exp\n",
            rf" 10 .* GET  /protected  {four(200)} .*\n +0 user-store calls on each server\n",
            rf" 11 .* POST /refresh    {four(200)} .*SAME rf_exp\n",
            rf" 12 .* GET  /protected  {four(401)}expired_refresh ",
            rf" 13 .* POST /refresh    {four(401)}expired_refresh ",
            rf" 14 .* POST /login      {four(200)} ",
            r"token 1 +┣━+ access ━+╋╌+ refresh ╌+┫\n +iat +exp +rf_exp\n",
            r"steps +1-7 +8-10 +11 +12-14\n",
            r"Everything was as expected",
        ):
            assert re.search(line, result.stdout), f"{line}\n{result.stdout}"
        assert result.stdout.endswith(" nox -s demo -- --browser\n")
        first, _, second, _, third, *_ = map(dates_in, re.split(r"\n +(?:3|4|9|10|11|12)  ", result.stdout)[1:])
        assert first == {(iat, iat + 4, iat + 10) for iat, _, _ in first}
        assert second == {(iat, iat + 4, rf_exp) for iat, _, rf_exp in second}
        assert {rf_exp for _, _, rf_exp in second} == {rf_exp for _, _, rf_exp in first}
        assert {(exp, rf_exp) for _, exp, rf_exp in third} == {(rf_exp, rf_exp) for _, _, rf_exp in first}

    def test_draws_with_plain_characters_where_others_cannot_be_printed(self):
        """A terminal with an ASCII encoding shows the same columns and the same picture."""
        with scripted(script()) as one, scripted(script()) as two:
            result = run("--against", one, two, PYTHONIOENCODING="ascii")

        assert (0, "") == (result.returncode, result.stderr), result.stdout
        assert re.search(r"token 1 +\|=+ access =+\|-+ refresh -+\|\n", result.stdout)
        above, head, row, *_ = result.stdout.split("\n\n")[1].splitlines()
        places = [match.start() for match in re.finditer("other", above)]
        assert ["1", "2"] == [head[place] for place in places]
        assert ["401  "] * 2 == [row[place : place + 5] for place in places]


class TestExpectations:
    def test_a_right_server_passes(self, tell):
        """The script as it stands has the expected answers."""
        with scripted(script()) as url:
            status, output = tell(url)

        assert 0 == status, output

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
    def test_a_wrong_answer_ends_the_play(self, tell, step, wrong, line):
        """The output names the step, the expected and the found value; the exit status is 1."""
        answers = script()
        answers[step - 1] = wrong
        with scripted(answers) as url:
            status, output = tell(url)

        assert 1 == status
        assert f"NOT AS EXPECTED: step {step}, " in output
        assert re.search(line, output), output

    def test_every_server_that_is_wrong_is_named(self, tell):
        """Each wrong server is named, and each server without an answer; a right server hides none and is not named."""
        wrong = script()
        wrong[3] = (500, None, None, None, 0)
        with scripted([]) as gone:
            pass
        with scripted(script()) as right, scripted(wrong) as one, scripted(wrong) as two:
            late_status, late = tell(one, right, two)
        with scripted(script()) as right:
            early_status, early = tell(right, gone)

        assert (1, 1) == (late_status, early_status)
        assert re.search(r"  4 .* 500 +200 +500 +NOT AS EXPECTED\n", late), late
        assert [
            f"step 4, GET /protected: {name}: status: expected 200, found 500" for name in ("other 1", "other 3")
        ] == re.findall(r"^NOT AS EXPECTED: (.*?, found \d+)", late, re.MULTILINE)
        assert re.findall(r"^NOT AS .*", early, re.MULTILINE)[0].startswith(
            "NOT AS EXPECTED: step 1, GET /protected: other 2: no answer: "
        )


class TestServe:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_stays_up_until_it_is_told_to_end(self, number):
        """The printed lines hold working URLs, a user name and a password; a signal ends the demo with status 0."""
        with subprocess.Popen(
            [*COMMAND, "--serve"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                said = ""
                for line in process.stdout:
                    said += line
                    if line.startswith("Press Ctrl-C"):
                        break
                urls = [urlsplit(url) for url in re.findall(r"^URL=(http://[\d.:]+)$", said, re.MULTILINE)]
                credentials = re.search(r"-d '(\{.*\})'", said)[1]
                logins = [ask(url, "POST", "/login", credentials) for url in urls]
                bearers = [f"Bearer {body['access_token']}" for _, body in logins]
                # All four servers share their keys, so each accepts every token.
                statuses = [ask(url, "GET", "/protected", bearer=bearer)[0] for url in urls for bearer in bearers]
            finally:
                process.send_signal(number)
            rest = process.stdout.read()

        assert ([200] * 16, 0) == (statuses, process.returncode)
        assert rest.rstrip().endswith("The end.")
