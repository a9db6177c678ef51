"""The settings: their defaults, what each accepts, and how it rejects."""

import enum
import json
import re
import uuid
from datetime import timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import DAY, RING, SECRET, Request, bearer, refusal

from praetorian_core import AsyncGuard, Guard, MemoryStore
from praetorian_core.errors import ConfigurationError, MissingTokenError
from praetorian_core.settings import ACTION_LIFESPAN, Settings
from praetorian_core.settings.declaration import declaration_of, declare, must_be
from praetorian_core.token.keys import generate_secret
from praetorian_core.token.layouts import FLASK_PRAETORIAN, STANDARD

KEY = {"SECRET_KEY": SECRET}
NAN, HUGE = float("nan"), 10**5000
ATTRIBUTES = {declaration_of(field).key: field.name for field in attrs.fields(Settings)}

FLAG = "True or False"
LIFESPAN = "a timedelta, a dict, a string with units or integer seconds"
LEEWAY = "whole seconds from 0 to 60"
TEXT = "None or a non-empty str without surrogates"
TIMEOUT = "seconds above 0 and at most 60"
HTTP_TOKEN = "an HTTP token (RFC 9110 §5.6.2)"
REALM = "printable ASCII without quotes and backslashes"
PARSER = "a plain function of one str"
METHOD = "the name of a method"
ROLES = "None or a list of role names, without blanks around a name and without commas"
LAYOUT = "STANDARD or FLASK_PRAETORIAN"
LAYOUTS = "STANDARD, FLASK_PRAETORIAN or a list of both"
STORE = "the URL of a store"
PLACES = '"header", "cookie", "query_ticket" or a list of them'
DOMAIN = "None or a domain in lower case without a leading dot"
ORIGINS = "a list of origins, each a scheme, a host and a port if it is not the usual one"


async def parse_later(text):
    """Parse an identity, too late for a caller that does not wait."""


class Role(str, enum.Enum):
    """An enum of str."""

    ADMIN = "admin"
    CHIEF = "chief editor"


