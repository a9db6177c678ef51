"""A Falcon request as the engine sees it, and who acts in it.

The principal lives in ``req.context``, which belongs to one request and no other. One name serves WSGI and ASGI: what
may have to wait (a user store, a password hash, a body) returns its value for a ``falcon.Request`` and an awaitable for
a ``falcon.asgi.Request``.

Facts:

* WSGI servers join repeated header lines with a comma. ``falcon.asgi.Request`` does the same for most headers and keeps
  only the last line of others, ``Cookie`` among them; the ASGI scope has all of them, in a list on every server known.
* ``req.access_route`` believes ``Forwarded`` and ``X-Forwarded-For``, which any client can write. ``req.remote_addr``
  does not, but on ASGI it parses them on its way and raises ``ValueError`` for some.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn, TypeAlias, TypeVar, cast, overload

import attrs
import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, Guard, Principal
from praetorian_core.errors import ConfigurationError, MissingTokenError
from praetorian_core.web.request import RequestInfo

U = TypeVar("U")

AnyGuard: TypeAlias = Guard[object] | AsyncGuard[object]

SLOT = "praetorian"


class WSGIRequest:
    """The ``RequestInfo`` of a Falcon WSGI request."""

    __slots__ = ("_request",)

    def __init__(self, request: falcon.Request) -> None:
        """Look at this request."""
        self._request = request

    @property
    def method(self) -> str:
        """The request method, in capitals."""
        return self._request.method

    @property
    def remote(self) -> str | None:
        """The client's address, as the server says."""
        return self._request.remote_addr

    def header(self, name: str, /) -> str | None:
        """Return the header's value, or None."""
        return self._request.get_header(name)

    def headers(self, name: str, /) -> Sequence[str]:
        """Return the header's one value, if there is any."""
        value = self._request.get_header(name)
        return () if value is None else (value,)

    def cookies(self, name: str, /) -> Sequence[str]:
        """Return every value of the cookie."""
        return self._request.get_cookie_values(name) or ()


class ASGIRequest:
    """The ``RequestInfo`` of a Falcon ASGI request or of a WebSocket's handshake."""

    __slots__ = ("_request",)

    def __init__(self, request: falcon.asgi.Request) -> None:
        """Look at this request."""
        self._request = request

    @property
    def method(self) -> str:
        """The request method, in capitals."""
        return self._request.method

    @property
    def remote(self) -> str | None:
        """The client's address, as the server says."""
        try:
            return self._request.remote_addr
        except (IndexError, TypeError, ValueError):
            # Falcon stumbled over a forged header, or over a server that names no address.
            client = cast("Sequence[str] | None", self._request.scope.get("client"))
            return (client[0] or None) if client else None

    def header(self, name: str, /) -> str | None:
        """Return the header's value, or None."""
        return self._request.get_header(name)

    def headers(self, name: str, /) -> Sequence[str]:
        """Return the value of every line of the header."""
        lines = cast("Iterable[tuple[bytes, bytes]]", self._request.scope["headers"])
        if isinstance(lines, list | tuple):
            wanted = name.lower().encode("latin-1")
            return [value.decode("latin-1") for found, value in lines if found == wanted]
        # ASGI promises no more than an iterable, which Falcon has exhausted by now; what it kept is left.
        value = self._request.get_header(name)
        return () if value is None else (value,)

    def cookies(self, name: str, /) -> Sequence[str]:
        """Return every value of the cookie."""
        lines = self.headers("Cookie")
        request = self._request
        if len(lines) > 1:
            # RFC 9113 §8.2.3: a client may split the header, and its lines are then joined with "; ".
            joined = "; ".join(lines).encode("latin-1")
            scope = request.scope | {"headers": [(b"cookie", joined)]}
            request = falcon.asgi.Request(scope, cast("NoReturn", None))  # its body is never read
        return request.get_cookie_values(name) or ()


def request_info(req: falcon.Request) -> RequestInfo:
    """Return the request as the engine sees it."""
    return ASGIRequest(req) if isinstance(req, falcon.asgi.Request) else WSGIRequest(req)


@attrs.define
class State:
    """What one request keeps in ``req.context``, as soon as anything is asked of it.

    Attributes:
        guard: The application's guard.
        principal: Who was admitted; None where nobody had to be.
        user: Who that is, once somebody asked.
        loading: Held on ASGI while the user is loaded, so that two who ask at once load one.
    """

    guard: AnyGuard
    principal: Principal | None = None
    user: object | None = None
    loading: asyncio.Lock | None = None


