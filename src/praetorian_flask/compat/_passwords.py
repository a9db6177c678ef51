"""``pwd_ctx``: what applications use of passlib's ``CryptContext``, on the core's hasher."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable

from praetorian_core import PasswordHasher
from praetorian_core.hash_turn import HashTurn
from praetorian_core.login.hash_queue import HashExecutor
from praetorian_core.login.legacy_hashes import legacy_scheme
from praetorian_core.questions import PasswordCheck
from praetorian_flask.compat._constants import DEFAULT_HASH_ALLOWED_SCHEMES
from praetorian_flask.compat._users import as_text, marked_errors

_ARGON2 = "argon2"

Verify = Callable[[object, object], object]
"""``_verify_password`` of an application's own."""


class CheckingHasher(PasswordHasher):
    """The hasher of the core's guard: it lets a subclass of ``Praetorian`` check the password of a login."""

    def __init__(self, hasher: PasswordHasher, verify: Callable[[], Verify | None]) -> None:  # pyright: ignore[reportMissingSuperCall]
        """Use a hasher, whose queue and budget are shared.

        Args:
            hasher: The hasher.
            verify: Returns the application's ``_verify_password``; None if it has none of its own.
        """
        self._hasher = hasher
        self._verify = verify

    def executor(self) -> HashExecutor:
        """Return what runs the hasher's calls under asyncio."""
        return self._hasher.executor()

    def check(self, raw: object, hashed: object, *, turn: HashTurn | None = None) -> PasswordCheck:
        """Return whether the password matches, and if so whether its hash is renewed.

        A hash that the application verifies by itself is not renewed, as it might not verify the new one.
        """
        verify = self._verify()
        if verify is None or hashed is None:
            return self._hasher.check(raw, hashed, turn=turn)
        with marked_errors():
            return PasswordCheck(matches=bool(verify(raw, hashed)), outdated=False)

    def rehash(self, raw: object, *, turn: HashTurn | None = None) -> str:
        """Return a new hash for a password that is in use."""
        return self._hasher.rehash(raw, turn=turn)

    def hash(self, raw: object, *, turn: HashTurn | None = None) -> str:
        """Return the hash of a new password."""
        return self._hasher.hash(raw, turn=turn)

    def __repr__(self) -> str:
        """Show the hasher."""
        return repr(self._hasher)


class PasswordContext:
    """Hashes with Argon2id and verifies Argon2 and the schemes of passlib."""

    def __init__(self, hasher: PasswordHasher) -> None:
        """Use a hasher, and its budget."""
        self._hasher = hasher

    def hash(self, secret: str | bytes, **_options: object) -> str:
        """Return the hash to store for a password of any length; the hash of an empty one matches nothing."""
        # Accounts that log in elsewhere are often given an empty password, which must not log in here.
        return self._hasher.rehash(as_text(secret) or secrets.token_urlsafe())

    def encrypt(self, secret: str | bytes, **options: object) -> str:
        """Return the hash to store for a password; the older name of ``hash``."""
        return self.hash(secret, **options)

    def verify(self, secret: str | bytes | None, hash: str | bytes | None, **_options: object) -> bool:  # noqa: A002  (passlib's name)
        """Return whether a password is the one that was hashed; an unknown or absent hash matches nothing."""
        return self._hasher.verify(as_text(secret), as_text(hash))

    def identify(self, hash: object) -> str | None:  # noqa: A002  (passlib's name)
        """Return the name of a hash's scheme; None if it is unknown."""
        hash = as_text(hash)  # noqa: A001  (passlib's name)
        if not isinstance(hash, str):
            return None
        return _ARGON2 if hash.startswith(("$argon2id$", "$argon2i$", "$argon2d$")) else legacy_scheme(hash)

    def needs_update(self, hash: object, **_options: object) -> bool:  # noqa: A002  (passlib's name)
        """Return whether a hash is of another scheme or other parameters than new ones."""
        return self._hasher.needs_rehash(as_text(hash))

    def verify_and_update(self, secret: str | bytes, hash: str | bytes | None) -> tuple[bool, str | None]:  # noqa: A002  (passlib's name)
        """Return whether the password matches, and a new hash if it does and its hash needs one."""
        matches = self.verify(secret, hash)
        return matches, self.hash(secret) if matches and self.needs_update(hash) else None

    def schemes(self) -> tuple[str, ...]:
        """Return the names of the schemes that are verified."""
        return tuple(DEFAULT_HASH_ALLOWED_SCHEMES)

    def default_scheme(self) -> str:
        """Return the name of the scheme of new hashes."""
        return _ARGON2

    def update(self, *_args: object, **_options: object) -> None:
        """Change nothing: new hashes are always Argon2id."""
        warnings.warn(
            "pwd_ctx.update has no effect: new hashes are Argon2id, and old ones are renewed at login",
            DeprecationWarning,
            stacklevel=2,
        )
