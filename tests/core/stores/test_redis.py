"""State in Redis or Valkey: what is peculiar to it. What holds of every store is in test_conformance.py."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import redis
import redis.asyncio
from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException
from tests.valkey import PATIENCE, Valkey

from praetorian_core import AsyncRedisStore, Guard, KeyRing, LoginThrottle, RedisStore, Settings, generate_secret
from praetorian_core.errors import ConfigurationError, ReusedTokenError, RevokedTokenError
from praetorian_core.stores.redis import _ADD_SCRIPT, _SWAP_SCRIPT
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

NOW, UNTIL = 1_000, 2_000


@pytest.fixture
def key():
    """Return a key that was never used."""
    return f"{{{uuid.uuid4().hex}}}:s:x"


@pytest.fixture
def store(valkey):
    """Return a store on the server that all tests share."""
    made = RedisStore(valkey.url)
    yield made
    made.close()


@pytest.fixture
def client(valkey):
    """Return a client of redis-py."""
    with valkey.client() as made:
        yield made


def commands(client):
    """Return how many commands the server has run, but for this one."""
    return client.info("stats")["total_commands_processed"] - 1


class TestServer:
    def test_url_or_client(self, valkey, client, key):
        """A URL and a client of the application's own lead to the same state."""
        named = RedisStore(valkey.url)
        named.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW)

        assert ["v"] == RedisStore(client).get(key, now=NOW)
        named.close()

    @pytest.mark.parametrize("prefix", ["praetorian:", "", "shop:eu:", "a/b"])
    def test_prefix(self, valkey, client, key, prefix):
        """Keys begin with the prefix, so that several applications can share a server."""
        store = RedisStore(client, prefix=prefix)
        store.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW)

        assert b"2000 v" == client.get(prefix + key)
        assert [None] == RedisStore(client, prefix="other:").get(key, now=NOW)

    @pytest.mark.parametrize("prefix", ["{a}:", "a b", "a\n", "ü", None, 1], ids=repr)
    def test_bad_prefix(self, client, prefix):
        """A brace would take the place of the hash tag."""
        with pytest.raises(ConfigurationError, match="expected ASCII without blanks and braces"):
            RedisStore(client, prefix=prefix)

    @pytest.mark.parametrize(
        "url",
        ["http://:hunter2@db/0", "redis", "", "redis://:hunter2@db:port/0", "redis://db/0?socket_timeout=hunter2"],
    )
    @pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
    def test_bad_url(self, kind, url):
        """What cannot be a server is found at start, and no password is repeated."""
        with pytest.raises(ConfigurationError, match=r"server must be the URL of a store; got .*; write ") as caught:
            kind(url)

        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("server", [None, object(), b"redis://localhost"], ids=["none", "object", "bytes"])
    @pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
    def test_no_client(self, kind, server):
        """What is neither a URL nor a client is found at start."""
        with pytest.raises(ConfigurationError, match="expected a URL or a client of redis-py"):
            kind(server)

    def test_blocking_client_for_asyncio(self, client):
        """A client that blocks would stop the event loop."""
        with pytest.raises(ConfigurationError, match="the server of the Redis store is Redis"):
            AsyncRedisStore(client)

    def test_asyncio_client(self):
        """A client of redis.asyncio is rejected, and the message names the other class."""
        with pytest.raises(ConfigurationError, match=r"got one of redis\.asyncio; write AsyncRedisStore\(client\)"):
            RedisStore(redis.asyncio.Redis())

        assert AsyncRedisStore(redis.asyncio.Redis())

    @pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
    def test_without_redis_py(self, kind, monkeypatch):
        """Where redis-py is missing, the extra is named."""
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(ConfigurationError, match=r'pip install "praetorian-core\[redis\]"'):
            kind("redis://localhost")

    def test_no_password_in_repr(self):
        """Neither of them shows how it reaches its server."""
        url = "redis://:hunter2@localhost:6379/0"

        assert "hunter2" not in repr(RedisStore(url)) + repr(AsyncRedisStore(url))

    def test_time_outs(self):
        """A server that is named by a URL has a time-out in every respect, unless the URL says another."""
        own = RedisStore("redis://localhost", timeout=0.5)._client.connection_pool
        said = RedisStore("redis://localhost?socket_timeout=7", timeout=0.5)._client.connection_pool

        assert (0.5, 0.5, 0.5) == (
            own.timeout,
            own.connection_kwargs["socket_timeout"],
            own.connection_kwargs["socket_connect_timeout"],
        )
        assert 7 == said.connection_kwargs["socket_timeout"]


