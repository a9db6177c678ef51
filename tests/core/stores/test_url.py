"""The URL of a store: each part has one meaning, and no message shows a part of it."""

from __future__ import annotations

import copy
import json
from urllib.parse import quote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import parse_url

from praetorian_core.errors import ConfigurationError
from praetorian_core.settings import Settings
from praetorian_core.stores.redis_url import read_redis_url
from praetorian_core.stores.url import StoreURL
from praetorian_core.token.keys import KeyRing, generate_secret

RING = KeyRing.from_secret(generate_secret())

# The location that is shown, and the keyword arguments that redis-py reads from the URL that is handed to it.
GOOD = [
    ("redis://db", "redis://db:6379/0", {"host": "db", "port": 6379, "db": 0}),
    ("redis://db/", "redis://db:6379/0", {"host": "db", "port": 6379, "db": 0}),
    ("redis://db.example:7000/3", "redis://db.example:7000/3", {"host": "db.example", "port": 7000, "db": 3}),
    ("redis://db?db=3", "redis://db:6379/3", {"host": "db", "port": 6379, "db": 3}),
    ("redis://127.0.0.1", "redis://127.0.0.1:6379/0", {"host": "127.0.0.1", "port": 6379, "db": 0}),
    ("redis://[2001:db8::1]:7/1", "redis://[2001:db8::1]:7/1", {"host": "2001:db8::1", "port": 7, "db": 1}),
    ("redis://[fe80::1%25eth0]", "redis://[fe80::1%25eth0]:6379/0", {"host": "fe80::1%eth0", "port": 6379, "db": 0}),
    ("redis://:hunter2@db", "redis://db:6379/0", {"password": "hunter2", "host": "db", "port": 6379, "db": 0}),
    ("redis://:p%40ss%23w@db", "redis://db:6379/0", {"password": "p@ss#w", "host": "db", "port": 6379, "db": 0}),
    ("redis://:57%23Wc@db", "redis://db:6379/0", {"password": "57#Wc", "host": "db", "port": 6379, "db": 0}),
    ("redis://:12%2F34@db", "redis://db:6379/0", {"password": "12/34", "host": "db", "port": 6379, "db": 0}),
    ("redis://:a:b+c@db", "redis://db:6379/0", {"password": "a:b+c", "host": "db", "port": 6379, "db": 0}),
    ("redis://:größe@db", "redis://db:6379/0", {"password": "größe", "host": "db", "port": 6379, "db": 0}),
    (
        "redis://app:hunter2@db:7/1",
        "redis://db:7/1",
        {"username": "app", "password": "hunter2", "host": "db", "port": 7, "db": 1},
    ),
    (
        "redis://db?username=app&password=hunter2",
        "redis://db:6379/0",
        {"username": "app", "password": "hunter2", "host": "db", "port": 6379, "db": 0},
    ),
    (
        "valkey://db?socket_timeout=1.5&max_connections=7&health_check_interval=0&client_name=shop&socket_keepalive=False",
        "valkey://db:6379/0",
        {
            "host": "db", "port": 6379, "db": 0, "socket_timeout": 1.5, "max_connections": 7,
            "health_check_interval": 0, "client_name": "shop", "socket_keepalive": False,
        },
    ),
    ("unix:///run/redis.sock", "unix:///run/redis.sock", {"path": "/run/redis.sock"}),
    ("unix:///run/a%20b.sock?db=2", "unix:///run/a b.sock", {"path": "/run/a b.sock", "db": 2}),
    ("unix://:hunter2@/run/redis.sock", "unix:///run/redis.sock", {"password": "hunter2", "path": "/run/redis.sock"}),
    (
        "unix:///run/redis.sock?password=hunter2",
        "unix:///run/redis.sock",
        {"password": "hunter2", "path": "/run/redis.sock"},
    ),
]  # fmt: skip