GOOD = [
    # key, value, what Settings keeps (each is one test)
    ("JWT_ACCESS_LIFESPAN", 1, 1),
    ("JWT_ACCESS_LIFESPAN", "5m", 300),
    ("JWT_ACCESS_LIFESPAN", {"hours": 2}, 7200),
    ("JWT_ACCESS_LIFESPAN", timedelta(hours=1), 3600),
    ("JWT_ACCESS_LIFESPAN", 30 * DAY, 30 * DAY),  # as long as refresh
    ("JWT_REFRESH_LIFESPAN", 900, 900),  # as short as access
    ("JWT_REFRESH_LIFESPAN", "1 day, 2 hours", 93_600),
    ("JWT_LEEWAY", 0, 0),
    ("JWT_LEEWAY", 60, 60),
    ("JWT_ISSUER", "https://id.example", "https://id.example"),
    ("JWT_ISSUER", "Größe \N{SNOWMAN}", "Größe \N{SNOWMAN}"),
    ("JWT_AUDIENCE", "shop", "shop"),
    ("JWT_REALM", "staff area (EU)", "staff area (EU)"),
    ("JWT_REALM", "!#[]~", "!#[]~"),  # the neighbours of quote and backslash
    ("JWT_REALM", "a" * 500, "a" * 500),
    ("JWT_HEADER_NAME", "X-Api-Token", "X-Api-Token"),
    ("JWT_HEADER_TYPE", "JWT", "JWT"),
    ("PRAETORIAN_LAYOUT", STANDARD, STANDARD),
    ("PRAETORIAN_ACCEPT_LAYOUTS", STANDARD, (STANDARD,)),
    ("PRAETORIAN_ACCEPT_LAYOUTS", [STANDARD, FLASK_PRAETORIAN], (STANDARD, FLASK_PRAETORIAN)),
    ("PRAETORIAN_ACCEPT_LAYOUTS", (FLASK_PRAETORIAN, STANDARD), (FLASK_PRAETORIAN, STANDARD)),
    ("PRAETORIAN_PARSE_IDENTITY", uuid.UUID, uuid.UUID),
    ("PRAETORIAN_ROLES_DISABLED", True, True),
    ("PRAETORIAN_ROLES", ["admin", "editor"], ("admin", "editor")),
    ("PRAETORIAN_ROLES", {"admin": 1}.keys(), ("admin",)),
    ("PRAETORIAN_ROLES", Role, ("admin", "chief editor")),
    ("USER_CLASS_VALIDATION_METHOD", "may_act", "may_act"),
    ("DISABLE_PRAETORIAN_ERROR_HANDLER", True, True),
    ("PRAETORIAN_LOG_TRACEBACKS", True, True),
    ("PRAETORIAN_STORE", "memory://", "memory://"),
    ("PRAETORIAN_STORE", "sqlite:///state.db", "sqlite:///state.db"),
    ("PRAETORIAN_STORE", "sqlite:////var/lib/app/state.db", "sqlite:////var/lib/app/state.db"),
    ("PRAETORIAN_STORE", "redis://localhost/0", "redis://localhost/0"),
    ("PRAETORIAN_STORE", "rediss://user:password@db.example:6380/1", "rediss://user:password@db.example:6380/1"),
    ("PRAETORIAN_STORE", "unix:///run/valkey.sock", "unix:///run/valkey.sock"),
    ("PRAETORIAN_STORE", "valkey://localhost", "valkey://localhost"),
    ("PRAETORIAN_STORE", "valkeys://localhost", "valkeys://localhost"),
    ("PRAETORIAN_STORE_TIMEOUT", 1, 1),
    ("PRAETORIAN_STORE_TIMEOUT", 0.05, 0.05),
    ("PRAETORIAN_STORE_TIMEOUT", 60, 60),
    ("PRAETORIAN_STORE_EVICTION", "warn", "warn"),
    ("PRAETORIAN_MAX_SESSIONS", 1, 1),
    ("PRAETORIAN_MAX_SESSIONS", 100, 100),
    ("PRAETORIAN_SESSION_LIMIT", "end_oldest", "end_oldest"),
    ("PRAETORIAN_THROTTLE", False, False),
    ("PRAETORIAN_THROTTLE_FAILURE", "allow", "allow"),
    ("PRAETORIAN_CHECK_SESSIONS", "refresh", "refresh"),
    ("PRAETORIAN_REFRESH_GRACE", 0, 0),
    ("PRAETORIAN_REFRESH_GRACE", "1 minute", 60),
    ("PRAETORIAN_EARLY_REFRESH", 0, 0),
    ("PRAETORIAN_EARLY_REFRESH", "30 s", 30),
    ("PRAETORIAN_EARLY_REFRESH", 900, 900),  # as long as access
    ("JWT_IDLE_LIFESPAN", 901, 901),  # longer than access
    ("JWT_IDLE_LIFESPAN", "30 days", 30 * DAY),  # as long as the session
    ("JWT_PLACES", "cookie", ("cookie",)),
    ("JWT_PLACES", ["header", "cookie", "query_ticket"], ("header", "cookie", "query_ticket")),
    ("JWT_COOKIE_NAME", "__Host-shop", "__Host-shop"),
    ("PRAETORIAN_COOKIE_PATH", "/shop", "/shop"),
    ("PRAETORIAN_COOKIE_DOMAIN", "shop.example", "shop.example"),
    ("PRAETORIAN_COOKIE_SAMESITE", "Strict", "Strict"),
    ("PRAETORIAN_COOKIE_SECURE", False, False),
    ("PRAETORIAN_COOKIE_REFRESH", True, True),
    ("PRAETORIAN_TRUSTED_ORIGINS", "https://app.example", ("https://app.example",)),
    ("PRAETORIAN_TRUSTED_ORIGINS", ["http://localhost:8080"], ("http://localhost:8080",)),
    ("PRAETORIAN_WEBSOCKET_RECHECK", 1, 1),
    ("PRAETORIAN_WEBSOCKET_RECHECK", 3600, 3600),
]

