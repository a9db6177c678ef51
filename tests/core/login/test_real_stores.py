"""The limits of logins on real stores, under threads."""

from __future__ import annotations

import threading

import pytest
from tests.support import NOW, PASSWORD, RING

from praetorian_core import Guard, Settings
from praetorian_core.errors import AuthenticationError, LoginThrottledError, ServiceUnavailableError
from praetorian_core.login import LoginThrottle
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.redis import RedisStore
from praetorian_core.stores.sqlite import SQLiteStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

THREADS = 24
LIMIT = 7


class AliasUsers(MemoryUsers):
    """Users whose look-up equates every name that begins alike, as a collation of a database does."""

    def lookup(self, username):
        return super().lookup(username.partition("+")[0])


@pytest.fixture(params=["memory", "sqlite", "valkey"])
def store(request, tmp_path, valkey):
    """Each store of the core, with its real server."""
    if request.param == "memory":
        yield MemoryStore()
        return
    if request.param == "sqlite":
        opened = SQLiteStore(tmp_path / "state.db", timeout=60)
    else:
        opened = RedisStore(valkey.url, timeout=60)
        opened._client.flushall()
    yield opened
    opened.close()


@pytest.fixture
def world(store):
    hasher = cheapest_hasher(max_concurrent=4, max_waiting=1000)
    users = AliasUsers([MemoryUser(identity=1, username="alice", password=hasher.hash(PASSWORD))])
    throttle = LoginThrottle(per_account=LIMIT)
    guard = Guard(users, Settings(keys=RING), store=store, passwords=hasher, throttle=throttle, clock=FrozenClock(NOW))
    return guard, hasher


def at_once(call):
    """Call with 24 numbers in 24 threads; return the types of the results."""
    outcomes, barrier = [], threading.Barrier(THREADS)

    def run(number):
        barrier.wait()
        try:
            call(number)
        except (AuthenticationError, LoginThrottledError) as error:
            outcomes.append(type(error))
        else:
            outcomes.append(None)

    threads = [threading.Thread(target=run, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


class TestRaces:
    def test_many_names(self, world):
        """Parallel guesses under names that lead to one account compute exactly as many hashes as its limit."""
        guard, hasher = world
        before = hasher.computations
        outcomes = at_once(lambda number: guard.authenticate(f"alice+{number}", "wrong", source=f"{number + 11}.8.8.8"))

        # Attempts that overtake each other at the limit may all be rejected, never too few.
        assert LIMIT >= outcomes.count(AuthenticationError) == hasher.computations - before
        assert THREADS == outcomes.count(AuthenticationError) + outcomes.count(LoginThrottledError)
        for number in range(LIMIT - outcomes.count(AuthenticationError)):
            with pytest.raises(AuthenticationError):
                guard.authenticate("alice", "wrong", source=f"{number + 60}.8.8.8")
        with pytest.raises(LoginThrottledError):
            guard.authenticate("alice", "wrong", source="9.9.9.9")

    def test_owner(self, world):
        """An owner whose source is known logs in while others use up the account's limit."""
        guard, _ = world
        guard.authenticate("alice", PASSWORD, source="8.8.8.8")

        def log_in(number):
            if number % 4:
                guard.authenticate("alice", "wrong", source=f"{number + 11}.8.8.8")
            else:
                guard.authenticate("alice", PASSWORD, source="8.8.8.8")

        assert THREADS // 4 == at_once(log_in).count(None)
        with pytest.raises(LoginThrottledError):
            guard.authenticate("alice", PASSWORD, source="9.9.9.9")
        guard.authenticate("alice", PASSWORD, source="8.8.8.8")


class Held(type(cheapest_hasher())):
    """A hasher whose computations wait until they are let go."""

    go = None

    def _compute(self, *args, **options):
        if self.go is not None:
            assert self.go.wait(20)
        return super()._compute(*args, **options)


class TestFlood:
    def test_one_network(self):
        """60 logins at once from the clients of one /48 fill the queue; a login from elsewhere is served all the same."""
        hasher = Held(time_cost=1, memory_cost=8, parallelism=1, max_concurrent=2, max_waiting=32, max_wait=30)
        users = MemoryUsers([MemoryUser(identity=1, username="alice", password=hasher.hash(PASSWORD))])
        guard = Guard(users, Settings(keys=RING), passwords=hasher, clock=FrozenClock(NOW))
        hasher.go = threading.Event()
        outcomes = []

        def flood(number):
            try:
                guard.authenticate(f"made up {number}", "wrong", source=f"2606:4700:1:{number:x}::1")
            except (AuthenticationError, ServiceUnavailableError) as error:
                outcomes.append(type(error))

        threads = [threading.Thread(target=flood, args=[number]) for number in range(60)]
        for thread in threads:
            thread.start()
        while len(outcomes) < 60 - 2 - 32:
            threading.Event().wait(0.001)
        logins = []
        owner = threading.Thread(
            target=lambda: logins.append(guard.authenticate("alice", PASSWORD, source="2606:4700:2::1"))
        )
        owner.start()
        while len(outcomes) < 60 - 2 - 31:
            threading.Event().wait(0.001)
        hasher.go.set()
        for thread in (owner, *threads):
            thread.join()

        assert ["alice"] == [user.username for user in logins]
        assert (33, 27) == (outcomes.count(AuthenticationError), outcomes.count(ServiceUnavailableError))
