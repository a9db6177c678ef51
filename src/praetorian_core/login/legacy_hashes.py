"""Verify password hashes of other schemes, so that their users can log in and get an Argon2id hash.

passlib's ``pbkdf2_sha512``, ``pbkdf2_sha256``, ``sha256_crypt``, ``sha512_crypt``, ``bcrypt`` and ``bcrypt_sha256`` are
verified by libpass (extra ``legacy-hashes``); Werkzeug's ``scrypt:`` and ``pbkdf2:`` by the standard library.

The work of a legacy hash is expressed in the unit of Argon2, KiB times passes, so that a failed check can be padded to the
work of one current hash. The factors were measured as processor time on CPython 3.11, x86-64, beside Argon2id with 64 MiB,
three passes and four lanes; see ``docs/security.md``.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import re
from collections.abc import Callable
from typing import Protocol, cast

import attrs

from praetorian_core.login.stored_hash import UnusableHashError

INSTALL = 'pip install "praetorian-core[legacy-hashes]"'

_ROUNDS = "([1-9][0-9]{0,9})"
_B64 = "[A-Za-z0-9./+]"

_SHA_CRYPT_DEFAULT = 5_000
_BCRYPT_MAX_BYTES = 72

# The longest password that is handed to a scheme whose time grows with its length.
_MAX_PASSWORD = 4_096


@attrs.frozen
class _Scheme:
    """How one scheme of passlib is recognized, and what it costs.

    Attributes:
        name: The name of the handler in ``passlib.hash``.
        form: Matches the whole hash; its only group is the number of rounds.
        work: The work of one unit of rounds, in KiB times passes.
        units: The units of work for a number of rounds.
    """

    name: str
    form: re.Pattern[str]
    work: float
    units: Callable[[int], int]


def _linear(rounds: int) -> int:
    return rounds


def _exponential(rounds: int) -> int:
    return 1 << rounds


def _scheme(name: str, form: str, work: float, units: Callable[[int], int] = _linear) -> _Scheme:
    return _Scheme(name, re.compile(form, re.ASCII), work, units)


_SCHEMES = (
    _scheme("pbkdf2_sha512", rf"\$pbkdf2-sha512\${_ROUNDS}\${_B64}{{0,1400}}\${_B64}{{86}}", 0.55),
    _scheme("pbkdf2_sha256", rf"\$pbkdf2-sha256\${_ROUNDS}\${_B64}{{0,1400}}\${_B64}{{43}}", 0.24),
    _scheme("sha256_crypt", rf"\$5\$(?:rounds={_ROUNDS}\$)?{_B64}{{0,16}}\${_B64}{{43}}", 0.37),
    _scheme("sha512_crypt", rf"\$6\$(?:rounds={_ROUNDS}\$)?{_B64}{{0,16}}\${_B64}{{86}}", 0.51),
    _scheme("bcrypt", rf"\$2[abxy]?\$([0-3][0-9])\${_B64}{{53}}", 62.0, _exponential),
    _scheme(
        "bcrypt_sha256",
        rf"\$bcrypt-sha256\$(?:v=2,t=2b,r=|2[ab],)([1-9]|[12][0-9]|3[01])\${_B64}{{22}}\${_B64}{{31}}",
        62.0,
        _exponential,
    ),
)

_WERKZEUG_PBKDF2 = re.compile(
    rf"pbkdf2:(sha1|sha256|sha512):{_ROUNDS}\$([^$]{{1,128}})\$([0-9a-f]{{40,128}})", re.ASCII
)
_WERKZEUG_SCRYPT = re.compile(
    r"scrypt:([1-9][0-9]{0,7}):([1-9][0-9]?):([1-9][0-9]?)\$([^$]{1,128})\$([0-9a-f]{128})", re.ASCII
)
_PBKDF2_WORK = {"sha1": 0.23, "sha256": 0.24, "sha512": 0.55}
_SCRYPT_WORK_PER_KIB = 3.1


@attrs.frozen(kw_only=True)
class LegacyHash:
    """A stored hash of another scheme.

    Attributes:
        scheme: The name of the scheme.
        work: The work of one check, in KiB times passes.
        memory: The memory of one check, in KiB.
        matches: Returns whether a password is the one that was hashed.
    """

    scheme: str
    work: int
    memory: int = 0
    matches: Callable[[str], bool] = attrs.field(repr=False)

    def check_bounds(self, *, max_memory: int, max_work: int) -> None:
        """Raise if a check would take more than a hasher allows.

        Args:
            max_memory: The most memory, in KiB.
            max_work: The most work, in KiB times passes.

        Raises:
            UnusableHashError: It would.
        """
        if self.memory > max_memory or self.work > max_work:
            raise UnusableHashError(
                f"is of the scheme {self.scheme} with a work of {self.work}; expected at most {max_work}"
            )


def parse_legacy(hashed: str) -> LegacyHash | None:
    """Return a hash of a known legacy scheme; None if it is of no such scheme.

    Args:
        hashed: The stored hash.

    Raises:
        UnusableHashError: The scheme is known, and libpass, which verifies it, is not installed.
    """
    for scheme in _SCHEMES:
        found = scheme.form.fullmatch(hashed)
        if found is not None:
            rounds = int(found[1] or _SHA_CRYPT_DEFAULT)
            work = int(scheme.units(rounds) * scheme.work)
            return LegacyHash(scheme=scheme.name, work=work, matches=_passlib_check(scheme.name, hashed))
    return _parse_werkzeug(hashed)


def legacy_scheme(hashed: str) -> str | None:
    """Return the name of a hash's legacy scheme, whether it can be verified here or not; None if it is of none."""
    for scheme in _SCHEMES:
        if scheme.form.fullmatch(hashed) is not None:
            return scheme.name
    found = _parse_werkzeug(hashed)
    return None if found is None else found.scheme


