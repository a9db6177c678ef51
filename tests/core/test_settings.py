"""What an operator can choose, what is refused at start, and how the refusal reads."""

import logging
import re
import shlex
import subprocess
import sys
import uuid
from datetime import timedelta
from types import MappingProxyType

import attrs
import pytest

from praetorian_core.errors import ConfigurationError, MissingTokenError
from praetorian_core.settings import ACTION_LIFESPAN, Settings
from praetorian_core.token.claims import FLASK_PRAETORIAN, STANDARD
from praetorian_core.token.keys import Key, KeyRing, generate_secret

DAY = 86_400
SECRET = generate_secret()
RING = KeyRing.from_secret(SECRET)
KEY = {"SECRET_KEY": SECRET}
LINE = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
WRITE_A_SECRET = f"write one printed by: {LINE}"
LIFESPAN = (
    "expected a timedelta, a dict, a string with units or integer seconds; "
    "write for example {'minutes': 15}, '15 minutes' or 900"
)
HTTP_TOKEN = "expected an HTTP token (RFC 9110 §5.6.2) such as"
BAD_LAYOUTS = "expected STANDARD, FLASK_PRAETORIAN or both"
STORES = "'memory://', 'sqlite:///path/to/file.db' or 'redis://host:6379/0'"
BAD_STORE = f"PRAETORIAN_STORE is a URL of another kind; expected {STORES}"


def refusal(function, *args, **options):
    """Return the text with which a configuration is refused."""
    with pytest.raises(ConfigurationError) as caught:
        function(*args, **options)
    return str(caught.value)


def kid_of(secret, algorithm="HS256"):
    """Return the name that a secret's key gets."""
    return Key.from_secret(secret, algorithm).kid


@attrs.frozen
class Request:
    """A request with one header."""

    name: str
    value: str
    method: str = "GET"
    remote: str | None = None

    def header(self, name):
        return self.value if name == self.name else None

    def headers(self, name):
        return [self.value] if name == self.name else []


