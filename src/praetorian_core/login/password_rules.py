"""Rules of a new password, and the bytes that are hashed for any password.

A password is normalized to NFC before it is hashed (SP 800-63B-4 §3.1.1.2), because keyboards and systems send the same
text in different forms. Hashes from before were made of the text as it was typed, so a check also tries that form.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import cast

import attrs

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError, WeakPasswordError

_MAX_MARKS = 30
"""The longest run of combining marks that is normalized (UAX #15, Stream-Safe Text); longer ones cost quadratic time."""

_MAX_EXPANSION = 4
"""A text has at most this many times the characters of its NFC form."""


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
        """Return the bytes that are hashed for a password: its NFC form in UTF-8.

        Raises:
            WeakPasswordError: It cannot be hashed.
        """
        return self._to_utf8(_normalize(self._check_text(raw)))

    def candidates(self, raw: object) -> tuple[bytes, ...]:
        """Return the forms of a presented password that may have been hashed; none if it cannot be hashed.

        Their number depends on the presented text alone, so it reveals nothing of an account.
        """
        try:
            normalized = self.encode(raw)
        except WeakPasswordError:
            return ()
        typed = cast("str", raw).encode()
        return (normalized,) if typed == normalized or len(typed) > self.max_bytes else (normalized, typed)

    def check_new(self, raw: object) -> None:
        """Raise if a password must not be set. The rules apply to its NFC form.

        Raises:
            WeakPasswordError: It cannot be hashed, is too short or too long, or was rejected.
            ServiceUnavailableError: ``reject`` failed.
            ConfigurationError: ``reject`` returned neither True nor False.
        """
        password = self.encode(raw).decode()
        # SP 800-63B-4 §3.1.1.2: each Unicode code point is counted as one character.
        if len(password) < self.min_length:
            raise WeakPasswordError(
                f"password is {len(password)} characters, expected at least {self.min_length}", rule="too_short"
            )
        if self.reject is not None and _is_rejected(self.reject, password):
            raise WeakPasswordError("password was rejected", rule="rejected")

    def _check_text(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise WeakPasswordError(f"password is of type {type(raw).__name__}, expected str", rule="not_text")
        if not raw:
            raise WeakPasswordError("password is empty", rule="too_short")
        # A character has at least one byte, so a huge text is rejected before it is normalized.
        if len(raw) > (self.max_bytes if raw.isascii() else self.max_bytes * _MAX_EXPANSION):
            raise WeakPasswordError(
                f"password is {len(raw)} characters, expected at most {self.max_bytes} bytes", rule="too_long"
            )
        # Argon2 accepts NUL, but other schemes such as bcrypt stop reading there.
        if "\0" in raw:
            raise WeakPasswordError("password contains a NUL character", rule="forbidden_character")
        if any("\ud800" <= character <= "\udfff" for character in raw):
            raise WeakPasswordError(
                "password contains a lone surrogate, which UTF-8 cannot encode", rule="forbidden_character"
            )
        return raw

    def _to_utf8(self, password: str) -> bytes:
        secret = password.encode()
        if len(secret) > self.max_bytes:
            raise WeakPasswordError(
                f"password is {len(secret)} bytes, expected at most {self.max_bytes}", rule="too_long"
            )
        return secret


def _normalize(password: str) -> str:
    if password.isascii():
        return password
    marks = 0
    for character in password:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > _MAX_MARKS:
            return password
    return unicodedata.normalize("NFC", password)


def _is_rejected(reject: Callable[[str], bool], password: str) -> bool:
    failure: str | None = None
    answer: object = None
    try:
        answer = cast("object", reject(password))
    except Exception as error:  # noqa: BLE001  (the application's function may raise anything)
        failure = f"reject raised {type(error).__name__} in {_origin(error)}"
    if failure is not None:
        # It is unknown whether the password is acceptable, so it is not accepted. Raised out here, because the text of
        # the application's exception may contain the password.
        raise ServiceUnavailableError(failure)
    # A function without a return statement, or a coroutine function, must not accept every password.
    if not isinstance(answer, bool):
        detail = (
            f"reject must return True to reject a password and False to accept it; got {type(answer).__name__}; "
            "write a function that is not async"
        )
        raise ConfigurationError(detail)
    return answer


def _origin(error: Exception) -> str:
    """Return the file and line that raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