GOOD_TLS = [
    ("rediss://db", {"host": "db", "port": 6379, "db": 0, "ssl_check_hostname": True}),
    ("rediss://db?ssl_check_hostname=false", {"host": "db", "port": 6379, "db": 0, "ssl_check_hostname": False}),
    ("valkeys://db?ssl_cert_reqs=none", {"host": "db", "port": 6379, "db": 0, "ssl_cert_reqs": "none"}),
    (
        "rediss://db?ssl_ca_certs=%2Fetc%2Fca.pem&ssl_check_hostname=true",
        {"host": "db", "port": 6379, "db": 0, "ssl_ca_certs": "/etc/ca.pem", "ssl_check_hostname": True},
    ),
]

ENCODED = "write the password percent-encoded"
BAD = [
    # The URL, and words of the reason.
    # A password that is not encoded.
    ("redis://:p@ss#w@host", "unencoded '#'"),
    ("redis://:57#Wc@host", "unencoded '#'"),
    ("redis://:hunter2@host/0#x", "unencoded '#'"),
    ("redis://:12/34@host", "unencoded '@', '/' or '?'"),
    ("redis://:a?b@host", "unencoded '@', '/' or '?'"),
    ("redis://:p@ss@host", "unencoded '@', '/' or '?'"),
    ("redis://:100%@host", "a '%' that begins no code"),
    ("redis://:1%zz@host", "a '%' that begins no code"),
    ("redis://:%ff@host", "not UTF-8"),
    ("redis://:a%0Ab@host", "control character"),
    ("redis://:a b@host", "a blank or a control character"),
    ("redis://ho\nst", "a blank or a control character"),
    ("redis://host\t", "a blank or a control character"),
    (" redis://host", "does not begin with a known scheme"),
    ("'redis://host'", "does not begin with a known scheme"),
    ("redis://:${PASSWORD}@host", "a character that a URL cannot hold"),
    ("redis://:a\\b@host", "a character that a URL cannot hold"),
    ('redis://:a"b@host', "a character that a URL cannot hold"),
    ("redis://host'", "a host or port that cannot be read"),
    ("redis://{host}/0", "a character that a URL cannot hold"),
    # Credentials that redis-py would drop or take for something else.
    ("redis://hunter2@host", "a user name without a password"),
    ("redis://hunter2:@host", "a user name without a password"),
    ("redis://:@host", "a user name without a password"),
    ("redis://@host", "a user name without a password"),
    ("redis://host?username=hunter2", "a user name without a password"),
    ("redis://:hunter2@host?password=x", "two passwords"),
    ("redis://:hunter2@host?username=x", "two passwords"),
    # The host and the port.
    ("redis://", "the host is missing"),
    ("redis:///", "the host is missing"),
    ("redis:///0", "the host is missing"),
    ("redis:///abc", "the host is missing"),
    ("redis://:6379", "the host is missing"),
    ("redis://:hunter2", "the host is missing"),
    ("redis://:hunter2@", "the host is missing"),
    ("redis://:hunter2@/0", "the host is missing"),
    ("redis://?db=1", "the host is missing"),
    ("redis://user:hunter2", "a host or port that cannot be read"),
    ("redis://host:", "a host or port that cannot be read"),
    ("redis://host:abc", "a host or port that cannot be read"),
    ("redis://host:-1", "a host or port that cannot be read"),
    ("redis://a,b", "a host or port that cannot be read"),
    ("redis://a:1,b:2", "a host or port that cannot be read"),
    ("redis://2001:db8::1", "a host or port that cannot be read"),
    ("redis://[2001:db8::1", "a host or port that cannot be read"),
    ("redis://%2Frun%2Fredis.sock", "a host or port that cannot be read"),
    ("redis://größe", "a host or port that cannot be read"),
    ("redis://[1:2]", "an invalid IPv6 address"),
    ("redis://host:0", "a port that is not from 1 to 65535"),
    ("redis://host:65536", "a port that is not from 1 to 65535"),
    # The database.
    ("redis://host/abc", "a database that is not a number"),
    ("redis://host/1/2", "a database that is not a number"),
    ("redis://host//1", "a database that is not a number"),
    ("redis://host/-1", "a database that is not a number"),
    ("redis://host/1_0", "a database that is not a number"),
    ("redis://host/01", "a database that is not a number"),
    ("redis://host/%31", "a database that is not a number"),
    ("redis://host/\u0661", "a database that is not a number"),
    ("redis://host/1?db=1", "two numbers of the database"),
    # Options.
    ("redis://host?", "a '?' without options"),
    ("redis://host?foo=bar", "an unknown option"),
    ("redis://host?hunter2", "an unknown option"),
    ("redis://host?socket_timout=1", "did you mean socket_timeout?"),
    ("redis://host?Db=1", "an unknown option"),
    ("redis://host?db=1&", "an unknown option"),
    ("redis://host?db=1;prefix=a", "another value of the option db"),
    ("redis://host?ssl=true", "write rediss://"),
    ("redis://host?db", "another value of the option db"),
    ("redis://host?db=", "another value of the option db"),
    ("redis://host?db=1&db=1", "the option db twice"),
    ("redis://host?retry_on_timeout=true", "which Praetorian sets"),
    ("redis://host?retry_on_error=x", "which Praetorian sets"),
    ("redis://host?protocol=3", "which Praetorian sets"),
    ("redis://host?timeout=1", "which Praetorian sets"),
    ("redis://host?socket_timeout=0", "another value of the option socket_timeout"),
    ("redis://host?socket_timeout=61", "another value of the option socket_timeout"),
    ("redis://host?socket_timeout=inf", "another value of the option socket_timeout"),
    ("redis://host?socket_timeout=nan", "another value of the option socket_timeout"),
    ("redis://host?max_connections=0", "another value of the option max_connections"),
    ("redis://host?socket_keepalive=off", "another value of the option socket_keepalive"),
    ("redis://host?prefix=", "another value of the option prefix"),
    ("redis://host?prefix=%7Ba%7D", "another value of the option prefix"),
    ("redis://host?prefix=a%20b", "another value of the option prefix"),
    ("redis://host?ssl_cert_reqs=required", "an option of TLS in a URL without TLS"),
    ("unix:///run/x?ssl_cert_reqs=required", "an option of TLS in a URL without TLS"),
    ("rediss://host?ssl_cert_reqs=None", "write ssl_cert_reqs= and required, or none"),
    ("rediss://host?ssl_cert_reqs=CERT_NONE", "write ssl_cert_reqs= and required, or none"),
    ("rediss://host?ssl_cert_reqs=optional", "write ssl_cert_reqs= and required, or none"),
    ("rediss://host?ssl_cert_reqs=none&ssl_check_hostname=true", "a check of the host name without a certificate"),
    ("rediss://host?ssl_check_hostname=no", "another value of the option ssl_check_hostname"),
    # Sockets.
    ("unix://run/redis.sock", "needs three slashes"),
    ("unix://", "the path of the socket is missing"),
    ("unix:///", "the path of the socket is missing"),
    ("unix:///run/", "the path of the socket is missing"),
    # SQLite.
    ("sqlite://", "needs three slashes"),
    ("sqlite://state.db", "needs three slashes"),
    ("sqlite://var/lib/state.db", "needs three slashes"),
    ("sqlite://user:hunter2@host/state.db", "needs three slashes"),
    ("sqlite:///", "the file is missing"),
    ("sqlite:////var/lib/", "the file is missing"),
    ("sqlite:///:memory:", "write 'memory://'"),
    ("sqlite:///state.db?mode=ro", "options of SQLite"),
    ("sqlite:///state.db#x", "options of SQLite"),
    ("sqlite:///file:state.db", "options of SQLite"),
    ("sqlite:///a%20b.db", "the path is not decoded"),
    ("sqlite:///~/state.db", "not expanded"),
    ("sqlite:///$HOME/state.db", "not expanded"),
    ("sqlite:///{folder}/state.db", "not expanded"),
    ("sqlite:///state.db ", "a blank at an end"),
    ("sqlite:///state.db\n", "a blank at an end"),
    # Others.
    ("memory://x", "a text after memory://"),
    ("memory://?max_entries=5", "a text after memory://"),
    ("memory:///", "a text after memory://"),
    ("memory:", "does not begin with a known scheme"),
    ("REDIS://host", "does not begin with a known scheme"),
    ("redis+sentinel://host", "does not begin with a known scheme"),
    ("postgresql://app:hunter2@host/x", "does not begin with a known scheme"),
    ("redis:host", "does not begin with a known scheme"),
    ("state.db", "does not begin with a known scheme"),
    ("", "does not begin with a known scheme"),
]
TEXT = st.text(st.characters(exclude_characters="\ufffd", exclude_categories=["C", "Z"]) | st.just(" "))
by_url = {"ids": lambda value: ascii(value)[:60] if isinstance(value, str) else ""}


