"""Processes of an application that run tasks and return the results.

    python worker.py SECRET STORES DESCRIPTOR...

The interpreter imports the library once and forks a process for each descriptor, an open socket. A task is a line of JSON:
the action, its token, the store, the number of threads, and the time at which all threads start, by the monotonic clock
that the processes of a machine share.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from praetorian_core import Guard, KeyRing, LoginThrottle, Settings
from praetorian_core.errors import PraetorianError
from praetorian_core.testing import FrozenClock, MemoryUser, cheapest_hasher

PASSWORD = "correct horse battery staple"


SETTINGS = ("check_sessions", "max_sessions", "session_limit")
"""Settings that a task may choose."""


class Users:
    """There is a user for every number, so that each test can have its own."""

    def __init__(self, hashed):
        self.hashed = hashed

    def lookup(self, username):
        """Return the user of a name such as ``user7``; None for any other name."""
        number = username.removeprefix("user")
        return self.identify(int(number)) if number.isdecimal() else None

    def identify(self, identity):
        """Return the user of a number."""
        return MemoryUser(identity=identity, username=f"user{identity}", password=self.hashed, rolenames=["reader"])


HASHER = cheapest_hasher(max_concurrent=2, max_waiting=1_000, max_wait=60.0)
USERS = Users(HASHER.hash(PASSWORD))


def make_guard(store, secret, choices, clock):
    """Return a guard as all processes and the test have it, with further settings."""
    settings = Settings(keys=KeyRing.from_secret(secret), store=store, store_timeout=60, **choices)
    throttle = LoginThrottle(per_account_and_source=10, per_account=20)
    return Guard(USERS, settings, throttle=throttle, passwords=HASHER, clock=clock, on_event=lambda _: None)


def attempt(guard, task, number):
    """Run the action once; return a code, and the new token if there is one."""
    try:
        match task["do"]:
            case "refresh":
                return "ok", guard.refresh(task["token"])
            case "issue":
                return "ok", guard.issue(USERS.identify(task["user"]))
            case "revoke":
                return "ok", guard.revoke(task["token"])
            case "revoke_user":
                return "ok", guard.revoke_user(task["user"])
            case "redeem":
                return "ok", guard.redeem_action(task["token"], "confirm") and None
            case "verify":
                return "ok", guard.verify(task["token"]) and None
            case "login":
                source = task["source"].format(number)
                return "ok", guard.authenticate(task["username"], task["password"], source=source) and None
    except PraetorianError as error:
        return error.code, None
    raise AssertionError(task["do"])


def perform(guard, task):
    """Run the action in several threads, started together with those of all other processes."""
    before = HASHER.computations
    threads = task.get("threads", 1)
    barrier = threading.Barrier(threads)

    def begin(number):
        barrier.wait()
        while time.monotonic() < task["at"] + task.get("delay", 0):
            time.sleep(0)
        return attempt(guard, task, number)

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(begin, range(threads)))
    return {
        "codes": Counter(code for code, _ in results),
        "tokens": [token for _, token in results if token is not None],
        "hashes": HASHER.computations - before,
    }


def serve(secret, stores, descriptor):
    """Run tasks until the test closes its end of the socket."""
    clock = FrozenClock()
    guards = {}
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rw", encoding="utf-8") as channel:
        for line in channel:
            task = json.loads(line)
            clock.now = task["now"]
            choices = {name: task[name] for name in SETTINGS if name in task}
            options = (task["store"], *choices.items())
            if options not in guards:
                guards[options] = make_guard(stores[task["store"]], secret, choices, clock)
            channel.write(json.dumps(perform(guards[options], task)) + "\n")
            channel.flush()


def main(secret, stores, descriptors):
    """Fork a process for each descriptor, and wait until all have ended."""
    for descriptor in descriptors:
        if os.fork() == 0:
            for other in descriptors:
                if other != descriptor:
                    # A socket that another process holds open would not end there.
                    os.close(other)
            serve(secret, stores, descriptor)
            os._exit(0)
    for descriptor in descriptors:
        os.close(descriptor)
    for _ in descriptors:
        os.wait()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), [int(descriptor) for descriptor in sys.argv[3:]])
