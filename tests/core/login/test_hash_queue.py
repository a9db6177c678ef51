"""HashQueue: how many hashes run at once, and which calls wait."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest
from tests.support import HASHED, PASSWORD

from praetorian_core.errors import ServiceUnavailableError
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
        return len(self._queue._waiting)

    def idle(self):
        return not self._queue._waiting and not self._queue._active


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
        holder = threading.Event()
        queue._enter(holder)

        class Late(threading.Event):
            def wait(self, timeout=None):
                queue._leave(holder)
                return False

        ticket = Late()
        queue._enter(ticket)

        assert {ticket} == queue._active
        queue._leave(ticket)
        queue._leave(ticket)
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
