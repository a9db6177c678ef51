"""Fork a process that uses an SQLite store, and print as JSON what became of the children's writes.

python forking.py orphans STATE.DB FORKS    each child writes after its parent has ended
python forking.py writers STATE.DB FORKS    threads of the parent write at every fork
"""

from __future__ import annotations

import json
import os
import sys
import threading

from praetorian_core import SQLiteStore

NOW, EXPIRES_AT = 1_000, 2_000
PATIENCE = 60  # seconds


def exit_when_late() -> None:
    """End this process with status 99 if it does not end by itself."""
    timer = threading.Timer(PATIENCE, os._exit, [99])
    timer.daemon = True
    timer.start()


def end_session(store: SQLiteStore, name: str) -> bool:
    return store.compare_and_set(name, None, "ended", expires_at=EXPIRES_AT, now=NOW)


def fork_an_orphan(path: str, name: str) -> int:
    """Return the exit status of a grandchild whose parent opened the store, forked, and ended."""
    finished_read, finished_write = os.pipe()
    parent = os.fork()
    if parent == 0:
        parent_read, parent_write = os.pipe()
        ready_read, ready_write = os.pipe()
        store = SQLiteStore(path)
        end_session(store, f"parent of {name}")
        if os.fork() == 0:
            exit_when_late()
            os.close(parent_write)
            store.get("k", now=NOW)
            os.write(ready_write, b"1")
            # Returns when the parent, which holds the other end, is gone.
            os.read(parent_read, 1)
            done = end_session(store, name)
            os.write(finished_write, b"1" if done else b"0")
            os._exit(0)
        os.read(ready_read, 1)
        store.close()
        os._exit(0)
    os.close(finished_write)
    os.waitpid(parent, 0)
    return 0 if os.read(finished_read, 1) == b"1" else 1


def orphans(path: str, forks: int) -> list[int]:
    return [fork_an_orphan(path, f"child {number}") for number in range(forks)]


def writers(path: str, forks: int) -> list[int]:
    store = SQLiteStore(path, timeout=30)
    stop = threading.Event()

    def write(number: int) -> None:
        # Shortly, because SQLite gives the lock to no process in particular, and the child needs it too.
        while not stop.wait(0.002):
            store.increment(f"thread {number}", 1, expires_at=EXPIRES_AT, now=NOW)

    threads = [threading.Thread(target=write, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    found = list[int]()
    for number in range(forks):
        child = os.fork()
        if child == 0:
            exit_when_late()
            os._exit(0 if end_session(store, f"child {number}") else 1)
        found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    stop.set()
    for thread in threads:
        thread.join()
    end_session(store, "parent")
    return found


if __name__ == "__main__":
    mode, path, forks = sys.argv[1:]
    sys.stdout.write(json.dumps({"orphans": orphans, "writers": writers}[mode](path, int(forks))))
