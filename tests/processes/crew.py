"""Several processes of one application, which run the tasks of a test at the same moment."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.processes.worker import make_guard

from praetorian_core.testing import FrozenClock
from praetorian_core.token import generate_secret

WORKER = Path(__file__).parent / "worker.py"
HEAD_START = 0.01  # seconds until all processes have read their task


class Workers:
    """Processes that share one secret, and a store of each kind.

    Attributes:
        secret: The secret of their guards.
        stores: The URL of each store, by name.
        channels: A file for each process: a task is written as a line of JSON, and a result is read.
    """

    def __init__(self, stores, processes):
        self.secret = generate_secret()
        self.stores = stores
        pairs = [socket.socketpair() for _ in range(processes)]
        descriptors = [theirs.fileno() for _, theirs in pairs]
        command = [sys.executable, str(WORKER), self.secret, json.dumps(stores), *map(str, descriptors)]
        self._launcher = subprocess.Popen(command, pass_fds=descriptors)
        self.channels = []
        for ours, theirs in pairs:
            theirs.close()
            self.channels.append(ours.makefile("rw", encoding="utf-8"))
            ours.close()

    def stop(self):
        """Stop all processes."""
        for channel in self.channels:
            channel.close()
        self._launcher.wait(20)


class Crew:
    """The processes on one of their stores, and a guard of the test itself with the same store and secret.

    Attributes:
        clock: The clock of the test's own guard. Each task takes its time along.
        guard: The test's own guard.
    """

    def __init__(self, workers, store):
        self.clock = FrozenClock()
        self.guard = make_guard(workers.stores[store], workers.secret, {}, self.clock)
        self._workers = workers
        self._store = store

    def together(self, *tasks):
        """Give each process a task, all to start together; return their results in order."""
        at = time.monotonic() + HEAD_START
        channels = self._workers.channels[: len(tasks)]
        for channel, task in zip(channels, tasks, strict=True):
            channel.write(json.dumps({"now": self.clock.now, "at": at, "store": self._store} | task) + "\n")
            channel.flush()
        return [json.loads(channel.readline()) for channel in channels]

    def all(self, processes=8, **task):
        """Give several processes the same task; return their results together."""
        results = self.together(*[task] * processes)
        return {
            "codes": sum((Counter(result["codes"]) for result in results), Counter()),
            "tokens": [token for result in results for token in result["tokens"]],
            "hashes": sum(result["hashes"] for result in results),
        }
