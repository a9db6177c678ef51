import json
import subprocess
import sys
from pathlib import Path

import pytest

from praetorian_core.login.legacy_hashes import parse_legacy

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
