"""Kill writers of a store while they write, and look for missing writes.

    python killing.py STORE KILLS

Each writer is a process that ends one session after another and reports each on a pipe; it is killed with SIGKILL at a
random moment. Another process reads the pipe and looks up every acknowledged session. It prints their number as JSON;
``missing`` must be 0.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator

from praetorian_core.stores.by_url import open_store

NOW, UNTIL = 1_000, 10**10
LINE = 40


def write(url: str, round_: int, pipe: int, begun: int) -> None:
    """End sessions until this process is killed; after the first one a byte in ``begun`` reports the start."""
    store = open_store(url, 30.0)
    number = 0
    while True:
        key = f"{{{round_:032}}}:s:{number}"
        if store.compare_and_set(key, None, "ended", expires_at=UNTIL, now=NOW):
            # A short line is written whole or not at all (POSIX PIPE_BUF).
            os.write(pipe, f"{round_} {number}".ljust(LINE - 1).encode() + b"\n")
        if number == 0:
            os.write(begun, b".")
        number += 1


def lines(pipe: int) -> Iterator[bytes]:
    """Yield each acknowledgement, until no process holds the pipe open for writing."""
    while line := os.read(pipe, LINE):
        while len(line) < LINE:
            line += os.read(pipe, LINE - len(line))
        yield line


def check(url: str, pipe: int) -> dict[str, int]:
    """Look up every acknowledged session; return how many there were and how many were missing."""
    store = open_store(url, 30.0)
    acknowledged = missing = 0
    for line in lines(pipe):
        round_, number = map(int, line.split())
        acknowledged += 1
        missing += store.get(f"{{{round_:032}}}:s:{number}", now=NOW) != ["ended"]
    return {"acknowledged": acknowledged, "missing": missing}


def main(url: str, kills: int) -> None:
    """Kill one writer after another while another process checks."""
    read_end, write_end = os.pipe()
    checker = os.fork()
    if checker == 0:
        os.close(write_end)
        sys.stdout.write(json.dumps(check(url, read_end)))
        sys.stdout.flush()
        os._exit(0)
    begun_read_end, begun_write_end = os.pipe()
    for round_ in range(kills):
        writer = os.fork()
        if writer == 0:
            write(url, round_, write_end, begun_write_end)
        # On a busy machine a writer may wait long for its first turn.
        os.read(begun_read_end, 1)
        time.sleep(random.uniform(0, 0.02))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
    os.close(write_end)
    _, status = os.waitpid(checker, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
