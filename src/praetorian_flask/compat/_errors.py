"""The exceptions of flask-praetorian, and what the core's errors are called among them.

They derive from the core's ``PraetorianError``, so that Flask, Flask-RESTX and Flask-RESTful answer them wherever they
answer the core's. Front ends compare the names and statuses in the bodies, so both stay as they were.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar, Protocol, TypeVar, cast

from flask import Response, current_app, jsonify

from praetorian_core import errors
from praetorian_core.web.responses import error_response
from praetorian_flask.compat._moved import moved

E = TypeVar("E", bound="PraetorianError")
T = TypeVar("T")

Task = Callable[["PraetorianError"], object]
Handler = Callable[["PraetorianError"], Response]
RestxHandler = Callable[["PraetorianError"], tuple[object, int]]


class PraetorianError(errors.PraetorianError):
    """The root of the errors, with the surface that flask-buzz gave it.

    Attributes:
        message: The text that the client gets.
        status_code: The HTTP status.
        headers: Headers of the response, or None.
    """

    code = "praetorian"
    status_code: int = 401
    headers: ClassVar[Mapping[str, str] | None] = None

    def __init__(self, message: str = "", *args: object, **kwargs: object) -> None:
        """Keep the message; further arguments are formatted into it, as py-buzz 1 did."""
        text = textwrap.dedent(str(message)).strip()
        if args or kwargs:
            text = text.format(*args, **kwargs)
        super().__init__(text)
        # The class attribute of the core is the text for its clients; here each error has its own.
        self.__dict__["message"] = text

    def __str__(self) -> str:
        return f"{self.message} ({int(self.status_code)})"

    def __repr__(self) -> str:
        return type(self).__name__

    @classmethod
    def require_condition(
        cls,
        expr: object,
        message: str = "",
        *args: object,
        raise_args: Sequence[object] | None = None,
        raise_kwargs: Mapping[str, object] | None = None,
        **kwargs: object,
    ) -> None:
        """Raise an error of this class unless a value is truthy.

        Args:
            expr: The value.
            message: The text of the error.
            args: Formatted into the text.
            raise_args: More positional arguments of the error.
            raise_kwargs: More keyword arguments of the error.
            kwargs: Formatted into the text.
        """
        if not expr:
            raise cls(message, *args, *(raise_args or ()), **{**kwargs, **(raise_kwargs or {})})

    @classmethod
    def enforce_defined(cls, value: T | None, message: str = "Value was not defined (None)") -> T:
        """Return a value, or raise an error of this class if it is None."""
        if value is None:
            raise cls(message)
        return value

    @classmethod
    @contextmanager
    def handle_errors(
        cls,
        message: str = "",
        *args: object,
        handle_exc_class: type[Exception] | tuple[type[Exception], ...] = Exception,
        exception_class: type[Exception] | tuple[type[Exception], ...] | None = None,
        do_except: Callable[[Exception], object] | None = None,
        do_finally: Callable[[], object] | None = None,
        do_else: Callable[[], object] | None = None,
        re_raise: bool = True,
        **kwargs: object,
    ) -> Generator[None, None, None]:
        """Turn errors of a block into one of this class; the text of the cause follows the message."""
        # The two names are those of py-buzz 1 and later.
        handled = handle_exc_class if exception_class is None else exception_class
        try:
            yield
        except handled as error:
            if do_except is not None:
                do_except(error)
            if re_raise:
                text = message.format(*args, **kwargs) if args or kwargs else message
                raise cls(f"{text} -- {type(error).__name__}: {error}") from error
        else:
            if do_else is not None:
                do_else()
        finally:
            if do_finally is not None:
                do_finally()

    def jsonify(
        self, status_code: int | None = None, message: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Return the response to this error.

        Args:
            status_code: In place of the error's own.
            message: In place of the error's own.
            headers: In place of the error's own.
        """
        status = int(self.status_code if status_code is None else status_code)
        text = self.message if message is None else message
        response = jsonify({"error": repr(self), "message": text, "status_code": status})
        response.status_code = status
        response.headers.update(dict(headers or self.headers or {}))
        # RFC 6750 §5.3; flask-praetorian sent no such header.
        response.headers["Cache-Control"] = "no-store"
        return response

    @staticmethod
    def build_error_handler(*tasks: Task) -> Handler:
        """Return an error handler for Flask, which calls the tasks with each error first."""

        def handle(error: PraetorianError) -> Response:
            for task in tasks:
                current_app.ensure_sync(task)(error)
            return error.jsonify()

        return handle

    @staticmethod
    @moved
    def build_error_handler_for_flask_restx(*tasks: Task) -> RestxHandler:
        """Return an error handler for an ``Api`` of Flask-RESTX, which calls the tasks with each error first."""

        def handle(error: PraetorianError) -> tuple[object, int]:
            for task in tasks:
                current_app.ensure_sync(task)(error)
            response = error.jsonify()
            return cast("object", response.get_json()), response.status_code

        return handle

    build_error_handler_for_flask_restplus = build_error_handler_for_flask_restx

    @classmethod
    @moved
    def register_error_handler_with_flask_restx(cls, api: _Api, *tasks: Task) -> None:
        """Register an error handler with an ``Api`` of Flask-RESTX, for this class and those that derive from it."""
        api.errorhandler(cls)(cls.build_error_handler_for_flask_restx(*tasks))

    register_error_handler_with_flask_restplus = register_error_handler_with_flask_restx