def keep(req: falcon.Request, found: AnyGuard | State) -> None:
    """Put the guard, or what there is to know by now, where this request and no other finds it."""
    context: object = req.context
    if isinstance(context, dict):  # An application's own ``context_type``.
        cast("dict[str, object]", context)[SLOT] = found
    else:
        setattr(context, SLOT, found)


def state_or_none(req: falcon.Request) -> State | None:
    """Return the request's state; None where no middleware gave it a guard."""
    context: object = req.context
    if isinstance(context, dict):
        found = cast("dict[str, AnyGuard | State]", context).get(SLOT)
    else:
        found = cast("AnyGuard | State | None", getattr(context, SLOT, None))
    if found is None or isinstance(found, State):
        return found
    # An open route needs none of this, so the middleware leaves only the guard.
    state = State(found)
    keep(req, state)
    return state


def state_of(req: falcon.Request) -> State:
    """Return the request's state.

    Raises:
        ConfigurationError: No middleware gave it a guard.
    """
    state = state_or_none(req)
    if state is None:
        detail = "this application has no guard; write init_app(app, guard)"
        raise ConfigurationError(detail)
    return state


def plain_guard(state: State) -> Guard[object]:
    """Return the guard of a request that nobody can await in.

    Raises:
        ConfigurationError: It is an ``AsyncGuard``.
    """
    if not isinstance(state.guard, Guard):
        detail = f"plain code cannot wait for the {type(state.guard).__name__} of this application; make it async def"
        raise ConfigurationError(detail)
    return state.guard


def async_guard(state: State) -> AsyncGuard[object]:
    """Return the guard of a request on an event loop.

    Raises:
        ConfigurationError: It is a ``Guard``, which would block the loop.
    """
    if not isinstance(state.guard, AsyncGuard):
        detail = f"a {type(state.guard).__name__} would block the event loop; write AsyncGuard(User, settings)"
        raise ConfigurationError(detail)
    return state.guard


# An asgi.Request is a Request, so each pair of overloads below overlaps, and the checkers say so. Falcon never hands an
# asgi.Request to code that was written for WSGI.


@overload
def current_guard(req: falcon.asgi.Request) -> AsyncGuard[object]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def current_guard(req: falcon.Request) -> Guard[object]: ...


def current_guard(req: falcon.Request) -> AnyGuard:
    """Return the guard of the application: an ``AsyncGuard`` on ASGI.

    Raises:
        ConfigurationError: None was set up, or one of the other kind.
    """
    state = state_of(req)
    return async_guard(state) if isinstance(req, falcon.asgi.Request) else plain_guard(state)


def current_token(req: falcon.Request) -> str:
    """Return the raw token of the request, unjudged: what a refresh route hands to ``guard.refresh``.

    Raises:
        MissingTokenError: The request carries none.
        MalformedHeaderError: The header does not carry exactly one.
        ConfigurationError: The application has no guard.
    """
    return state_of(req).guard.find_token(request_info(req))


@overload
def credentials(req: falcon.asgi.Request) -> Awaitable[tuple[object, object]]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def credentials(req: falcon.Request) -> tuple[object, object]: ...


def credentials(req: falcon.Request) -> tuple[object, object] | Awaitable[tuple[object, object]]:
    """Return ``username`` and ``password`` of a JSON body, whatever they are, for ``authenticate``; awaitable on ASGI.

    An absent member is None. A body that is no JSON object is answered with 400, one of another content type with 415.
    """
    if isinstance(req, falcon.asgi.Request):
        return _credentials_async(req)
    _check_content_type(req)
    body: object = None
    # Python's parser gives up on deep nesting with an error that Falcon does not expect.
    with suppress(RecursionError):
        body = req.get_media()
    return _username_and_password(body)


async def _credentials_async(req: falcon.asgi.Request) -> tuple[object, object]:
    _check_content_type(req)
    body: object = None
    with suppress(RecursionError):
        body = await req.get_media()
    return _username_and_password(body)


def _check_content_type(req: falcon.Request) -> None:
    # Without a type Falcon would take its default one, and with a form's it would parse the form.
    kind = (req.content_type or "").partition(";")[0].strip().lower()
    if kind != falcon.MEDIA_JSON and not kind.endswith("+json"):
        raise falcon.HTTPUnsupportedMediaType(description="expected a JSON body")


def _username_and_password(body: object) -> tuple[object, object]:
    if not isinstance(body, dict):
        description = "expected a JSON object with the members username and password"
        raise falcon.HTTPBadRequest(description=description)
    members = cast("dict[str, object]", body)
    return members.get("username"), members.get("password")


@overload
def authenticate(req: falcon.asgi.Request, username: object, password: object) -> Awaitable[object]: ...


@overload
def authenticate(req: falcon.Request, username: object, password: object) -> object: ...