class TestRoundTrips:
    def test_a_check_is_one_command(self, store, client):
        """A check of a session and of its user's epoch is one command, and so one round trip."""
        store.get("{a}:s:x", now=NOW)  # the first call makes the connection
        before = commands(client)
        for _ in range(100):
            store.get("{a}:s:x", "{a}:e", now=NOW)

        # One more than the checks: the INFO before them.
        assert 100 + 1 == commands(client) - before

    def test_verify_is_one_command(self, valkey, client):
        """So is the whole of ``verify``."""
        guard = Guard(
            MemoryUsers(), Settings(keys=KeyRing.from_secret(generate_secret())), store=RedisStore(valkey.url)
        )
        token = guard.issue(MemoryUser(identity=1, username="alice"))
        before = commands(client)
        for _ in range(100):
            guard.verify(token)

        assert 100 + 1 == commands(client) - before

    def test_writes_are_one_command(self, store, client, key):
        """A swap and a count are a script each, which runs alone."""
        store.compare_and_set(key, None, "1", expires_at=UNTIL, now=NOW)
        store.increment(key, 1, expires_at=UNTIL, now=NOW)
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        store.compare_and_set(key, "2", "3", expires_at=UNTIL, now=NOW)
        store.increment(key, 1, expires_at=UNTIL, now=NOW)

        assert 2 == client.info("commandstats")["cmdstat_evalsha"]["calls"] - before

    def test_nothing_asked(self, store, client):
        """No key, no command."""
        before = commands(client)
        assert [] == store.get(now=NOW)

        assert 1 == commands(client) - before

    def test_scripts_that_were_forgotten(self, store, client, key):
        """A server that was started anew does not know the scripts, and learns them."""
        client.script_flush()
        assert store.compare_and_set(key, None, "1", expires_at=UNTIL, now=NOW)
        client.script_flush()
        assert 2 == store.increment(key, 1, expires_at=UNTIL, now=NOW)

        assert [False, True] == client.script_exists(_SWAP_SCRIPT.digest, _ADD_SCRIPT.digest)


class TestTimeToLive:
    def test_of_a_swap(self, store, client, key):
        """The server forgets an entry when it is over, whatever the clocks: the life is told, not the end."""
        store.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW)

        assert UNTIL - NOW - 2 <= client.ttl("praetorian:" + key) <= UNTIL - NOW

    def test_of_a_counter(self, store, client, key):
        """A live counter keeps the end that its first call gave it."""
        store.increment(key, 1, expires_at=UNTIL, now=NOW)
        store.increment(key, 1, expires_at=9 * UNTIL, now=NOW)

        assert UNTIL - NOW - 2 <= client.ttl("praetorian:" + key) <= UNTIL - NOW
        assert b"2000 2" == client.get("praetorian:" + key)

    def test_of_what_is_over(self, store, client, key):
        """What is over when it is written goes at once."""
        store.compare_and_set(key, None, "v", expires_at=NOW - 5, now=NOW)

        assert client.ttl("praetorian:" + key) <= 1

    def test_of_what_comes_back_to_zero(self, store, client, key):
        """A counter at zero is deleted."""
        store.increment(key, 1, expires_at=UNTIL, now=NOW)
        store.increment(key, -1, expires_at=UNTIL, now=NOW)

        assert 0 == client.exists("praetorian:" + key)

    def test_outlives_the_token_and_goes(self, valkey, client):
        """The entry of an ended session is kept for the rest of its token's life and a minute, and then goes."""
        clock = FrozenClock()
        settings = Settings(keys=KeyRing.from_secret(generate_secret()), access_lifespan=600, refresh_lifespan=3600)
        guard = Guard(MemoryUsers(), settings, store=RedisStore(valkey.url), clock=clock)
        token = guard.issue(MemoryUser(identity=uuid.uuid4().hex, username="alice"))
        clock.tick(100)
        guard.revoke(token)
        (key,) = client.keys(f"*:s:{_session(guard, token)}")

        assert 3500 + 60 - 2 <= client.ttl(key) <= 3500 + 60