class TestAttributes:
    def test_only_the_keys_are_required(self):
        """With a key ring alone everything has the default of design §5."""

        assert {
            "keys": RING,
            "access_lifespan": 15 * 60,
            "refresh_lifespan": 30 * DAY,
            "leeway": 0,
            "issuer": None,
            "audience": None,
            "realm": "api",
            "places": ("header",),
            "header_name": "Authorization",
            "header_type": "Bearer",
            "cookie_name": "access_token",
            "layout": STANDARD,
            "accept_layouts": (STANDARD,),
            "parse_identity": None,
            "roles_disabled": False,
            "validation_method": "is_valid",
            "disable_error_handler": False,
            "store": None,
            "store_timeout": 2.0,
            "throttle": True,
            "throttle_failure": "refuse",
            "check_sessions": "always",
            "refresh_grace": 10,
            "early_refresh": 0,
            "verified_cache": 0,
        } == attrs.asdict(Settings(keys=RING), recurse=False)

    @pytest.mark.parametrize(
        ("name", "given", "expected"),
        [
            pytest.param("access_lifespan", 1, 1, id="access-seconds"),
            pytest.param("access_lifespan", "5m", 300, id="access-text"),
            pytest.param("access_lifespan", {"hours": 2}, 7200, id="access-dict"),
            pytest.param("access_lifespan", timedelta(hours=1), 3600, id="access-timedelta"),
            pytest.param("access_lifespan", 30 * DAY, 30 * DAY, id="access-as-long-as-refresh"),
            pytest.param("refresh_lifespan", 900, 900, id="refresh-as-short-as-access"),
            pytest.param("refresh_lifespan", "1 day, 2 hours", 93_600, id="refresh-text"),
            pytest.param("leeway", 0, 0, id="leeway-none"),
            pytest.param("leeway", 60, 60, id="leeway-most"),
            pytest.param("issuer", "https://id.example", "https://id.example", id="issuer"),
            pytest.param("issuer", None, None, id="issuer-none"),
            pytest.param("issuer", "Größe \N{SNOWMAN}", "Größe \N{SNOWMAN}", id="issuer-not-ascii"),
            pytest.param("audience", "api", "api", id="audience"),
            pytest.param("audience", None, None, id="audience-none"),
            pytest.param("realm", "staff area (EU)", "staff area (EU)", id="realm"),
            pytest.param("realm", "!#[]~", "!#[]~", id="realm-around-the-forbidden"),
            pytest.param("places", "header", ("header",), id="places-text"),
            pytest.param("places", ["header"], ("header",), id="places-list"),
            pytest.param("header_name", "X-Api-Token", "X-Api-Token", id="header-name"),
            pytest.param("header_type", "JWT", "JWT", id="header-type"),
            pytest.param("cookie_name", "__Host-token", "__Host-token", id="cookie-name"),
            pytest.param("parse_identity", uuid.UUID, uuid.UUID, id="parse-identity"),
            pytest.param("roles_disabled", True, True, id="roles-disabled"),
            pytest.param("validation_method", "may_act", "may_act", id="validation-method"),
            pytest.param("disable_error_handler", True, True, id="disable-error-handler"),
            pytest.param("store", "memory://", "memory://", id="store"),
            pytest.param("store", None, None, id="store-none"),
            *(
                pytest.param("store", url, url, id=f"store-{url}")
                for url in (
                    "sqlite:///state.db",
                    "sqlite:////var/lib/app/state.db",
                    "redis://localhost/0",
                    "rediss://user:password@db.example:6380/1?socket_timeout=1",
                    "unix:///run/valkey.sock",
                    "valkey://localhost",
                    "valkeys://localhost",
                )
            ),
            pytest.param("store_timeout", 1, 1, id="store-timeout-whole"),
            pytest.param("store_timeout", 0.05, 0.05, id="store-timeout-part"),
            pytest.param("store_timeout", 60, 60, id="store-timeout-most"),
            pytest.param("throttle", False, False, id="throttle"),
            pytest.param("throttle_failure", "allow", "allow", id="throttle-failure"),
            pytest.param("check_sessions", "refresh", "refresh", id="check-sessions"),
            pytest.param("refresh_grace", 0, 0, id="grace-none"),
            pytest.param("refresh_grace", "1 minute", 60, id="grace-text"),
            pytest.param("early_refresh", 0, 0, id="early-none"),
            pytest.param("early_refresh", "30 s", 30, id="early-text"),
            pytest.param("early_refresh", 900, 900, id="early-as-long-as-access"),
        ],
    )
    def test_good(self, name, given, expected):
        """What can work is taken, and is kept in one form."""

        assert expected == getattr(Settings(keys=RING, **{name: given}), name)

    @pytest.mark.parametrize(
        ("name", "given", "text"),
        [
            pytest.param(
                "keys",
                SECRET,
                "JWT_KEYS is 'str'; expected a KeyRing, such as KeyRing.from_secret(secret)",
                id="keys-str",
            ),
            pytest.param(
                "keys",
                None,
                "JWT_KEYS is 'NoneType'; expected a KeyRing, such as KeyRing.from_secret(secret)",
                id="keys-none",
            ),
            pytest.param(
                "access_lifespan",
                "soon",
                f"JWT_ACCESS_LIFESPAN is 'soon', which has no number with a unit at 'soon'; {LIFESPAN}",
                id="access-junk",
            ),
            pytest.param(
                "access_lifespan", 0, f"JWT_ACCESS_LIFESPAN is 0, which is not above zero; {LIFESPAN}", id="access-zero"
            ),
            pytest.param(
                "access_lifespan",
                -1,
                f"JWT_ACCESS_LIFESPAN is -1, which is not above zero; {LIFESPAN}",
                id="access-negative",
            ),
            pytest.param(
                "access_lifespan",
                True,
                f"JWT_ACCESS_LIFESPAN is True, which is of type bool; {LIFESPAN}",
                id="access-bool",
            ),
            pytest.param(
                "access_lifespan",
                None,
                f"JWT_ACCESS_LIFESPAN is None, which is of type NoneType; {LIFESPAN}",
                id="access-none",
            ),
            pytest.param(
                "refresh_lifespan", "", f"JWT_REFRESH_LIFESPAN is '', which is empty; {LIFESPAN}", id="refresh-empty"
            ),
            pytest.param(
                "refresh_lifespan",
                9e9,
                f"JWT_REFRESH_LIFESPAN is 9000000000.0, which is of type float; {LIFESPAN}",
                id="refresh-float",
            ),
            pytest.param("leeway", -1, "JWT_LEEWAY is -1; expected whole seconds from 0 to 60", id="leeway-negative"),
            pytest.param("leeway", 61, "JWT_LEEWAY is 61; expected whole seconds from 0 to 60", id="leeway-61"),
            pytest.param("leeway", 1.0, "JWT_LEEWAY is 1.0; expected whole seconds from 0 to 60", id="leeway-float"),
            pytest.param("leeway", True, "JWT_LEEWAY is True; expected whole seconds from 0 to 60", id="leeway-bool"),
            pytest.param("leeway", "10", "JWT_LEEWAY is '10'; expected whole seconds from 0 to 60", id="leeway-text"),
            pytest.param(
                "leeway",
                10**5000,
                "JWT_LEEWAY is int beyond printing; expected whole seconds from 0 to 60",
                id="leeway-huge",
            ),
            pytest.param(
                "issuer", "", "JWT_ISSUER is ''; expected None or a non-empty str without surrogates", id="issuer-empty"
            ),
            pytest.param(
                "issuer", 5, "JWT_ISSUER is 5; expected None or a non-empty str without surrogates", id="issuer-number"
            ),
            pytest.param(
                "issuer",
                "\ud800",
                "JWT_ISSUER is '\\ud800'; expected None or a non-empty str without surrogates",
                id="issuer-surrogate",
            ),
            pytest.param(
                "audience",
                ["api"],
                "JWT_AUDIENCE is ['api']; expected None or a non-empty str without surrogates",
                id="audience-list",
            ),
            pytest.param(
                "audience",
                "",
                "JWT_AUDIENCE is ''; expected None or a non-empty str without surrogates",
                id="audience-empty",
            ),
            *(
                pytest.param(
                    "realm",
                    realm,
                    f"JWT_REALM is {realm!r}; expected printable ASCII without quotes and backslashes, such as 'api'",
                    id=f"realm-{name}",
                )
                for name, realm in {
                    "quote": 'a"b',
                    "backslash": "a\\b",
                    "crlf": "a\r\nSet-Cookie: x",
                    "final-newline": "api\n",
                    "not-ascii": "Größe",
                    "delete": "a\x7f",
                    "empty": "",
                    "none": None,
                    "bytes": b"api",
                }.items()
            ),
            *(
                pytest.param(
                    "places",
                    places,
                    f"JWT_PLACES is {shown}; expected ('header',), the only place that this version reads",
                    id=f"places-{name}",
                )
                for name, (places, shown) in {
                    "cookie": ("cookie", "('cookie',)"),
                    "both": (["header", "cookie"], "('header', 'cookie')"),
                    "flask-praetorian-default": (["header", "cookie"], "('header', 'cookie')"),
                    "unknown": (["body"], "('body',)"),
                    "none-of-them": ([], "()"),
                    "twice": (("header", "header"), "('header', 'header')"),
                    "number": (5, "(5,)"),
                    "none": (None, "(None,)"),
                    "capital": ("Header", "('Header',)"),
                }.items()
            ),
            pytest.param(
                "header_name", "", f"JWT_HEADER_NAME is ''; {HTTP_TOKEN} 'Authorization'", id="header-name-empty"
            ),
            pytest.param(
                "header_name",
                "X Token",
                f"JWT_HEADER_NAME is 'X Token'; {HTTP_TOKEN} 'Authorization'",
                id="header-name-blank",
            ),
            pytest.param(
                "header_type", "Bearer ", f"JWT_HEADER_TYPE is 'Bearer '; {HTTP_TOKEN} 'Bearer'", id="header-type-blank"
            ),
            pytest.param("header_type", "", f"JWT_HEADER_TYPE is ''; {HTTP_TOKEN} 'Bearer'", id="header-type-empty"),
            pytest.param("header_type", None, f"JWT_HEADER_TYPE is None; {HTTP_TOKEN} 'Bearer'", id="header-type-none"),
            *(
                pytest.param(
                    "cookie_name",
                    cookie,
                    f"JWT_COOKIE_NAME is {cookie!r}; expected a cookie's name, such as 'access_token'",
                    id=f"cookie-name-{name}",
                )
                for name, cookie in {
                    "empty": "",
                    "blank": "a b",
                    "semicolon": "a;b",
                    "equals": "a=b",
                    "number": 5,
                    "newline": "a\n",
                }.items()
            ),
            pytest.param(
                "layout", "STANDARD", "layout is 'STANDARD'; expected STANDARD or FLASK_PRAETORIAN", id="layout-text"
            ),
            pytest.param("layout", None, "layout is None; expected STANDARD or FLASK_PRAETORIAN", id="layout-none"),
            pytest.param("accept_layouts", [], f"accept_layouts is (); {BAD_LAYOUTS}", id="accept-none"),
            pytest.param(
                "accept_layouts", ["STANDARD"], f"accept_layouts is ('STANDARD',); {BAD_LAYOUTS}", id="accept-text"
            ),
            pytest.param("accept_layouts", 5, f"accept_layouts is (5,); {BAD_LAYOUTS}", id="accept-number"),
            pytest.param("accept_layouts", [[]], f"accept_layouts is ([],); {BAD_LAYOUTS}", id="accept-unhashable"),
            pytest.param(
                "parse_identity",
                "uuid",
                "parse_identity is 'uuid'; expected a function of one str, such as uuid.UUID",
                id="parse-identity",
            ),
            *(
                pytest.param(
                    name, flag, f"{key} is {flag!r}; expected True or False", id=f"{name.replace('_', '-')}-{flag}"
                )
                for name, key in {
                    "roles_disabled": "PRAETORIAN_ROLES_DISABLED",
                    "disable_error_handler": "DISABLE_PRAETORIAN_ERROR_HANDLER",
                    "throttle": "PRAETORIAN_THROTTLE",
                }.items()
                for flag in (0, 1, None, "no", "")
            ),
            *(
                pytest.param(
                    "validation_method",
                    method,
                    f"USER_CLASS_VALIDATION_METHOD is {method!r}; expected a method's name, such as 'is_valid'",
                    id=f"validation-method-{name}",
                )
                for name, method in {
                    "empty": "",
                    "call": "is_valid()",
                    "path": "user.is_valid",
                    "none": None,
                    "function": len,
                }.items()
            ),
            *(
                pytest.param("store", store, BAD_STORE, id=f"store-{name}")
                for name, store in {
                    "blank": "memory:// ",
                    "empty": "",
                    "path": "memory://x",
                    "postgres": "postgresql://localhost/x",
                    "capitals": "REDIS://localhost",
                    "redis-nowhere": "redis://",
                    "sqlite-nowhere": "sqlite:///",
                    "sqlite-in-memory": "sqlite://",
                    "sqlite-two-slashes": "sqlite://state.db",
                    "file": "state.db",
                }.items()
            ),
            pytest.param("store", 0, f"PRAETORIAN_STORE is int; expected {STORES}", id="store-number"),
            *(
                pytest.param(
                    "store_timeout",
                    value,
                    f"PRAETORIAN_STORE_TIMEOUT is {value!r}; expected seconds above 0 and at most 60",
                    id=f"store-timeout-{value}",
                )
                for value in (0, -1, 60.1, float("nan"), float("inf"), True, "2", None)
            ),
            *(
                pytest.param(
                    "throttle_failure",
                    choice,
                    f"PRAETORIAN_THROTTLE_FAILURE is {choice!r}; expected 'refuse' or 'allow'",
                    id=f"throttle-failure-{choice}",
                )
                for choice in ("ignore", "Allow", True, None)
            ),
            *(
                pytest.param(
                    "check_sessions",
                    choice,
                    f"PRAETORIAN_CHECK_SESSIONS is {choice!r}; expected 'always' or 'refresh'",
                    id=f"check-sessions-{choice}",
                )
                for choice in ("never", "Always", True, None)
            ),
            pytest.param(
                "refresh_grace",
                -1,
                f"PRAETORIAN_REFRESH_GRACE is -1, which is not above zero; {LIFESPAN}",
                id="grace-negative",
            ),
            pytest.param(
                "refresh_grace",
                False,
                f"PRAETORIAN_REFRESH_GRACE is False, which is of type bool; {LIFESPAN}",
                id="grace-bool",
            ),
            pytest.param(
                "early_refresh",
                "x",
                f"PRAETORIAN_EARLY_REFRESH is 'x', which has no number with a unit at 'x'; {LIFESPAN}",
                id="early-junk",
            ),
            pytest.param(
                "early_refresh",
                False,
                f"PRAETORIAN_EARLY_REFRESH is False, which is of type bool; {LIFESPAN}",
                id="early-bool",
            ),
            pytest.param(
                "early_refresh",
                901,
                "PRAETORIAN_EARLY_REFRESH is 901; expected at most the access lifespan, 900 s",
                id="early-too-early",
            ),
        ],
    )
    def test_bad(self, name, given, text):
        """What cannot work is refused at birth, and the text says what was found and what to write."""

        assert text == refusal(Settings, **{"keys": RING, name: given})

    def test_long_values_are_cut(self):
        """A refusal shows at most 80 characters of what was found."""

        assert (
            f"JWT_REALM is '{'é' * 76}...; expected printable ASCII without quotes and backslashes, such as 'api'"
        ) == refusal(Settings, keys=RING, realm="é" * 500)

    @pytest.mark.parametrize(
        ("realm", "shown"),
        [("é" * 78, f"'{'é' * 78}'"), ("é" * 79, f"'{'é' * 76}...")],
        ids=["80-characters", "81-characters"],
    )
    def test_what_is_shown_has_80_characters(self, realm, shown):
        """Quotes included, 80 characters are shown whole and 81 are cut."""

        assert refusal(Settings, keys=RING, realm=realm).startswith(f"JWT_REALM is {shown}; expected")

    @pytest.mark.parametrize(
        "url",
        ["redis+cluster://:hunter2@db.example:6379/0", "postgres://app:hunter2@db.example/x", "memory://:hunter2@"],
    )
    def test_a_store_with_a_password_is_not_repeated(self, url):
        """ASVS 16.2.5: a URL that holds a password stays out of the message."""

        assert "hunter2" not in refusal(Settings, keys=RING, store=url)

    def test_attributes_are_named(self):
        """A positional value could be another attribute's, so there are none."""

        with pytest.raises(TypeError):
            Settings(RING)

    def test_a_missing_key_ring_is_a_missing_argument(self):
        """There is no default for keys."""

        with pytest.raises(TypeError, match="keys"):
            Settings()


