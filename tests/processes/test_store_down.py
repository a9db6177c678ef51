"""A real Valkey is killed, halted and restarted under load, behind Flask on gunicorn and Falcon on uvicorn."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.processes.served import PASSWORD
from tests.valkey import Valkey

from praetorian_core import Guard, KeyRing, Settings, generate_secret
from praetorian_core.flows.state import session_key
from praetorian_core.testing.adapter_suite import ANSWERS

ROOT = Path(__file__).parents[2]
PATIENCE = 20  # seconds
LOAD = 6  # threads
COMMANDS = {
    "flask": ["-m", "gunicorn", "--bind", "fd://{}", "--threads", "4", "--log-level", "critical", "tests.processes.served:wsgi()"],
    "falcon_asgi": ["-c", "from tests.processes.served import serve_asgi; serve_asgi({})"],
}  # fmt: skip


class Service:
    """A server on loopback, and its Valkey."""

    def __init__(self, port, secret, log, store):
        self.port = port
        self.secret = secret
        self.log = log
        self.store = store
        self.token = None
        self.logged_before = 0

    def begin(self):
        """Log in, and count failures from here."""
        self.token = self.login()[1]["token"]
        self.logged_before = len(self.log.read_text())

    def send(self, method, path, headers=(), body=None):
        """Return the status, the JSON body and the headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            payload = None if body is None else json.dumps(body)
            kind = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, payload, kind | dict(headers))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return response.status, json.loads(response.read()), names
        finally:
            connection.close()

    def login(self):
        """Log in as alice."""
        return self.send("POST", "/login", body={"username": "alice", "password": PASSWORD})

    def me(self):
        """Request a guarded route."""
        return self.send("GET", "/me", {"Authorization": f"Bearer {self.token}"})

    def failures(self):
        """Return the failures of the store that the server has logged during this test."""
        lines = self.log.read_text()[self.logged_before :].splitlines()
        return [line for line in lines if line.startswith("CallFailed")]

    def wait_until(self, status):
        """Wait until the guarded route answers with the status; return how many answers were 503."""
        give_up, refused = time.monotonic() + PATIENCE, 0
        while (found := self.me()[0]) != status:
            assert 503 == found
            assert time.monotonic() < give_up, f"it never answered {status}"
            refused += 1
        return refused


@pytest.fixture(scope="module", params=COMMANDS)
def running(request, tmp_path_factory, valkey):
    """Return a service with its own Valkey; the shared one shows that the program is installed."""
    tmp_path = tmp_path_factory.mktemp("service")
    store = Valkey(tmp_path)
    store.start()
    secret, log = generate_secret(), tmp_path / "server.log"
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, log.open("w") as errors:
        listener.set_inheritable(True)
        descriptor = listener.fileno()
        command = [sys.executable, *(part.format(descriptor) for part in COMMANDS[request.param])]
        path = os.pathsep.join([str(ROOT), *sys.path])
        environment = {**os.environ, "SECRET": secret, "STORE": store.url, "PYTHONPATH": path}
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, pass_fds=[descriptor], stderr=errors)
        port = listener.getsockname()[1]
    try:
        yield Service(port, secret, log, store)
    finally:
        server.terminate()
        server.wait(PATIENCE)
        store.stop()


@pytest.fixture
def service(running):
    """Return the service with a new session, as if nothing had been logged yet."""
    running.begin()
    return running


def assert_unavailable(answer):
    """Assert that this is the answer to a store that failed."""
    status, body, headers = answer
    code, expected, challenge, _ = ANSWERS["ServiceUnavailableError"]
    assert (expected, code, challenge) == (status, body["code"], headers.get("www-authenticate"))
    assert "no-store" == headers["cache-control"]


class TestKilled:
    def test_under_load(self, service):
        """While the store is down each request is answered 503 and logged once; afterwards everything works again."""
        stop = threading.Event()
        statuses = [Counter() for _ in range(LOAD)]

        def ask(number):
            while not stop.is_set():
                statuses[number][service.me()[0]] += 1

        threads = [threading.Thread(target=ask, args=[number]) for number in range(LOAD)]
        for thread in threads:
            thread.start()
        asked_here = 0
        try:
            for _ in range(2):
                service.store.kill()
                for _ in range(20):
                    assert_unavailable(service.me())
                assert_unavailable(service.login())
                service.store.start()
                asked_here += 21 + service.wait_until(200)
                assert 200 == service.login()[0]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        seen = sum(statuses, Counter())

        assert {200, 503} == set(seen)
        assert asked_here + seen[503] == len(service.failures())

    def test_store_works(self, service):
        """With a working store nothing is rejected and no failure is logged."""

        assert [200] * 20 == [service.me()[0] for _ in range(20)]
        assert [] == service.failures()


class TestSlow:
    def test_halted(self, service):
        """A store that does not answer times out, and is used again when it answers."""
        service.me()
        service.store.halt()
        began = time.monotonic()
        assert_unavailable(service.me())
        waited = time.monotonic() - began
        service.store.resume()

        # The time-out is half a second; without one the server would wait forever.
        assert 0.4 < waited < PATIENCE
        service.wait_until(200)


class TestRubbish:
    def test_entry(self, service):
        """An entry that Praetorian did not write grants nothing, and the log does not repeat it."""
        principal = Guard(None, Settings(keys=KeyRing.from_secret(service.secret))).verify(service.token)
        key = "praetorian:" + session_key(principal.identity, principal.session_id)
        with service.store.client() as client:
            client.set(key, "canary")
            assert_unavailable(service.me())
            client.delete(key)

        assert 200 == service.me()[0]
        assert 1 == len(service.failures())
        assert "canary" not in service.log.read_text()
