"""Measure how long logins block the event loop: a heartbeat beside sixteen logins at the default cost of Argon2.

    python bench/heartbeat.py [--quick]

A Falcon application is called in this process. The heartbeat sleeps a millisecond at a time and records how late it wakes
up. The longest delay is the longest time in which no other request could be answered. Two runs give the scale: without
work the delay is the machine's own, and with a hash on the loop it is the delay without threads. A second heartbeat, in
a process that does nothing else, measures the machine's share of a delay: if hashes and other processes outnumber the
cores, it waits too.

The exit status depends on no time: it is 0 unless a login failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import attrs
import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, KeyRing, PasswordHasher, Settings, generate_secret
from praetorian_core.testing import MemoryUser, MemoryUsers
from praetorian_falcon import authenticate, credentials, current_guard, init_app

GOAL = 50.0
"""The maximum delay in milliseconds."""

LOGINS = 16
BEAT = 0.001
PASSWORD = "correct horse battery staple"

App = Callable[[object, object, object], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Run:
    """The result of one run.

    Attributes:
        stall: The longest delay on the event loop, in milliseconds.
        elsewhere: The longest delay in the process that does nothing else, in milliseconds.
        seconds: The duration.
        statuses: The statuses of the logins.
    """

    stall: float
    elsewhere: float
    seconds: float
    statuses: list[int]


class Session:
    """Begins sessions."""

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Exchange name and password for a token."""
        user = await authenticate(req, *await credentials(req))
        resp.media = {"access_token": await current_guard(req).issue(user)}


def application(passwords: PasswordHasher) -> App:
    """Return an application with a user for each login."""
    stored = passwords.hash(PASSWORD)
    users = MemoryUsers(
        MemoryUser(identity=number, username=f"user{number}", password=stored) for number in range(LOGINS)
    )
    guard = AsyncGuard(users, Settings(keys=KeyRing.from_secret(generate_secret())), passwords=passwords)
    app = init_app(falcon.asgi.App(), guard)
    app.add_route("/session", Session())
    return app


async def log_in(app: App, number: int) -> int:
    """Log a user in, from a separate address for each user, and return the status."""
    body = json.dumps({"username": f"user{number}", "password": PASSWORD}).encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/session",
        "raw_path": b"/session",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
        "client": (f"9.9.9.{number}", 50_000),  # private addresses are not counted as sources
        "server": ("127.0.0.1", 80),
    }
    events = [{"type": "http.request", "body": body, "more_body": False}]
    statuses: list[int] = []

    async def receive() -> dict[str, object]:
        if events:
            return events.pop()
        await asyncio.Event().wait()  # The client stays.
        return {"type": "http.disconnect"}

    async def send(event: dict[str, object]) -> None:
        if event["type"] == "http.response.start":
            statuses.append(event["status"])

    await app(scope, receive, send)
    return statuses[-1]


def beat_elsewhere(line: Connection) -> None:
    """Run the heartbeat of a separate process; send the longest delay since the last request, until the pipe closes."""
    longest = 0.0
    while True:
        due = time.perf_counter() + BEAT
        is_asked = line.poll(BEAT)
        longest = max(longest, time.perf_counter() - due)
        if is_asked:
            try:
                line.recv()
            except EOFError:
                return
            line.send(longest)
            longest = 0.0


def asked(line: Connection) -> float:
    """Return the longest delay in the other process since the last request, in seconds."""
    line.send(None)
    return line.recv()


async def beside_a_heartbeat(line: Connection, work: Callable[[], Awaitable[list[int]]]) -> Run:
    """Return the delays of both heartbeats during some work."""
    longest = 0.0
    is_over = False

    async def beat() -> None:
        nonlocal longest
        while not is_over:
            due = time.perf_counter() + BEAT
            await asyncio.sleep(BEAT)
            longest = max(longest, time.perf_counter() - due)

    heart = asyncio.create_task(beat())
    await asyncio.sleep(10 * BEAT)
    asked(line)
    await asyncio.sleep(2 * BEAT)  # So that the request to the other process does not count as a delay.
    longest = 0.0
    begun = time.perf_counter()
    statuses = await work()
    elapsed = time.perf_counter() - begun
    await asyncio.sleep(2 * BEAT)  # A beat that was due may still be late.
    is_over = True
    await heart
    return Run(stall=1e3 * longest, elsewhere=1e3 * asked(line), seconds=elapsed, statuses=statuses)


async def measure(line: Connection, passwords: PasswordHasher, runs: int) -> bool:
    """Measure, print, and return whether every login succeeded."""
    app = application(passwords)

    async def nothing() -> list[int]:
        await asyncio.sleep(1)
        return []

    async def a_hash_on_the_loop() -> list[int]:
        passwords.hash(PASSWORD)
        return []

    async def logins() -> list[int]:
        return list(await asyncio.gather(*(log_in(app, number) for number in range(LOGINS))))

    print(f"{LOGINS} logins at once on Falcon ASGI {falcon.__version__}, {passwords!r}")
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores")
    print("longest stall in ms: on the event loop, and in a process that does nothing else")
    print()
    for what, work in (("nothing to do", nothing), ("one hash on the loop, to compare", a_hash_on_the_loop)):
        run = await beside_a_heartbeat(line, work)
        print(f"{run.stall:7.1f}{run.elsewhere:7.1f}  {what}")
    done: list[Run] = []
    for _ in range(runs):
        run = await beside_a_heartbeat(line, logins)
        done.append(run)
        met = "is met" if run.stall <= GOAL else "is NOT met"
        what = f"{run.statuses.count(200)} logins in {run.seconds:.1f} s; the goal of {GOAL:.0f} ms {met}"
        print(f"{run.stall:7.1f}{run.elsewhere:7.1f}  {what}")
    failed = sorted(status for run in done for status in run.statuses if status != 200)
    if failed:
        print(f"logins failed, with the statuses {failed}", file=sys.stderr)
    return not failed


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description="Measures how long logins block the event loop.")
    parser.add_argument("--quick", action="store_true", help="one run instead of three")
    options = parser.parse_args()
    spawning = multiprocessing.get_context("spawn")
    line, its_end = spawning.Pipe()
    heart = spawning.Process(target=beat_elsewhere, args=(its_end,), daemon=True)
    heart.start()
    its_end.close()
    succeeded = asyncio.run(measure(line, PasswordHasher(), 1 if options.quick else 3))
    line.close()
    heart.join()
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
