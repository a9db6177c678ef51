"""Unchanged applications of flask-praetorian run on the drop-in, with their database, their tokens and their clients.

For each version of flask-praetorian and each application: it runs on the old package, users log in, tokens are issued.
Then the same file runs on the drop-in with the same database. ``nox -s migration`` makes the environments and hands
them over in ``PRAETORIAN_MIGRATION``, a JSON object of version to Python.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

HERE = Path(__file__).parent
ENVIRONMENTS = json.loads(os.environ.get("PRAETORIAN_MIGRATION", "{}"))
MINUTES_AGO = 20
"""Longer than the access lifespan of 15 minutes, and shorter than the refresh lifespan."""


@attrs.frozen
class Answer:
    """What a client looks at."""

    status: int
    body: object

    @property
    def error(self):
        """The name that front ends compare."""
        return self.body.get("error") if isinstance(self.body, dict) else None


@attrs.define
class Server:
    """An application in a process of its own."""

    port: int

    def ask(self, method, path, token=None, body=None, **headers):
        """Send a request; ``body`` is JSON unless it is text, ``token`` goes into the header."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        try:
            return Answer(response.status, json.loads(text))
        except ValueError:
            return Answer(response.status, text)


@attrs.frozen
class Place:
    """A version of flask-praetorian, an application, and its database."""

    python: str
    mail: str
    application: str
    database: Path

    def run(self, python, *options):
        """Start the application; the process ends with the block."""
        generation = "1.3" if self.mail == "flask_mail" else "1.6"
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "SHOP_MAILS": generation}
        if python != sys.executable:
            environment.pop("PYTHONPATH", None)
        command = [python, str(HERE / "server.py"), self.application, str(self.database), "--mail", self.mail, *options]
        return _Running(command, environment)

    def old(self, minutes_ago=0):
        """Run it on flask-praetorian."""
        return self.run(self.python, "--minutes-ago", str(minutes_ago))

    def new(self):
        """Run it on the drop-in."""
        return self.run(sys.executable, "--drop-in")

    def column(self, statement):
        """Return the first column of a query on the database."""
        connection = sqlite3.connect(self.database)
        try:
            return [row[0] for row in connection.execute(statement)]
        finally:
            connection.close()


class _Running:
    def __init__(self, command, environment):
        self._command, self._environment = command, environment

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.stderr.read())
        return Server(int(line))

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate()


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def version(request):
    """Return a version of flask-praetorian."""
    return request.param


def place_of(version, application, folder):
    """Return an application in one version's environment, with a database in a folder."""
    mail = "flask_mailman" if version >= "1.4" else "flask_mail"
    return Place(ENVIRONMENTS[version], mail, application, folder / "database.db")


@pytest.fixture
def place(version, tmp_path):
    """Return a function that places an application in one version's environment."""
    return lambda application: place_of(version, application, tmp_path)


def login(server, name, password=None):
    """Log in at the forum and return the token."""
    return server.ask("POST", "/login", body={"username": name, "password": password or f"{name}'s password"}).body[
        "access_token"
    ]


@pytest.fixture(scope="module")
def forum_of_old(version, tmp_path_factory):
    """Return the forum after its time on the old package, and the tokens that were issued there."""
    forum = place_of(version, "forum", tmp_path_factory.mktemp("forum"))
    tokens = {}
    with forum.old(MINUTES_AGO) as server:
        for name in ("alice", "bob", "carol", "dave"):
            tokens[f"expired {name}"] = login(server, name)
    with forum.old() as server:
        for name in ("alice", "bob", "carol"):
            tokens[name] = login(server, name)
        tokens["revoked"] = login(server, "bob")
        server.ask("POST", "/logout", tokens["revoked"])
        tokens["eternal"] = server.ask("POST", "/eternal", tokens["alice"]).body["access_token"]
        server.ask("POST", "/ban/dave", tokens["alice"])
    return forum, tokens


