"""``RedisStore`` and ``AsyncRedisStore``: server, commands, time to live, cluster. The conformance suite covers the rest."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid

import pytest
import redis
import redis.asyncio
from redis.exceptions import RedisClusterException
from tests.core.stores.cluster import Cluster
from tests.valkey import PATIENCE

from praetorian_core import AsyncRedisStore, Guard, KeyRing, LoginThrottle, RedisStore, Settings, generate_secret
from praetorian_core.errors import ConfigurationError, ReusedTokenError, RevokedTokenError
from praetorian_core.stores.redis.commands import COMPARE_AND_SET, INCREMENT
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

NOW, EXPIRES_AT = 1_000, 2_000


@pytest.fixture
def key():
    """Return an unused key."""
    return f"{{{uuid.uuid4().hex}}}:s:x"


@pytest.fixture
def store(valkey):
    """Return a store on the shared server."""
    made = RedisStore(valkey.url)
    yield made
    made.close()


@pytest.fixture
def client(valkey):
    """Return a client of redis-py."""
    with valkey.client() as made:
        yield made


def commands(client):
    """Return how many commands the server has run before this one."""
    return client.info("stats")["total_commands_processed"] - 1


class TestServer:
    def test_url_or_client(self, valkey, client, key):
        """A URL and a client lead to the same state."""
        named = RedisStore(valkey.url)
        named.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW)

        assert ["v"] == RedisStore(client).get(key, now=NOW)
        named.close()

    @pytest.mark.parametrize("prefix", ["praetorian:", "", "shop:eu:", "a/b"])
    def test_prefix(self, valkey, client, key, prefix):
        """Keys begin with the prefix, so that several applications can share a server."""
        store = RedisStore(client, prefix=prefix)
        store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW)

        assert client.get(prefix + key).startswith(b"2000 ")
        assert [None] == RedisStore(client, prefix="other:").get(key, now=NOW)

    @pytest.mark.parametrize("prefix", ["{a}:", "a b", "a\n", "ü", None, 1], ids=repr)
    def test_bad_prefix(self, client, prefix):
        """A brace would take the place of the hash tag."""
        with pytest.raises(ConfigurationError, match="must be ASCII without blanks and braces"):
            RedisStore(client, prefix=prefix)

    @pytest.mark.parametrize(
        "url",
        ["http://:hunter2@db/0", "redis", "", "redis://:hunter2@db:port/0", "redis://db/0?socket_timeout=hunter2"],
    )
    @pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
    def test_bad_url(self, kind, url):
        """A mistake in the URL is found at start, and the message repeats no password."""
        with pytest.raises(ConfigurationError, match=r"server must be the URL of a store; got .*; write ") as caught:
            kind(url)

        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("server", [None, object(), b"redis://localhost"], ids=["none", "object", "bytes"])
    @pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
    def test_no_client(self, kind, server):
        """An object that is neither a URL nor a client is found at start."""
        with pytest.raises(ConfigurationError, match="must be a URL or a client of redis-py"):
            kind(server)

    def test_blocking_client_for_asyncio(self, client):
        """A client that blocks would stop the event loop."""
        with pytest.raises(ConfigurationError, match=r"needs a client of redis.asyncio; got Redis; write RedisStore"):
            AsyncRedisStore(client)

    def test_asyncio_client(self):
        """A client of redis.asyncio is rejected, and the message names the other class."""
        with pytest.raises(ConfigurationError, match=r"got one of redis\.asyncio; write AsyncRedisStore\(client\)"):
            RedisStore(redis.asyncio.Redis())

        assert AsyncRedisStore(redis.asyncio.Redis())

    @pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
    def test_without_redis_py(self, kind, monkeypatch):
        """If redis-py is missing, the message names the extra."""
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(ConfigurationError, match=r'pip install "praetorian-core\[redis\]"'):
            kind("redis://localhost")

    def test_no_password_in_repr(self):
        """``repr`` shows no password."""
        url = "redis://:hunter2@localhost:6379/0"

        assert "hunter2" not in repr(RedisStore(url)) + repr(AsyncRedisStore(url))

    def test_time_outs(self):
        """A server that a URL names has every time-out, unless the URL sets another."""
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
        """Reading a session and its user's epoch is one command, so one round trip."""
        store.get("{a}:s:x", now=NOW)  # the first call opens the connection and asks the server
        before = commands(client)
        for _ in range(100):
            store.get("{a}:s:x", "{a}:e", now=NOW)

        # One more than the checks: the INFO before them.
        assert 100 + 1 == commands(client) - before

    def test_verify_is_one_command(self, valkey, client):
        """``verify`` is one command."""
        guard = Guard(
            MemoryUsers(), Settings(keys=KeyRing.from_secret(generate_secret())), store=RedisStore(valkey.url)
        )
        token = guard.issue(MemoryUser(identity=1, username="alice"))
        guard.verify(token)
        before = commands(client)
        for _ in range(100):
            guard.verify(token)

        assert 100 + 1 == commands(client) - before

    def test_writes_are_one_command(self, store, client, key):
        """``compare_and_set`` and ``increment`` are one script each."""
        store.compare_and_set(key, None, "1", expires_at=EXPIRES_AT, now=NOW)
        store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        store.compare_and_set(key, "2", "3", expires_at=EXPIRES_AT, now=NOW)
        store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)

        assert 2 == client.info("commandstats")["cmdstat_evalsha"]["calls"] - before

    def test_nothing_asked(self, store, client):
        """No key, no command."""
        before = commands(client)
        assert [] == store.get(now=NOW)

        assert 1 == commands(client) - before

    def test_unknown_script(self, store, client, key):
        """A restarted server does not know the scripts, and learns them."""
        client.script_flush()
        assert store.compare_and_set(key, None, "1", expires_at=EXPIRES_AT, now=NOW)
        client.script_flush()
        assert 2 == store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)

        assert [False, True] == client.script_exists(COMPARE_AND_SET.digest, INCREMENT.digest)


