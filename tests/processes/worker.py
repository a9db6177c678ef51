"""One process of an application: it does what it is told on standard input, and says on standard output what came of it.

A task is a line of JSON: what to do, with which token, how many threads do it, and the instant at which they all begin,
by the clock that the processes of a machine share.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from praetorian_core import Guard, KeyRing, LoginThrottle, Settings
from praetorian_core.errors import PraetorianError
from praetorian_core.testing import FrozenClock, MemoryUser, cheapest_hasher

PASSWORD = "correct horse battery staple"


class Users:
    """A user of every number: what one test does to its own is nothing to another's."""

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


def make_guard(store, secret, check_sessions, clock):
    """Return the guard that all processes, and the test, have alike."""
    settings = Settings(keys=KeyRing.from_secret(secret), store=store, store_timeout=60, check_sessions=check_sessions)
    throttle = LoginThrottle(per_account_and_source=10, per_account=20)
    return Guard(USERS, settings, throttle=throttle, passwords=HASHER, clock=clock, on_event=lambda _: None)


def attempt(guard, task, number):
    """Do one thing once; return a code, and the token that came out."""
    try:
        match task["do"]:
            case "refresh":
                return "ok", guard.refresh(task["token"])
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
    """Let many threads do it at once, begun together with those of all other processes."""
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


def main(store, secret):
    """Make the guards, say so, and work until nothing more is to be done."""
    clock = FrozenClock()
    guards = {when: make_guard(store, secret, when, clock) for when in ("always", "refresh")}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        task = json.loads(line)
        clock.now = task["now"]
        result = perform(guards[task.get("check_sessions", "always")], task)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
