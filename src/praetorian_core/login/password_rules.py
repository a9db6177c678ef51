"""Rules of a new password, and the bytes that are hashed for any password."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import attrs

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError, WeakPasswordError


@attrs.frozen(kw_only=True)
class PasswordRules:
    """Length limits and an optional check of the application.

    Attributes:
        min_length: Minimum length of a new password, in characters.
        max_bytes: Maximum length of any password, in UTF-8 bytes.
        reject: Returns whether to reject a new password; None for no such check.
    """

    min_length: int
    max_bytes: int
    reject: Callable[[str], bool] | None

    def encode(self, raw: object) -> bytes:
        """Return a password's bytes, exactly as it is.

        Raises:
            WeakPasswordError: It cannot be hashed.
        """
        if not isinstance(raw, str):
            raise WeakPasswordError(f"password is of type {type(raw).__name__}, expected str")
        if not raw:
            raise WeakPasswordError("password is empty")
        # A character has at least one byte, so a huge text is rejected before it is encoded.
        if len(raw) > self.max_bytes:
            raise WeakPasswordError(f"password is {len(raw)} characters, expected at most {self.max_bytes} bytes")
        # Argon2 accepts NUL, but other schemes such as bcrypt stop reading there.
        if "\0" in raw:
            raise WeakPasswordError("password contains a NUL character")
        secret = _to_utf8(raw)
        if secret is None:
            raise WeakPasswordError("password contains a lone surrogate, which UTF-8 cannot encode")
        if len(secret) > self.max_bytes:
            raise WeakPasswordError(f"password is {len(secret)} bytes, expected at most {self.max_bytes}")
        return secret

    def check_new(self, raw: object) -> None:
        """Raise if a password must not be set.

        Raises:
            WeakPasswordError: It cannot be hashed, is too short or too long, or was rejected.
            ServiceUnavailableError: ``reject`` failed.
            ConfigurationError: ``reject`` returned neither True nor False.
        """
        password = self.encode(raw).decode()
        # SP 800-63B-4 §3.1.1.2: each Unicode code point is counted as one character.
        if len(password) < self.min_length:
            raise WeakPasswordError(f"password is {len(password)} characters, expected at least {self.min_length}")
        if self.reject is not None and _is_rejected(self.reject, password):
            raise WeakPasswordError("password was rejected")


def _to_utf8(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # This exception contains the password, so it must not become the context of another one.
        return None


def _is_rejected(reject: Callable[[str], bool], password: str) -> bool:
    try:
        answer = cast("object", reject(password))
    except Exception as error:
        # It is unknown whether the password is acceptable, so it is not accepted.
        raise ServiceUnavailableError(f"reject raised {type(error).__name__}") from error
    # A function without a return statement, or a coroutine function, must not accept every password.
    if not isinstance(answer, bool):
        detail = (
            f"reject must return True to reject a password and False to accept it; got {type(answer).__name__}; "
            "write a function that is not async"
        )
        raise ConfigurationError(detail)
    return answer