class TestLifespans:
    def test_of_actions(self):
        """ASVS 6.5.5: what resets a password lives an hour at most; ours a quarter of it."""

        assert 15 * 60 == ACTION_LIFESPAN

    def test_access_longer_than_refresh(self):
        """Access may not outlive refresh, in settings."""

        assert (
            "JWT_ACCESS_LIFESPAN is 61 s and JWT_REFRESH_LIFESPAN 60 s; expected access to be no longer than refresh"
        ) == refusal(Settings, keys=RING, access_lifespan=61, refresh_lifespan="1 minute")

    def test_access_as_long_as_refresh(self):
        """The twin: equal lifespans pass, and refresh is never possible."""
        settings = Settings(keys=RING, access_lifespan=60, refresh_lifespan="1 minute")

        assert (60, 60) == (settings.access_lifespan, settings.refresh_lifespan)


class TestLayouts:
    @pytest.mark.parametrize("layout", [STANDARD, FLASK_PRAETORIAN], ids=["standard", "flask-praetorian"])
    def test_what_is_minted_is_accepted(self, layout):
        """Left out, the accepted layouts are the minted one alone."""

        assert (layout,) == Settings(keys=RING, layout=layout).accept_layouts

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            pytest.param(STANDARD, (STANDARD,), id="one"),
            pytest.param([STANDARD, FLASK_PRAETORIAN], (STANDARD, FLASK_PRAETORIAN), id="list"),
            pytest.param((FLASK_PRAETORIAN, STANDARD), (FLASK_PRAETORIAN, STANDARD), id="tuple"),
        ],
    )
    def test_both_can_be_accepted(self, given, expected):
        """While a fleet changes over, both spellings are read."""

        assert expected == Settings(keys=RING, accept_layouts=given).accept_layouts

    def test_minting_what_is_not_accepted(self):
        """A guard that would refuse its own tokens is refused."""

        assert ("layout is STANDARD, which accept_layouts lacks; expected what is minted to be accepted") == refusal(
            Settings, keys=RING, accept_layouts=FLASK_PRAETORIAN
        )


