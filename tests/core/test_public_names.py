"""The names that applications import, and what importing them costs."""

import importlib
import subprocess
import sys

import pytest

import praetorian_core

NAMES = [
    "FLASK_PRAETORIAN", "STANDARD", "AsyncGuard", "AsyncRedisStore", "Guard", "IssuedSession", "KeyRing", "LoginThrottle",
    "MemoryStore", "PasswordHasher", "Principal", "RedisStore", "SQLiteStore", "SessionInfo", "Settings", "all_roles",
    "any_role", "authenticated_within", "generate_secret",
]  # fmt: skip

HEAVY = [
    "argon2", "argon2_cffi_bindings", "click", "cryptography", "falcon", "flask", "flask_restx", "jwt", "libpass",
    "passlib", "praetorian_falcon", "praetorian_flask", "praetorian_restx", "pytest", "redis", "sqlalchemy", "werkzeug",
]  # fmt: skip


def loaded_by(statement):
    """Return the top-level packages that a fresh interpreter holds after a statement."""
    program = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_importable(self, name):
        """Every public name is in the package's root."""

        assert getattr(praetorian_core, name) is not None

    def test_no_others(self):
        """``from praetorian_core import *`` gives these names and no more."""

        assert sorted(NAMES) == sorted(praetorian_core.__all__)

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            ("praetorian_core.token", "verify_compact"),
            ("praetorian_core.protocols", "Store"),
            ("praetorian_core.protocols", "UserSource"),
            ("praetorian_core.web.request", "RequestInfo"),
            ("praetorian_core.web.responses", "error_response"),
            ("praetorian_core.testing", "FrozenClock"),
            ("praetorian_core.testing", "as_user"),
            ("praetorian_core.testing", "cheapest_hasher"),
        ],
    )
    def test_below_the_root(self, module, name):
        """What adapters, stores and tests need has its own module."""

        assert hasattr(importlib.import_module(module), name)


class TestImport:
    def test_is_light(self):
        """Importing praetorian_core imports no framework, no redis, no hashing and no JWT library."""
        loaded = loaded_by("import praetorian_core")

        assert "praetorian_core" in loaded
        assert set() == loaded & set(HEAVY)

    @pytest.mark.parametrize("name", ["jwt", "argon2"])
    def test_would_be_seen(self, name):
        """The matching positive test: a heavy package that is imported is seen."""

        assert name in loaded_by(f"import praetorian_core, {name}")

    def test_a_secret_needs_only_pyjwt(self):
        """Making an HMAC key loads PyJWT, with the cryptography that it loads where it can, and nothing else."""
        loaded = loaded_by("from praetorian_core import *; KeyRing.from_secret(generate_secret())")

        assert set() == loaded & (set(HEAVY) - {"jwt", "cryptography"})