class TestForum:
    """Plain Flask, with bytes handed to refresh and a blacklist."""

    @pytest.fixture
    def moved(self, forum_of_old, tmp_path):
        """Return the place, with a database of its own, and the tokens that the old package has issued."""
        forum, tokens = forum_of_old
        shutil.copy(forum.database, tmp_path)
        return attrs.evolve(forum, database=tmp_path / forum.database.name), tokens

    def test_sessions_continue(self, moved):
        """Every old token is what it was: open, refreshable or revoked."""
        forum, tokens = moved
        with forum.new() as server:
            assert [200, 200, 200, 200] == [
                server.ask("GET", "/me", tokens[name]).status for name in ("alice", "bob", "carol", "eternal")
            ]
            refreshed = server.ask("POST", "/refresh", body=tokens["expired carol"])
            assert 200 == refreshed.status
            me = server.ask("GET", "/me", refreshed.body["access_token"])
            assert {
                "id": 3,
                "username": "carol",
                "roles": ["moderator", "writer"],
                "claims": {"team": "red"},
            } == me.body
            assert (403, "BlacklistedError") == outcome(server.ask("GET", "/me", tokens["revoked"]))

    def test_passwords(self, moved):
        """Old passwords log in, and their hashes become Argon2id."""
        forum, _ = moved
        before = forum.column("SELECT password FROM member ORDER BY id")
        with forum.new() as server:
            first = [login(server, name) for name in ("alice", "bob", "carol")]
            again = [login(server, name) for name in ("alice", "bob", "carol")]
            assert [200] * 6 == [server.ask("GET", "/me", token).status for token in first + again]
        after = forum.column("SELECT password FROM member ORDER BY id")

        assert ["$pbkdf2-sha512"] * 4 == [value[:14] for value in before]
        assert ["$argon2id$v=19"] * 3 + ["$pbkdf2-sha512"] == [value[:14] for value in after]

    def test_answers(self, moved):
        """Clients get the answers that they know, but for the differences that are documented."""
        forum, tokens = moved
        with forum.old() as server:
            known = forum_answers(server, tokens)
        with forum.new() as server:
            found = forum_answers(server, tokens)

        assert FORUM_DIFFERENCES == {name: (known[name], found[name]) for name in known if known[name] != found[name]}

    def test_back_again(self, moved):
        """Tokens that the drop-in issues are accepted by flask-praetorian: a fleet can be moved machine by machine."""
        forum, _ = moved
        with forum.new() as server:
            token = login(server, "carol")
        with forum.old() as server:
            assert 200 == server.ask("GET", "/moderate", token).status


def outcome(answer):
    """Return the status and the error's name."""
    return answer.status, answer.error


def forum_answers(server, tokens):
    """Return what a client of the forum sees, by the name of the request."""
    asked = {
        "no token": ("GET", "/me", None),
        "no token, welcome": ("GET", "/welcome", None),
        "welcome": ("GET", "/welcome", tokens["bob"]),
        "expired": ("GET", "/me", tokens["expired bob"]),
        "expired, welcome": ("GET", "/welcome", tokens["expired bob"]),
        "revoked": ("GET", "/me", tokens["revoked"]),
        "garbage": ("GET", "/me", "garbage"),
        "altered": ("GET", "/me", tokens["bob"][:-4] + "AAAA"),
        "not an admin": ("GET", "/admin", tokens["bob"]),
        "an admin": ("GET", "/admin", tokens["alice"]),
        "a moderator": ("GET", "/moderate", tokens["carol"]),
        "no moderator": ("GET", "/moderate", tokens["bob"]),
        "the token": ("GET", "/token", tokens["carol"]),
        "me": ("GET", "/me", tokens["carol"]),
    }
    answers = {name: visible(server.ask(method, path, token)) for name, (method, path, token) in asked.items()}
    for header in ("Bearer", "Basic YWxpY2U6eA==", "Bearerx.y.z"):
        answers[f"header {header}"] = visible(server.ask("GET", "/me", Authorization=header))
    for name, token in (("early", tokens["bob"]), ("revoked", tokens["revoked"]), ("banned", tokens["expired dave"])):
        answers[f"refresh {name}"] = visible(server.ask("POST", "/refresh", body=token))
    for name, body in {
        "wrong password": {"username": "alice", "password": "wrong"},
        "unknown user": {"username": "mallory", "password": "wrong"},
    }.items():
        answers[name] = visible(server.ask("POST", "/login", body=body))
    return answers


def visible(answer):
    """Return what front ends compare: the status and the error's name, or the whole body of a success."""
    return (answer.status, answer.error) if answer.status >= 400 else (answer.status, answer.body)


FORUM_DIFFERENCES = {}
"""What differs on purpose, each a row of ``docs/migration.md``: the name of the request, then old and new."""


