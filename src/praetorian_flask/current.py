"""The authenticated principal of the current request, its user and its token.

The principal is kept in the WSGI environment, which belongs to one request. ``flask.g`` belongs to the application
context; a test that holds one open would pass the principal on to its next request. A view can copy the environment and
call another application with it, so the entry also names its request, and is ignored in any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TypeVar, cast, overload
from weakref import ReferenceType, ref

import attrs
from flask import Request, current_app, has_request_context, request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.local import LocalProxy

from praetorian_core import Guard, Principal
from praetorian_core.errors import ConfigurationError, MissingTokenError
from praetorian_core.protocols import UserLike
from praetorian_core.web.credentials import (
    MAX_BODY,
    CredentialsError,
    check_content_type,
    parse_body,
    read_body,
    username_and_password,
)
from praetorian_core.web.hooks import ErrorHook
from praetorian_flask.request import FlaskRequest

U = TypeVar("U")

EXTENSION = "praetorian"
_ENTRY = "praetorian.principal"


@attrs.define
class State:
    """State of one application, in ``app.extensions``.

    Attributes:
        guard: The application's guard.
        hooks: Functions that run for each error.
        is_checked: Whether the routes were checked at the first request.
        fault: Why the application must not serve, or None.
    """

    guard: Guard[object]
    hooks: tuple[ErrorHook, ...] = ()
    is_checked: bool = False
    fault: str | None = None


@attrs.define
class _Entry:
    """The result of authentication in one request.

    Attributes:
        request: The request, held weakly because it holds this entry.
        principal: The principal, or None if the request carries no token and needs none.
        loaded: An identity and its user, once the user was loaded.
        advance: Requirements that were checked before the decorated view was called.
    """

    request: ReferenceType[Request]
    principal: Principal | None
    loaded: tuple[object, object] | None = None
    advance: list[object] = attrs.field(factory=list[object])


def state_or_none() -> State | None:
    """Return the current application's state, or None before ``Praetorian`` was set up."""
    return cast("State | None", current_app.extensions.get(EXTENSION))


@overload
def current_guard() -> Guard[UserLike]: ...


@overload
def current_guard(kind: type[U]) -> Guard[U]: ...


def current_guard(kind: object = None) -> object:  # noqa: ARG001  (it binds the type of the guard)
    """Return the guard of the current application.

    Args:
        kind: The user class, for type checkers: ``current_guard(User).issue("alice")`` is an error.

    Raises:
        ConfigurationError: ``Praetorian`` was not set up for the application.
    """
    state = state_or_none()
    if state is None:
        raise ConfigurationError("this application has no guard; write Praetorian(app, User)")
    return state.guard


def current_token() -> str:
    """Return the raw token of the request without checking its times, for ``guard.refresh`` and ``guard.revoke``.

    Raises:
        MissingTokenError: The request carries no token, or a ticket in its place.
        MalformedHeaderError: The header does not hold exactly one token.
        ConflictingTokensError: The request carries several tokens.
        InvalidTokenError: The token came from a cookie and is not genuine.
        CSRFError: The token came from a cookie, and another site may have caused the request.
    """
    return current_guard().find_token(FlaskRequest(request))


class UnusableBody(Exception):
    """Marks the HTTP exceptions of ``credentials``."""


class _BadBody(BadRequest, UnusableBody):
    """400."""


class _LongBody(RequestEntityTooLarge, UnusableBody):
    """413."""


class _OtherBody(UnsupportedMediaType, UnusableBody):
    """415."""


_BODY_ERRORS: Mapping[int, type[HTTPException]] = {400: _BadBody, 413: _LongBody, 415: _OtherBody}


def credentials() -> tuple[object, object]:
    """Return ``username`` and ``password`` of the JSON body, of whatever type, for ``authenticate``.

    An absent member is None. A body that is not a JSON object is answered with 400, one of more than 64 KiB with 413,
    another content type with 415. ``request.get_json()`` returns the body afterwards.
    """
    try:
        check_content_type(request.content_type)
        return username_and_password(parse_body(_read_body()))
    except CredentialsError as error:
        raise _BODY_ERRORS[error.status](error.description) from None


def _read_body() -> bytes:
    length = request.content_length
    if length is None or length > MAX_BODY:
        # Chunked or too long: ``get_data`` would read all of it. What was read is put back for the view.
        stream = BytesIO(read_body(request.stream.read))
        setattr(request, "stream", stream)  # noqa: B010  (type checkers take it for read-only)
    return request.get_data()


@overload
def authenticate(username: object, password: object) -> UserLike: ...


@overload
def authenticate(username: object, password: object, *, kind: type[U]) -> U: ...


def authenticate(username: object, password: object, *, kind: type[object] = object) -> object:
    """Return the user with this username and password.

    Attempts are counted by ``request.remote_addr``. Behind a proxy that is the proxy's address, unless
    ``werkzeug.middleware.proxy_fix.ProxyFix`` is configured.

    Args:
        username: Passed to ``User.lookup``.
        password: The presented password, in any Unicode normalization form.
        kind: The user class, for type checkers; a user of another class is refused.

    Raises:
        AuthenticationError: Wrong username, wrong password or inactive account; the answer is the same for all.
        LoginThrottledError: There were too many attempts.
        ServiceUnavailableError: A dependency failed, or the queue of hashes is full.
        ConfigurationError: The user is not an instance of ``kind``.
    """
    user = current_guard().authenticate(username, password, source=request.remote_addr)
    return _checked(user, kind)


