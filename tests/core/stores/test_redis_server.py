"""The Redis stores and servers that lose state: eviction, replicas, lost answers, forks. Everything on real servers."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import threading
import time
import uuid
from contextlib import closing

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel
from tests.core.stores.cluster import Cluster
from tests.valkey import PATIENCE, Valkey, find_server, free_port

from praetorian_core import AsyncRedisStore, Guard, KeyRing, LoginThrottle, RedisStore, Settings, generate_secret
from praetorian_core.errors import ConfigurationError, ServiceUnavailableError
from praetorian_core.stores.redis import server_check
from praetorian_core.stores.redis.server_check import ServerCheck
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

NOW, EXPIRES_AT = 1_000, 2_000
EVICTING = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
]


@pytest.fixture
def key():
    """Return an unused key."""
    return f"{{{uuid.uuid4().hex}}}:s:x"


@pytest.fixture(scope="module")
def own_valkey(valkey, tmp_path_factory):
    """Return a server whose configuration this file may change; the shared one shows that the program is installed."""
    # A replica is synchronized at once.
    server = Valkey(tmp_path_factory.mktemp("own"), "--repl-diskless-sync-delay", "0")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(own_valkey):
    """Return that server with the policy that a store needs."""
    set_policy(own_valkey, "noeviction")
    return own_valkey


def set_policy(server, policy):
    with server.client() as client:
        client.config_set("maxmemory-policy", policy)


def get_blocking(server, **options):
    """Read a key with a RedisStore."""
    with closing(RedisStore(server, **options)) as store:
        return store.get("k", now=NOW)


def get_async(server, **options):
    """Read a key with an AsyncRedisStore."""

    async def play():
        store = AsyncRedisStore(server, **options)
        try:
            return await store.get("k", now=NOW)
        finally:
            await store.aclose()

    return asyncio.run(play())


both = pytest.mark.parametrize("get", [get_blocking, get_async], ids=["sync", "async"])


@both
class TestEviction:
    @pytest.mark.parametrize("policy", EVICTING)
    def test_refused(self, server, get, policy):
        """A server that may evict entries is refused; the message says what to write, on either side."""
        set_policy(server, policy)
        with pytest.raises(
            ServiceUnavailableError, match=rf"may evict entries \(maxmemory-policy {policy}\)"
        ) as caught:
            get(server.url)

        assert f"127.0.0.1:{server.port}" in str(caught.value)
        assert "set maxmemory-policy noeviction there, or PRAETORIAN_STORE_EVICTION = 'warn' here" in str(caught.value)

    def test_accepted(self, server, get):
        """A server that does not evict is accepted."""

        assert [None] == get(server.url)

    def test_warned(self, server, get, caplog):
        """With ``warn`` the store works, and one log line names the setting."""
        set_policy(server, "allkeys-lru")
        with caplog.at_level(logging.WARNING, logger="praetorian"):
            assert [None] == get(server.url, eviction="warn")

        assert 1 == sum("may evict entries" in record.message for record in caplog.records)

    def test_unknown_choice(self, server, get):
        """Another choice is found at start."""
        with pytest.raises(ConfigurationError, match="eviction must be 'refuse' or 'warn'; got 'ignore'"):
            get(server.url, eviction="ignore")

    def test_without_info(self, server, get, caplog):
        """A server that refuses INFO is refused, because it may evict; with ``warn`` it is accepted."""
        with server.client() as client:
            client.acl_setuser("app", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-info"])
        url = f"redis://app:any@127.0.0.1:{server.port}/0"
        with pytest.raises(ServiceUnavailableError, match="it refuses INFO") as caught:
            get(url)
        assert ":any@" not in str(caught.value)

        assert [None] == get(url, eviction="warn")
        assert "it refuses INFO" in caplog.text

    def test_without_config(self, server, get):
        """A server that refuses CONFIG, as managed ones do, is accepted: INFO holds the policy."""
        with server.client() as client:
            client.acl_setuser("managed", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config"])

        assert [None] == get(f"redis://managed:any@127.0.0.1:{server.port}/0")

    def test_unreachable(self, get, valkey):
        """A server that cannot be reached is a failure like any other, not an answer."""
        with pytest.raises(redis.ConnectionError):
            get(f"redis://127.0.0.1:{free_port()}/0")


class TestWhenAsked:
    def test_again(self, server, monkeypatch):
        """A policy that changes while the store is in use is noticed after ten minutes."""
        elapsed = [0.0]
        monkeypatch.setattr(server_check.time, "monotonic", lambda: elapsed[0])
        with closing(RedisStore(server.url)) as store:
            store.get("k", now=NOW)
            set_policy(server, "allkeys-lru")
            elapsed[0] = 599.0
            store.get("k", now=NOW)
            elapsed[0] = 600.0
            with pytest.raises(ServiceUnavailableError, match="may evict"):
                store.get("k", now=NOW)

    def test_mended(self, server):
        """A refused server is asked at every call, so the store works as soon as the policy is right."""
        set_policy(server, "allkeys-lru")
        with closing(RedisStore(server.url)) as store:
            for _ in range(2):
                with pytest.raises(ServiceUnavailableError):
                    store.increment("{k}n", 1, expires_at=EXPIRES_AT, now=NOW)
            set_policy(server, "noeviction")

            assert 1 == store.increment("{k}n", 1, expires_at=EXPIRES_AT, now=NOW)

    def test_before_a_write(self, server, key):
        """Nothing is written to a server that is refused."""
        set_policy(server, "allkeys-lru")
        with closing(RedisStore(server.url)) as store, server.client() as client:
            with pytest.raises(ServiceUnavailableError):
                store.compare_and_set(key, None, "ended", expires_at=EXPIRES_AT, now=NOW)

            assert 0 == client.exists("praetorian:" + key)


class TestFull:
    @pytest.fixture
    def full(self, server):
        """Return the server with no memory left, besides that of its entries."""
        yield server
        with server.client() as client:
            client.config_set("maxmemory", 0)

    def test_full(self, full, key):
        """A full server rejects writes and keeps what was ended: 50 of 50 sessions stay ended."""
        names = [f"{key}{number}" for number in range(50)]
        with closing(RedisStore(full.url)) as store, full.client() as client:
            for name in names:
                store.compare_and_set(name, None, "ended", expires_at=EXPIRES_AT, now=NOW)
            client.config_set("maxmemory", 1)
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                store.compare_and_set(f"{key}x", None, "ended", expires_at=EXPIRES_AT, now=NOW)

            assert ["ended"] * 50 == store.get(*names, now=NOW)


class TestReply:
    """Replies that other clients and servers give."""

    @pytest.mark.parametrize(
        "info",
        [
            b"# Memory\r\nmaxmemory_policy:noeviction\r\nrole:master\r\n",
            "# Memory\r\nmaxmemory_policy:noeviction\r\n",
            {"maxmemory_policy": "noeviction", "role": "master", "db0": {"keys": 1}},
            {"a:1": {"maxmemory_policy": "noeviction"}, "b:1": {"maxmemory_policy": "noeviction", "role": "master"}},
        ],
        ids=["bytes", "text", "parsed", "cluster"],
    )
    def test_good(self, info):
        """Every form in which a client returns INFO is read."""
        check = ServerCheck("here", "refuse")
        check.accept(info)

        assert not check.is_due()

    @pytest.mark.parametrize(
        ("info", "text"),
        [
            (b"maxmemory_policy:allkeys-lru\r\n", "may evict entries"),
            (
                {"a:1": {"maxmemory_policy": "noeviction"}, "b:1": {"maxmemory_policy": "volatile-ttl"}},
                "may evict entries",
            ),
            ({"redis_version": "7"}, "INFO without maxmemory_policy"),
            ({}, "INFO without maxmemory_policy"),
            (None, "INFO without maxmemory_policy"),
            ({"maxmemory_policy": "noeviction", "role": "slave"}, "is a replica"),
            ({"maxmemory_policy": "noeviction", "role": "replica"}, "is a replica"),
        ],
        ids=["bytes", "cluster", "no-policy", "empty", "none", "slave", "replica"],
    )
    def test_bad(self, info, text):
        """An answer that is bad, or missing, is refused."""
        check = ServerCheck("here", "refuse")
        with pytest.raises(ServiceUnavailableError, match=text):
            check.accept(info)

        assert check.is_due()

    def test_warns_once(self, caplog):
        """A check that is repeated logs its warning once."""
        check = ServerCheck("here", "warn")
        for _ in range(2):
            check.accept({"maxmemory_policy": "allkeys-lru"})

        assert 1 == len(caplog.records)

    def test_replica_is_never_accepted(self):
        """``warn`` concerns eviction alone."""
        with pytest.raises(ServiceUnavailableError, match="is a replica; expected the primary"):
            ServerCheck("here", "warn").accept({"maxmemory_policy": "noeviction", "role": "slave"})


@pytest.fixture(scope="module")
def replica(own_valkey, tmp_path_factory):
    """Return a server that follows ``own_valkey``."""
    server = Valkey(tmp_path_factory.mktemp("replica"), "--replicaof", f"127.0.0.1 {own_valkey.port}")
    server.start()
    give_up = time.monotonic() + PATIENCE
    with server.client() as client:
        while client.info("replication")["master_link_status"] != "up":
            assert time.monotonic() < give_up
            time.sleep(0.02)
    yield server
    server.stop()


class TestPrefix:
    @pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
    def test_in_the_url(self, kind):
        """A store takes the prefix as an argument; one in its URL is rejected, not ignored."""
        with pytest.raises(ConfigurationError, match="got the option prefix; write prefix="):
            kind("redis://localhost?prefix=shop:")


class TestForeignReply:
    """A client or a proxy that answers something else is a failure."""

    @staticmethod
    def store(reply):
        class Client:
            def execute_command(self, *command):
                return "maxmemory_policy:noeviction" if command[0] == "INFO" else reply

        return RedisStore(Client())

    @pytest.mark.parametrize("reply", [None, b"v", {}], ids=repr)
    def test_get(self, reply):
        with pytest.raises(TypeError, match=r"MGET returned .*; expected a list"):
            self.store(reply).get("k", now=NOW)

    @pytest.mark.parametrize("reply", [None, b"1", True], ids=repr)
    def test_increment(self, reply):
        with pytest.raises(TypeError, match=r"the script returned .*; expected an integer"):
            self.store(reply).increment("k", 1, expires_at=EXPIRES_AT, now=NOW)


class TestReplica:
    @both
    def test_by_url(self, replica, get):
        """A replica may not know yet that a session was ended: it is refused, also for reading."""
        with pytest.raises(ServiceUnavailableError, match="is a replica"):
            get(replica.url)

    @pytest.mark.parametrize("name", ["read_from_replicas", "load_balancing_strategy"])
    def test_cluster_client(self, name):
        """A cluster's client that reads from replicas is found at start."""

        class Client:
            def execute_command(self, *args):
                raise AssertionError

        client = Client()
        setattr(client, name, True)
        with pytest.raises(ConfigurationError, match=f"must read from primaries.*got {name}"):
            RedisStore(client)