class TestTokenPlaces:
    def test_reads_the_configured_header(self):
        """What finds the token obeys the configured name and scheme."""
        places = Settings(keys=RING, header_name="X-Token", header_type="JWT").token_places()

        assert "abc" == places.find(Request("X-Token", "JWT abc"))

    def test_reads_no_other_header(self):
        """The twin: the usual header is another one then."""
        places = Settings(keys=RING, header_name="X-Token").token_places()

        with pytest.raises(MissingTokenError):
            places.find(Request("Authorization", "Bearer abc"))


class TestFrozen:
    @pytest.mark.parametrize("name", [field.name for field in attrs.fields(Settings)])
    def test_no_attribute_can_be_set(self, name):
        """What was checked at birth stays as it was checked."""
        settings = Settings(keys=RING)

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(settings, name, getattr(settings, name))

    def test_no_attribute_can_be_added(self):
        """A mistyped assignment is an error, not a setting that nobody reads."""

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            Settings(keys=RING).acess_lifespan = 5

    def test_a_changed_copy_is_checked_as_well(self):
        """There is no way around the checks: a copy with one change is born anew."""
        settings = Settings(keys=RING)

        assert 60 == attrs.evolve(settings, leeway=60).leeway
        assert "JWT_LEEWAY is 61" in refusal(attrs.evolve, settings, leeway=61)

    def test_equality(self):
        """Settings are values: equal when all that was chosen is equal."""

        assert Settings(keys=RING, leeway=5) == Settings(keys=RING, leeway=5)
        assert Settings(keys=RING, leeway=5) != Settings(keys=RING, leeway=6)

    @pytest.mark.parametrize(
        "show", [repr, str, lambda settings: str(attrs.asdict(settings))], ids=["repr", "str", "asdict"]
    )
    def test_no_secret_is_shown(self, show):
        """ASVS 13.3.1: settings can be printed, they name keys by kid and algorithm only."""
        former = generate_secret()
        settings = Settings.from_mapping(KEY | {"SECRET_KEY_FALLBACKS": [former]})

        assert RING.signing.kid in show(settings)
        assert SECRET not in show(settings)
        assert former not in show(settings)


