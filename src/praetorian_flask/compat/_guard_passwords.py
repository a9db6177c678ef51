"""The methods of ``Praetorian`` for passwords."""

from __future__ import annotations

from typing import cast

from flask import has_request_context, request

from praetorian_core import errors as core_errors
from praetorian_flask.compat._errors import AuthenticationError, LegacyScheme, PraetorianError
from praetorian_flask.compat._moved import moved
from praetorian_flask.compat._passwords import PasswordContext, Verify
from praetorian_flask.compat._state import GuardState, StoredUser
from praetorian_flask.compat._users import Login, as_text, is_marked, without_validity


class PasswordMethods(GuardState):
    """Log in, hash and renew."""

    @moved
    def authenticate(self, username: object, password: object) -> object:
        """Return the user with this username and password; whether the user is valid is not asked.

        Raises:
            AuthenticationError: The username or the password is wrong.
            LegacyScheme: ``PRAETORIAN_HASH_AUTOTEST`` is set and the stored hash is outdated.
            LoginThrottledError: There were too many attempts; 429.
        """
        self._require_initialized()
        source = request.remote_addr if has_request_context() else None
        try:
            with without_validity():
                login = cast("Login", self.guard.authenticate(username, as_text(password), source=source))
        except core_errors.AuthenticationError as error:
            raise AuthenticationError("The username and/or password are incorrect") from error
        except core_errors.ServiceUnavailableError as error:
            if error.__cause__ is not None and is_marked(error.__cause__):
                raise error.__cause__ from None
            raise
        if self.hash_autotest and not self.hash_autoupdate:
            self.verify_and_update(login.user)
        return login.user

    def own_verification(self) -> Verify | None:
        """Return ``_verify_password`` if a subclass, or the application, has put its own in its place; else None."""
        method = self._verify_password
        is_own = getattr(method, "__func__", None) is not PasswordMethods._verify_password
        return cast("Verify", method) if is_own else None

    def _verify_password(self, raw_password: str, hashed_password: str) -> bool:
        return self._context().verify(raw_password, hashed_password)

    @moved
    def hash_password(self, raw_password: str) -> str:
        """Return the hash to store for a password of any length."""
        return self._context().hash(raw_password)

    @moved
    def encrypt_password(self, raw_password: str) -> str:
        """Return the hash to store for a password."""
        return self._context().hash(raw_password)

    @moved
    def verify_and_update(self, user: object = None, password: str | None = None) -> object:
        """Renew a user's outdated hash in memory, given the password.

        Raises:
            LegacyScheme: The hash is outdated and no password is given.
            AuthenticationError: The hash is outdated and the password is wrong.
        """
        stored = cast("StoredUser", user)
        if not self._context().needs_update(stored.password):
            return user
        if password is None:
            raise LegacyScheme(
                "Hash using non-current scheme. Use 'verify_and_update(user=<User>, password=<str>)' to renew it"
            )
        matches, renewed = self._context().verify_and_update(password, stored.password)
        if not matches:
            raise AuthenticationError("Could not verify password")
        if renewed is not None:
            stored.password = renewed
        return user

    def _context(self) -> PasswordContext:
        if self.pwd_ctx is None:
            raise PraetorianError("Praetorian must be initialized before this method is available")
        return self.pwd_ctx