class TestShop:
    """Flask-RESTX, with mails, a reset form and a change of address."""

    def test_tokens_of_old_mails(self, place):
        """A confirmation and a reset that are under way succeed after the change, page first, then form."""
        shop = place("shop")
        with shop.old() as server:
            account = {"email": "ivan@example.org", "password": "ivan's password"}
            confirm = server.ask("POST", "/customers", body=account).body["token"]
            reset = server.ask("POST", "/forgot", body={"email": "erin@example.org"}).body["token"]
            frank = server.ask("POST", "/login", body={"email": "frank@example.org", "password": "passfrank"}).body
            address = server.ask("POST", "/address", frank["access_token"], body={"email": "frank@new.example"}).body[
                "token"
            ]
        with shop.new() as server:
            confirmed = server.ask("GET", "/confirm", confirm)
            assert 200 == confirmed.status
            assert {"owner": "ivan@example.org"} == server.ask("GET", "/basket", confirmed.body["access_token"]).body
            assert {"email": "erin@example.org"} == server.ask("GET", f"/reset?token={reset}").body
            changed = server.ask("POST", "/reset", body={"token": reset, "password": "another password"})
            assert (200, {"message": "changed"}) == (changed.status, changed.body)
            assert (
                200
                == server.ask(
                    "POST", "/login", body={"email": "erin@example.org", "password": "another password"}
                ).status
            )
            assert {"email": "frank@new.example"} == server.ask("PUT", "/address", body={"token": address}).body

    def test_whole_life_on_the_drop_in(self, place):
        """The same flows work from their beginning."""
        shop = place("shop")
        with shop.new() as server:
            account = {"email": "judy@example.org", "password": "judy"}
            registered = server.ask("POST", "/customers", body=account)
            assert (201, "Please confirm your registration") == (registered.status, registered.body["subject"])
            token = server.ask("GET", "/confirm", registered.body["token"]).body["access_token"]
            assert {"owner": "judy@example.org"} == server.ask("GET", "/basket", token).body
            forgot = server.ask("POST", "/forgot", body={"email": "judy@example.org"})
            assert ("Password Reset Requested", "https://shop.example/reset") == (
                forgot.body["subject"],
                forgot.body["uri"],
            )
            moved = server.ask("POST", "/address", token, body={"email": "judy@new.example"}).body
            assert (
                moved["message"] == f"Confirm judy@new.example at https://shop.example/address?token={moved['token']}"
            )
            assert (403, "MissingRoleError") == outcome(server.ask("DELETE", "/basket", token))

    def test_misuse(self, place):
        """A registration token opens no route and resets no password, under the old names."""
        shop = place("shop")
        with shop.old() as server:
            account = {"email": "ivan@example.org", "password": "ivan's password"}
            confirm = server.ask("POST", "/customers", body=account).body["token"]
            known = shop_misuse(server, confirm)
        with shop.new() as server:
            assert known == shop_misuse(server, confirm)


def shop_misuse(server, confirm):
    """Return how the shop answers a registration token in the wrong places."""
    return [
        outcome(server.ask("GET", "/basket", confirm)),
        outcome(server.ask("GET", f"/reset?token={confirm}")),
        outcome(server.ask("GET", "/confirm", "garbage")),
    ]


class TestLibrary:
    """Flask-RESTful, with the bundled mixin and the passlib context."""

    def test_moves(self, place):
        """The header of a login opens a resource, before and after; an expired one is refreshed."""
        library = place("library")
        credentials = {"username": "grace", "password": "pw-grace"}
        with library.old(MINUTES_AGO) as server:
            expired = server.ask("POST", "/login", body=credentials).body["Authorization"]
        with library.old() as server:
            header = server.ask("POST", "/login", body=credentials).body["Authorization"]
        with library.new() as server:
            assert {"reader": "grace"} == server.ask("GET", "/books", Authorization=header).body
            refreshed = server.ask("GET", "/refresh", Authorization=expired).body["access_token"]
            assert {"roles": ["librarian"]} == server.ask("GET", "/shelves", refreshed).body
            assert {"id": 1, "roles": "librarian"} == server.ask("GET", "/peek", Authorization=expired).body
            again = server.ask("POST", "/login", body=credentials).body["Authorization"]
            assert {"reader": "grace"} == server.ask("GET", "/books", Authorization=again).body

    def test_passwords_through_the_context(self, place):
        """``pwd_ctx`` verifies an old hash and makes a new one, and the new password logs in."""
        library = place("library")
        with library.old() as server:
            header = server.ask("POST", "/login", body={"username": "heidi", "password": "pw-heidi"}).body[
                "Authorization"
            ]
        with library.new() as server:
            wrong = server.ask("PUT", "/password", body={"old": "wrong", "new": "pw"}, Authorization=header)
            assert (401, "AuthenticationError") == outcome(wrong)
            change = {"old": "pw-heidi", "new": "pw"}
            assert 200 == server.ask("PUT", "/password", body=change, Authorization=header).status
            assert 200 == server.ask("POST", "/login", body={"username": "heidi", "password": "pw"}).status

    def test_answers(self, place):
        """Refusals keep their statuses and names, also without a handler on the Api."""
        library = place("library")
        with library.old() as server:
            known = library_answers(server)
        with library.new() as server:
            assert known == library_answers(server)


def library_answers(server):
    """Return how the library refuses."""
    token = server.ask("POST", "/login", body={"username": "heidi", "password": "pw-heidi"}).body["Authorization"]
    return [
        outcome(server.ask("GET", "/books")),
        outcome(server.ask("GET", "/books", "garbage")),
        outcome(server.ask("GET", "/shelves", Authorization=token)),
        outcome(server.ask("GET", "/refresh", Authorization=token)),
        outcome(server.ask("POST", "/login", body={"username": "heidi", "password": "wrong"})),
    ]
