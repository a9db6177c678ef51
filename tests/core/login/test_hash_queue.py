"""HashQueue: how many hashes run at once, and which calls wait."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import HASHED, PASSWORD

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.hash_turn import HashTurn
from praetorian_core.login import PasswordCheck
from praetorian_core.login.hash_queue import HashQueue
from praetorian_core.testing.passwords import cheapest_hasher

MISMATCH = PasswordCheck(matches=False, outdated=False)
COST = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
DEARER = cheapest_hasher(memory_cost=16).hash(PASSWORD)

Cheapest = type(cheapest_hasher())


def eventually(condition):
    """Wait until the condition holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.001)


class Blocked(Cheapest):
    """A hasher whose computations wait for an event, and count how many run."""

    def __init__(self, **options):
        super().__init__(**(COST | options))
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)
        self.order = []
        self.running = 0
        self.most = 0
        self.tally = threading.Lock()

    def _compute(self, secret, salt, cost, **options):
        with self.tally:
            self.running += 1
            self.most = max(self.most, self.running)
            self.order.append(threading.current_thread().name)
        self.entered.release()
        assert self.opened.wait(10)
        try:
            return super()._compute(secret, salt, cost, **options)
        finally:
            with self.tally:
                self.running -= 1

    @property
    def waiting(self):
        return self._queue._waiting.size

    def idle(self):
        return not self._queue._waiting.size and not self._queue._active


def start(work, name=None):
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def finish(threads):
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


