"""The three services on real servers, with a real Valkey between them, asked over HTTP."""

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
    # Which process was asked what.
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
class ErrorResponse:
    """What a service answered.

    Attributes:
        outcome: Status, the code of a refusal, its challenge.
        body: The JSON.
    """

    outcome: tuple[int, str | None, str | None]
    body: dict


@attrs.frozen
class Service:
    """One of the three services.

    Attributes:
        name: Of its module.
        port: Where it listens.
        workers: How many processes it is.
        log: Where it says which of them was asked.
    """

    name: str
    port: int
    workers: int
    log: Path

    def send(self, method, path, token=None, body=None):
        """Return the answer to one request."""
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            members = json.loads(response.read() or "{}")
            return ErrorResponse(
                (response.status, members.get("code"), response.getheader("WWW-Authenticate")), members
            )
        finally:
            connection.close()

    def show(self, token, query=""):
        """Ask for what any good token opens."""
        path = "/me" if self.name == "accounts" else f"/{self.name}"
        return self.send("GET", path + query, token).outcome

    def show_on_all_workers(self, token):
        """Ask until each process was asked; return every outcome that there was."""
        mark = uuid.uuid4().hex
        seen = set()
        # Several at once: a worker that is busy leaves the next to another.
        times = 1 if self.workers == 1 else 2 * self.workers
        give_up = time.monotonic() + PATIENCE
        with ThreadPoolExecutor(times) as pool:
            while True:
                seen.update(pool.map(self.show, [token] * times, [f"?{mark}"] * times))
                if self.workers == 1 or len(self._processes_asked(mark)) == self.workers:
                    return seen
                assert time.monotonic() < give_up, f"{self.name} has a worker that nobody reaches"

    def log_out(self, token):
        """End the session of a token."""
        return self.send("POST", "/logout", token).outcome

    def _processes_asked(self, mark):
        return {line.split()[0] for line in self.log.read_text().splitlines() if mark in line}


@attrs.frozen
class Shop:
    """All three services.

    Attributes:
        services: By name.
    """

    services: dict[str, Service]

    @property
    def accounts(self):
        """The one that makes tokens."""
        return self.services["accounts"]

    @property
    def jwks_url(self):
        """Where the public keys are."""
        return f"http://127.0.0.1:{self.accounts.port}/.well-known/jwks.json"

    def log_in(self, username="alice"):
        """Return the token of a new session."""
        answer = self.accounts.send("POST", "/login", body={"username": username, "password": PASSWORD})
        return answer.body["access_token"]

    def outcomes(self, token):
        """Return what each service, on every one of its processes, says to a token."""
        return {name: service.show_on_all_workers(token) for name, service in self.services.items()}

    def wait_until_good(self, token):
        """Return when a token opens all services; until then a service may have been unavailable."""
        give_up = time.monotonic() + PATIENCE
        while (found := self.outcomes(token)) != everywhere(GOOD):
            assert {GOOD, UNAVAILABLE} >= set().union(*found.values())
            assert time.monotonic() < give_up, "a service stayed unavailable"


def everywhere(outcome):
    """Return what ``Shop.outcomes`` are if all are this one."""
    return {"accounts": {outcome}, "orders": {outcome}, "reports": {outcome}}