def _session(guard, token):
    return guard._codec.decode(token, guard._clock()).principal.session_id


class TestRubbish:
    @pytest.mark.parametrize("entry", ["", "ended", "x ended", " ended"])
    def test_read(self, store, client, key, entry):
        """What was never written here is no answer: it raises, and so refuses."""
        client.set("praetorian:" + key, entry)
        with pytest.raises(ValueError, match=r"not ours|invalid literal"):
            store.get(key, now=NOW)

    @pytest.mark.parametrize("entry", ["", "ended", "x ended"])
    def test_write(self, store, client, key, entry):
        """Nor is it written upon."""
        client.set("praetorian:" + key, entry)
        for write in (
            lambda: store.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW),
            lambda: store.increment(key, 1, expires_at=UNTIL, now=NOW),
        ):
            with pytest.raises(redis.ResponseError):
                write()

        assert entry.encode() == client.get("praetorian:" + key)

    def test_another_type(self, store, client, key):
        """A key that holds no text is a failure too."""
        client.rpush("praetorian:" + key, "x")
        with pytest.raises(redis.ResponseError):
            store.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW)


class TestAsync:
    def test_loop_after_loop(self, valkey, key):
        """Named by a URL, the server has a client for each event loop, and those of loops that ended are let go."""
        store = AsyncRedisStore(valkey.url)

        async def count():
            total = await store.increment(key, 1, expires_at=UNTIL, now=NOW)
            await store.aclose()
            return total

        assert [1, 2, 3] == [asyncio.run(count()) for _ in range(3)]
        assert 1 == len(store._clients)

    def test_many_at_once(self, valkey, key):
        """More tasks than connections wait for their turn."""
        store = AsyncRedisStore(valkey.url)

        async def count():
            sums = await asyncio.gather(*(store.increment(key, 1, expires_at=UNTIL, now=NOW) for _ in range(300)))
            await store.aclose()
            return sorted(sums)

        assert list(range(1, 301)) == asyncio.run(count())

    def test_scripts_that_were_forgotten(self, valkey, client, key):
        """A server that was started anew learns the scripts."""
        store = AsyncRedisStore(valkey.url)

        async def write():
            client.script_flush()
            done = await store.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW)
            await store.aclose()
            return done

        assert asyncio.run(write())

    def test_failure(self, valkey, client, key):
        """Any other error of the server comes through."""
        store = AsyncRedisStore(valkey.url)
        client.rpush("praetorian:" + key, "x")

        async def write():
            try:
                await store.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW)
            finally:
                await store.aclose()

        with pytest.raises(redis.ResponseError):
            asyncio.run(write())


