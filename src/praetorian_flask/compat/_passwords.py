"""``pwd_ctx``: what applications use of passlib's ``CryptContext``, on the core's hasher."""

from __future__ import annotations

import warnings

from praetorian_core import PasswordHasher
from praetorian_core.login.legacy_hashes import legacy_scheme
from praetorian_flask.compat._constants import DEFAULT_HASH_ALLOWED_SCHEMES

_ARGON2 = "argon2"


class PasswordContext:
    """Hashes with Argon2id and verifies Argon2 and the schemes of passlib."""

    def __init__(self, hasher: PasswordHasher) -> None:
        """Use a hasher, and its budget."""
        self._hasher = hasher

    def hash(self, secret: str | bytes, **_options: object) -> str:
        """Return the hash to store for a password of any length."""
        return self._hasher.rehash(_text(secret))

    def encrypt(self, secret: str | bytes, **options: object) -> str:
        """Return the hash to store for a password; the older name of ``hash``."""
        return self.hash(secret, **options)

    def verify(self, secret: str | bytes | None, hash: str | None, **_options: object) -> bool:  # noqa: A002  (passlib's name)
        """Return whether a password is the one that was hashed; an unknown or absent hash matches nothing."""
        return self._hasher.verify(None if secret is None else _text(secret), hash)

    def identify(self, hash: object) -> str | None:  # noqa: A002  (passlib's name)
        """Return the name of a hash's scheme; None if it is unknown."""
        if not isinstance(hash, str):
            return None
        return _ARGON2 if hash.startswith(("$argon2id$", "$argon2i$", "$argon2d$")) else legacy_scheme(hash)

    def needs_update(self, hash: object, **_options: object) -> bool:  # noqa: A002  (passlib's name)
        """Return whether a hash is of another scheme or other parameters than new ones."""
        return self._hasher.needs_rehash(hash)

    def verify_and_update(self, secret: str | bytes, hash: str | None) -> tuple[bool, str | None]:  # noqa: A002  (passlib's name)
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


def _text(secret: str | bytes) -> str:
    return secret.decode() if isinstance(secret, bytes) else secret