class TestTimeToLive:
    def test_of_a_swap(self, store, client, key):
        """The server removes an entry at its end of life, if the caller's clock is behind: the lifetime is sent, not the end."""
        store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW)

        assert EXPIRES_AT - NOW - 2 <= client.ttl("praetorian:" + key) <= EXPIRES_AT - NOW

    def test_of_a_counter(self, store, client, key):
        """A live counter keeps its time to live."""
        store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
        store.increment(key, 1, expires_at=9 * EXPIRES_AT, now=NOW)

        assert EXPIRES_AT - NOW - 2 <= client.ttl("praetorian:" + key) <= EXPIRES_AT - NOW
        assert [b"2000", b"2"] == client.get("praetorian:" + key).split()[::2]

    def test_written_expired(self, store, client, key):
        """An entry that has expired when it is written is removed at once."""
        store.compare_and_set(key, None, "v", expires_at=NOW - 5, now=NOW)

        assert client.ttl("praetorian:" + key) <= 1

    def test_zero(self, store, client, key):
        """A counter at zero is deleted."""
        store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
        store.increment(key, -1, expires_at=EXPIRES_AT, now=NOW)

        assert 0 == client.exists("praetorian:" + key)

    def test_ended_session(self, valkey, client):
        """The entry of an ended session lives as long as its token, and a minute longer."""
        clock = FrozenClock(int(time.time()) - 100)
        settings = Settings(keys=KeyRing.from_secret(generate_secret()), access_lifespan=600, refresh_lifespan=3600)
        guard = Guard(MemoryUsers(), settings, store=RedisStore(valkey.url), clock=clock)
        token = guard.issue(MemoryUser(identity=uuid.uuid4().hex, username="alice"))
        clock.tick(100)
        guard.revoke(token)
        (key,) = client.keys(f"*:s:{_session(guard, token)}")

        assert 3500 + 60 - 2 <= client.ttl(key) <= 3500 + 60

    @pytest.mark.parametrize("ahead", [3_600, 29 * 86_400], ids=["an-hour", "29-days"])
    def test_clock_of_the_caller_is_ahead(self, store, client, key, ahead):
        """A revocation by a machine whose clock is ahead lives as long as the token, by the server's clock."""
        present = int(time.time())
        store.compare_and_set(key, None, "ended", expires_at=present + 30 * 86_400, now=present + ahead)
        counter = f"{key}n"
        store.increment(counter, 1, expires_at=present + 30 * 86_400, now=present + ahead)

        assert 30 * 86_400 - 5 <= client.ttl("praetorian:" + key) <= 30 * 86_400
        assert 30 * 86_400 - 5 <= client.ttl("praetorian:" + counter) <= 30 * 86_400

    def test_clock_of_the_caller_is_behind(self, store, client, key):
        """A revocation by a machine whose clock is behind is kept longer, which does no harm."""
        present = int(time.time())
        store.compare_and_set(key, None, "ended", expires_at=present + 100, now=present - 3_600)

        assert 3_700 - 5 <= client.ttl("praetorian:" + key) <= 3_700