class Cluster:
    """Three nodes of a cluster, made of servers that know nothing of each other."""

    def __init__(self, folder: Path) -> None:
        self.nodes = []
        for number in range(3):
            home = folder / str(number)
            home.mkdir()
            self.nodes.append(Valkey(home, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"))

    def start(self):
        """Return when all three agree that the cluster is whole."""
        for node in self.nodes:
            node.start()
        clients = [node.client() for node in self.nodes]
        for number, client in enumerate(clients):
            begin, end = 5461 * number, 16_383 if number == 2 else 5461 * (number + 1) - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", begin, end)
        for node in self.nodes[1:]:
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)
        give_up = time.monotonic() + PATIENCE
        while any(
            _field(client, "cluster_state") != "ok" or _field(client, "cluster_known_nodes") != "3"
            for client in clients
        ):
            assert time.monotonic() < give_up, "the cluster did not become whole"
            time.sleep(0.05)
        for client in clients:
            client.close()

    def stop(self):
        """End all nodes."""
        for node in self.nodes:
            node.stop()

    def connect(self):
        """Return a client of the cluster."""
        return RedisCluster(host="127.0.0.1", port=self.nodes[0].port)

    def held(self):
        """Return how many keys each node holds."""
        sizes = []
        for node in self.nodes:
            with node.client() as client:
                sizes.append(client.dbsize())
        return sizes


def _field(client, name):
    info = client.execute_command("CLUSTER", "INFO")
    if isinstance(info, bytes):
        info = dict(line.split(":") for line in info.decode().split())
    return info[name]


@pytest.fixture(scope="module")
def cluster(valkey, tmp_path_factory):
    """Return a cluster of three nodes; that there is a server to make it of, the shared one shows."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.start()
    yield made
    made.stop()


class TestCluster:
    def test_every_flow(self, cluster):
        """All that a guard asks of its store is answered by a cluster: no operation spans two slots."""
        users = MemoryUsers()
        clock = FrozenClock()
        hasher = cheapest_hasher()
        settings = Settings(keys=KeyRing.from_secret(generate_secret()), access_lifespan=60)
        client = cluster.connect()
        guard = Guard(
            users, settings, store=RedisStore(client), throttle=LoginThrottle(), passwords=hasher, clock=clock
        )
        hashed = hasher.hash("correct horse")
        for number in range(40):
            alice = users.add(MemoryUser(identity=number, username=f"user{number}", password=hashed))
            token = guard.issue(guard.authenticate(alice.username, "correct horse", source="8.8.8.8"))
            guard.verify(token)
            clock.tick(60)
            fresh = guard.refresh(token)
            guard.verify(fresh)
            clock.tick(60)
            with pytest.raises(ReusedTokenError):
                guard.refresh(token)
            other = guard.issue(alice)
            guard.revoke_user(number)
            with pytest.raises(RevokedTokenError):
                guard.verify(other)
            action = guard.issue_action(alice, "confirm")
            assert alice is guard.redeem_action(action, "confirm")
            with pytest.raises(ReusedTokenError):
                guard.redeem_action(action, "confirm")
            guard.verify(guard.issue(alice))

        assert all(size > 0 for size in cluster.held())
        client.close()

    def test_asyncio(self, cluster, key):
        """So it is with a client of redis.asyncio."""

        async def play():
            client = redis.asyncio.cluster.RedisCluster(host="127.0.0.1", port=cluster.nodes[1].port)
            store = AsyncRedisStore(client)
            done = [
                await store.compare_and_set(key, None, "v", expires_at=UNTIL, now=NOW),
                await store.get(key, f"{key}y", now=NOW),
            ]
            await client.aclose()
            return done

        assert [True, ["v", None]] == asyncio.run(play())

    def test_the_hash_tag_is_needed(self, cluster):
        """The twin: keys of several users do not lie in one slot, and a cluster refuses to read them in one command."""
        client = cluster.connect()
        with pytest.raises(RedisClusterException, match="same key slot"):
            RedisStore(client).get(*(f"{{{number}}}:e" for number in range(20)), now=NOW)
        client.close()


class TestProcesses:
    def test_fork(self, valkey, key):
        """A store that was used before a fork is used in parent and child."""
        program = (
            "import os, sys\nfrom praetorian_core import RedisStore\n"
            "store = RedisStore(sys.argv[1])\nkey = sys.argv[2]\n"
            "store.increment(key, 1, expires_at=2000, now=1000)\nchild = os.fork()\n"
            "for _ in range(50):\n    store.increment(key, 1, expires_at=2000, now=1000)\n"
            "if child == 0:\n    os._exit(0)\n"
            "os.waitpid(child, 0)\nprint(store.get(key, now=1000))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, valkey.url, key], capture_output=True, text=True, check=False
        )

        assert ("['101']\n", "") == (done.stdout, done.stderr)