class TestFromMapping:
    @pytest.mark.parametrize(
        ("key", "given", "name", "expected"),
        [
            ("JWT_ACCESS_LIFESPAN", {"minutes": 5}, "access_lifespan", 300),
            ("JWT_REFRESH_LIFESPAN", "2w", "refresh_lifespan", 14 * DAY),
            ("JWT_LEEWAY", 5, "leeway", 5),
            ("JWT_ISSUER", "https://id.example", "issuer", "https://id.example"),
            ("JWT_AUDIENCE", "shop", "audience", "shop"),
            ("JWT_REALM", "shop", "realm", "shop"),
            ("JWT_PLACES", ["header"], "places", ("header",)),
            ("JWT_HEADER_NAME", "X-Token", "header_name", "X-Token"),
            ("JWT_HEADER_TYPE", "JWT", "header_type", "JWT"),
            ("JWT_COOKIE_NAME", "token", "cookie_name", "token"),
            ("PRAETORIAN_ROLES_DISABLED", True, "roles_disabled", True),
            ("USER_CLASS_VALIDATION_METHOD", "may_act", "validation_method", "may_act"),
            ("DISABLE_PRAETORIAN_ERROR_HANDLER", True, "disable_error_handler", True),
            ("PRAETORIAN_STORE", "memory://", "store", "memory://"),
            ("PRAETORIAN_STORE_TIMEOUT", 0.5, "store_timeout", 0.5),
            ("PRAETORIAN_THROTTLE", False, "throttle", False),
            ("PRAETORIAN_THROTTLE_FAILURE", "allow", "throttle_failure", "allow"),
            ("PRAETORIAN_CHECK_SESSIONS", "refresh", "check_sessions", "refresh"),
            ("PRAETORIAN_REFRESH_GRACE", 0, "refresh_grace", 0),
            ("PRAETORIAN_EARLY_REFRESH", "1m", "early_refresh", 60),
            ("PRAETORIAN_VERIFIED_CACHE", 0, "verified_cache", 0),
        ],
        ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
    )
    def test_each_key_is_read(self, key, given, name, expected):
        """Every key of design §5 sets its attribute, through the checks of Settings."""

        assert expected == getattr(Settings.from_mapping(KEY | {key: given}), name)

    @pytest.mark.parametrize(
        ("key", "given"),
        [
            ("JWT_ACCESS_LIFESPAN", "soon"),
            ("JWT_REFRESH_LIFESPAN", 0),
            ("JWT_LEEWAY", 61),
            ("JWT_ISSUER", ""),
            ("JWT_AUDIENCE", []),
            ("JWT_REALM", '"'),
            ("JWT_PLACES", ["cookie"]),
            ("JWT_HEADER_NAME", ""),
            ("JWT_HEADER_TYPE", ""),
            ("JWT_COOKIE_NAME", ""),
            ("PRAETORIAN_ROLES_DISABLED", "yes"),
            ("USER_CLASS_VALIDATION_METHOD", 1),
            ("DISABLE_PRAETORIAN_ERROR_HANDLER", 1),
            ("PRAETORIAN_STORE", "redis://"),
            ("PRAETORIAN_STORE_TIMEOUT", "soon"),
            ("PRAETORIAN_THROTTLE", 0),
            ("PRAETORIAN_THROTTLE_FAILURE", "pass"),
            ("PRAETORIAN_CHECK_SESSIONS", "sometimes"),
            ("PRAETORIAN_REFRESH_GRACE", -1),
            ("PRAETORIAN_EARLY_REFRESH", 1.5),
            ("PRAETORIAN_VERIFIED_CACHE", 1000),
            ("PRAETORIAN_VERIFIED_CACHE", False),
        ],
        ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
    )
    def test_each_refusal_names_the_key(self, key, given):
        """An operator reads the key as it is written in the configuration."""

        assert refusal(Settings.from_mapping, KEY | {key: given}).startswith(f"{key} is ")

    @pytest.mark.parametrize(
        "key",
        [
            "JWT_KEYS", "JWT_SECRET_KEY", "JWT_ALGORITHM", "JWT_ACCESS_LIFESPAN", "JWT_REFRESH_LIFESPAN",
            "JWT_LEEWAY", "JWT_ISSUER", "JWT_AUDIENCE", "JWT_REALM", "JWT_PLACES", "JWT_HEADER_NAME",
            "JWT_HEADER_TYPE", "JWT_COOKIE_NAME", "PRAETORIAN_ROLES_DISABLED", "USER_CLASS_VALIDATION_METHOD",
            "DISABLE_PRAETORIAN_ERROR_HANDLER", "PRAETORIAN_STORE", "PRAETORIAN_STORE_TIMEOUT", "PRAETORIAN_THROTTLE",
            "PRAETORIAN_THROTTLE_FAILURE", "PRAETORIAN_CHECK_SESSIONS", "PRAETORIAN_REFRESH_GRACE", "PRAETORIAN_EARLY_REFRESH",
            "PRAETORIAN_VERIFIED_CACHE", "SECRET_KEY_FALLBACKS",
        ],
    )  # fmt: skip
    def test_none_means_the_default(self, key):
        """A key that a framework presets to None was not set by anybody."""
        settings = Settings.from_mapping({**KEY, key: None})

        assert Settings(keys=settings.keys) == settings
        assert kid_of(SECRET) == settings.keys.signing.kid

    def test_reads_any_mapping_and_leaves_it_alone(self):
        """A read-only mapping will do; keys that are not ours, and not even str, mean nothing."""
        config = MappingProxyType(
            {**KEY, "DEBUG": True, "MAIL_SERVER": "x", "jwt_leeway": 61, 5: 6, ("JWT", "LEEWAY"): 7}
        )

        assert 0 == Settings.from_mapping(config).leeway

    @pytest.mark.parametrize("name", ["access_lifespan", "realm", "throttle"])
    def test_keyword_values_win(self, name):
        """What the programmer says beats what the configuration says."""
        config = KEY | {"JWT_ACCESS_LIFESPAN": 5, "JWT_REALM": "config", "PRAETORIAN_THROTTLE": True}
        values = {"access_lifespan": 6, "realm": "code", "throttle": False}

        assert values[name] == getattr(Settings.from_mapping(config, **{name: values[name]}), name)

    def test_keyword_values_without_a_key(self):
        """Attributes that no key can spell are given as keywords."""
        settings = Settings.from_mapping(
            KEY, layout=FLASK_PRAETORIAN, accept_layouts=(STANDARD, FLASK_PRAETORIAN), parse_identity=uuid.UUID
        )

        assert (FLASK_PRAETORIAN, (STANDARD, FLASK_PRAETORIAN), uuid.UUID) == (
            settings.layout,
            settings.accept_layouts,
            settings.parse_identity,
        )

    def test_keyword_keys_need_no_secret(self):
        """With a ring from the programmer no secret is looked for, and a weak one not judged."""

        assert RING is Settings.from_mapping({"SECRET_KEY": "weak"}, keys=RING).keys

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("lay_out", "layout"),
            ("acces_lifespan", "access_lifespan"),
            ("lee_way", "leeway"),
            ("roles_disable", "roles_disabled"),
        ],
    )
    def test_an_unknown_keyword(self, name, nearest):
        """A mistyped keyword is refused with the nearest attribute."""

        assert f"{name} is not an attribute of Settings; did you mean {nearest}?" == refusal(
            Settings.from_mapping, KEY, **{name: 5}
        )