class _Api(Protocol):
    def errorhandler(self, exception: type[Exception], /) -> Callable[[RestxHandler], object]: ...


class MissingClaimError(PraetorianError):
    """A claim that the token must have is absent."""


class BlacklistedError(PraetorianError):
    """The token was revoked."""

    status_code = 403


class ExpiredAccessError(PraetorianError):
    """The access lifespan has ended."""


class EarlyRefreshError(PraetorianError):
    """The access lifespan has not ended yet."""

    status_code = 425


class ExpiredRefreshError(PraetorianError):
    """The refresh lifespan has ended."""


class MissingToken(PraetorianError):
    """The request carries no token."""


MissingTokenHeader = MissingToken
"""The name of ``MissingToken`` in versions up to 1.2."""


class InvalidTokenHeader(PraetorianError):
    """The token or its header is invalid."""


class InvalidUserError(PraetorianError):
    """The user is not active."""

    status_code = 403


class MissingRoleError(PraetorianError):
    """The user lacks a role."""

    status_code = 403


class MissingUserError(PraetorianError):
    """The user does not exist."""


class AuthenticationError(PraetorianError):
    """The username or the password is wrong."""


class ClaimCollisionError(PraetorianError):
    """A custom claim has a reserved name."""


class LegacyScheme(PraetorianError):
    """A stored hash is of an outdated scheme."""


class InvalidResetToken(PraetorianError):
    """The token resets no password."""


class InvalidRegistrationToken(PraetorianError):
    """The token confirms no registration."""


class MisusedRegistrationToken(PraetorianError):
    """A registration token was presented for something else."""


class MisusedResetToken(PraetorianError):
    """A reset token was presented for something else."""


class ConfigurationError(PraetorianError):
    """The configuration cannot work."""


_OLD: Mapping[type[errors.PraetorianError], tuple[type[PraetorianError], str]] = {
    errors.MissingTokenError: (MissingToken, "Could not find token in the request"),
    errors.MalformedHeaderError: (InvalidTokenHeader, "JWT header structure is invalid"),
    errors.MissingClaimError: (MissingClaimError, "Token is missing a required claim"),
    errors.InvalidTokenError: (InvalidTokenHeader, "failed to decode JWT token"),
    errors.ExpiredAccessError: (ExpiredAccessError, "access permission has expired"),
    errors.ExpiredRefreshError: (ExpiredRefreshError, "refresh permission for token has expired"),
    errors.ExpiredActionError: (ExpiredAccessError, "access permission has expired"),
    errors.EarlyRefreshError: (EarlyRefreshError, "access permission for token has not expired. may not refresh"),
    errors.RevokedTokenError: (BlacklistedError, "Token has a blacklisted jti"),
    errors.ReusedTokenError: (BlacklistedError, "Token has a blacklisted jti"),
    errors.MisusedTokenError: (InvalidTokenHeader, "Token is not meant for this purpose"),
    errors.MissingUserError: (MissingUserError, "Could not find the requested user"),
    errors.InvalidUserError: (InvalidUserError, "The user is not valid or has had access revoked"),
    errors.AuthenticationError: (AuthenticationError, "The username and/or password are incorrect"),
    errors.MissingRoleError: (MissingRoleError, "This endpoint requires roles that the user lacks"),
    errors.ClaimCollisionError: (ClaimCollisionError, "The custom claims collide with required claims"),
}


def translated(error: errors.PraetorianError) -> errors.PraetorianError:
    """Return the error of flask-praetorian for one of the core; one without a counterpart is returned as it is.

    Outages, throttled logins and configuration errors have none: their answers are those of the core.
    """
    if isinstance(error, PraetorianError):
        return error
    for kind in type(error).__mro__:
        if kind in _OLD:
            old, text = _OLD[kind]
            return old(text)
    return error


@contextmanager
def old_errors() -> Generator[None, None, None]:
    """Raise errors of the core in a block as those of flask-praetorian."""
    try:
        yield
    except errors.PraetorianError as error:
        old = translated(error)
        if old is error:
            raise
        raise old from error


def answer_core_error(error: errors.PraetorianError) -> Response:
    """Return the response to an error of the core: that of its counterpart, or its own."""
    old = translated(error)
    if isinstance(old, PraetorianError):
        return old.jsonify()
    answer = error_response(old)
    response = jsonify(answer.body())
    response.status_code = answer.status
    response.headers.extend(answer.headers)
    return response
