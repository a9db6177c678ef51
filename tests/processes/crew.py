"""Several processes of one application, told by a test what to do at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.processes.worker import make_guard

from praetorian_core.testing import FrozenClock
from praetorian_core.token import generate_secret

WORKER = Path(__file__).parent / "worker.py"
HEAD_START = 0.01  # seconds until all of them have read what to do


class Crew:
    """Processes with one store and one secret, and a guard of the test's own that has the same.

    Attributes:
        clock: The present of the test's own guard, which every task takes along.
        guard: The test's own guard, in this process.
    """

    def __init__(self, store, processes):
        """Return when every process has made its guards."""
        secret = generate_secret()
        self.clock = FrozenClock()
        self.guard = make_guard(store, secret, "always", self.clock)
        self._workers = [
            subprocess.Popen(
                [sys.executable, str(WORKER), store, secret], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(processes)
        ]
        assert ["ready\n"] * processes == [worker.stdout.readline() for worker in self._workers]

    def together(self, *tasks):
        """Give each process a task, all to begin at once; return what came of each."""
        at = time.monotonic() + HEAD_START
        for worker, task in zip(self._workers, tasks, strict=False):
            self._say(worker, {"now": self.clock.now, "at": at} | task)
        return [json.loads(worker.stdout.readline()) for worker, _ in zip(self._workers, tasks, strict=False)]

    def all(self, processes=8, **task):
        """Give so many processes the same task; return what came of all of them together."""
        results = self.together(*[task] * processes)
        return {
            "codes": sum((Counter(result["codes"]) for result in results), Counter()),
            "tokens": [token for result in results for token in result["tokens"]],
            "hashes": sum(result["hashes"] for result in results),
        }

    def stop(self):
        """End all processes."""
        for worker in self._workers:
            worker.stdin.close()
            worker.wait(20)
            worker.stdout.close()

    @staticmethod
    def _say(worker, value):
        worker.stdin.write(json.dumps(value) + "\n")
        worker.stdin.flush()
