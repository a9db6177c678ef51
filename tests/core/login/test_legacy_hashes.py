import asyncio
import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from argon2.low_level import Type, hash_secret_raw

from praetorian_core import AsyncGuard, Guard, KeyRing, PasswordHasher, Settings, generate_secret
from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.login import PasswordCheck
from praetorian_core.login.legacy_hashes import LegacyHash, legacy_scheme, parse_legacy
from praetorian_core.testing import MemoryUser, MemoryUsers, cheapest_hasher

VECTORS = json.loads((Path(__file__).parent / "vectors" / "legacy_hashes.json").read_text(encoding="utf-8"))["hashes"]
LEGACY = [vector for vector in VECTORS if vector["scheme"] != "argon2"]
NAMES = [f"{vector['hash'][:24]}-{'ascii' if vector['password'].isascii() else 'unicode'}" for vector in LEGACY]

PBKDF2 = LEGACY[0]["hash"]


class TestParse:
    @pytest.mark.parametrize("vector", LEGACY, ids=NAMES)
    def test_right_password(self, vector):
        """A hash that passlib or Werkzeug made matches its password."""
        assert parse_legacy(vector["hash"]).matches(vector["password"]) is True

    @pytest.mark.parametrize("vector", LEGACY, ids=NAMES)
    @pytest.mark.parametrize(
        "change",
        [lambda password: password + " ", lambda password: password[:-1], str.upper],
        ids=["longer", "shorter", "case"],
    )
    def test_wrong_password(self, vector, change):
        """It matches no other password."""
        assert parse_legacy(vector["hash"]).matches(change(vector["password"])) is False

    @pytest.mark.parametrize(
        ("hashed", "scheme", "work"),
        [
            (PBKDF2, "pbkdf2_sha512", 13_750),
            ("$pbkdf2-sha256$29000$" + "a" * 22 + "$" + "b" * 43, "pbkdf2_sha256", 6_960),
            ("$5$saltsalt$" + "b" * 43, "sha256_crypt", 1_850),
            ("$6$rounds=656000$saltsalt$" + "b" * 86, "sha512_crypt", 334_560),
            ("$2b$12$" + "a" * 53, "bcrypt", 253_952),
            ("$bcrypt-sha256$v=2,t=2b,r=12$" + "a" * 22 + "$" + "b" * 31, "bcrypt_sha256", 253_952),
            ("pbkdf2:sha256:600000$salt$" + "a" * 64, "pbkdf2:sha256", 144_000),
            ("scrypt:32768:8:1$salt$" + "a" * 128, "scrypt", 101_580),
        ],
        ids=lambda value: value if isinstance(value, str) and "$" not in value else None,
    )
    def test_work(self, hashed, scheme, work):
        """The work of a check is known before anything is computed, in the unit of Argon2."""
        found = parse_legacy(hashed)

        assert (scheme, work) == (found.scheme, found.work)

    @pytest.mark.parametrize(
        "hashed",
        [
            "",
            "plaintext",
            PBKDF2 + "\n",
            PBKDF2 + "x",
            PBKDF2.replace("25000", "0"),
            PBKDF2.replace("25000", "99999999999"),
            "$1$salt$md5cryptmd5cryptmd5cry",
            "$2b$99$" + "a" * 53,
            "md5:1000$salt$" + "a" * 32,
            "pbkdf2:md5:1000$salt$" + "a" * 32,
            "scrypt:0:8:1$salt$" + "a" * 128,
        ],
        ids=[
            "empty",
            "text",
            "newline",
            "longer",
            "zero",
            "huge",
            "md5_crypt",
            "bcrypt-99",
            "md5",
            "pbkdf2-md5",
            "n-0",
        ],
    )
    def test_unknown(self, hashed):
        """Anything else is of no known scheme."""
        assert parse_legacy(hashed) is None

    def test_bcrypt_ignores_the_rest(self):
        """Bcrypt reads 72 bytes, as it did when the hash was made."""
        from passlib.hash import bcrypt

        hashed = bcrypt.using(rounds=4).hash("a" * 72)

        assert parse_legacy(hashed).matches("a" * 72 + "b") is True
        assert parse_legacy(hashed).matches("a" * 71 + "b") is False

    @pytest.mark.parametrize("module", ["passlib.hash", "bcrypt"])
    def test_extra_is_missing(self, module):
        """Without the extra, the error names the scheme and the line to install."""
        hashed = next(vector["hash"] for vector in LEGACY if vector["scheme"] == "bcrypt")
        program = (
            f"import sys; sys.modules[{module!r}] = None\n"
            "from praetorian_core.login.legacy_hashes import parse_legacy\n"
            f"parse_legacy({hashed!r})"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

        assert (
            "UnusableHashError: is of the scheme bcrypt, which needs an extra; write: "
            'pip install "praetorian-core[legacy-hashes]"'
        ) in done.stderr

    def test_werkzeug_needs_no_extra(self):
        """Werkzeug's hashes are verified by the standard library."""
        vector = next(vector for vector in LEGACY if vector["hash"].startswith("pbkdf2:"))
        program = (
            "import sys; sys.modules['passlib'] = None\n"
            "from praetorian_core.login.legacy_hashes import parse_legacy\n"
            f"print(parse_legacy({vector['hash']!r}).matches({vector['password']!r}))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert "True" == done.stdout.strip()


class TestHasher:
    """Legacy hashes in the hasher of every guard."""

    @pytest.fixture
    def hasher(self):
        return cheapest_hasher()

    @pytest.mark.parametrize("vector", VECTORS, ids=[f"{v['scheme']}-{n}" for n, v in enumerate(VECTORS)])
    def test_check(self, hasher, vector):
        """The right password matches and is to be hashed again; another one matches nothing."""
        generous = PasswordHasher() if "32768:8:1" in vector["hash"] else hasher

        assert PasswordCheck(matches=True, outdated=True) == generous.check(vector["password"], vector["hash"])
        assert PasswordCheck(matches=False, outdated=False) == generous.check("another", vector["hash"])

    @pytest.mark.parametrize(
        "hashed",
        [
            None,
            PBKDF2,
            "$argon2id$broken",
            f"$6$rounds=1$saltsalt${'a' * 86}",
            f"$2x$10${'a' * 53}",
            f"scrypt:1:8:1$salt${'a' * 128}",
        ],
        ids=["unknown", "legacy", "malformed", "malformed-sha512_crypt", "malformed-bcrypt", "malformed-scrypt"],
    )
    def test_equal_work(self, hashed):
        """A failed check costs the work of one current hash within 0.1 %, for every kind of stored hash."""
        hasher = PasswordHasher()
        current = PasswordHasher()
        current.hash("a password of length")
        hasher.check("wrong", hashed)

        assert hasher.work == pytest.approx(current.work, rel=0.001)

    def test_disproportionate(self, hasher, caplog):
        """A hash with too many rounds is not computed, and the log names its scheme."""
        check = hasher.check("secret", PBKDF2.replace("25000", "900000000"))

        assert PasswordCheck(matches=False, outdated=False) == check
        assert "it is of the scheme pbkdf2_sha512 with a work of" in caplog.text

    def test_without_a_version(self, hasher):
        """An Argon2 hash from before the format named its version is of version 1.0 (16)."""
        tag = hash_secret_raw(b"secret", b"saltsalt", 2, 1024, 1, 32, Type.I, version=16)
        salt, text = (b64encode(part).decode().rstrip("=") for part in (b"saltsalt", tag))

        assert hasher.verify("secret", f"$argon2i$m=1024,t=2,p=1${salt}${text}") is True

    def test_missing_extra(self, hasher, caplog, monkeypatch):
        """A hash whose extra is not installed is logged with the line to install, and costs as much as any other."""
        monkeypatch.setitem(sys.modules, "passlib.hash", None)
        check = hasher.check("correct horse", PBKDF2)

        assert (PasswordCheck(matches=False, outdated=False), 1) == (check, hasher.computations)
        assert 'needs an extra; write: pip install "praetorian-core[legacy-hashes]"' in caplog.text
        assert PBKDF2 not in caplog.text

    def test_renewed_at_login(self):
        """A login with a legacy hash hands a new one to ``save_password``, with both guards."""
        saved = []
        user = MemoryUser(identity=1, username="alice", password=PBKDF2)
        settings = Settings(keys=KeyRing.from_secret(generate_secret()))
        options = {"passwords": cheapest_hasher(), "save_password": lambda user, hashed: saved.append(hashed)}
        Guard(MemoryUsers([user]), settings, **options).authenticate("alice", "correct horse")
        asyncio.run(AsyncGuard(MemoryUsers([user]), settings, **options).authenticate("alice", "correct horse"))

        assert [True, True] == [hashed.startswith("$argon2id$") for hashed in saved]


class TestLegacyScheme:
    @pytest.mark.parametrize(
        ("hashed", "scheme"),
        [
            (PBKDF2, "pbkdf2_sha512"),
            ("$2b$12$" + "a" * 53, "bcrypt"),
            ("scrypt:32768:8:1$salt$" + "a" * 128, "scrypt"),
            ("plain text", None),
        ],
        ids=["pbkdf2", "bcrypt", "werkzeug", "none"],
    )
    def test_name(self, hashed, scheme):
        """A legacy hash has the name of its scheme; other texts have none."""
        assert scheme == legacy_scheme(hashed)


class TestFailingCheck:
    @staticmethod
    def match(failure):
        def matches(password):
            raise failure

        return cheapest_hasher()._is_legacy_match(b"x", LegacyHash(scheme="bcrypt", work=1, matches=matches))

    def test_memory(self):
        """A check without memory is an outage, not a wrong password."""
        with pytest.raises(ServiceUnavailableError, match="bcrypt failed: out of memory"):
            self.match(MemoryError())

    def test_malformed(self, caplog):
        """A hash that the library rejects matches nothing, and the log does not quote it."""
        assert self.match(ValueError("canary")) is False
        assert "its bcrypt form is malformed" in caplog.text
        assert "canary" not in caplog.text


class TestNeedsRehash:
    @pytest.mark.parametrize(
        ("hashed", "expected"),
        [
            (cheapest_hasher().hash("a fine password"), False),
            (cheapest_hasher(time_cost=2).hash("a fine password"), True),
            (PBKDF2, True),
            (None, True),
        ],
        ids=["current", "outdated", "legacy", "none"],
    )
    def test_answer(self, hashed, expected):
        """A hash of another scheme or other parameters needs a new one, and so does one that cannot be used."""
        assert expected is cheapest_hasher().needs_rehash(hashed)