def _parse_werkzeug(hashed: str) -> LegacyHash | None:
    found = _WERKZEUG_PBKDF2.fullmatch(hashed)
    if found is not None:
        digest, rounds, salt, tag = found.groups()
        return LegacyHash(
            scheme=f"pbkdf2:{digest}",
            work=int(int(rounds) * _PBKDF2_WORK[digest]),
            matches=lambda password: _equal(
                tag, hashlib.pbkdf2_hmac(digest, password.encode(), salt.encode(), int(rounds))
            ),
        )
    found = _WERKZEUG_SCRYPT.fullmatch(hashed)
    if found is None:
        return None
    n, r, p = map(int, found.groups()[:3])
    salt, tag = found[4], found[5]
    # RFC 7914 §2: the memory is 128 * r * N octets, for each of p passes.
    memory = 128 * n * r // 1024
    return LegacyHash(
        scheme="scrypt",
        work=int(memory * p * _SCRYPT_WORK_PER_KIB),
        memory=memory,
        matches=lambda password: _equal(
            tag,
            # As Werkzeug sets it: OpenSSL's own limit of 32 MiB would reject the default parameters.
            hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p, maxmem=132 * n * r * p, dklen=64),
        ),
    )


def _equal(tag: str, computed: bytes) -> bool:
    return hmac.compare_digest(tag, computed.hex())


class _Handler(Protocol):
    def verify(self, secret: str | bytes, hash: str) -> bool: ...  # noqa: A002  (libpass names it so)


def _passlib_check(name: str, hashed: str) -> Callable[[str], bool]:
    try:
        module = importlib.import_module("passlib.hash")
        handler = cast("_Handler", getattr(module, name))
        if name.startswith("bcrypt"):
            importlib.import_module("bcrypt")
    except ImportError:
        raise UnusableHashError(f"is of the scheme {name}, which needs an extra; write: {INSTALL}") from None

    def check(password: str) -> bool:
        secret = password.encode()
        if name == "bcrypt":
            # bcrypt ignores what follows the 72nd byte, and newer releases of the library raise there.
            secret = secret[:_BCRYPT_MAX_BYTES]
        return len(secret) <= _MAX_PASSWORD and handler.verify(secret, hashed)

    return check