def refusal(text):
    with pytest.raises(ConfigurationError) as caught:
        StoreURL(text)
    return caught.value


class TestRedis:
    @pytest.mark.parametrize(("text", "location", "options"), GOOD, ids=[row[0] for row in GOOD])
    def test_good(self, text, location, options):
        """redis-py reads exactly the parts that the URL names."""
        url = StoreURL(text)
        read = parse_url(url.reveal_target())
        read.pop("connection_class", None)

        assert ("redis", location, options) == (url.kind, url.location, read)

    @pytest.mark.parametrize(("text", "options"), GOOD_TLS, ids=[row[0] for row in GOOD_TLS])
    def test_tls(self, text, options):
        """``rediss://`` and ``valkeys://`` encrypt the connection, and have options for it."""
        read = parse_url(StoreURL(text).reveal_target())

        assert "SSLConnection" == read.pop("connection_class").__name__
        assert options == read

    @pytest.mark.parametrize(
        ("text", "prefix"),
        [
            ("redis://db", None),
            ("redis://db?prefix=shop:", "shop:"),
            ("redis://db/1?prefix=shop%3A", "shop:"),
            ("unix:///run/redis.sock?prefix=a+b", "a+b"),
        ],
    )
    def test_prefix(self, text, prefix):
        """The option ``prefix`` is not handed to redis-py."""
        url = StoreURL(text)

        assert prefix == url.prefix
        assert "prefix" not in url.reveal_target()

    @given(user=TEXT, password=TEXT.filter(bool))
    def test_any_encoded_password(self, user, password):
        """A percent-encoded password of printable characters reaches redis-py unchanged."""
        read = parse_url(StoreURL(f"redis://{quote(user, safe='')}:{quote(password, safe='')}@db:7/1").reveal_target())

        assert (user, password, "db", 7, 1) == (
            read.get("username", ""), read["password"], read["host"], read["port"], read["db"]
        )  # fmt: skip

    @given(st.text("az0:@/?#%[]&=.,-_ +1\n\u00e9", max_size=20))
    def test_any_text(self, text):
        """A text is rejected, or redis-py reads a host, a port and a database from what it is handed."""
        try:
            url = StoreURL(f"redis://{text}")
        except ConfigurationError:
            return
        read = parse_url(url.reveal_target())

        assert f"redis://{read['host']}:{read['port']}/{read['db']}" == url.location.replace("[", "").replace("]", "")
        assert StoreURL(url.reveal_target()).reveal_target() == url.reveal_target()

    def test_other_name(self):
        """The message names the argument that holds the URL."""
        with pytest.raises(ConfigurationError, match="server must be the URL of a store; got a URL of another kind"):
            read_redis_url("http://host", "server")