@pytest.fixture(scope="module")
def sentinel(own_valkey, replica, tmp_path_factory):
    """Return the port of a Sentinel that watches both servers."""
    folder, port = tmp_path_factory.mktemp("sentinel"), free_port()
    (folder / "sentinel.conf").write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile sentinel.log\n"
        f"sentinel monitor state 127.0.0.1 {own_valkey.port} 1\n"
    )
    process = subprocess.Popen(
        [find_server(), str(folder / "sentinel.conf"), "--sentinel"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield port
    process.terminate()
    process.wait(PATIENCE)


class TestSentinel:
    def test_primary(self, sentinel, server, key):
        """A Sentinel's client of the primary is accepted and asked for its policy; one of a replica is refused."""
        watcher = Sentinel([("127.0.0.1", sentinel)], socket_timeout=PATIENCE)
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                watcher.discover_master("state")
                found = watcher.discover_slaves("state")
            except (redis.ConnectionError, redis.sentinel.MasterNotFoundError):
                found = []
            if found:
                break
            assert time.monotonic() < give_up
            time.sleep(0.05)
        with closing(watcher.master_for("state")) as primary, closing(watcher.slave_for("state")) as follower:
            store = RedisStore(primary)
            assert "the Sentinel service state" == store.location
            assert store.compare_and_set(key, None, "v", expires_at=EXPIRES_AT, now=NOW)
            with pytest.raises(ServiceUnavailableError, match="is a replica"):
                RedisStore(follower).get(key, now=NOW)
            set_policy(server, "allkeys-lru")
            with pytest.raises(ServiceUnavailableError, match="the Sentinel service state may evict entries"):
                RedisStore(primary).get(key, now=NOW)


class TestLocation:
    @pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("redis://user:hunter2@db.example:6380/3", "redis://db.example:6380/3"),
            ("redis://db.example", "redis://db.example:6379/0"),
            ("rediss://:hunter2@db.example:6380", "rediss://db.example:6380/0"),
            ("unix:///run/valkey.sock?password=hunter2", "unix:///run/valkey.sock"),
        ],
    )
    def test_url(self, kind, url, expected):
        """The log shows host and port or the socket, and neither user nor password."""

        assert expected == kind(url).location

    @pytest.mark.parametrize(
        ("make", "kind"),
        [(redis.Redis, RedisStore), (redis.asyncio.Redis, AsyncRedisStore)],
        ids=["sync", "async"],
    )
    def test_client(self, make, kind):
        """The same of a client."""

        assert "db.example:6380" == kind(make(host="db.example", port=6380, password="hunter2")).location

    def test_socket(self):
        """Of a client on a Unix socket, the path."""

        assert "/run/valkey.sock" == RedisStore(redis.Redis(unix_socket_path="/run/valkey.sock")).location

    def test_other_client(self):
        """Of a client of another kind, its class."""

        class Pooled:
            def execute_command(self, *args):
                raise AssertionError

        assert "Pooled" == RedisStore(Pooled()).location