BAD = [
    # key, values, what the message expects (each value is one test)
    ("JWT_KEYS", [SECRET, 5, [SECRET], {"keys": []}, False], "a KeyRing"),
    ("JWT_ACCESS_LIFESPAN", ["soon", "900", 0, -1, True, 9.0], LIFESPAN),
    ("JWT_REFRESH_LIFESPAN", ["", 9e9, 0, timedelta(0), {}], LIFESPAN),
    ("JWT_LEEWAY", [-1, 61, 1.0, True, "10", HUGE], LEEWAY),
    ("JWT_ISSUER", ["", 5, "\ud800"], TEXT),
    ("JWT_AUDIENCE", ["", ["api"], "\ud800"], TEXT),
    ("JWT_REALM", ['a"b', "a\\b", "a\r\nSet-Cookie: x", "api\n", "Größe", "a\x7f", "", b"api"], REALM),
    ("JWT_HEADER_NAME", ["", "X Token", "Größe", "X-Token\n", 5], HTTP_TOKEN),
    ("JWT_HEADER_TYPE", ["", "Bearer ", "Bearer:", "a\r\nb", b"Bearer"], HTTP_TOKEN),
    ("PRAETORIAN_LAYOUT", ["STANDARD", 5, [], [STANDARD]], LAYOUT),
    ("PRAETORIAN_ACCEPT_LAYOUTS", [[], "STANDARD", ["STANDARD"], 5, [[]]], LAYOUTS),
    ("PRAETORIAN_PARSE_IDENTITY", ["uuid", 5, parse_later], PARSER),
    ("PRAETORIAN_ROLES_DISABLED", [0, 1, "no", ""], FLAG),
    ("DISABLE_PRAETORIAN_ERROR_HANDLER", [0, 1, "no", ""], FLAG),
    ("PRAETORIAN_LOG_TRACEBACKS", [0, 1, "no", ""], FLAG),
    (
        "PRAETORIAN_ROLES",
        ["admin", "admin, editor", b"admin", 5, (), ("",), ("admin ",), (" ",), ("a,b",), (5,), (None,), ("\ud800",)],
        ROLES,
    ),
    ("PRAETORIAN_THROTTLE", [0, 1, "no", ""], FLAG),
    ("USER_CLASS_VALIDATION_METHOD", ["", "is_valid()", "user.is_valid", len], METHOD),
    (
        "PRAETORIAN_STORE",
        [
            "", "memory:// ", "memory://x", "postgresql://localhost/x", "REDIS://localhost", "redis://", "sqlite:///",
            "sqlite://", "sqlite://state.db", "state.db", 0,
        ],
        STORE,
    ),
    ("PRAETORIAN_STORE_TIMEOUT", [0, -1, 60.1, NAN, float("inf"), True, "2"], TIMEOUT),
    ("PRAETORIAN_THROTTLE_FAILURE", ["ignore", "Allow", True, ["allow"]], "'refuse' or 'allow'"),
    ("PRAETORIAN_STORE_EVICTION", ["ignore", "Warn", False, ["warn"]], "'refuse' or 'warn'"),
    ("PRAETORIAN_MAX_SESSIONS", [0, -1, 101, True, 2.0, "5", [5]], "None or an int from 1 to 100"),
    ("PRAETORIAN_SESSION_LIMIT", ["end", "Refuse", True, ["refuse"]], "'end_oldest' or 'refuse'"),
    ("PRAETORIAN_CHECK_SESSIONS", ["never", "Always", True, ["always"]], "'always' or 'refresh'"),
    ("PRAETORIAN_REFRESH_GRACE", [-1, False, 1.5, "x"], LIFESPAN),
    ("PRAETORIAN_EARLY_REFRESH", [-1, False, 1.5, "x"], LIFESPAN),
    ("JWT_IDLE_LIFESPAN", [0, -1, False, "x"], LIFESPAN),
    ("JWT_PLACES", [[], "headers", ["header", "header"], ["query"], 5, True], PLACES),
    ("JWT_COOKIE_NAME", ["", "a b", "a;b", "Größe", 5], "None or an HTTP token (RFC 9110 §5.6.2)"),
    ("PRAETORIAN_COOKIE_PATH", ["", "shop", "/a;b", "/a b", "/é", 5], "a path that begins with a slash"),
    ("PRAETORIAN_COOKIE_DOMAIN", ["", ".shop.example", "Shop.example", "localhost", "a;b.c", 5], DOMAIN),
    ("PRAETORIAN_COOKIE_SAMESITE", ["lax", "", False, ["Lax"]], "'Lax' or 'Strict' or 'None'"),
    ("PRAETORIAN_COOKIE_SECURE", [0, 1, "no", ""], FLAG),
    ("PRAETORIAN_COOKIE_REFRESH", [0, 1, "no", ""], FLAG),
    ("PRAETORIAN_TRUSTED_ORIGINS", [5, True], ORIGINS),
    ("PRAETORIAN_WEBSOCKET_RECHECK", [0, 3601, 1.5, True, "30"], "whole seconds from 1 to 3600"),
]  # fmt: skip