class TestNames:
    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("PRAETORIAN_ROLES_DISABLE", "PRAETORIAN_ROLES_DISABLED"),
            ("PRAETORIAN_ROLE_DISABLED", "PRAETORIAN_ROLES_DISABLED"),
            ("PRAETORIAN_STORAGE", "PRAETORIAN_STORE"),
            ("PRAETORIAN_STORE_URL", "PRAETORIAN_STORE"),
            ("PRAETORIAN_THROTTLING", "PRAETORIAN_THROTTLE"),
            ("PRAETORIAN_CHECK_SESSION", "PRAETORIAN_CHECK_SESSIONS"),
            ("PRAETORIAN_REFRESHGRACE", "PRAETORIAN_REFRESH_GRACE"),
            ("PRAETORIAN_DISABLE_ERROR_HANDLER", "DISABLE_PRAETORIAN_ERROR_HANDLER"),
        ],
    )
    def test_an_unknown_praetorian_key(self, name, nearest):
        """A mistyped PRAETORIAN_* key would be a setting that silently does nothing; it is refused, None or not."""
        expected = f"{name} is not a setting of Praetorian; did you mean {nearest}?"

        assert expected == refusal(Settings.from_mapping, {**KEY, name: True})
        assert expected == refusal(Settings.from_mapping, {**KEY, name: None})

    @pytest.mark.parametrize("name", ["PRAETORIAN_", "PRAETORIAN_\N{SNOWMAN}", "PRAETORIAN_XYZZY"])
    def test_a_praetorian_key_like_no_other(self, name):
        """Even where nothing is near, the refusal names one of ours."""

        assert re.fullmatch(
            rf"{name} is not a setting of Praetorian; did you mean \w*PRAETORIAN_\w+\?",
            refusal(Settings.from_mapping, {**KEY, name: 1}),
        )

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("JWT_ACESS_LIFESPAN", "JWT_ACCESS_LIFESPAN"),
            ("JWT_ACCESS_LIFESPANS", "JWT_ACCESS_LIFESPAN"),
            ("JWT_REFRESH_LIFETIME", "JWT_REFRESH_LIFESPAN"),
            ("JWT_REFRESHLIFESPAN", "JWT_REFRESH_LIFESPAN"),
            ("JWT_LEWAY", "JWT_LEEWAY"),
            ("JWT_ISUER", "JWT_ISSUER"),
            ("JWT_AUDIANCE", "JWT_AUDIENCE"),
            ("JWT_REALMS", "JWT_REALM"),
            ("JWT_PLACE", "JWT_PLACES"),
            ("JWT_HEADERNAME", "JWT_HEADER_NAME"),
            ("JWT_HEADER_TPYE", "JWT_HEADER_TYPE"),
            ("JWT_COOKIE_NAMES", "JWT_COOKIE_NAME"),
            ("JWT_KEY", "JWT_KEYS"),
            ("JWT_SECRET", "JWT_SECRET_KEY"),
            ("JWT_SECRETKEY", "JWT_SECRET_KEY"),
            ("JWT_ALGORITHMS", "JWT_ALGORITHM"),
        ],
    )
    def test_a_near_miss_of_a_jwt_key(self, name, nearest):
        """A mistyped JWT_* key is refused with what was meant."""

        assert f"{name} is not a setting of Praetorian; did you mean {nearest}?" == refusal(
            Settings.from_mapping, KEY | {name: 1}
        )

    @pytest.mark.parametrize(
        "name",
        # All keys of Flask-JWT-Extended 4.7.4 that are not ours as well (its docs/options.rst and config.py).
        [
            "JWT_ACCESS_COOKIE_NAME", "JWT_ACCESS_COOKIE_PATH", "JWT_ACCESS_CSRF_COOKIE_NAME",
            "JWT_ACCESS_CSRF_COOKIE_PATH", "JWT_ACCESS_CSRF_FIELD_NAME", "JWT_ACCESS_CSRF_HEADER_NAME",
            "JWT_ACCESS_TOKEN_EXPIRES", "JWT_COOKIE_CSRF_PROTECT", "JWT_COOKIE_DOMAIN", "JWT_COOKIE_SAMESITE",
            "JWT_COOKIE_SECURE", "JWT_CSRF_CHECK_FORM", "JWT_CSRF_IN_COOKIES", "JWT_CSRF_METHODS",
            "JWT_DECODE_ALGORITHMS", "JWT_DECODE_AUDIENCE", "JWT_DECODE_ISSUER", "JWT_DECODE_LEEWAY",
            "JWT_ENCODE_AUDIENCE", "JWT_ENCODE_ISSUER", "JWT_ENCODE_NBF", "JWT_ERROR_MESSAGE_KEY",
            "JWT_IDENTITY_CLAIM", "JWT_JSON_KEY", "JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY", "JWT_QUERY_STRING_NAME",
            "JWT_QUERY_STRING_VALUE_PREFIX", "JWT_REFRESH_COOKIE_NAME", "JWT_REFRESH_COOKIE_PATH",
            "JWT_REFRESH_CSRF_COOKIE_NAME", "JWT_REFRESH_CSRF_COOKIE_PATH", "JWT_REFRESH_CSRF_FIELD_NAME",
            "JWT_REFRESH_CSRF_HEADER_NAME", "JWT_REFRESH_JSON_KEY", "JWT_REFRESH_TOKEN_EXPIRES", "JWT_SESSION_COOKIE",
            "JWT_TOKEN_LOCATION", "JWT_VERIFY_SUB",
            # Of its version 3.
            "JWT_BLACKLIST_ENABLED",
            "JWT_BLACKLIST_TOKEN_CHECKS",
            "JWT_CLAIMS_IN_REFRESH_TOKEN",
            "JWT_CSRF_HEADER_NAME",
            "JWT_USER_CLAIMS",
        ],
    )  # fmt: skip
    def test_foreign_jwt_keys_pass(self, name, caplog):
        """Flask-JWT-Extended writes its defaults into the same configuration; the two can share an application."""

        assert Settings(keys=RING) == Settings.from_mapping({name: "x"}, keys=RING)
        assert [] == caplog.records

    @pytest.mark.parametrize(
        "name", ["SECRET_KEYS", "USER_CLASS", "DISABLE_ERROR_HANDLER", "MY_PRAETORIAN_STORE", "MY_JWT_LEEWAY"]
    )
    def test_keys_under_other_names_pass(self, name):
        """What begins neither with PRAETORIAN_ nor with JWT_ is somebody else's."""

        assert Settings(keys=RING) == Settings.from_mapping({name: "x"}, keys=RING)

    MEANINGLESS = (
        "JWT_ALLOWED_ALGORITHMS", "PRAETORIAN_CONFIRMATION_LIFESPAN", "PRAETORIAN_CONFIRMATION_SENDER",
        "PRAETORIAN_CONFIRMATION_SUBJECT", "PRAETORIAN_CONFIRMATION_TEMPLATE", "PRAETORIAN_CONFIRMATION_URI",
        "PRAETORIAN_HASH_ALLOWED_SCHEMES", "PRAETORIAN_HASH_AUTOTEST", "PRAETORIAN_HASH_AUTOUPDATE",
        "PRAETORIAN_HASH_DEPRECATED_SCHEMES", "PRAETORIAN_HASH_SCHEME", "PRAETORIAN_RESET_LIFESPAN",
        "PRAETORIAN_RESET_SENDER", "PRAETORIAN_RESET_SUBJECT", "PRAETORIAN_RESET_TEMPLATE", "PRAETORIAN_RESET_URI",
    )  # fmt: skip

    @pytest.mark.parametrize(
        "names", [*((name,) for name in MEANINGLESS), MEANINGLESS], ids=[*MEANINGLESS, "all-of-them"]
    )
    def test_meaningless_keys_of_flask_praetorian(self, names, caplog):
        """Keys of flask-praetorian without a counterpart are accepted; one warning names them, without values."""
        settings = Settings.from_mapping(dict.fromkeys(reversed(names), "hunter2"), keys=RING)

        assert Settings(keys=RING) == settings
        assert [
            (
                "praetorian",
                logging.WARNING,
                f"these settings of flask-praetorian mean nothing here and can be removed: {', '.join(names)}",
            )
        ] == caplog.record_tuples

    def test_a_configuration_without_them_is_not_remarked_on(self, caplog):
        """The twin: keys that we read are read in silence."""
        Settings.from_mapping(KEY | {"JWT_ALGORITHM": "HS256", "PRAETORIAN_THROTTLE": True})

        assert [] == caplog.records


