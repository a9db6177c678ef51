"""Reading of a framework's configuration: precedence, mistyped keys, secrets."""

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
from tests.support import RING, SECRET, refusal

from praetorian_core.errors import ConfigurationError
from praetorian_core.settings import Settings
from praetorian_core.settings.config import FLASK_JWT_EXTENDED_KEYS
from praetorian_core.settings.declaration import declaration_of
from praetorian_core.token.keys import Key, KeyRing, generate_secret
from praetorian_core.token.layouts import FLASK_PRAETORIAN, STANDARD

KEY = {"SECRET_KEY": SECRET}
COMMAND = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
WRITE_A_SECRET = f"write one printed by: {COMMAND}"
KEYS = [declaration_of(field).key for field in attrs.fields(Settings)]


def kid_of(secret, algorithm="HS256"):
    """Return the kid of a secret's key."""
    return Key.from_secret(secret, algorithm).kid


class TestFromMapping:
    @pytest.mark.parametrize("key", [*KEYS, "JWT_SECRET_KEY", "JWT_ALGORITHM", "SECRET_KEY_FALLBACKS"])
    def test_none_means_the_default(self, key):
        """A key that a framework presets to None counts as absent."""
        settings = Settings.from_mapping({**KEY, key: None})

        assert Settings(keys=settings.keys) == settings
        assert kid_of(SECRET) == settings.keys.signing.kid

    def test_reads_any_mapping_and_leaves_it_alone(self):
        """A read-only mapping is accepted; keys of other libraries, str or not, are ignored."""
        config = MappingProxyType(
            {**KEY, "DEBUG": True, "MAIL_SERVER": "x", "jwt_leeway": 61, 5: 6, ("JWT", "LEEWAY"): 7}
        )

        assert 0 == Settings.from_mapping(config).leeway

    @pytest.mark.parametrize("name", ["access_lifespan", "realm", "throttle"])
    def test_keyword_values_win(self, name):
        """Keyword values take precedence over the configuration."""
        config = KEY | {"JWT_ACCESS_LIFESPAN": 5, "JWT_REALM": "config", "PRAETORIAN_THROTTLE": True}
        values = {"access_lifespan": 6, "realm": "code", "throttle": False}

        assert values[name] == getattr(Settings.from_mapping(config, **{name: values[name]}), name)

    def test_keyword_values_beside_the_configuration(self):
        """Layouts and functions can be passed as keywords."""
        settings = Settings.from_mapping(
            KEY, layout=FLASK_PRAETORIAN, accept_layouts=(STANDARD, FLASK_PRAETORIAN), parse_identity=uuid.UUID
        )

        assert (FLASK_PRAETORIAN, (STANDARD, FLASK_PRAETORIAN), uuid.UUID) == (
            settings.layout,
            settings.accept_layouts,
            settings.parse_identity,
        )

    def test_keyword_keys_need_no_secret(self):
        """With a ring as keyword no secret is read, so a weak one is not rejected."""

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
        """A mistyped keyword is rejected with the nearest attribute."""

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
            # A key under the other prefix.
            ("PRAETORIAN_ACCESS_LIFESPAN", "JWT_ACCESS_LIFESPAN"),
            ("PRAETORIAN_REFRESH_LIFESPAN", "JWT_REFRESH_LIFESPAN"),
            ("PRAETORIAN_ACCESS_LIFESPANS", "JWT_ACCESS_LIFESPAN"),
            ("PRAETORIAN_LEEWAY", "JWT_LEEWAY"),
            ("PRAETORIAN_SECRET_KEY", "JWT_SECRET_KEY"),
            ("PRAETORIAN_HEADER_TYPE", "JWT_HEADER_TYPE"),
            ("PRAETORIAN_JWT_ISSUER", "JWT_ISSUER"),
            ("JWT_STORE", "PRAETORIAN_STORE"),
            ("JWT_REFRESH_GRACE", "PRAETORIAN_REFRESH_GRACE"),
            ("JWT_THROTTLE", "PRAETORIAN_THROTTLE"),
            ("PRAETORIAN_VALIDATION_METHOD", "USER_CLASS_VALIDATION_METHOD"),
            # A mistyped prefix.
            ("PRETORIAN_STORE", "PRAETORIAN_STORE"),
            ("PRAETORAIN_STORE", "PRAETORIAN_STORE"),
            ("PREATORIAN_THROTTLE", "PRAETORIAN_THROTTLE"),
            ("SECRET_KEY_FALLBACK", "SECRET_KEY_FALLBACKS"),
        ],
    )
    def test_an_unknown_praetorian_key(self, name, nearest):
        """A mistyped PRAETORIAN_* key would silently have no effect, so it is rejected, also if it is None."""
        expected = f"{name} is not a setting of Praetorian; did you mean {nearest}?"

        assert expected == refusal(Settings.from_mapping, {**KEY, name: True})
        assert expected == refusal(Settings.from_mapping, {**KEY, name: None})

    @pytest.mark.parametrize("name", ["PRAETORIAN_", "PRAETORIAN_\N{SNOWMAN}", "PRAETORIAN_XYZZY"])
    def test_a_praetorian_key_like_no_other(self, name):
        """Even if no key is similar, the message names one."""

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
            ("JWT_HEADERNAME", "JWT_HEADER_NAME"),
            ("JWT_HEADER_TPYE", "JWT_HEADER_TYPE"),
            ("JWT_KEY", "JWT_KEYS"),
            ("JWT_SECRET", "JWT_SECRET_KEY"),
            ("JWT_SECRETKEY", "JWT_SECRET_KEY"),
            ("JWT_ALGORITHMS", "JWT_ALGORITHM"),
        ],
    )
    def test_a_near_miss_of_a_jwt_key(self, name, nearest):
        """A mistyped JWT_* key is rejected with the key that it resembles."""

        assert f"{name} is not a setting of Praetorian; did you mean {nearest}?" == refusal(
            Settings.from_mapping, KEY | {name: 1}
        )

    @pytest.mark.parametrize(
        "name",
        # Keys of flask-jwt-extended 4.7.4 and 3 without a counterpart (its docs/options.rst and jwt_manager.py).
        [
            "JWT_ACCESS_COOKIE_PATH", "JWT_ACCESS_CSRF_COOKIE_NAME",
            "JWT_ACCESS_CSRF_COOKIE_PATH", "JWT_ACCESS_CSRF_FIELD_NAME", "JWT_ACCESS_CSRF_HEADER_NAME",
            "JWT_COOKIE_CSRF_PROTECT",
            "JWT_CSRF_CHECK_FORM", "JWT_CSRF_IN_COOKIES", "JWT_CSRF_METHODS", "JWT_ENCODE_NBF",
            "JWT_ERROR_MESSAGE_KEY", "JWT_IDENTITY_CLAIM", "JWT_JSON_KEY", "JWT_QUERY_STRING_NAME",
            "JWT_QUERY_STRING_VALUE_PREFIX", "JWT_REFRESH_COOKIE_NAME", "JWT_REFRESH_COOKIE_PATH",
            "JWT_REFRESH_CSRF_COOKIE_NAME", "JWT_REFRESH_CSRF_COOKIE_PATH", "JWT_REFRESH_CSRF_FIELD_NAME",
            "JWT_REFRESH_CSRF_HEADER_NAME", "JWT_REFRESH_JSON_KEY", "JWT_SESSION_COOKIE", "JWT_VERIFY_SUB",
            "JWT_CLAIMS_IN_REFRESH_TOKEN", "JWT_CSRF_HEADER_NAME", "JWT_USER_CLAIMS",
        ],
    )  # fmt: skip
    def test_keys_of_flask_jwt_extended_without_counterpart(self, name, caplog):
        """Another library's key that has no counterpart is ignored."""

        assert Settings(keys=RING) == Settings.from_mapping({name: "x"}, keys=RING)
        assert [] == caplog.records

    def test_defaults_of_flask_jwt_extended(self, caplog):
        """Flask-jwt-extended writes its defaults into Flask's configuration, so they cause no warning."""
        # As its version 4.7.4 writes them; the last two are of version 3.
        defaults = {
            "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=15),
            "JWT_REFRESH_TOKEN_EXPIRES": timedelta(days=30),
            "JWT_TOKEN_LOCATION": ("headers",),
            "JWT_ACCESS_COOKIE_NAME": "access_token_cookie",
            "JWT_COOKIE_DOMAIN": None,
            "JWT_COOKIE_SAMESITE": None,
            "JWT_COOKIE_SECURE": False,
            "JWT_DECODE_LEEWAY": 0,
            "JWT_DECODE_AUDIENCE": None,
            "JWT_ENCODE_AUDIENCE": None,
            "JWT_DECODE_ISSUER": None,
            "JWT_ENCODE_ISSUER": None,
            "JWT_DECODE_ALGORITHMS": None,
            "JWT_PRIVATE_KEY": None,
            "JWT_PUBLIC_KEY": None,
            "JWT_ALGORITHM": "HS256",
            "JWT_HEADER_NAME": "Authorization",
            "JWT_HEADER_TYPE": "Bearer",
            "JWT_SECRET_KEY": None,
            "JWT_BLACKLIST_ENABLED": False,
            "JWT_BLACKLIST_TOKEN_CHECKS": ("access", "refresh"),
        }

        assert Settings(keys=RING) == Settings.from_mapping(defaults, keys=RING)
        assert [] == caplog.records
        assert FLASK_JWT_EXTENDED_KEYS.keys() <= defaults.keys()

    @pytest.mark.parametrize("location", ["headers", ["headers"], {"headers"}], ids=["text", "list", "set"])
    def test_other_forms_of_a_default(self, location, caplog):
        """A default in another form is still the default."""
        Settings.from_mapping({"JWT_TOKEN_LOCATION": location}, keys=RING)

        assert [] == caplog.records

    @pytest.mark.parametrize(
        ("name", "value", "counterpart"),
        [
            ("JWT_ACCESS_TOKEN_EXPIRES", timedelta(hours=1), "JWT_ACCESS_LIFESPAN"),
            ("JWT_ACCESS_TOKEN_EXPIRES", False, "JWT_ACCESS_LIFESPAN"),
            ("JWT_REFRESH_TOKEN_EXPIRES", 3600, "JWT_REFRESH_LIFESPAN"),
            ("JWT_TOKEN_LOCATION", ["cookies"], "JWT_PLACES"),
            ("JWT_TOKEN_LOCATION", "query_string", "JWT_PLACES"),
            ("JWT_TOKEN_LOCATION", ["headers", "cookies"], "JWT_PLACES"),
            ("JWT_TOKEN_LOCATION", 5, "JWT_PLACES"),
            ("JWT_TOKEN_LOCATION", [["headers"]], "JWT_PLACES"),
            ("JWT_TOKEN_LOCATION", [], "JWT_PLACES"),
            ("JWT_ACCESS_COOKIE_NAME", "token", "JWT_COOKIE_NAME"),
            ("JWT_COOKIE_DOMAIN", "a.example", "PRAETORIAN_COOKIE_DOMAIN"),
            ("JWT_COOKIE_SAMESITE", "Strict", "PRAETORIAN_COOKIE_SAMESITE"),
            ("JWT_COOKIE_SECURE", True, "PRAETORIAN_COOKIE_SECURE"),
            ("JWT_DECODE_LEEWAY", 10, "JWT_LEEWAY"),
            ("JWT_DECODE_AUDIENCE", "hunter2", "JWT_AUDIENCE"),
            ("JWT_ENCODE_AUDIENCE", "hunter2", "JWT_AUDIENCE"),
            ("JWT_DECODE_ISSUER", "hunter2", "JWT_ISSUER"),
            ("JWT_ENCODE_ISSUER", "hunter2", "JWT_ISSUER"),
            ("JWT_DECODE_ALGORITHMS", ["HS512"], "JWT_KEYS"),
            ("JWT_PRIVATE_KEY", "hunter2", "JWT_KEYS"),
            ("JWT_PUBLIC_KEY", "hunter2", "JWT_KEYS"),
            ("JWT_BLACKLIST_ENABLED", True, "PRAETORIAN_STORE"),
            ("JWT_BLACKLIST_TOKEN_CHECKS", ["refresh"], "PRAETORIAN_CHECK_SESSIONS"),
        ],
    )
    def test_settings_of_flask_jwt_extended(self, name, value, counterpart, caplog):
        """One warning names a setting of flask-jwt-extended and its counterpart, without the value."""
        settings = Settings.from_mapping({**KEY, name: value})
        expected = f"these settings of flask-jwt-extended have no effect here: {name} (set {counterpart})"

        assert Settings(keys=settings.keys) == settings
        assert [("praetorian", logging.WARNING, expected)] == caplog.record_tuples

    def test_one_warning_for_all(self, caplog):
        """Several settings cause one warning."""
        Settings.from_mapping({"JWT_TOKEN_LOCATION": ["cookies"], "JWT_ACCESS_TOKEN_EXPIRES": 60}, keys=RING)

        assert [
            (
                "these settings of flask-jwt-extended have no effect here: JWT_ACCESS_TOKEN_EXPIRES (set JWT_ACCESS_LIFESPAN), "
                "JWT_TOKEN_LOCATION (set JWT_PLACES)"
            )
        ] == caplog.messages

    def test_no_warning_beside_the_counterpart(self, caplog):
        """If the counterpart is set, both libraries are configured, and there is no warning."""
        Settings.from_mapping({"JWT_ACCESS_TOKEN_EXPIRES": 60, "JWT_ACCESS_LIFESPAN": 60}, keys=RING)

        assert [] == caplog.records

    @pytest.mark.parametrize(
        "name", ["SECRET_KEYS", "USER_CLASS", "DISABLE_ERROR_HANDLER", "MY_PRAETORIAN_STORE", "MY_JWT_LEEWAY"]
    )
    def test_keys_under_other_names_pass(self, name):
        """A key without a prefix of Praetorian belongs to another library."""

        assert Settings(keys=RING) == Settings.from_mapping({name: "x"}, keys=RING)

    WITHOUT_EFFECT = (
        "JWT_ALLOWED_ALGORITHMS", "PRAETORIAN_CONFIRMATION_LIFESPAN", "PRAETORIAN_CONFIRMATION_SENDER",
        "PRAETORIAN_CONFIRMATION_SUBJECT", "PRAETORIAN_CONFIRMATION_TEMPLATE", "PRAETORIAN_CONFIRMATION_URI",
        "PRAETORIAN_HASH_ALLOWED_SCHEMES", "PRAETORIAN_HASH_AUTOTEST", "PRAETORIAN_HASH_AUTOUPDATE",
        "PRAETORIAN_HASH_DEPRECATED_SCHEMES", "PRAETORIAN_HASH_SCHEME", "PRAETORIAN_RESET_LIFESPAN",
        "PRAETORIAN_RESET_SENDER", "PRAETORIAN_RESET_SUBJECT", "PRAETORIAN_RESET_TEMPLATE", "PRAETORIAN_RESET_URI",
    )  # fmt: skip

    @pytest.mark.parametrize(
        "names", [*((name,) for name in WITHOUT_EFFECT), WITHOUT_EFFECT], ids=[*WITHOUT_EFFECT, "all-of-them"]
    )
    def test_keys_of_flask_praetorian_without_effect(self, names, caplog):
        """Keys of flask-praetorian without a counterpart are accepted; one warning names them, without values."""
        settings = Settings.from_mapping(dict.fromkeys(reversed(names), "hunter2"), keys=RING)

        assert Settings(keys=RING) == settings
        assert [
            (
                "praetorian",
                logging.WARNING,
                f"these settings of flask-praetorian have no effect; remove them: {', '.join(names)}",
            )
        ] == caplog.record_tuples

    def test_known_keys_cause_no_warning(self, caplog):
        """A configuration of known keys causes no warning."""
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
        """JWT_KEYS is used as given; secrets beside it are not read."""
        config = {"JWT_KEYS": RING, "SECRET_KEY": "weak", "JWT_SECRET_KEY": "weak", "SECRET_KEY_FALLBACKS": ["weak"]}

        assert RING is Settings.from_mapping(config).keys

    @pytest.mark.parametrize(
        "config", [{}, {"SECRET_KEY": None}, {"SECRET_KEY": None, "JWT_SECRET_KEY": None, "JWT_KEYS": None}]
    )
    def test_a_missing_secret(self, config):
        """Without a secret the message shows the command that makes one."""

        assert (
            f"SECRET_KEY or JWT_SECRET_KEY must be set; got neither; write what this command prints: {COMMAND}"
        ) == refusal(Settings.from_mapping, config)

    @pytest.mark.parametrize(
        "config", [{}, {"SECRET_KEY": "weak"}, {"JWT_SECRET_KEY": 5}], ids=["missing", "weak", "wrong-type"]
    )
    def test_the_printed_line_makes_a_good_secret(self, config):
        """The command in the message can be pasted: its output is accepted as secret."""
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
            pytest.param("", "the HMAC secret must have 32 bytes for HS256; got none", id="empty"),
            pytest.param(
                "Tr0ub4dor&3", "the HMAC secret must have 32 bytes for HS256 (RFC 7518 §3.2); got 11", id="short"
            ),
            pytest.param(
                SECRET[:31], "the HMAC secret must have 32 bytes for HS256 (RFC 7518 §3.2); got 31", id="31-bytes"
            ),
            pytest.param(
                "Tr0ub4dor&3" * 4,
                "the HMAC secret must have 32 bytes for HS256 that do not repeat; got 44",
                id="repeated",
            ),
            pytest.param(
                "your-very-long-super-secret-key-change-me",
                "the HMAC secret must have 16 bytes or more besides well-known words",
                id="placeholder",
            ),
            pytest.param(
                "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n",
                "the HMAC secret must be random; got a PEM block",
                id="pem",
            ),
        ],
    )
    def test_a_weak_secret(self, name, secret, why):
        """RFC 7518 §3.2, ASVS 13.2.3: a weak secret is rejected with the reason and the command to run, and is not shown."""
        with pytest.raises(ConfigurationError) as caught:
            Settings.from_mapping({name: secret})
        text = str(caught.value)

        assert text.startswith(f"{name}: {why}")
        assert text.endswith(WRITE_A_SECRET)
        assert not secret or secret not in f"{text}{caught.value!r}{caught.value.__context__}{caught.value.__cause__}"

    def test_32_bytes_are_enough(self):
        """A secret of the size of the hash is accepted (RFC 7518 §3.2)."""

        assert kid_of(SECRET[:32]) == Settings.from_mapping({"SECRET_KEY": SECRET[:32]}).keys.signing.kid

    def test_bytes_are_a_secret(self):
        """Text and its UTF-8 bytes are the same secret."""

        assert kid_of(SECRET) == Settings.from_mapping({"SECRET_KEY": SECRET.encode()}).keys.signing.kid

    @pytest.mark.parametrize(
        "secret", [["Tr0ub4dor&3"], 5, {"kty": "oct"}, bytearray(48), False], ids=lambda value: type(value).__name__
    )
    def test_a_secret_of_another_type(self, secret):
        """Only str and bytes are secrets; the message shows the type of another value."""

        assert (
            f"SECRET_KEY must be a str or bytes; got {type(secret).__name__}; write what this command prints: {COMMAND}"
            == refusal(Settings.from_mapping, {"SECRET_KEY": secret})
        )

    def test_an_empty_jwt_secret_key_is_no_missing_one(self):
        """JWT_SECRET_KEY = "" is rejected; SECRET_KEY is not used instead."""

        assert refusal(Settings.from_mapping, KEY | {"JWT_SECRET_KEY": ""}).startswith(
            "JWT_SECRET_KEY: the HMAC secret must have 32 bytes for HS256; got none"
        )