@contextmanager
def running(name, folder, environment):
    """Serve one of the services until the end of the block."""
    command, workers = (UVICORN, 1) if name == "reports" else (GUNICORN, 2)
    log = folder / f"{name}.log"
    # Already listening: what connects before the server is ready waits in the queue, and nobody has to poll.
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.set_inheritable(True)
        process = subprocess.Popen(
            [sys.executable, *(part.format(fd=listener.fileno(), log=log, name=name) for part in command)],
            pass_fds=[listener.fileno()],
            # gunicorn keeps a socket of its own there.
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


def mint(pem, *, kid=None, audience=AUDIENCE, ago=0):
    """Return a token of a new session of alice's, made outside all services, some seconds ago."""
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
    """Return a Valkey of this file's own, because it is killed; it remembers across that, as README.md starts it."""
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
    def test_opens_all_services(self, shop):
        """One login on accounts is enough for all."""
        token = shop.log_in()

        assert everywhere(GOOD) == shop.outcomes(token)
        assert {"username": "alice", "roles": ["clerk"]} == shop.accounts.send("GET", "/me", token).body
        assert [1, 1] == [
            shop.services[name].send("GET", f"/{name}", token).body["of"] for name in ("orders", "reports")
        ]

    def test_none(self, shop):
        """Without a token nothing opens."""

        assert everywhere(MISSING) == shop.outcomes(None)

    def test_roles(self, shop):
        """What a user may do stands in the token, and is enforced where it is shown."""
        alice, julia = shop.log_in("alice"), shop.log_in("julia")

        for name in ("orders", "reports"):
            assert FORBIDDEN == shop.services[name].send("POST", f"/{name}", alice).outcome
            assert (202, None, None) == shop.services[name].send("POST", f"/{name}", julia).outcome

    def test_refreshed(self, shop, pem):
        """When access is over accounts exchanges the token, and the new one opens all services."""
        token = mint(pem, ago=ACCESS)
        refreshed = shop.accounts.send("POST", "/refresh", token).body["access_token"]

        assert everywhere(EXPIRED) == shop.outcomes(token)
        assert everywhere(GOOD) == shop.outcomes(refreshed)


class TestKeys:
    def test_private_part_stays(self, shop):
        """What accounts publishes verifies and does not sign: it lacks the ``d`` of RFC 8037 §2."""
        (key,) = shop.accounts.send("GET", "/.well-known/jwks.json").body["keys"]

        assert {"kty", "crv", "x", "kid", "alg", "use"} == set(key)
        assert ("OKP", "Ed25519", "EdDSA", "sig") == (key["kty"], key["crv"], key["alg"], key["use"])

    def test_verifying_service_cannot_mint(self, shop, valkey, monkeypatch):
        """Orders makes no token, and could not if it had users: the key is not there."""
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
        """A token that another key signed under the same name is refused everywhere; the twin of the right key passes."""
        kid = KeyRing.from_pem(pem, algorithm="EdDSA").signing_key().kid

        assert everywhere(INVALID) == shop.outcomes(mint(make_pem(), kid=kid))
        assert everywhere(GOOD) == shop.outcomes(mint(pem, kid=kid))

    def test_for_others(self, shop, pem):
        """A token of the right key for another audience opens nothing here (RFC 8725 §3.9)."""

        assert everywhere(INVALID) == shop.outcomes(mint(pem, audience="warehouse"))


class TestLogout:
    @pytest.mark.parametrize("name", ["accounts", "orders", "reports"])
    def test_ends_the_session_everywhere(self, shop, pem, name):
        """Wherever a user logs out, the next request is refused by every process of every service."""
        token, other = shop.log_in(), mint(pem)
        assert everywhere(GOOD) == shop.outcomes(token)

        assert DONE == shop.services[name].log_out(token)
        assert everywhere(REVOKED) == shop.outcomes(token)
        # The user's other session goes on, and a new one can begin.
        assert everywhere(GOOD) == shop.outcomes(other)
        assert everywhere(GOOD) == shop.outcomes(shop.log_in())

    @pytest.mark.parametrize("name", ["accounts", "orders", "reports"])
    def test_with_a_token_whose_access_is_over(self, shop, pem, name):
        """It ends the tokens that it was exchanged for as well, and cannot be exchanged again."""
        token = mint(pem, ago=ACCESS)
        refreshed = shop.accounts.send("POST", "/refresh", token).body["access_token"]

        assert DONE == shop.services[name].log_out(token)
        assert everywhere(REVOKED) == shop.outcomes(refreshed)
        assert REVOKED == shop.accounts.send("POST", "/refresh", token).outcome

    @pytest.mark.parametrize("name", ["accounts", "orders", "reports"])
    def test_forged(self, shop, pem, name):
        """A token that is not ours, or none, ends nothing."""
        kid = KeyRing.from_pem(pem, algorithm="EdDSA").signing_key().kid

        assert INVALID == shop.services[name].log_out(mint(make_pem(), kid=kid))
        assert MISSING == shop.services[name].log_out(None)


class TestOutage:
    def test_valkey_is_killed(self, shop, pem, valkey):
        """All services refuse without a challenge, so that clients keep their token, which is good when Valkey is back."""
        token, ended = shop.log_in(), mint(pem)
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
        # The first request on a connection of before may still find it dead.
        shop.wait_until_good(token)
        assert everywhere(REVOKED) == shop.outcomes(ended)
        assert everywhere(GOOD) == shop.outcomes(shop.log_in())