class TestQueue:
    def test_most_at_once(self):
        """No more than ``max_concurrent`` hashes run at once, and every call gets its turn."""
        hasher = Blocked(max_concurrent=2, max_waiting=10)
        answers = []

        def log_in(hashed):
            answers.append(hasher.check(PASSWORD, hashed))

        threads = [start(partial(log_in, hashed)) for hashed in (HASHED, DEARER) * 5]
        eventually(lambda: hasher.waiting == 8)
        hasher.opened.set()
        finish(threads)

        assert 2 == hasher.most
        assert 10 == len(answers)
        assert all(answer.matches for answer in answers)
        assert hasher.idle()

    def test_many_threads(self):
        """With many threads the limit holds, no call is lost, and the meters are exact."""
        hasher = Blocked(max_concurrent=3, max_waiting=1000)
        hasher.opened.set()
        barrier = threading.Barrier(16)

        def storm():
            barrier.wait(10)
            for _ in range(25):
                assert hasher.check("wrong", None) == MISMATCH

        finish([start(storm) for _ in range(16)])

        assert hasher.most <= 3
        assert (400, 3200) == (hasher.computations, hasher.work)
        assert hasher.idle()

    def test_full(self):
        """A call that finds the queue full raises at once; the last waiting call is served."""
        hasher = Blocked(max_concurrent=1, max_waiting=1, max_wait=9.5)
        threads = [start(lambda: hasher.check(PASSWORD, None))]
        assert hasher.entered.acquire(timeout=10)
        threads.append(start(lambda: hasher.check(PASSWORD, None)))
        eventually(lambda: hasher.waiting == 1)

        with pytest.raises(ServiceUnavailableError) as caught:
            hasher.check(PASSWORD, None)
        assert str(caught.value) == "password hashing is full: 1 running, 1 waiting"
        assert caught.value.retry_after == 10
        with pytest.raises(ServiceUnavailableError):
            hasher.hash(PASSWORD)
        hasher.opened.set()
        finish(threads)
        assert 2 == hasher.computations
        assert hasher.idle()

    def test_no_waiting(self):
        """With ``max_waiting=0`` a free slot is granted, and a call without one raises."""
        hasher = Blocked(max_concurrent=1, max_waiting=0)
        thread = start(lambda: hasher.check(PASSWORD, None))
        assert hasher.entered.acquire(timeout=10)

        with pytest.raises(ServiceUnavailableError):
            hasher.check(PASSWORD, None)
        hasher.opened.set()
        finish([thread])
        assert hasher.check(PASSWORD, HASHED).matches is True

    def test_one_slot_a_check(self):
        """A check of two computations holds one slot."""
        hasher = Blocked(max_concurrent=1, max_waiting=0, memory_cost=64)
        hasher.opened.set()

        assert MISMATCH == hasher.check("wrong", HASHED)
        assert (2, 64) == (hasher.computations, hasher.work)

    def test_max_wait(self):
        """A call that waited ``max_wait`` seconds raises, and leaves the queue."""
        hasher = Blocked(max_concurrent=1, max_wait=0.01)
        thread = start(lambda: hasher.check(PASSWORD, None))
        assert hasher.entered.acquire(timeout=10)

        with pytest.raises(ServiceUnavailableError, match=r"no free slot within 0\.01 s") as caught:
            hasher.check(PASSWORD, None)
        assert 1 == caught.value.retry_after
        assert 0 == hasher.waiting
        hasher.opened.set()
        finish([thread])
        assert hasher.idle()
        assert 1 == hasher.computations

    def test_first_come(self):
        """Slots are granted in the order of arrival."""
        hasher = Blocked(max_concurrent=1)
        threads = []
        for arrived in range(1, 6):
            threads.append(start(lambda: hasher.check(PASSWORD, None), name=f"caller {arrived}"))
            eventually(lambda n=arrived: len(hasher.order) + hasher.waiting == n)
        hasher.opened.set()
        finish(threads)

        assert [f"caller {i}" for i in range(1, 6)] == hasher.order

    def test_last_moment(self):
        """A slot that was granted after the timeout is used."""
        queue = HashQueue(max_concurrent=1, max_waiting=1, max_wait=1)
        holder, late = HashTurn(), HashTurn()
        assert queue.enter(holder, lambda: None)
        assert not queue.enter(late, lambda: None)
        queue.leave(holder)
        queue.confirm(late)

        assert {late} == queue._active
        queue.leave(late)
        queue.leave(late)
        assert set() == queue._active

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, RuntimeError])
    def test_exception_inside(self, kind):
        """Every exception in a computation releases its slot."""

        class Interrupted(Cheapest):
            interrupted = True

            def _compute(self, *args, **options):
                if self.interrupted:
                    raise kind
                return super()._compute(*args, **options)

        hasher = Interrupted(**COST, max_concurrent=1, max_waiting=0)
        for call in (lambda: hasher.check(PASSWORD, None), lambda: hasher.hash(PASSWORD)):
            with pytest.raises(kind):
                call()
        hasher.interrupted = False
        assert hasher.verify(PASSWORD, hasher.hash(PASSWORD))

    def test_interrupted_wait(self):
        """An interrupt while waiting removes the call from the queue."""
        hasher = Blocked(max_concurrent=1)
        holder = start(lambda: hasher.check(PASSWORD, None))
        assert hasher.entered.acquire(timeout=10)
        main = threading.get_ident()

        def interrupt():
            eventually(lambda: hasher.waiting == 1)
            signal.pthread_kill(main, signal.SIGINT)

        interrupter = start(interrupt)
        with pytest.raises(KeyboardInterrupt):
            hasher.check(PASSWORD, None)
        finish([interrupter])
        assert 0 == hasher.waiting
        hasher.opened.set()
        finish([holder])
        assert hasher.idle()
        assert hasher.check(PASSWORD, HASHED).matches is True


def turn(text):
    """Return a turn of a client, given as its networks from wide to narrow."""
    return HashTurn(tuple(text.split("/")) if text else ())


class Line:
    """A queue with its one slot taken, and the turns that were woken."""

    def __init__(self, max_waiting):
        self.queue = HashQueue(max_concurrent=1, max_waiting=max_waiting, max_wait=1)
        self.names, self.woken = {}, []
        self.active = turn("holder")
        assert self.queue.enter(self.active, lambda: None)

    def join(self, *clients):
        for client in clients:
            joined = turn(client)
            self.names[joined] = client
            self.queue.enter(joined, partial(self.woken.append, joined))

    def served(self):
        """Return the clients in the order in which they get the slot."""
        order = []
        while self.active is not None:
            self.queue.leave(self.active)
            self.active = next(iter(self.queue._active), None)
            order.append(self.names.get(self.active))
        return order[:-1]