class TestSecrets:
    @pytest.mark.parametrize(
        ("present", "winner"),
        [
            pytest.param(("SECRET_KEY",), "SECRET_KEY", id="secret-key"),
            pytest.param(("SECRET_KEY", "JWT_SECRET_KEY"), "JWT_SECRET_KEY", id="jwt-secret-key-first"),
            pytest.param(("SECRET_KEY", "JWT_SECRET_KEY", "JWT_KEYS"), "JWT_KEYS", id="jwt-keys-before-all"),
            pytest.param(("SECRET_KEY", "JWT_KEYS"), "JWT_KEYS", id="jwt-keys-before-secret-key"),
            pytest.param(("JWT_SECRET_KEY",), "JWT_SECRET_KEY", id="jwt-secret-key"),
            pytest.param(("JWT_KEYS",), "JWT_KEYS", id="jwt-keys"),
        ],
    )
    def test_precedence(self, present, winner):
        """JWT_KEYS comes before JWT_SECRET_KEY, which comes before SECRET_KEY."""
        secrets = {name: generate_secret() for name in ("SECRET_KEY", "JWT_SECRET_KEY", "JWT_KEYS")}
        config = {name: KeyRing.from_secret(secrets[name]) if name == "JWT_KEYS" else secrets[name] for name in present}

        assert [kid_of(secrets[winner])] == [key.kid for key in Settings.from_mapping(config).keys.keys]

    def test_a_ring_is_taken_as_it_is(self):
        """JWT_KEYS is used as given, whatever else is configured."""
        config = {"JWT_KEYS": RING, "SECRET_KEY": "weak", "JWT_SECRET_KEY": "weak", "SECRET_KEY_FALLBACKS": ["weak"]}

        assert RING is Settings.from_mapping(config).keys

    @pytest.mark.parametrize(
        "value", [SECRET, [SECRET], {"keys": []}, 0, False], ids=["str", "list", "jwks", "zero", "false"]
    )
    def test_only_a_ring_is_a_ring(self, value):
        """JWT_KEYS of another type is refused by its type, and its value is not repeated."""

        assert (
            f"JWT_KEYS is '{type(value).__name__}'; expected a KeyRing, such as KeyRing.from_jwks(document)"
        ) == refusal(Settings.from_mapping, {"JWT_KEYS": value, **KEY})

    @pytest.mark.parametrize(
        "config", [{}, {"SECRET_KEY": None}, {"SECRET_KEY": None, "JWT_SECRET_KEY": None, "JWT_KEYS": None}]
    )
    def test_a_missing_secret(self, config):
        """Without a secret the refusal prints the line that makes one."""

        assert (
            f"no secret is configured; set SECRET_KEY (or JWT_SECRET_KEY) to what this line prints: {LINE}"
        ) == refusal(Settings.from_mapping, config)

    @pytest.mark.parametrize(
        "config", [{}, {"SECRET_KEY": "weak"}, {"JWT_SECRET_KEY": 5}], ids=["missing", "weak", "wrong-type"]
    )
    def test_the_printed_line_makes_a_good_secret(self, config):
        """The line in the refusal can be pasted: what it prints is accepted in place of what was refused."""
        text = refusal(Settings.from_mapping, config)
        _, *arguments = shlex.split(text[text.index("python -c") :])
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)

        assert (
            kid_of(done.stdout.strip()) == Settings.from_mapping({"SECRET_KEY": done.stdout.strip()}).keys.signing.kid
        )

    @pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SECRET_KEY"])
    @pytest.mark.parametrize(
        ("secret", "why"),
        [
            pytest.param("", "the HMAC secret is empty", id="empty"),
            pytest.param("Tr0ub4dor&3", "the HMAC secret is 11 bytes; HS256 needs 32 (RFC 7518 §3.2)", id="short"),
            pytest.param(SECRET[:31], "the HMAC secret is 31 bytes; HS256 needs 32 (RFC 7518 §3.2)", id="31-bytes"),
            pytest.param("Tr0ub4dor&3" * 4, "the HMAC secret is 44 bytes, but they repeat after 11", id="repeated"),
            pytest.param(
                "your-very-long-super-secret-key-change-me", "the HMAC secret is a placeholder", id="placeholder"
            ),
            pytest.param("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n", "the HMAC secret is a PEM block", id="pem"),
        ],
    )
    def test_a_weak_secret(self, name, secret, why):
        """RFC 7518 §3.2, ASVS 13.2.3: a weak secret is refused with the reason and the line to paste, unseen."""
        with pytest.raises(ConfigurationError) as caught:
            Settings.from_mapping({name: secret})
        text = str(caught.value)

        assert text.startswith(f"{name}: {why}")
        assert text.endswith(WRITE_A_SECRET)
        assert not secret or secret not in f"{text}{caught.value!r}{caught.value.__context__}{caught.value.__cause__}"

    def test_32_bytes_are_enough(self):
        """The twin: RFC 7518 §3.2 asks for no more than the size of the hash."""

        assert kid_of(SECRET[:32]) == Settings.from_mapping({"SECRET_KEY": SECRET[:32]}).keys.signing.kid

    def test_bytes_are_a_secret(self):
        """Text and its UTF-8 bytes are the same secret."""

        assert kid_of(SECRET) == Settings.from_mapping({"SECRET_KEY": SECRET.encode()}).keys.signing.kid

    @pytest.mark.parametrize(
        "secret", [["Tr0ub4dor&3"], 5, {"kty": "oct"}, bytearray(48), False], ids=lambda value: type(value).__name__
    )
    def test_a_secret_of_another_type(self, secret):
        """Only text and bytes are secrets; what else was written is named by its type."""

        assert f"SECRET_KEY is '{type(secret).__name__}'; expected what this line prints: {LINE}" == refusal(
            Settings.from_mapping, {"SECRET_KEY": secret}
        )

    def test_an_empty_jwt_secret_key_is_no_missing_one(self):
        """JWT_SECRET_KEY = "" is a mistake, not a wish for SECRET_KEY."""

        assert refusal(Settings.from_mapping, KEY | {"JWT_SECRET_KEY": ""}).startswith(
            "JWT_SECRET_KEY: the HMAC secret is empty"
        )