class Proxy:
    """Passes bytes between clients and a server; drops the next answer to a script on demand.

    Attributes:
        port: The port for clients.
        dropped: How many answers were dropped.
    """

    def __init__(self, server):
        self.server = server
        self.dropped = 0
        self._drops = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def drop_next_answer(self, times=1):
        """Let the server run the next script, and close the connection before its answer arrives."""
        self._drops = times

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.server.port)) as server:
            while request := client.recv(65_536):
                server.sendall(request)
                answer = server.recv(65_536)
                if self._drops and b"EVAL" in request:
                    self._drops -= 1
                    self.dropped += 1
                    return
                client.sendall(answer)


@pytest.fixture
def proxy(server):
    made = Proxy(server)
    yield made
    made.close()


def retrying_client(proxy):
    """Return a client that sends a command again if the connection breaks, as redis-py does by default since 6."""
    return redis.Redis(port=proxy.port, retry=Retry(NoBackoff(), 3), retry_on_error=[redis.ConnectionError])


def retrying_async_client(proxy):
    retry = redis.asyncio.retry.Retry(NoBackoff(), 3)
    return redis.asyncio.Redis(port=proxy.port, retry=retry, retry_on_error=[redis.ConnectionError])


class TestLostAnswer:
    """A client of the application's own repeats what the server has run already."""

    @pytest.fixture
    def store(self, proxy):
        made = RedisStore(retrying_client(proxy))
        # The server knows both scripts before an answer is dropped.
        made.increment("{a}n", 1, expires_at=EXPIRES_AT, now=NOW)
        made.compare_and_set(f"{{{uuid.uuid4().hex}}}", None, "v", expires_at=EXPIRES_AT, now=NOW)
        yield made
        made.close()

    @pytest.mark.parametrize(
        ("former", "expected", "succeeds"),
        [(None, None, True), ("a", "a", True), ("a", "b", False), ("a", None, False), (None, "a", False)],
        ids=["new", "replaced", "other-value", "not-absent", "absent"],
    )
    def test_compare_and_set(self, store, proxy, key, former, expected, succeeds):
        """The repeated command returns what the first one returned."""
        if former is not None:
            store.compare_and_set(key, None, former, expires_at=EXPIRES_AT, now=NOW)
        proxy.drop_next_answer()

        assert succeeds is store.compare_and_set(key, expected, "new", expires_at=EXPIRES_AT, now=NOW)
        assert 1 == proxy.dropped
        assert ["new" if succeeds else former] == store.get(key, now=NOW)

    def test_another_call_with_the_same_value(self, store, proxy, key):
        """A second call that writes the same value does not take the first one's success for its own."""
        assert store.compare_and_set(key, None, "1 1000", expires_at=EXPIRES_AT, now=NOW)
        proxy.drop_next_answer()

        assert not store.compare_and_set(key, None, "1 1000", expires_at=EXPIRES_AT, now=NOW)

    def test_increment(self, store, proxy, key):
        """A repeated count counts once."""
        totals = []
        for _ in range(3):
            proxy.drop_next_answer()
            totals.append(store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW))

        assert [1, 2, 3] == totals
        assert 3 == proxy.dropped

    def test_dropped_twice(self, store, proxy, key):
        """A command that is repeated twice counts once too."""
        proxy.drop_next_answer(times=2)

        assert 1 == store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
        assert 2 == proxy.dropped

    def test_async(self, proxy, key):
        """So it is with a client of redis.asyncio."""

        async def play():
            store = AsyncRedisStore(retrying_async_client(proxy))
            await store.compare_and_set(key, None, "0", expires_at=EXPIRES_AT, now=NOW)
            await store.increment(f"{key}n", 1, expires_at=EXPIRES_AT, now=NOW)
            proxy.drop_next_answer()
            written = await store.compare_and_set(key, "0", "1", expires_at=EXPIRES_AT, now=NOW)
            proxy.drop_next_answer()
            total = await store.increment(f"{key}n", 1, expires_at=EXPIRES_AT, now=NOW)
            await store.aclose()
            return written, total

        assert (True, 2) == asyncio.run(play())
        assert 2 == proxy.dropped

    def test_refresh(self, store, proxy):
        """A refresh whose answer is lost is not reported as reuse, and the session goes on."""
        alice = MemoryUser(identity=uuid.uuid4().hex, username="alice")
        settings = Settings(keys=KeyRing.from_secret(generate_secret()), refresh_grace=0)
        guard = Guard(MemoryUsers([alice]), settings, store=store, clock=FrozenClock())
        token = guard.issue(alice)
        guard._clock.tick(15 * 60)
        proxy.drop_next_answer()
        fresh = guard.refresh(token)

        assert 1 == proxy.dropped
        assert alice.identity == guard.verify(fresh).identity

    def test_redeem(self, store, proxy):
        """An action token whose answer is lost is redeemed, not reported as reused."""
        alice = MemoryUser(identity=uuid.uuid4().hex, username="alice")
        settings = Settings(keys=KeyRing.from_secret(generate_secret()))
        guard = Guard(MemoryUsers([alice]), settings, store=store, clock=FrozenClock())
        link = guard.issue_action(alice, "confirm")
        proxy.drop_next_answer()

        assert guard.redeem_action(link, "confirm")
        assert 1 == proxy.dropped

    def test_login(self, store, proxy):
        """A login whose counter's answer is lost counts once: the last allowed attempt is not refused."""
        name = uuid.uuid4().hex
        hasher = cheapest_hasher()
        alice = MemoryUser(identity=name, username=name, password=hasher.hash("correct horse"))
        settings = Settings(keys=KeyRing.from_secret(generate_secret()))
        throttle = LoginThrottle(per_account=1)
        guard = Guard(
            MemoryUsers([alice]), settings, store=store, passwords=hasher, throttle=throttle, clock=FrozenClock()
        )
        proxy.drop_next_answer()

        assert guard.authenticate(name, "correct horse") is alice
        assert 1 == proxy.dropped

    def test_client_by_url_repeats_nothing(self, server, proxy, key):
        """A client that the store created sends nothing twice: the call fails, and the caller decides."""
        with closing(RedisStore(f"redis://127.0.0.1:{proxy.port}/0")) as store:
            store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)
            proxy.drop_next_answer()
            with pytest.raises(redis.ConnectionError):
                store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)

            assert ["2"] == store.get(key, now=NOW)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