class TestRejected:
    @pytest.mark.parametrize(("text", "reason"), BAD, **by_url)
    def test_bad(self, text, reason):
        """The message says what was found and what to write."""
        message = str(refusal(text))

        assert message.startswith("PRAETORIAN_STORE must be the URL of a store; got ")
        assert reason in message
        assert "; write " in message or "did you mean" in message

    @pytest.mark.parametrize(("text", "reason"), BAD, **by_url)
    def test_no_part_is_repeated(self, text, reason):
        """ASVS 16.2.5: neither the message nor an exception behind it shows a password or a host."""
        error = refusal(text)
        shown = f"{error!r}{error.__cause__!r}{error.__context__!r}"

        for part in ("hunter2", "p@ss", "57", "12/34", "ss#w", "foo", "bar"):
            assert part not in shown or part not in text

    @pytest.mark.parametrize("value", [0, b"redis://host", ["memory://"], True], ids=repr)
    def test_another_type(self, value):
        """A URL is a str; the message shows the type of another value."""

        assert f"got {type(value).__name__}; write" in str(refusal(value))


class TestOthers:
    @pytest.mark.parametrize(
        ("text", "kind", "target"),
        [
            ("memory://", "memory", ""),
            ("sqlite:///state.db", "sqlite", "state.db"),
            ("sqlite:////var/lib/app/state.db", "sqlite", "/var/lib/app/state.db"),
            ("sqlite:///state of the app.db", "sqlite", "state of the app.db"),
            ("sqlite:///größe.db", "sqlite", "größe.db"),
        ],
    )
    def test_good(self, text, kind, target):
        """The location of other stores is the whole URL."""
        url = StoreURL(text)

        assert (kind, target, text, None) == (url.kind, url.reveal_target(), url.location, url.prefix)