def _session(guard, token):
    return guard._codec.decode(token, guard._clock()).principal.session_id


class TestRubbish:
    @pytest.mark.parametrize("entry", ["", "ended", "x ended", " ended", "x y ended", "2000 ended"])
    def test_read(self, store, client, key, entry):
        """An entry that was not written by the store raises."""
        client.set("praetorian:" + key, entry)
        with pytest.raises(ValueError, match=r"not written by this store|invalid literal"):
            store.get(key, now=NOW)

    @pytest.mark.parametrize("entry", ["", "ended", "x ended", "x y ended"])
    def test_write(self, store, client, key, entry):
        """It is not overwritten either."""
        client.set("praetorian:" + key, entry)
        for write in (
            lambda: store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW),
            lambda: store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW),
        ):
            with pytest.raises(redis.ResponseError):
                write()

        assert entry.encode() == client.get("praetorian:" + key)

    def test_another_type(self, store, client, key):
        """A key of another type raises too."""
        client.rpush("praetorian:" + key, "x")
        with pytest.raises(redis.ResponseError):
            store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW)


class TestAsync:
    def test_loop_after_loop(self, valkey, key):
        """Each event loop gets its own client, and clients of closed loops are dropped."""
        store = AsyncRedisStore(valkey.url)

        async def count():
            total = await store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
            (client,) = store._clients.values()
            await client.aclose()
            return total

        assert [1, 2, 3] == [asyncio.run(count()) for _ in range(3)]
        assert 1 == len(store._clients)

    def test_close(self, valkey, key):
        """``aclose`` closes the client of the running loop; a later call opens a new one."""
        store = AsyncRedisStore(valkey.url)

        async def count():
            await store.aclose()
            total = await store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
            await store.aclose()
            assert {} == store._clients
            return total

        assert [1, 2] == [asyncio.run(count()) for _ in range(2)]

    def test_close_client(self, valkey, key):
        """``aclose`` closes a client that was passed in."""

        async def use():
            client = redis.asyncio.Redis(port=valkey.port)
            store = AsyncRedisStore(client)
            await store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
            await store.aclose()
            return [connection.is_connected for connection in client.connection_pool._available_connections]

        assert [False] == asyncio.run(use())

    def test_many_at_once(self, valkey, key):
        """More tasks than connections wait for a free one."""
        store = AsyncRedisStore(valkey.url, timeout=PATIENCE)

        async def count():
            sums = await asyncio.gather(*(store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW) for _ in range(300)))
            await store.aclose()
            return sorted(sums)

        assert list(range(1, 301)) == asyncio.run(count())

    def test_unknown_script(self, valkey, client, key):
        """A server that was started anew learns the scripts."""
        store = AsyncRedisStore(valkey.url)

        async def write():
            client.script_flush()
            done = await store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW)
            await store.aclose()
            return done

        assert asyncio.run(write())

    def test_failure(self, valkey, client, key):
        """Any other error of the server is raised."""
        store = AsyncRedisStore(valkey.url)
        client.rpush("praetorian:" + key, "x")

        async def write():
            try:
                await store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW)
            finally:
                await store.aclose()

        with pytest.raises(redis.ResponseError):
            asyncio.run(write())


@pytest.fixture(scope="module")
def cluster(valkey, tmp_path_factory):
    """Return a cluster of three nodes; the shared server shows that the program is installed."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.start()
    yield made
    made.stop()


class TestCluster:
    def test_every_flow(self, cluster):
        """Every flow of a guard works on a cluster: no operation spans two slots."""
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
        """The same with a client of redis.asyncio."""

        async def play():
            client = redis.asyncio.cluster.RedisCluster(host="127.0.0.1", port=cluster.nodes[1].port)
            store = AsyncRedisStore(client)
            done = [
                await store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW),
                await store.get(key, f"{key}y", now=NOW),
            ]
            await client.aclose()
            return done

        assert [True, ["v", None]] == asyncio.run(play())

    def test_the_hash_tag_is_needed(self, cluster):
        """Keys of several users are in several slots, and a cluster does not read them in one command."""
        client = cluster.connect()
        with pytest.raises(RedisClusterException, match="same key slot"):
            RedisStore(client).get(*(f"{{{number}}}:e" for number in range(20)), now=NOW)
        client.close()


class TestProcesses:
    def test_fork(self, valkey, key):
        """A store that was used before a fork works in parent and child."""
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