OPTIONAL = (
    "JWT_ISSUER", "JWT_AUDIENCE", "JWT_IDLE_LIFESPAN", "JWT_COOKIE_NAME", "PRAETORIAN_COOKIE_DOMAIN", "PRAETORIAN_STORE",
    "PRAETORIAN_MAX_SESSIONS",
    "PRAETORIAN_PARSE_IDENTITY", "PRAETORIAN_ROLES",
)  # fmt: skip

# What a message shows if it is not the value.
UNSHOWN = {"JWT_KEYS": lambda value: type(value).__name__, "PRAETORIAN_ACCEPT_LAYOUTS": lambda value: ""}
UNSHOWN["PRAETORIAN_PARSE_IDENTITY"] = lambda value: "a coroutine function" if value is parse_later else repr(value)
UNSHOWN["JWT_PLACES"] = lambda value: ""  # a converter makes a tuple
UNSHOWN["PRAETORIAN_STORE"] = lambda value: ""  # tests/core/stores/test_url.py has the reasons


class Broken:
    """A value that cannot be printed or compared."""

    __hash__ = None

    def __repr__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise RuntimeError


_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9)
JUNK = st.recursive(
    _PLAIN
    | st.timedeltas()
    | st.decimals()
    | st.builds(Broken)
    | st.builds(object)
    | st.just(len)
    | st.just(uuid.UUID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


def label(key, number, value):
    """Return a test id that is the same in every process."""
    plain = isinstance(value, str | int | float | bool | list | dict) and key != "JWT_KEYS" and value is not HUGE
    text = repr(value) if plain and "object" not in repr(value) else type(value).__name__
    return f"{key}-{number}-{re.sub('[^!-~]', '_', text)[:40]}"


def settings_with(key, value):
    """Return settings with one attribute, named by its key."""
    return Settings(**{"keys": RING, **beside(key), ATTRIBUTES[key]: value})


def beside(key):
    """Return the attributes without which a setting has no effect."""
    return {"places": ["header", "cookie"]} if "COOKIE" in key or "ORIGINS" in key else {}


class TestDefaults:
    def test_only_the_keys_are_required(self):
        """With a key ring alone, every other attribute has this default."""

        assert {
            "keys": RING,
            "access_lifespan": 15 * 60,
            "refresh_lifespan": 30 * DAY,
            "idle_lifespan": None,
            "leeway": 0,
            "issuer": None,
            "audience": None,
            "realm": "api",
            "header_name": "Authorization",
            "header_type": "Bearer",
            "layout": STANDARD,
            "accept_layouts": (STANDARD,),
            "parse_identity": None,
            "roles_disabled": False,
            "roles": None,
            "validation_method": "is_valid",
            "disable_error_handler": False,
            "log_tracebacks": False,
            "store": None,
            "store_timeout": 2.0,
            "store_eviction": "refuse",
            "max_sessions": None,
            "session_limit": "end_oldest",
            "throttle": True,
            "throttle_failure": "refuse",
            "check_sessions": "always",
            "refresh_grace": 10,
            "early_refresh": 0,
            "places": ("header",),
            "cookie_name": None,
            "cookie_path": "/",
            "cookie_domain": None,
            "cookie_same_site": "Lax",
            "cookie_secure": True,
            "cookie_refresh": False,
            "trusted_origins": (),
            "websocket_recheck": 30,
        } == attrs.asdict(Settings(keys=RING), recurse=False)

    def test_keys_have_no_default(self):
        """A missing key ring is a missing argument."""
        with pytest.raises(TypeError, match="keys"):
            Settings()

    def test_attributes_are_keywords(self):
        """A positional value could be taken for another attribute, so none is accepted."""
        with pytest.raises(TypeError):
            Settings(RING)

    def test_action_lifespan(self):
        """ASVS 6.5.5: a token that resets a password lives an hour at most; the default is a quarter of it."""

        assert 15 * 60 == ACTION_LIFESPAN


class TestValues:
    @pytest.mark.parametrize(
        ("key", "value", "kept"),
        [pytest.param(*row, id=label(row[0], number, row[1])) for number, row in enumerate(GOOD)],
    )
    def test_good(self, key, value, kept):
        """A value that can work is accepted under its attribute and under its key, and is kept in one form."""

        assert kept == getattr(settings_with(key, value), ATTRIBUTES[key])
        assert kept == getattr(Settings.from_mapping(KEY | {key: value}, **beside(key)), ATTRIBUTES[key])

    @pytest.mark.parametrize("key", OPTIONAL)
    def test_none_is_a_value(self, key):
        """Optional attributes accept None."""

        assert getattr(settings_with(key, None), ATTRIBUTES[key]) is None

    @pytest.mark.parametrize(
        ("key", "value", "expected"),
        [
            pytest.param(key, value, expected, id=label(key, number, value))
            for key, values, expected in BAD
            for number, value in enumerate(values)
        ],
    )
    def test_bad(self, key, value, expected):
        """The message names the key, what was expected, what was found and what to write."""
        message = refusal(settings_with, key, value)
        shown = UNSHOWN.get(key, lambda value: "a huge int" if value is HUGE else repr(value)[:60])(value)

        assert message.startswith(f"{key} must be {expected}; got {shown}")
        assert "; write " in message
        assert message == refusal(Settings.from_mapping, KEY | {key: value})

    @pytest.mark.parametrize("key", [key for key in ATTRIBUTES if key not in OPTIONAL])
    def test_none_is_rejected(self, key):
        """Any other attribute rejects None; only a configuration key that is None counts as absent."""

        assert refusal(settings_with, key, None).startswith(f"{key} must be ")

    @pytest.mark.parametrize(
        "keys", ["hunter2", b"hunter2", ["hunter2"], {"keys": ["hunter2"]}], ids=["str", "bytes", "list", "dict"]
    )
    def test_a_secret_as_keys(self, keys):
        """The message shows how to make a key ring of a secret, and not the secret."""

        assert (
            f"JWT_KEYS must be a KeyRing; got {type(keys).__name__}; write Settings(keys=KeyRing.from_secret(secret)), "
            "or SECRET_KEY = secret in the configuration"
        ) == refusal(Settings, keys=keys)

    @settings(max_examples=300, deadline=None)
    @given(key=st.sampled_from(sorted(ATTRIBUTES)), value=JUNK)
    def test_any_value(self, key, value):
        """Any value is accepted or raises ConfigurationError, and nothing else."""
        try:
            accepted = settings_with(key, value)
        except ConfigurationError:
            return
        assert accepted == settings_with(key, value)

    def test_every_setting_is_tested(self):
        """Both tables hold every key."""
        keys = set(ATTRIBUTES)

        assert keys == {key for key, _, _ in BAD}
        assert keys - {"JWT_KEYS"} == {key for key, _, _ in GOOD}

    @pytest.mark.parametrize(
        ("realm", "shown"),
        [("é" * 78, f"'{'é' * 78}'"), ("é" * 79, f"'{'é' * 76}...")],
        ids=["80-characters", "81-characters"],
    )
    def test_what_is_shown_has_80_characters(self, realm, shown):
        """Quotes included, a message shows 80 characters whole and cuts 81."""

        assert f"; got {shown}; write" in refusal(Settings, keys=RING, realm=realm)

    @pytest.mark.parametrize(
        "url",
        ["redis+cluster://:hunter2@db.example:6379/0", "postgres://app:hunter2@db.example/x", "memory://:hunter2@"],
    )
    def test_a_store_with_a_password_is_not_repeated(self, url):
        """ASVS 16.2.5: a URL that may hold a password stays out of the message."""

        assert "hunter2" not in refusal(Settings, keys=RING, store=url)

    def test_disabled_validators_of_attrs(self):
        """The switch of attrs that disables validators does not disable the checks of settings."""
        with attrs.validators.disabled():
            assert refusal(Settings, keys=RING, leeway=61).startswith("JWT_LEEWAY must be")


class TestPairs:
    @pytest.mark.parametrize(
        ("bad", "good", "message"),
        [
            pytest.param(
                {"access_lifespan": 61, "refresh_lifespan": "1 minute"},
                {"access_lifespan": 60, "refresh_lifespan": "1 minute"},
                "JWT_ACCESS_LIFESPAN must be no longer than JWT_REFRESH_LIFESPAN (60 s); got 61 s; write",
                id="access-longer-than-refresh",
            ),
            pytest.param(
                {"early_refresh": 901},
                {"early_refresh": 900},
                "PRAETORIAN_EARLY_REFRESH must be at most JWT_ACCESS_LIFESPAN (900 s); got 901 s; write",
                id="early-refresh-longer-than-access",
            ),
            pytest.param(
                {"idle_lifespan": 900},
                {"idle_lifespan": 901},
                "JWT_IDLE_LIFESPAN must be longer than JWT_ACCESS_LIFESPAN (900 s) and no longer than "
                "JWT_REFRESH_LIFESPAN (2592000 s); got 900 s; write for example JWT_IDLE_LIFESPAN = 1800",
                id="idle-as-short-as-access",
            ),
            pytest.param(
                {"refresh_lifespan": "1 hour", "idle_lifespan": 3601},
                {"refresh_lifespan": "1 hour", "idle_lifespan": 3600},
                "JWT_IDLE_LIFESPAN must be longer than JWT_ACCESS_LIFESPAN (900 s) and no longer than "
                "JWT_REFRESH_LIFESPAN (3600 s); got 3601 s",
                id="idle-longer-than-refresh",
            ),
            pytest.param(
                {"roles": ["admin"], "roles_disabled": True},
                {"roles": ["admin"], "roles_disabled": False},
                "PRAETORIAN_ROLES must be absent while PRAETORIAN_ROLES_DISABLED is True; got both; remove",
                id="roles-and-no-roles",
            ),
            pytest.param(
                {"session_limit": "refuse"},
                {"session_limit": "refuse", "max_sessions": 1},
                "PRAETORIAN_SESSION_LIMIT must be absent without PRAETORIAN_MAX_SESSIONS; got 'refuse'; write",
                id="what-to-do-at-no-limit",
            ),
            pytest.param(
                {"accept_layouts": FLASK_PRAETORIAN},
                {"accept_layouts": STANDARD},
                "PRAETORIAN_ACCEPT_LAYOUTS must include PRAETORIAN_LAYOUT, STANDARD; got FLASK_PRAETORIAN; write",
                id="issues-what-it-rejects",
            ),
        ],
    )
    def test_values_that_contradict_each_other(self, bad, good, message):
        """Two values that cannot work together are rejected; the nearest pair that can is accepted."""

        assert refusal(Settings, keys=RING, **bad).startswith(message)
        assert isinstance(Settings(keys=RING, **good), Settings)

    @pytest.mark.parametrize("layout", [STANDARD, FLASK_PRAETORIAN], ids=["standard", "flask-praetorian"])
    def test_the_issued_layout_is_accepted(self, layout):
        """By default the layout that is issued is the only one accepted."""

        assert (layout,) == Settings(keys=RING, layout=layout).accept_layouts


@attrs.frozen(kw_only=True)
class Extended(Settings):
    """Settings with the declaration that CONTRIBUTING.md adds as an example."""

    max_uses: int = attrs.field(
        default=1,
        metadata=declare(
            "JWT_MAX_USES",
            must_be("a positive int", lambda value: type(value) is int and value > 0),
            section="Claims",
            does="How often a token is accepted.",
            change="Raise it if clients repeat requests.",
            example="2",
            needs_store=True,
        ),
    )


class TestOneDeclaration:
    def test_its_key_is_read(self):
        """The key of a declared setting is read, its attribute is accepted, and its default holds."""

        assert 2 == Extended.from_mapping(KEY | {"JWT_MAX_USES": 2}).max_uses
        assert 3 == Extended.from_mapping(KEY, max_uses=3).max_uses
        assert 1 == Extended(keys=RING).max_uses

    def test_its_value_is_checked(self):
        """The message comes from the declaration."""

        assert "JWT_MAX_USES must be a positive int; got 0; write for example JWT_MAX_USES = 2" == refusal(
            Extended, keys=RING, max_uses=0
        )

    @pytest.mark.parametrize("name", ["JWT_MAX_USE", "JWT_MAXUSES", "PRAETORIAN_MAX_USES"])
    def test_its_key_is_suggested(self, name):
        """A mistyped key is found."""

        assert f"{name} is not a setting of Praetorian; did you mean JWT_MAX_USES?" == refusal(
            Extended.from_mapping, KEY | {name: 2}
        )

    def test_it_needs_a_store(self):
        """A setting that has no effect without a store is found."""

        assert refusal(Guard, None, Extended(keys=RING, max_uses=2)).startswith("JWT_MAX_USES needs a store")


class TestCheckWithoutStore:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("PRAETORIAN_STORE_TIMEOUT", 3),
            ("PRAETORIAN_CHECK_SESSIONS", "refresh"),
            ("PRAETORIAN_REFRESH_GRACE", 0),
            ("PRAETORIAN_REFRESH_GRACE", "1 minute"),
            ("PRAETORIAN_STORE_EVICTION", "warn"),
            ("PRAETORIAN_MAX_SESSIONS", 5),
            ("PRAETORIAN_THROTTLE_FAILURE", "allow"),
        ],
    )
    def test_a_setting_of_the_store(self, key, value):
        """A setting that has no effect without a store is rejected by a guard without one."""
        settings = settings_with(key, value)
        message = refusal(Guard, None, settings)

        assert f"{key} needs a store; set PRAETORIAN_STORE or pass store= to the guard, or remove {key}" == message
        assert message == refusal(AsyncGuard, None, settings)

    @pytest.mark.parametrize("kind", [Guard, AsyncGuard])
    def test_with_a_store(self, kind):
        """With a store, from the setting or as an argument, it is accepted."""

        assert kind(None, Settings(keys=RING, refresh_grace=0, store="memory://")).settings.refresh_grace == 0
        assert kind(None, Settings(keys=RING, refresh_grace=0), store=MemoryStore()).settings.refresh_grace == 0

    @pytest.mark.parametrize("kind", [Guard, AsyncGuard])
    def test_defaults(self, kind):
        """The defaults need no store."""

        assert kind(None, Settings(keys=RING)).settings == Settings(keys=RING)


