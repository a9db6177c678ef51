"""The core scenarios against real servers over loopback: gunicorn and waitress for WSGI, uvicorn and hypercorn for ASGI."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from tests.contract.live import target

from praetorian_core.testing.adapter_suite import CORE, Received, Request, differences

ROOT = Path(__file__).parents[2]
GUNICORN = ["-m", "gunicorn", "--bind", "fd://{}", "--workers", "1", "--log-level", "critical"]
APP = "tests.contract.live:wsgi()"
WORKERS = {
    "sync": [*GUNICORN, APP],
    "gthread": [*GUNICORN, "--worker-class", "gthread", "--threads", "2", APP],
    "gevent": [*GUNICORN, "--worker-class", "gevent", APP],
    **{
        server: ["-c", f"from tests.contract.live import serve_with_{server} as serve; serve({{}})"]
        for server in ("waitress", "uvicorn", "hypercorn")
    },
}
SERVED = [
    ("flask", "sync"),
    ("flask", "waitress"),
    ("restx", "gthread"),
    ("falcon", "gevent"),
    ("falcon_asgi", "uvicorn"),
    ("falcon_asgi", "hypercorn"),
]


@attrs.frozen
class Server:
    """A server on loopback.

    Attributes:
        name: Name of the target.
        port: Its port.
    """

    name: str
    port: int

    def send(self, request):
        """Send a request, each header on a line of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(request.method, request.path)
            for name, value in request.lines():
                connection.putheader(name, value)
            payload = request.payload()
            if request.is_chunked:
                payload = [payload[start : start + 16_384] for start in range(0, len(payload), 16_384)]
            connection.endheaders(payload, encode_chunked=request.is_chunked)
            response = connection.getresponse()
            return Received(status=response.status, headers=tuple(response.getheaders()), body=response.read())
        finally:
            connection.close()


@pytest.fixture(scope="module", params=SERVED, ids="-".join)
def server(request, tmp_path_factory):
    """Return a running server with one target, on a free port."""
    name, kind = request.param
    # The socket listens already, so a request that is sent before the server is ready waits in its queue.
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        listener.set_inheritable(True)
        descriptor = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, *(part.format(descriptor) for part in WORKERS[kind])],
            pass_fds=[descriptor],
            env={
                **os.environ,
                "CONTRACT_TARGET": name,
                "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            },
            cwd=tmp_path_factory.mktemp(name),
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Server(name, listener.getsockname()[1])
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def tokens(server):
    """Return the tokens of the server's world."""
    return json.loads(server.send(Request(path="/tokens")).body)


class TestServers:
    @pytest.mark.parametrize("scenario", CORE, ids=str)
    def test_scenario(self, server, tokens, scenario):
        """Behind its server each target answers as it does without one."""
        expected = target(server.name)
        for step in scenario.steps:
            received = server.send(step.request.filled(tokens))

            assert [] == differences(step.expected_of(expected.lacks), received, expected.style)

    def test_a_dozen_at_least(self):
        """The core scenarios include repeated header lines and both deadlines."""
        names = {scenario.name for scenario in CORE}

        assert len(names) >= 12
        assert {"two lines", "access at exp", "refresh at rf_exp"} <= names