def confirm(password: object) -> str:
    """Return the next token of the request's session, whose user has just given the password.

    Attempts are counted by ``request.remote_addr``, with those of ``authenticate``. The request's token may have expired.

    Args:
        password: The presented password, in any Unicode normalization form.

    Raises:
        AuthenticationError: The password is wrong.
        LoginThrottledError: There were too many attempts.
        PraetorianError: Every error of ``current_token``, and every other error of ``Guard.confirm``.
    """
    return current_guard().confirm(current_token(), password, source=request.remote_addr)


def keep_principal(principal: Principal | None) -> None:
    """Set the principal of this request, for a token that was verified by other means than a decorator.

    Args:
        principal: The result of ``guard.verify``; None for an anonymous request.
    """
    entry = _entry_or_none()
    if entry is None:
        request.environ[_ENTRY] = _Entry(ref(_request_itself()), principal)
    else:
        entry.principal = principal


def give_advance(demand: object) -> None:
    """Remember that this requirement was checked, for the next wrapper that asks."""
    entry = _entry_or_none()
    if entry is not None:
        entry.advance.append(demand)


def take_advance(demand: object) -> bool:
    """Return whether this requirement was checked, and forget it: a second wrapper checks again."""
    entry = _entry_or_none()
    if entry is None or demand not in entry.advance:
        return False
    entry.advance.remove(demand)
    return True


def _entry_or_none() -> _Entry | None:
    if not has_request_context():
        return None
    entry = cast("_Entry | None", request.environ.get(_ENTRY))
    return entry if entry is not None and entry.request() is _request_itself() else None


def _request_itself() -> Request:
    # Documented by Flask for this purpose, despite its name.
    return cast("LocalProxy[Request]", request)._get_current_object()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def current_principal_or_none() -> Principal | None:
    """Return the authenticated principal; None if there is none, also outside a request."""
    entry = _entry_or_none()
    return None if entry is None else entry.principal


def current_principal() -> Principal:
    """Return the authenticated principal.

    Raises:
        MissingTokenError: The view accepts requests without a token, and this one carries none.
        ConfigurationError: No decorator guards the view, so no token was looked for.
    """
    return _authenticated()[1]


def _authenticated() -> tuple[_Entry, Principal]:
    entry = _entry_or_none()
    if entry is None:
        raise ConfigurationError(
            f"no token was verified in this request to {request.endpoint!r}; decorate the view with @auth_required, "
            "call verify_in_request(), or use current_user_or_none()"
        )
    if entry.principal is None:
        raise MissingTokenError("the request carries no token")
    return entry, entry.principal


def current_user_id() -> object:
    """Return the identity of the authenticated principal, without a call to the user class.

    Raises:
        MissingTokenError: See ``current_principal``.
        ConfigurationError: See ``current_principal``.
    """
    return current_principal().identity


def current_rolenames() -> frozenset[str]:
    """Return the principal's roles, as they were when the token was issued.

    Raises:
        MissingTokenError: See ``current_principal``.
        ConfigurationError: See ``current_principal``.
    """
    return current_principal().roles


def current_custom_claims() -> dict[str, object]:
    """Return a copy of the token's custom claims, which a view can return as JSON.

    Raises:
        MissingTokenError: See ``current_principal``.
        ConfigurationError: See ``current_principal``.
    """
    return dict(current_principal().claims)


@overload
def current_user() -> UserLike: ...


@overload
def current_user(kind: type[U]) -> U: ...


def current_user(kind: type[object] = object) -> object:
    """Return the authenticated user, loaded once per request.

    Args:
        kind: The user class, for type checkers; a user of another class is refused.

    Raises:
        MissingTokenError: See ``current_principal``.
        MissingUserError: The user does not exist.
        InvalidUserError: The user is not active.
        ConfigurationError: The user is not an instance of ``kind``; or see ``current_principal``.
        ServiceUnavailableError: The user class failed.
    """
    entry, principal = _authenticated()
    if entry.loaded is None or entry.loaded[0] != principal.identity:
        entry.loaded = (principal.identity, current_guard().load_user(principal))
    return _checked(entry.loaded[1], kind)


def _checked(user: object, kind: type[object]) -> object:
    if not isinstance(user, kind):
        raise ConfigurationError(f"the user must be an instance of {kind.__name__}; got {type(user).__name__}")
    return user


@overload
def current_user_or_none() -> UserLike | None: ...


@overload
def current_user_or_none(kind: type[U]) -> U | None: ...


def current_user_or_none(kind: type[object] = object) -> object | None:
    """Return the authenticated user; None if there is none, also outside a request. See ``current_user``."""
    return None if current_principal_or_none() is None else current_user(kind)