class TestCheckRoleNames:
    @pytest.mark.parametrize("names", [["admin"], ["chief editor", "admin"], [Role.CHIEF], []], ids=str)
    def test_known(self, names):
        """A configured role is accepted, as str or as member of an enum of str."""

        assert Settings(keys=RING, roles=Role).check_role_names(names) is None

    @pytest.mark.parametrize("name", ["admn", "Admin", "admin ", "x"])
    def test_unknown(self, name):
        """A role that is not configured is rejected with the nearest one that is."""

        assert (f"a required role must be one of PRAETORIAN_ROLES; got {name!r}; did you mean 'admin'?") == refusal(
            Settings(keys=RING, roles=["admin"]).check_role_names, ["admin", name]
        )

    def test_without_the_setting(self):
        """Without PRAETORIAN_ROLES every name is accepted."""

        assert Settings(keys=RING).check_role_names(["anything"]) is None


class TestTokenPlaces:
    def test_reads_the_configured_header(self):
        """The token is read from the configured header behind the configured scheme."""
        header = Settings(keys=RING, header_name="X-Token", header_type="JWT").token_places()

        assert "abc" == header.find(Request([("X-Token", "JWT abc")])).token

    def test_reads_no_other_header(self):
        """``Authorization`` is not read when another header is configured."""
        header = Settings(keys=RING, header_name="X-Token").token_places()

        with pytest.raises(MissingTokenError):
            header.find(bearer("abc"))


