"""Tests the three services over HTTP, on real servers with a real Valkey."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from examples.many_machines import orders
from examples.many_machines.accounts import PASSWORD, User
from examples.many_machines.trust import AUDIENCE, ISSUER, fetch_keys
from tests.valkey import Valkey

from praetorian_core import Guard, KeyRing, Settings
from praetorian_core.errors import ConfigurationError
from praetorian_flask import current_guard

ROOT = Path(__file__).parents[2]
PATIENCE = 30  # seconds
ACCESS = 15 * 60
GUNICORN = [
    *("-m", "gunicorn", "--bind", "fd://{fd}", "--workers", "2", "--log-level", "critical"),
    # The log shows which process answered which request.
    *("--access-logfile", "{log}", "--access-logformat", "%(p)s %(q)s"),
    "examples.many_machines.{name}:create_app()",
]
UVICORN = [
    *("-m", "uvicorn", "--fd", "{fd}", "--log-level", "warning"),
    *("--factory", "examples.many_machines.{name}:create_app"),
]

MISSING = (401, "missing_token", 'Bearer realm="api"')
INVALID = (401, "invalid_token", 'Bearer realm="api", error="invalid_token"')
EXPIRED = (401, "expired_access", 'Bearer realm="api", error="invalid_token"')
REVOKED = (401, "revoked_token", 'Bearer realm="api", error="invalid_token"')
FORBIDDEN = (403, "missing_role", 'Bearer realm="api", error="insufficient_scope"')
UNAVAILABLE = (503, "unavailable", None)
GOOD = (200, None, None)
DONE = (204, None, None)


@attrs.frozen
class Answer:
    """A response of a service.

    Attributes:
        outcome: The status, the error code and the challenge.
        body: The JSON body.
    """

    outcome: tuple[int, str | None, str | None]
    body: dict


@attrs.frozen
class Service:
    """One of the three services.

    Attributes:
        name: The name of its module.
        port: Its port.
        workers: The number of its processes.
        log: Its access log.
    """

    name: str
    port: int
    workers: int
    log: Path

    def send(self, method, path, token=None, body=None):
        """Send a request and return the response."""
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            members = json.loads(response.read() or "{}")
            return Answer((response.status, members.get("code"), response.getheader("WWW-Authenticate")), members)
        finally:
            connection.close()

    def show(self, token, query=""):
        """Request a route that every valid token may access."""
        path = "/me" if self.name == "accounts" else f"/{self.name}"
        return self.send("GET", path + query, token).outcome

    def show_on_all_workers(self, token):
        """Send requests until each process has answered; return all outcomes."""
        mark = uuid.uuid4().hex
        seen = set()
        # Several at once: while one worker is busy, another one takes the next request.
        times = 1 if self.workers == 1 else 2 * self.workers
        give_up = time.monotonic() + PATIENCE
        with ThreadPoolExecutor(times) as pool:
            while True:
                seen.update(pool.map(self.show, [token] * times, [f"?{mark}"] * times))
                if self.workers == 1 or len(self._processes_asked(mark)) == self.workers:
                    return seen
                assert time.monotonic() < give_up, f"{self.name} has a worker that gets no request"

    def log_out(self, token):
        """End the session of a token."""
        return self.send("POST", "/logout", token).outcome

    def _processes_asked(self, mark):
        return {line.split()[0] for line in self.log.read_text().splitlines() if mark in line}


@attrs.frozen
class Shop:
    """The three services.

    Attributes:
        services: The services by name.
    """

    services: dict[str, Service]

    @property
    def accounts(self):
        """Return the service that issues tokens."""
        return self.services["accounts"]

    @property
    def jwks_url(self):
        """Return the URL of the public keys."""
        return f"http://127.0.0.1:{self.accounts.port}/.well-known/jwks.json"

    def log_in(self, username="alice"):
        """Log in and return the token."""
        answer = self.accounts.send("POST", "/login", body={"username": username, "password": PASSWORD})
        return answer.body["access_token"]

    def outcomes(self, token):
        """Return the outcomes of a token on every process of each service."""
        return {name: service.show_on_all_workers(token) for name, service in self.services.items()}

    def wait_until_good(self, token):
        """Wait until all services accept the token; until then a service may be unavailable."""
        give_up = time.monotonic() + PATIENCE
        while (found := self.outcomes(token)) != everywhere(GOOD):
            assert {GOOD, UNAVAILABLE} >= set().union(*found.values())
            assert time.monotonic() < give_up, "a service stayed unavailable"


def everywhere(outcome):
    """Return the result of ``Shop.outcomes`` if every outcome is this one."""
    return {"accounts": {outcome}, "orders": {outcome}, "reports": {outcome}}


@contextmanager
def running(name, folder, environment):
    """Run one of the services until the end of the block."""
    command, workers = (UVICORN, 1) if name == "reports" else (GUNICORN, 2)
    log = folder / f"{name}.log"
    # Already listening: a request that comes before the server is ready waits in the queue.
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.set_inheritable(True)
        process = subprocess.Popen(
            [sys.executable, *(part.format(fd=listener.fileno(), log=log, name=name) for part in command)],
            pass_fds=[listener.fileno()],
            # gunicorn keeps a socket there.
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder), "no_proxy": "*", **environment},
            cwd=ROOT,
        )
        try:
            yield Service(name, listener.getsockname()[1], workers, log)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def make_pem():
    """Return a new private key."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def issue(pem, *, kid=None, audience=AUDIENCE, ago=0):
    """Return a token of a new session of alice, issued some seconds ago by none of the services."""
    keys = KeyRing.from_pem(pem, algorithm="EdDSA", kid=kid)
    guard = Guard(
        User,
        Settings(keys=keys, issuer=ISSUER, audience=audience),
        throttle=None,
        passwords=None,
        clock=lambda: int(time.time()) - ago,
    )
    return guard.issue(User.lookup("alice"))


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    """Return a Valkey of this file, because a test kills it. It keeps its state, as README.md starts it."""
    server = Valkey(tmp_path_factory.mktemp("valkey"), "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pem():
    """Return the private key of the accounts service."""
    return make_pem()


@pytest.fixture(scope="module")
def shop(valkey, pem, tmp_path_factory):
    """Return the three services, running."""
    with ExitStack() as stack:

        def start(name, **environment):
            folder = tmp_path_factory.mktemp(name)
            return stack.enter_context(running(name, folder, {"STORE": valkey.url, **environment}))

        shop = Shop({"accounts": start("accounts", PRIVATE_KEY=pem)})
        # The others fetch the keys when they start.
        assert GOOD == shop.accounts.send("GET", "/.well-known/jwks.json").outcome
        for name in ("orders", "reports"):
            shop.services[name] = start(name, JWKS_URL=shop.jwks_url)
        yield shop


class TestToken:
    def test_valid_everywhere(self, shop):
        """A login on accounts is enough for all services."""
        token = shop.log_in()

        assert everywhere(GOOD) == shop.outcomes(token)
        assert {"username": "alice", "roles": ["clerk"]} == shop.accounts.send("GET", "/me", token).body
        assert [1, 1] == [
            shop.services[name].send("GET", f"/{name}", token).body["of"] for name in ("orders", "reports")
        ]

    def test_none(self, shop):
        """Without a token every service answers 401."""

        assert everywhere(MISSING) == shop.outcomes(None)

    def test_roles(self, shop):
        """Roles are in the token, and each service enforces them."""
        alice, julia = shop.log_in("alice"), shop.log_in("julia")

        for name in ("orders", "reports"):
            assert FORBIDDEN == shop.services[name].send("POST", f"/{name}", alice).outcome
            assert (202, None, None) == shop.services[name].send("POST", f"/{name}", julia).outcome

    def test_refreshed(self, shop, pem):
        """After access has expired accounts exchanges the token, and every service accepts the new one."""
        token = issue(pem, ago=ACCESS)
        refreshed = shop.accounts.send("POST", "/refresh", token).body["access_token"]

        assert everywhere(EXPIRED) == shop.outcomes(token)
        assert everywhere(GOOD) == shop.outcomes(refreshed)


class TestKeys:
    def test_private_part_stays(self, shop):
        """The published key has no private part: it lacks ``d`` (RFC 8037 §2)."""
        (key,) = shop.accounts.send("GET", "/.well-known/jwks.json").body["keys"]

        assert {"kty", "crv", "x", "kid", "alg", "use"} == set(key)
        assert ("OKP", "Ed25519", "EdDSA", "sig") == (key["kty"], key["crv"], key["alg"], key["use"])

    def test_verifying_service_cannot_issue(self, shop, valkey, monkeypatch):
        """Orders issues no token, and could not with users either: it lacks the key."""
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setenv("JWKS_URL", shop.jwks_url)
        monkeypatch.setenv("STORE", valkey.url)
        with orders.create_app().app_context():
            guard = current_guard()
        with_users = Guard(User, Settings(keys=fetch_keys(shop.jwks_url)))

        with pytest.raises(ConfigurationError, match="needs users"):
            guard.issue(User.lookup("alice"))
        with pytest.raises(ConfigurationError, match="only verifies"):
            with_users.issue(User.lookup("alice"))

    def test_forged(self, shop, pem):
        """A token of another key with the same ``kid`` is rejected everywhere; a token of the right key is accepted."""
        kid = KeyRing.from_pem(pem, algorithm="EdDSA").signing_key().kid

        assert everywhere(INVALID) == shop.outcomes(issue(make_pem(), kid=kid))
        assert everywhere(GOOD) == shop.outcomes(issue(pem, kid=kid))

    def test_other_audience(self, shop, pem):
        """A token of the right key for another audience is rejected (RFC 8725 §3.9)."""

        assert everywhere(INVALID) == shop.outcomes(issue(pem, audience="warehouse"))


class TestLogout:
    @pytest.mark.parametrize("name", ["accounts", "orders", "reports"])
    def test_ends_the_session_everywhere(self, shop, pem, name):
        """After a logout on any service every process of every service rejects the session."""
        token, other = shop.log_in(), issue(pem)
        assert everywhere(GOOD) == shop.outcomes(token)

        assert DONE == shop.services[name].log_out(token)
        assert everywhere(REVOKED) == shop.outcomes(token)
        # Another session of the user stays valid, and a new one can start.
        assert everywhere(GOOD) == shop.outcomes(other)
        assert everywhere(GOOD) == shop.outcomes(shop.log_in())

    @pytest.mark.parametrize("name", ["accounts", "orders", "reports"])
    def test_expired_token(self, shop, pem, name):
        """An expired token logs out too: its refreshed tokens are rejected, and it cannot be refreshed again."""
        token = issue(pem, ago=ACCESS)
        refreshed = shop.accounts.send("POST", "/refresh", token).body["access_token"]

        assert DONE == shop.services[name].log_out(token)
        assert everywhere(REVOKED) == shop.outcomes(refreshed)
        assert REVOKED == shop.accounts.send("POST", "/refresh", token).outcome

    @pytest.mark.parametrize("name", ["accounts", "orders", "reports"])
    def test_forged(self, shop, pem, name):
        """A forged token, or none, ends no session."""
        kid = KeyRing.from_pem(pem, algorithm="EdDSA").signing_key().kid

        assert INVALID == shop.services[name].log_out(issue(make_pem(), kid=kid))
        assert MISSING == shop.services[name].log_out(None)


class TestOutage:
    def test_valkey_is_killed(self, shop, pem, valkey):
        """Without Valkey all services answer 503 without a challenge; afterwards the token is valid again."""
        token, ended = shop.log_in(), issue(pem)
        shop.accounts.log_out(ended)
        valkey.kill()
        try:
            shown = shop.outcomes(token)
            logged_out = {service.log_out(token) for service in shop.services.values()}
            credentials = {"username": "alice", "password": PASSWORD}
            logged_in = shop.accounts.send("POST", "/login", body=credentials).outcome
        finally:
            valkey.start()

        assert everywhere(UNAVAILABLE) == shown
        assert {UNAVAILABLE} == logged_out
        assert UNAVAILABLE == logged_in
        # The first request may still use a connection that is closed.
        shop.wait_until_good(token)
        assert everywhere(REVOKED) == shop.outcomes(ended)
        assert everywhere(GOOD) == shop.outcomes(shop.log_in())