class TestFairness:
    def test_one_client(self):
        """Calls of one client are served in the order of arrival."""
        line = Line(3)
        line.join("a/1", "a/1", "a/1")

        assert ["a/1"] * 3 == line.served()
        assert list(line.names) == line.woken

    def test_clients_take_turns(self):
        """A client with many calls delays another one by one call."""
        line = Line(10)
        line.join("a/1", "a/1", "a/1", "b/1", "b/1", "c/1")

        assert ["a/1", "b/1", "c/1", "a/1", "b/1", "a/1"] == line.served()

    def test_networks_take_turns(self):
        """A network with many clients delays another one no more than a single client would."""
        line = Line(10)
        line.join("a/1/1", "a/1/2", "a/2/1", "a/2/2", "b/1/1", "b/1/2")

        assert ["a/1/1", "b/1/1", "a/2/1", "b/1/2", "a/1/2", "a/2/2"] == line.served()

    def test_without_a_network(self):
        """Calls without a network share one branch."""
        line = Line(10)
        line.join("", "", "", "a/1")

        assert ["", "a/1", "", ""] == line.served()

    def test_full(self):
        """In a full queue, the client that waits with the most calls loses its newest one."""
        line = Line(3)
        line.join("a/1", "a/1", "a/1")
        line.join("b/1")
        (dropped,) = line.woken

        assert list(line.names)[2] is dropped
        with pytest.raises(ServiceUnavailableError, match="password hashing is full: 1 running, dropped for other"):
            line.queue.confirm(dropped)
        assert ["a/1", "b/1", "a/1"] == line.served()

    @pytest.mark.parametrize(
        ("waiting", "newest"),
        [
            (["a/1", "a/1", "b/1"], "a/1"),
            (["a/1", "b/1", "c/1"], "d/1"),
            (["a/1/1", "a/1/2", "b/1/1"], "a/1/3"),
            (["a/1/1", "a/2/1", "b/1/1"], "a/3/1"),
            (["", "", "a/1"], ""),
        ],
    )
    def test_full_of_others(self, waiting, newest):
        """A call whose client or network has no less than any other is itself rejected."""
        line = Line(3)
        line.join(*waiting)
        with pytest.raises(ServiceUnavailableError, match="1 running, 3 waiting"):
            line.join(newest)

        assert sorted(waiting) == sorted(line.served())

    def test_full_of_one_network(self):
        """A network with many addresses does not keep another client out."""
        line = Line(32)
        line.join(*(f"2001::32/2001:0:{number}::48/{number}" for number in range(32)))
        line.join("9.9.9.0/9.9.9.9")

        assert "9.9.9.0/9.9.9.9" in line.served()[:2]

    def test_leaves_from_the_middle(self):
        """A waiting turn that leaves takes nothing from the others."""
        line = Line(5)
        line.join("a/1", "a/1", "b/1")
        second = list(line.names)[1]
        line.queue.leave(second)

        assert ["a/1", "b/1"] == line.served()
        assert 0 == line.queue._waiting.size
        assert {} == line.queue._waiting.branches

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(["a/1", "a/2", "b/1/1", "b/1/2", ""]), st.booleans()), max_size=40))
    def test_any_order(self, steps):
        """In any order of arrivals and departures, every waiting turn is served exactly once."""
        line, left = Line(100), set()
        for client, leaves in steps:
            line.join(client)
            if leaves:
                gone = list(line.names)[len(line.names) // 2]
                line.queue.leave(gone)
                left.add(gone)
        expected = sorted(client for joined, client in line.names.items() if joined not in left)

        assert expected == sorted(line.served())
        assert (0, {}) == (line.queue._waiting.size, line.queue._waiting.branches)


class TestHashExecutor:
    def test_own_threads(self):
        """Calls run in threads of their own, as many as hash at once, and context variables are passed on."""
        seen = contextvars.ContextVar("seen", default="nothing")
        executor = cheapest_hasher(max_concurrent=2).executor()

        def call():
            return seen.get(), threading.current_thread().name.startswith("praetorian-hash")

        async def main():
            seen.set("the request")
            return await asyncio.gather(*(executor.run(call, HashTurn()) for _ in range(8)))

        assert [("the request", True)] * 8 == asyncio.run(main())

    def test_close(self):
        """A closed executor ends its threads, and starts new ones for a later call."""
        executor = cheapest_hasher(max_concurrent=1).executor()
        first = asyncio.run(executor.run(threading.current_thread, HashTurn()))
        executor.close()
        first.join(10)

        assert not first.is_alive()
        assert first is not asyncio.run(executor.run(threading.current_thread, HashTurn()))

    def test_waits_without_a_thread(self):
        """A call that waits takes no thread."""
        executor = cheapest_hasher(max_concurrent=1).executor()
        go = threading.Event()

        async def main():
            tasks = [asyncio.create_task(executor.run(go.wait, HashTurn())) for _ in range(5)]
            await asyncio.sleep(0)
            threads = len(executor._pool._threads)
            go.set()
            return threads, await asyncio.gather(*tasks)

        assert (1, [True] * 5) == asyncio.run(main())

    def test_full(self):
        """A call that finds the queue full raises at once."""
        executor = cheapest_hasher(max_concurrent=1, max_waiting=1).executor()
        go = threading.Event()

        async def main():
            tasks = [asyncio.create_task(executor.run(go.wait, HashTurn())) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(ServiceUnavailableError) as rejection:
                await executor.run(go.wait, HashTurn())
            go.set()
            return rejection.value.retry_after, await asyncio.gather(*tasks), await executor.run(go.is_set, HashTurn())

        assert (10, [True, True], True) == asyncio.run(main())

    def test_max_wait(self):
        """A call that waited ``max_wait`` seconds raises, and leaves the queue."""
        hasher = cheapest_hasher(max_concurrent=1, max_wait=0.01)
        executor = hasher.executor()
        go = threading.Event()

        async def main():
            task = asyncio.create_task(executor.run(go.wait, HashTurn()))
            await asyncio.sleep(0)
            with pytest.raises(ServiceUnavailableError, match=r"no free slot within 0\.01 s"):
                await executor.run(go.wait, HashTurn())
            waiting = hasher._queue._waiting.size
            go.set()
            return waiting, await task

        assert (0, True) == asyncio.run(main())

    def test_with_threads(self):
        """Calls of threads and of tasks share the slots."""
        hasher = Blocked(max_concurrent=1)
        executor = hasher.executor()
        thread = start(lambda: hasher.check(PASSWORD, None))
        assert hasher.entered.acquire(timeout=10)

        async def main():
            task = asyncio.create_task(executor.run(lambda: "done", HashTurn()))
            await asyncio.sleep(0)
            waiting = hasher.waiting
            hasher.opened.set()
            return waiting, await task

        assert (1, "done") == asyncio.run(main())
        finish([thread])
        eventually(hasher.idle)

    def test_same_turn(self):
        """A call that hashes with the turn of its executor takes one slot."""
        hasher = cheapest_hasher(max_concurrent=1, max_waiting=0)
        turn = HashTurn()
        checked = asyncio.run(hasher.executor().run(lambda: hasher.check(PASSWORD, HASHED, turn=turn), turn))

        assert checked.matches is True

    def test_cancelled_while_waiting(self):
        """A call that is cancelled while it waits is never made, and its turn has not begun."""
        executor = cheapest_hasher(max_concurrent=1, max_waiting=1).executor()
        go, calls, turn = threading.Event(), [], HashTurn()

        async def main():
            first = asyncio.create_task(executor.run(go.wait, HashTurn()))
            second = asyncio.create_task(executor.run(lambda: calls.append("second"), turn))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            third = asyncio.create_task(executor.run(lambda: calls.append("third"), HashTurn()))
            await asyncio.sleep(0)
            go.set()
            await asyncio.gather(first, third)

        asyncio.run(main())

        assert (["third"], False) == (calls, turn.begun)

    def test_cancelled_while_running(self):
        """A call that is cancelled while it runs has begun, and holds its slot until it is done."""
        hasher = cheapest_hasher(max_concurrent=1)
        executor = hasher.executor()
        running, go, turn = threading.Event(), threading.Event(), HashTurn()

        def call():
            running.set()
            go.wait(10)

        async def main():
            task = asyncio.create_task(executor.run(call, turn))
            await asyncio.to_thread(running.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            active = len(hasher._queue._active)
            go.set()
            return active, await executor.run(lambda: "next", HashTurn())

        assert ((1, "next"), True) == (asyncio.run(main()), turn.begun)

    def test_closed_loop(self):
        """A call whose event loop was closed while it waited loses no slot."""
        hasher = cheapest_hasher(max_concurrent=1)
        loop = asyncio.new_event_loop()
        held = HashTurn()
        assert hasher._queue.enter(held, lambda: None)
        task = loop.create_task(hasher.executor().run(lambda: None, HashTurn()))
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        hasher._queue.leave(held)
        task._log_destroy_pending = False

        assert hasher.check(PASSWORD, HASHED).matches is True


class TestFork:
    def test_child(self):
        """A child starts with free slots, an empty queue and new threads."""
        hasher = cheapest_hasher(max_concurrent=1, max_waiting=0)
        executor = hasher.executor()
        first = asyncio.run(executor.run(threading.current_thread, HashTurn()))
        assert hasher._queue.enter(HashTurn(), lambda: None)
        hasher._queue.before_fork()
        for part in (hasher._queue, executor):
            part.after_fork_in_child()

        assert first is not asyncio.run(executor.run(threading.current_thread, HashTurn()))
        assert hasher.check(PASSWORD, HASHED).matches is True

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_forks_during_hashing(self):
        """40 forks while threads hash: every child can hash, in threads and under asyncio."""
        hasher = cheapest_hasher(max_concurrent=2)
        executor = hasher.executor()
        done = threading.Event()

        def busy():
            while not done.is_set():
                hasher.check("wrong", None)

        threads = [start(busy) for _ in range(6)]
        statuses = []
        try:
            for number in range(40):
                child = os.fork()
                if child == 0:
                    signal.alarm(20)
                    if number % 2:
                        matches = hasher.check(PASSWORD, HASHED).matches
                    else:
                        matches = asyncio.run(executor.run(lambda: True, HashTurn()))
                    os._exit(0 if matches else 1)
                statuses.append(os.waitpid(child, 0)[1])
        finally:
            done.set()
            finish(threads)

        assert [0] * 40 == statuses


CROWD = """
import pathlib, re, resource, sys, threading
from praetorian_core import Guard, KeyRing, PasswordHasher, Settings, generate_secret
from praetorian_core.testing import MemoryUser, MemoryUsers

hasher = PasswordHasher(max_concurrent=2, max_waiting=32, max_wait=300.0)
hashed = hasher.hash("correct horse battery staple")
users = MemoryUsers(MemoryUser(identity=n, username=f"user{n}", password=hashed) for n in range(32))
guard = Guard(users, Settings(keys=KeyRing.from_secret(generate_secret())), passwords=hasher)
names = []
work = lambda n: names.append(guard.authenticate(f"user{n}", "correct horse battery staple").username)
threads = [threading.Thread(target=work, args=[n]) for n in range(32)]
for thread in threads: thread.start()
for thread in threads: thread.join()
if sys.platform == "linux":
    # Not ru_maxrss, which begins with what the parent of a process had.
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(set(names)), peak // 2**20)
"""


class TestMemory:
    def test_32_logins_at_once(self):
        """With two slots, 32 logins at the real cost take two hashes of 64 MiB and less than 60 MiB for everything else."""
        done = subprocess.run([sys.executable, "-c", CROWD], capture_output=True, text=True, check=True)
        logins, mebibytes = map(int, done.stdout.split())

        assert 32 == logins
        assert 2 * 64 < mebibytes < 2 * 64 + 60
