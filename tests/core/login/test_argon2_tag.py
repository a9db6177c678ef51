"""Argon2 tags: equal to those of argon2-cffi, in one thread, beside greenlets."""

from __future__ import annotations

import subprocess
import sys
import threading
import types
from pathlib import Path

import argon2
import pytest
from argon2.low_level import Type, hash_secret_raw

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.login import argon2_tag
from praetorian_core.login.stored_hash import Cost

SECRET, SALT = b"correct horse battery staple", b"0123456789abcdef"


@pytest.fixture(scope="module")
def compute():
    return argon2_tag.load_argon2()


class TestTag:
    @pytest.mark.parametrize("lanes", [1, 2, 4, 64])
    @pytest.mark.parametrize("version", [16, 19])
    @pytest.mark.parametrize(("variant", "kind"), [("id", Type.ID), ("i", Type.I)])
    @pytest.mark.parametrize("length", [16, 32, 64])
    def test_reference(self, compute, variant, kind, version, lanes, length):
        """One thread computes the tag that argon2-cffi computes with a thread per lane (RFC 9106 §3.2)."""
        cost = Cost(passes=2, memory=8 * lanes, lanes=lanes)
        expected = hash_secret_raw(
            SECRET,
            SALT,
            time_cost=2,
            memory_cost=8 * lanes,
            parallelism=lanes,
            hash_len=length,
            type=kind,
            version=version,
        )

        assert expected == compute(SECRET, SALT, cost, variant, version, length)

    @pytest.mark.parametrize("secret", [b"", b"\0", b"x" * 100_000])
    def test_any_secret(self, compute, secret):
        """Every length of a secret is hashed whole."""
        expected = hash_secret_raw(secret, SALT, time_cost=1, memory_cost=8, parallelism=1, hash_len=32, type=Type.ID)

        assert expected == compute(secret, SALT, Cost(passes=1, memory=8, lanes=1), "id", 19, 32)

    def test_one_thread(self, compute):
        """A hash with 64 lanes starts no thread, so the same work takes the same time for any number of lanes."""
        most = [threads_of_this_process()]
        done = threading.Event()

        def watch():
            while not done.is_set():
                most.append(threads_of_this_process())

        watcher = threading.Thread(target=watch)
        watcher.start()
        compute(SECRET, SALT, Cost(passes=3, memory=65_536, lanes=64), "id", 19, 32)
        done.set()
        watcher.join()

        assert max(most) <= most[0] + 1

    def test_failure(self, compute):
        """An error of Argon2 is an outage: it is unknown whether the password matches."""
        with pytest.raises(ServiceUnavailableError) as caught:
            compute(SECRET, b"short", Cost(passes=1, memory=8, lanes=1), "id", 19, 32)

        assert "argon2 failed with 8 KiB of memory and 1 lanes: Salt is too short" == str(caught.value)

    def test_no_memory(self, compute, monkeypatch):
        """So is a lack of memory in Python."""

        def fail(*args):
            raise MemoryError

        monkeypatch.setattr(argon2.low_level, "core", fail)
        with pytest.raises(ServiceUnavailableError, match="out of memory") as caught:
            argon2_tag.load_argon2()(SECRET, SALT, Cost(passes=1, memory=8, lanes=1), "id", 19, 32)

        assert isinstance(caught.value.__cause__, MemoryError)


def threads_of_this_process():
    """Return the number of threads that the operating system counts, those of C included."""
    return len(list(Path("/proc/self/task").iterdir()))


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import time
import gevent
from praetorian_core import Guard, KeyRing, PasswordHasher, Settings, generate_secret
from praetorian_core.testing import MemoryUser, MemoryUsers

hasher = PasswordHasher(max_concurrent=2)
users = MemoryUsers([MemoryUser(identity=1, username="alice", password=hasher.hash("correct horse battery staple"))])
guard = Guard(users, Settings(keys=KeyRing.from_secret(generate_secret())), passwords=hasher)
beats, running = [], True

def heart():
    while running:
        beats.append(time.perf_counter())
        gevent.sleep(0.005)

def log_in():
    return guard.authenticate("alice", "correct horse battery staple").username

watcher = gevent.spawn(heart)
gevent.sleep(0.02)
logins = [gevent.spawn(log_in) for _ in range(6)]
gevent.joinall(logins, raise_error=True)
killed = gevent.spawn(log_in)
gevent.sleep(0.01)
killed.kill()
running = False
watcher.join()
assert ["alice"] * 6 == [login.value for login in logins]
assert not hasher._queue._active, hasher._queue._active
during = [after - before for before, after in zip(beats, beats[1:])]
print(len(beats), max(during))
"""


class TestGevent:
    def test_killed(self, compute, monkeypatch):
        """A greenlet that is killed waits for its hash, so that its slot is held until the thread is done."""
        calls = []

        class Hub:
            @property
            def threadpool(self):
                return self

            def spawn(self, function, *args):
                calls.append(function(*args))
                return self

            def get(self):
                raise KeyboardInterrupt

            def wait(self):
                calls.append("waited")

        gevent, monkey = types.ModuleType("gevent"), types.ModuleType("gevent.monkey")
        gevent.get_hub = Hub
        monkey.is_module_patched = {"threading"}.__contains__
        monkeypatch.setitem(sys.modules, "gevent", gevent)
        monkeypatch.setitem(sys.modules, "gevent.monkey", monkey)
        with pytest.raises(KeyboardInterrupt):
            compute(SECRET, SALT, Cost(passes=1, memory=8, lanes=1), "id", 19, 32)

        assert ([32], "waited") == ([len(calls[0])], calls[1])

    def test_beside_the_hub(self, compute, monkeypatch):
        """A hash is computed by the hub's threads, and its tag is returned."""
        gevent, monkey = types.ModuleType("gevent"), types.ModuleType("gevent.monkey")
        spawned = []

        def spawn(function, *args):
            spawned.append(function)
            return types.SimpleNamespace(get=lambda: function(*args))

        gevent.get_hub = lambda: types.SimpleNamespace(threadpool=types.SimpleNamespace(spawn=spawn))
        monkey.is_module_patched = {"threading"}.__contains__
        monkeypatch.setitem(sys.modules, "gevent", gevent)
        monkeypatch.setitem(sys.modules, "gevent.monkey", monkey)

        assert 32 == len(compute(SECRET, SALT, Cost(passes=1, memory=8, lanes=1), "id", 19, 32))
        assert 1 == len(spawned)

    def test_not_patched(self, compute, monkeypatch):
        """Without its monkey patch, gevent is not used."""
        monkey = types.ModuleType("gevent.monkey")
        monkey.is_module_patched = set().__contains__
        monkeypatch.setitem(sys.modules, "gevent.monkey", monkey)

        assert 32 == len(compute(SECRET, SALT, Cost(passes=1, memory=8, lanes=1), "id", 19, 32))

    def test_hub_is_free(self):
        """Under gevent a hash runs beside the hub: other greenlets run, and a killed one holds its slot to the end."""
        done = subprocess.run([sys.executable, "-c", GREENLETS], capture_output=True, text=True, check=False)
        assert "" == done.stderr
        beats, longest = done.stdout.split()

        # Six hashes of 0.1 s and more in two slots. A hash that blocks the hub allows fewer than ten beats.
        assert int(beats) > 20
        assert float(longest) < 5