class TestFork:
    def test_while_threads_write(self, server, key):
        """40 children write although threads of the parent use the store at the fork."""
        store = RedisStore(server.url, timeout=PATIENCE)
        stop = threading.Event()

        def write(number):
            while not stop.is_set():
                store.increment(f"{key}{number}", 1, expires_at=EXPIRES_AT, now=NOW)

        threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        found = []
        try:
            for number in range(40):
                child = os.fork()
                if child == 0:
                    # Ends a child that stays locked.
                    timer = threading.Timer(PATIENCE, os._exit, [99])
                    timer.daemon = True
                    timer.start()
                    os._exit(0 if store.compare_and_set(f"{key}c{number}", None, "v", expires_at=2_000, now=NOW) else 1)
                found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        finally:
            stop.set()
            for thread in threads:
                thread.join()

        assert [0] * 40 == found
        assert ["v"] * 40 == store.get(*(f"{key}c{number}" for number in range(40)), now=NOW)
        store.close()

    def test_child(self, server, key):
        """A child gets a client of its own; a client that was passed in stays."""
        named, passed = RedisStore(server.url), RedisStore(redis.Redis(port=server.port))
        former = [store._client for store in (named, passed)]
        for store in (named, passed):
            store.before_fork()
            store.after_fork_in_child()

        assert [False, True] == [store._client is client for store, client in zip((named, passed), former, strict=True)]
        assert [1, 2] == [store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW) for store in (named, passed)]
        for client in (*former, named._client):
            client.close()

    def test_asyncio(self, server, key):
        """A child gets clients of its own; the parent's are neither used nor closed."""
        store = AsyncRedisStore(server.url)

        async def count():
            return await store.increment(key, 1, expires_at=EXPIRES_AT, now=NOW)

        async def parent():
            before = await count()
            (client,) = store._clients.values()
            store.after_fork_in_child()
            after = await count()
            (other,) = store._clients.values()
            assert client is not other
            for opened in (client, other):
                await opened.aclose()
            return before, after

        assert (1, 2) == asyncio.run(parent())


class TestClusterEviction:
    def test_one_node(self, valkey, tmp_path):
        """Every primary of a cluster is asked: one that may evict is enough to refuse."""
        cluster = Cluster(tmp_path)
        cluster.start()
        try:
            set_policy(cluster.nodes[2], "allkeys-lru")
            for get in (get_from_cluster, get_from_cluster_async):
                with pytest.raises(ServiceUnavailableError, match=r"the cluster of .* may evict entries"):
                    get(cluster.nodes[0].port)
            set_policy(cluster.nodes[2], "noeviction")

            assert [[None], [None]] == [
                get(cluster.nodes[0].port) for get in (get_from_cluster, get_from_cluster_async)
            ]
        finally:
            cluster.stop()


def get_from_cluster(port):
    with closing(RedisCluster(host="127.0.0.1", port=port)) as client:
        return RedisStore(client).get("{k}", now=NOW)


def get_from_cluster_async(port):
    async def play():
        client = redis.asyncio.cluster.RedisCluster(host="127.0.0.1", port=port)
        try:
            await client.initialize()
            return await AsyncRedisStore(client).get("{k}", now=NOW)
        finally:
            await client.aclose()

    return asyncio.run(play())