class TestFallbacks:
    @pytest.mark.parametrize("container", [list, tuple, iter], ids=["list", "tuple", "iterator"])
    def test_verify_only(self, container):
        """Former secrets verify existing signatures and sign nothing."""
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
        """A weak former secret is rejected, because it verifies tokens like the current one."""
        text = refusal(Settings.from_mapping, KEY | {"SECRET_KEY_FALLBACKS": [generate_secret(), "Tr0ub4dor&3"]})

        assert (
            f"SECRET_KEY_FALLBACKS: the HMAC secret must have 32 bytes for HS256 (RFC 7518 §3.2); got 11; {WRITE_A_SECRET}"
            == text
        )

    @pytest.mark.parametrize("former", [None, 5, ["x"]], ids=["none", "number", "list"])
    def test_one_of_another_type(self, former):
        """A former secret must be str or bytes; the message shows the type of another value."""

        assert (
            f"SECRET_KEY_FALLBACKS must be a str or bytes; got {type(former).__name__}; write what this command prints: {COMMAND}"
            == refusal(Settings.from_mapping, KEY | {"SECRET_KEY_FALLBACKS": [former]})
        )

    @pytest.mark.parametrize("fallbacks", [SECRET, SECRET.encode(), 5, True], ids=["str", "bytes", "number", "bool"])
    def test_not_a_list(self, fallbacks):
        """One secret without brackets would be read as many secrets of one letter, so it is rejected."""

        assert (
            f"SECRET_KEY_FALLBACKS must be a list of former secrets; got {type(fallbacks).__name__}; "
            "write SECRET_KEY_FALLBACKS = [former_secret]"
        ) == refusal(Settings.from_mapping, {"SECRET_KEY": generate_secret(), "SECRET_KEY_FALLBACKS": fallbacks})

    @pytest.mark.parametrize("former", [[SECRET], ["again"] * 2], ids=["the-secret-itself", "twice"])
    def test_repeated(self, former):
        """A repeated secret was not rotated; the message names the key to change."""
        again = generate_secret()
        fallbacks = [again if secret == "again" else secret for secret in former]

        assert (
            "SECRET_KEY_FALLBACKS must hold each former secret once, without SECRET_KEY; got a repeated secret; "
            "remove the repetition"
        ) == refusal(Settings.from_mapping, KEY | {"SECRET_KEY_FALLBACKS": fallbacks})

    def test_ignored_beside_jwt_secret_key(self):
        """They are former values of SECRET_KEY, so they are not read beside JWT_SECRET_KEY."""
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
        """For an algorithm of key pairs the message shows KeyRing.from_pem, also without a secret."""

        assert (
            f"JWT_ALGORITHM must be HS256, HS384 or HS512, which sign with a secret; got '{algorithm}', which signs "
            f"with a private key; write JWT_KEYS = KeyRing.from_pem(pem, algorithm='{algorithm}')"
        ) == refusal(Settings.from_mapping, config | {"JWT_ALGORITHM": algorithm})

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
    def test_none(self, algorithm):
        """RFC 8725 §3.2, ASVS 9.1.2: no configuration allows unsecured tokens."""

        assert refusal(Settings.from_mapping, KEY | {"JWT_ALGORITHM": algorithm}).startswith(
            "JWT_ALGORITHM: the algorithm must be a supported one; got 'none', which accepts every token; write exactly one of"
        )

    @pytest.mark.parametrize("algorithm", ["hs256", "HS257", "HS", "", "ES521", "HS256 ", "HS256,HS512"])
    def test_unknown(self, algorithm):
        """RFC 7515 §4.1.1: names are case-sensitive; the message lists the known ones."""

        assert refusal(Settings.from_mapping, KEY | {"JWT_ALGORITHM": algorithm}).startswith(
            "JWT_ALGORITHM: the algorithm must be a supported one; got another text; write exactly one of: HS256, HS384, HS512"
        )

    @pytest.mark.parametrize(
        "algorithm", [["HS256"], 256, b"HS256", False, 0], ids=["list", "number", "bytes", "false", "zero"]
    )
    def test_another_type(self, algorithm):
        """The name of an algorithm is a str."""

        assert refusal(Settings.from_mapping, KEY | {"JWT_ALGORITHM": algorithm}).startswith(
            f"JWT_ALGORITHM: the algorithm must be a supported one; got {type(algorithm).__name__}; write exactly one of: HS256"
        )

    def test_a_secret_in_the_wrong_key_is_not_repeated(self):
        """A secret that was set as JWT_ALGORITHM is not shown in the message."""

        assert SECRET not in refusal(Settings.from_mapping, {"JWT_ALGORITHM": SECRET, "JWT_SECRET_KEY": "HS256"})

    def test_longer_hashes_need_longer_secrets(self):
        """RFC 7518 §3.2: 48 bytes are too few for HS512, and enough for HS384."""
        secret = SECRET[:48]

        assert refusal(Settings.from_mapping, {"SECRET_KEY": secret, "JWT_ALGORITHM": "HS512"}).startswith(
            "SECRET_KEY: the HMAC secret must have 64 bytes for HS512 (RFC 7518 §3.2); got 48"
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
        """A mistyped USER_CLASS_VALIDATION_METHOD would make every account active, so it is rejected."""

        assert f"{key} is not a setting of Praetorian; did you mean {meant}?" == refusal(
            Settings.from_mapping, KEY | {key: "is_active"}
        )

    @pytest.mark.parametrize("key", ["USER_CLASS", "DISABLE_CACHE"])
    def test_keys_of_others(self, key):
        """A key that only has the prefix belongs to another library."""

        assert isinstance(Settings.from_mapping(KEY | {key: "x"}), Settings)
