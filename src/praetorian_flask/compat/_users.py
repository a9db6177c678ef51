"""The application's user class, as the core's guard sees it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, cast

import attrs

from praetorian_flask.compat._errors import PraetorianError

_MARK = "_raised_by_the_application"


@attrs.frozen
class Login:
    """A user during a login, without its validation method: flask-praetorian asks for validity when it issues a token.

    Attributes:
        user: The user.
    """

    user: object

    @property
    def identity(self) -> object:
        """The user's identity."""
        return cast("_HasIdentity", self.user).identity

    @property
    def password(self) -> object:
        """The user's stored hash."""
        return as_text(cast("_HasPassword", self.user).password)


_SKIPS_VALIDITY = ContextVar("_SKIPS_VALIDITY", default=False)


@contextmanager
def without_validity() -> Generator[None, None, None]:
    """Let a login in this block not ask whether the user is valid."""
    former = _SKIPS_VALIDITY.set(True)
    try:
        yield
    finally:
        _SKIPS_VALIDITY.reset(former)


@contextmanager
def marked_errors() -> Generator[None, None, None]:
    """Mark the errors of application code, so that ``authenticate`` raises them as they are and not as an outage."""
    try:
        yield
    except Exception as error:
        setattr(error, _MARK, True)
        raise


def is_marked(error: BaseException | None) -> bool:
    """Return whether an error was raised by application code."""
    return getattr(error, _MARK, False) is True


def as_text(value: object) -> object:
    """Return a password or a hash as a str if it is bytes, which passlib took as well."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class _HasIdentity(Protocol):
    identity: object


class _HasPassword(Protocol):
    password: object


@attrs.frozen
class Users:
    """Finds the users of an application. The user class is never instantiated.

    Attributes:
        user_class: The application's.
    """

    user_class: object

    def lookup(self, username: str, /) -> object | None:
        """Return the user who logs in with this name, without its validation method during a login of the old kind."""
        lookup = self._method("lookup")
        with marked_errors():
            user = lookup(username)
        return Login(user) if user is not None and _SKIPS_VALIDITY.get() else user

    def identify(self, identity: object, /) -> object | None:
        """Return the user with this identity."""
        return self._method("identify")(identity)

    def _method(self, name: str) -> _Finder:
        method: object = getattr(self.user_class, name, None)
        if not callable(method):
            raise PraetorianError(f"The user_class must have a {name} class method: user_class.{name}(...) -> user")
        return cast("_Finder", method)


class _Finder(Protocol):
    def __call__(self, key: object, /) -> object | None: ...