class TestFrozen:
    @pytest.mark.parametrize("name", [field.name for field in attrs.fields(Settings)])
    def test_no_attribute_can_be_set(self, name):
        """A validated value cannot be replaced by another one."""
        settings = Settings(keys=RING)

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(settings, name, getattr(settings, name))

    def test_no_attribute_can_be_added(self):
        """A mistyped assignment raises instead of setting an attribute that has no effect."""

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            Settings(keys=RING).acess_lifespan = 5

    def test_a_changed_copy_is_checked_as_well(self):
        """A copy with one change is validated like a new value."""
        settings = Settings(keys=RING)

        assert 60 == attrs.evolve(settings, leeway=60).leeway
        assert "JWT_LEEWAY must be whole seconds from 0 to 60; got 61" in refusal(attrs.evolve, settings, leeway=61)

    def test_equality(self):
        """Settings are values: equal if all attributes are."""

        assert Settings(keys=RING, leeway=5) == Settings(keys=RING, leeway=5)
        assert Settings(keys=RING, leeway=5) != Settings(keys=RING, leeway=6)

    @pytest.mark.parametrize(
        "show",
        [
            repr,
            str,
            lambda settings: str(attrs.asdict(settings)),
            lambda settings: str(attrs.astuple(settings)),
            lambda settings: str(vars(settings)),
            lambda settings: json.dumps(attrs.asdict(settings), default=lambda it: getattr(it, "__dict__", str(it))),
        ],
        ids=["repr", "str", "asdict", "astuple", "vars", "json"],
    )
    def test_no_secret_is_shown(self, show):
        """ASVS 13.3.1: settings can be printed; they show the kid and the algorithm of a key only."""
        former = generate_secret()
        settings = Settings.from_mapping(KEY | {"SECRET_KEY_FALLBACKS": [former]})

        assert RING.signing.kid in show(settings)
        assert SECRET not in show(settings)
        assert former not in show(settings)