def authenticate(req: falcon.Request, username: object, password: object) -> object | Awaitable[object]:
    """Return the user who proved name and password, counted by the address that Falcon trusts; awaitable on ASGI.

    Behind a proxy that address is the proxy's, until uvicorn is told to trust it (``--forwarded-allow-ips``) or a WSGI
    application is wrapped in what sets ``REMOTE_ADDR`` (``werkzeug.middleware.proxy_fix.ProxyFix`` does).

    Raises:
        AuthenticationError: Unknown name, wrong password or disabled account, which are not told apart.
        LoginThrottledError: There were too many attempts.
        ServiceUnavailableError: A call that the decision depends on failed, or hashing is full.
        ConfigurationError: The application has no guard.
    """
    return current_guard(req).authenticate(username, password, source=request_info(req).remote)


def current_principal_or_none(req: falcon.Request) -> Principal | None:
    """Return who acts; None where nobody is authenticated."""
    state = state_or_none(req)
    return None if state is None else state.principal


def current_principal(req: falcon.Request) -> Principal:
    """Return who acts.

    Raises:
        MissingTokenError: Nobody is authenticated.
    """
    principal = current_principal_or_none(req)
    if principal is None:
        detail = "nobody is authenticated in this request; is the responder decorated?"
        raise MissingTokenError(detail)
    return principal


def current_user_id(req: falcon.Request) -> object:
    """Return the identity of who acts, without asking the user store.

    Raises:
        MissingTokenError: Nobody is authenticated.
    """
    return current_principal(req).identity


def current_rolenames(req: falcon.Request) -> frozenset[str]:
    """Return the roles of who acts, as they were when the token was issued.

    Raises:
        MissingTokenError: Nobody is authenticated.
    """
    return current_principal(req).roles


def current_custom_claims(req: falcon.Request) -> Mapping[str, object]:
    """Return the token's custom claims, read-only.

    Raises:
        MissingTokenError: Nobody is authenticated.
    """
    return current_principal(req).claims


@overload
def current_user(req: falcon.asgi.Request) -> Awaitable[object]: ...


@overload
def current_user(req: falcon.asgi.Request, kind: type[U]) -> Awaitable[U]: ...  # pyright: ignore[reportOverlappingOverload]


@overload
def current_user(req: falcon.Request) -> object: ...


@overload
def current_user(req: falcon.Request, kind: type[U]) -> U: ...


def current_user(req: falcon.Request, kind: type[object] = object) -> object:
    """Return the user who acts, loaded once a request; awaitable on ASGI.

    Args:
        req: The request.
        kind: The user class, for a type checker's sake; another user is refused.

    Raises:
        MissingTokenError: Nobody is authenticated.
        MissingUserError: The user is gone.
        InvalidUserError: The user may no longer act.
        ConfigurationError: The user is not of this kind.
        ServiceUnavailableError: The user class failed.
    """
    if isinstance(req, falcon.asgi.Request):
        return _current_user_async(req, kind)
    principal = current_principal(req)
    state = state_of(req)
    if state.user is None:
        state.user = plain_guard(state).load_user(principal)
    return _checked(state.user, kind)


async def _current_user_async(req: falcon.asgi.Request, kind: type[object]) -> object:
    principal = current_principal(req)
    state = state_of(req)
    if state.loading is None:
        state.loading = asyncio.Lock()
    async with state.loading:
        if state.user is None:
            state.user = await async_guard(state).load_user(principal)
        return _checked(state.user, kind)


def _checked(user: object, kind: type[object]) -> object:
    if not isinstance(user, kind):
        detail = f"the current user is {type(user).__name__}; expected {kind.__name__}"
        raise ConfigurationError(detail)
    return user


@overload
def current_user_or_none(req: falcon.asgi.Request) -> Awaitable[object | None]: ...  # pyright: ignore[reportOverlappingOverload]


@overload
def current_user_or_none(req: falcon.asgi.Request, kind: type[U]) -> Awaitable[U | None]: ...  # pyright: ignore[reportOverlappingOverload]


@overload
def current_user_or_none(req: falcon.Request) -> object | None: ...


@overload
def current_user_or_none(req: falcon.Request, kind: type[U]) -> U | None: ...


def current_user_or_none(req: falcon.Request, kind: type[object] = object) -> object | None:
    """Return the user who acts; None where nobody is authenticated. See ``current_user``."""
    if isinstance(req, falcon.asgi.Request):
        return _current_user_or_none_async(req, kind)
    return None if current_principal_or_none(req) is None else current_user(req, kind)


async def _current_user_or_none_async(req: falcon.asgi.Request, kind: type[object]) -> object | None:
    return None if current_principal_or_none(req) is None else await current_user(req, kind)