class TestFallbacks:
    @pytest.mark.parametrize("container", [list, tuple, iter], ids=["list", "tuple", "iterator"])
    def test_verify_only(self, container):
        """Former secrets verify what they signed, and nothing is signed with them any more."""
        former = [generate_secret(), generate_secret().encode()]
        ring = Settings.from_mapping(KEY | {"SECRET_KEY_FALLBACKS": container(former)}).keys

        assert kid_of(SECRET) == ring.signing_key().kid
        assert [kid_of(secret) for secret in (SECRET, *former)] == [key.kid for key in ring.keys]
        for secret in former:
            old = Key.from_secret(secret)
            assert ring.find(old.kid).verifies(b"message", old.sign(b"message"))
            assert not ring.signing_key().verifies(b"message", old.sign(b"message"))

    @pytest.mark.parametrize("fallbacks", [[], ()])
    def test_none_of_them(self, fallbacks):
        """Flask's default, an empty list, leaves one key."""

        assert 1 == len(Settings.from_mapping(KEY | {"SECRET_KEY_FALLBACKS": fallbacks}).keys.keys)

    def test_a_weak_one(self):
        """A former secret that is weak opens as many doors as a weak secret of today, so it is refused as well."""
        text = refusal(Settings.from_mapping, KEY | {"SECRET_KEY_FALLBACKS": [generate_secret(), "Tr0ub4dor&3"]})

        assert (
            f"SECRET_KEY_FALLBACKS: the HMAC secret is 11 bytes; HS256 needs 32 (RFC 7518 §3.2); {WRITE_A_SECRET}"
            == text
        )

    @pytest.mark.parametrize("former", [None, 5, ["x"]], ids=["none", "number", "list"])
    def test_one_of_another_type(self, former):
        """What is neither text nor bytes is refused by its type."""

        assert f"SECRET_KEY_FALLBACKS is '{type(former).__name__}'; expected what this line prints: {LINE}" == refusal(
            Settings.from_mapping, KEY | {"SECRET_KEY_FALLBACKS": [former]}
        )

    @pytest.mark.parametrize("fallbacks", [SECRET, SECRET.encode(), 5, True], ids=["str", "bytes", "number", "bool"])
    def test_not_a_list(self, fallbacks):
        """One secret without brackets would be read as many secrets of one letter."""

        assert f"SECRET_KEY_FALLBACKS is '{type(fallbacks).__name__}'; expected a list of former secrets" == refusal(
            Settings.from_mapping, {"SECRET_KEY": generate_secret(), "SECRET_KEY_FALLBACKS": fallbacks}
        )

    @pytest.mark.parametrize("former", [[SECRET], ["again"] * 2], ids=["the-secret-itself", "twice"])
    def test_repeated(self, former):
        """A secret that is there twice was not rotated; the refusal says which key to change."""
        again = generate_secret()
        fallbacks = [again if secret == "again" else secret for secret in former]

        assert (
            "SECRET_KEY_FALLBACKS repeats a secret, maybe SECRET_KEY itself; leave the repeated one out"
        ) == refusal(Settings.from_mapping, KEY | {"SECRET_KEY_FALLBACKS": fallbacks})

    def test_ignored_beside_jwt_secret_key(self):
        """They are former values of SECRET_KEY and say nothing about JWT_SECRET_KEY; none of them is judged."""
        config = {"JWT_SECRET_KEY": SECRET, "SECRET_KEY": "weak", "SECRET_KEY_FALLBACKS": ["weak", generate_secret()]}

        assert [kid_of(SECRET)] == [key.kid for key in Settings.from_mapping(config).keys.keys]


class TestAlgorithm:
    @pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
    def test_hmac(self, algorithm):
        """RFC 7518 §3.2: the three algorithms that work with a secret, for fallbacks as well."""
        config = KEY | {"JWT_ALGORITHM": algorithm, "SECRET_KEY_FALLBACKS": [generate_secret()]}

        assert {algorithm} == {key.algorithm for key in Settings.from_mapping(config).keys.keys}

    @pytest.mark.parametrize(
        "algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
    )
    @pytest.mark.parametrize("config", [KEY, {}], ids=["with-a-secret", "without"])
    def test_key_pairs(self, algorithm, config):
        """An algorithm of key pairs is pointed to KeyRing.from_pem, before a secret is asked for."""

        assert (
            f"JWT_ALGORITHM is '{algorithm}', which signs with a private key and not with a secret; "
            f"write JWT_KEYS = KeyRing.from_pem(pem, algorithm='{algorithm}')"
        ) == refusal(Settings.from_mapping, config | {"JWT_ALGORITHM": algorithm})

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
    def test_none(self, algorithm):
        """RFC 8725 §3.2, ASVS 9.1.2: no configuration allows unsecured tokens."""

        assert refusal(Settings.from_mapping, KEY | {"JWT_ALGORITHM": algorithm}).startswith(
            "JWT_ALGORITHM: the algorithm is 'none', with which every token would be good; write one of these"
        )

    @pytest.mark.parametrize("algorithm", ["hs256", "HS257", "HS", "", "ES521", "HS256 ", "HS256,HS512"])
    def test_unknown(self, algorithm):
        """RFC 7515 §4.1.1: names are exact; the refusal lists those that there are."""

        assert refusal(Settings.from_mapping, KEY | {"JWT_ALGORITHM": algorithm}).startswith(
            "JWT_ALGORITHM: the algorithm is not one that we know; write one of these, exactly: HS256, HS384, HS512"
        )

    @pytest.mark.parametrize(
        "algorithm", [["HS256"], 256, b"HS256", False, 0], ids=["list", "number", "bytes", "false", "zero"]
    )
    def test_another_type(self, algorithm):
        """Only text names an algorithm."""

        assert refusal(Settings.from_mapping, KEY | {"JWT_ALGORITHM": algorithm}).startswith(
            f"JWT_ALGORITHM: the algorithm is of type {type(algorithm).__name__}; write one of these, exactly: HS256"
        )

    def test_a_secret_in_the_wrong_key_is_not_repeated(self):
        """Who mixes up JWT_ALGORITHM and JWT_SECRET_KEY finds no secret in the log."""

        assert SECRET not in refusal(Settings.from_mapping, {"JWT_ALGORITHM": SECRET, "JWT_SECRET_KEY": "HS256"})

    def test_longer_hashes_need_longer_secrets(self):
        """RFC 7518 §3.2: 48 bytes are too few for HS512, and enough for HS384."""
        secret = SECRET[:48]

        assert refusal(Settings.from_mapping, {"SECRET_KEY": secret, "JWT_ALGORITHM": "HS512"}).startswith(
            "SECRET_KEY: the HMAC secret is 48 bytes; HS512 needs 64 (RFC 7518 §3.2)"
        )
        assert "HS384" == Settings.from_mapping({"SECRET_KEY": secret, "JWT_ALGORITHM": "HS384"}).keys.signing.algorithm


class TestNearMisses:
    @pytest.mark.parametrize(
        ("key", "meant"),
        [
            ("USER_CLASS_VALIDATION_METHD", "USER_CLASS_VALIDATION_METHOD"),
            ("DISABLE_PRAETORIAN_ERROR_HANDLERS", "DISABLE_PRAETORIAN_ERROR_HANDLER"),
        ],
    )
    def test_keys_of_other_beginnings(self, key, meant):
        """A slip in the name of the validation method would make everybody valid."""
        assert f"{key} is not a setting of Praetorian; did you mean {meant}?" == refusal(
            Settings.from_mapping, KEY | {key: "is_active"}
        )

    @pytest.mark.parametrize("key", ["USER_CLASS", "DISABLE_CACHE"])
    def test_keys_of_others(self, key):
        """What only begins alike is somebody else's."""
        assert isinstance(Settings.from_mapping(KEY | {key: "x"}), Settings)