SECRET_URLS = [
    "redis://app:hunter2@db:7/1?prefix=shop:",
    "redis://db:7/1?password=hunter2",
    "rediss://db:7/1?ssl_password=hunter2",
    "unix:///run/redis.sock?password=hunter2",
]


def attributes_of(value, depth=4):
    """Return all attributes of a value, in slots too, as a serializer without knowledge of the class does."""
    names = {
        *getattr(value, "__dict__", ()),
        *(name for kind in type(value).__mro__ for name in vars(kind).get("__slots__", ())),
    }
    held = {name: getattr(value, name, None) for name in names - {"__weakref__", "__dict__"}}
    return {name: attributes_of(it, depth - 1) for name, it in held.items()} if held and depth else repr(value)


class TestHidden:
    @pytest.mark.parametrize("text", SECRET_URLS)
    @pytest.mark.parametrize(
        "show",
        [
            repr,
            str,
            lambda settings: f"{settings.store!s}{settings.store!r}{settings.store}",
            lambda settings: str(attrs.asdict(settings)),
            lambda settings: str(attrs.asdict(settings, recurse=False)),
            lambda settings: str(attrs.astuple(settings)),
            lambda settings: json.dumps(attrs.asdict(settings), default=str),
            lambda settings: json.dumps(attrs.asdict(settings), default=lambda it: getattr(it, "__dict__", str(it))),
            lambda settings: str(vars(settings)),
            lambda settings: f"{attributes_of(settings)}",
        ],
        ids=[
            "repr",
            "str",
            "format",
            "asdict",
            "asdict-flat",
            "astuple",
            "json",
            "json-of-dicts",
            "vars",
            "attributes",
        ],
    )
    def test_no_serializer_shows_the_password(self, text, show):
        """A generic serializer of settings shows the location of the store and no password."""
        shown = show(Settings(keys=RING, store=text))

        assert "hunter2" not in shown
        assert StoreURL(text).location in shown

    @pytest.mark.parametrize("text", SECRET_URLS)
    @pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy])
    def test_copies_work(self, text, clone):
        """A copy is equal and opens the same store."""
        url = StoreURL(text)

        assert url == clone(url)
        assert url.reveal_target() == clone(url).reveal_target()


class TestEquality:
    def test_with_the_text(self):
        """A URL equals its text and another URL of the same text."""

        assert StoreURL("memory://") == "memory://"
        assert StoreURL("memory://") == StoreURL("memory://")
        assert {StoreURL("memory://")} == {"memory://"}

    @pytest.mark.parametrize("other", ["sqlite:///a", StoreURL("sqlite:///a"), None, 5], ids=str)
    def test_with_others(self, other):
        """A URL differs from another text and from another type."""

        assert StoreURL("memory://") != other
