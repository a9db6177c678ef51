"""The guard, the principal and the user of a request.

They are kept in ``req.context``, which belongs to one request. Each function accepts requests of WSGI and of ASGI; one
that calls the user class returns its value for a ``falcon.Request`` and an awaitable for a ``falcon.asgi.Request``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeAlias, TypeVar, cast, overload

import attrs
import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, Guard, Principal
from praetorian_core.errors import ConfigurationError, MissingTokenError
from praetorian_core.policy import Policy
from praetorian_core.protocols import UserLike
from praetorian_falcon.request import request_info

U = TypeVar("U")

AnyGuard: TypeAlias = Guard[UserLike] | AsyncGuard[UserLike]

SLOT = "praetorian"


@attrs.define
class State:
    """State of one request in ``req.context``, created when it is first needed.

    Attributes:
        guard: The application's guard.
        is_verified: Whether a token was looked for.
        principal: The authenticated principal; None if the request carries no token and needs none.
        loaded: An identity and its user, once the user was loaded.
        loading: Lock under ASGI, so that concurrent callers load the user once.
        is_preflight_answered: Whether a guarded function has answered the request as a CORS preflight.
        policies: What the principal had to satisfy so far, each policy once.
        changed: Set when the principal changes, while a WebSocket is watched; None for any other request.
    """

    guard: AnyGuard
    is_verified: bool = False
    principal: Principal | None = None
    loaded: tuple[object, object] | None = None
    loading: asyncio.Lock | None = None
    is_preflight_answered: bool = False
    policies: tuple[Policy, ...] = ()
    changed: asyncio.Event | None = None

    def keep(self, principal: Principal | None, policy: Policy | None = None) -> None:
        """Set the principal, and add the policy that it satisfies."""
        self.is_verified = True
        self.principal = principal
        if policy is not None and policy not in self.policies:
            self.policies += (policy,)
        if self.changed is not None:
            self.changed.set()

    def required(self, policy: Policy | None) -> Policy | None:
        """Return the policy that requires all that was required so far, and this policy; None for no requirement."""
        required = policy
        for former in self.policies:
            required = former if required is None else former & required
        return required

    def user_of(self, principal: Principal) -> object | None:
        """Return the loaded user if it is the principal's."""
        if self.loaded is None or self.loaded[0] != principal.identity:
            return None
        return self.loaded[1]


def attach(target: falcon.Request | falcon.Response, found: AnyGuard | State | falcon.Request) -> None:
    """Put the guard or the state into the request's context, or the request into the response's."""
    context: object = target.context
    if isinstance(context, dict):  # the application's own ``context_type``
        cast("dict[str, object]", context)[SLOT] = found
    else:
        setattr(context, SLOT, found)


def attached(target: falcon.Request | falcon.Response) -> object:
    """Return what ``attach`` put there, or None."""
    context: object = target.context
    return cast("dict[str, object]", context).get(SLOT) if isinstance(context, dict) else getattr(context, SLOT, None)


def state_or_none(req: falcon.Request) -> State | None:
    """Return the request's state, or None if no middleware attached a guard."""
    found = attached(req)
    if found is None or isinstance(found, State):
        return found
    # The middleware attaches the guard alone, because most requests to open routes need no state.
    state = State(cast("AnyGuard", found))
    attach(req, state)
    return state


def state_of(req: falcon.Request) -> State:
    """Return the request's state.

    Raises:
        ConfigurationError: No middleware attached a guard.
    """
    state = state_or_none(req)
    if state is None:
        raise ConfigurationError("this application has no guard; write init_app(app, guard)")
    return state


def plain_guard(state: State) -> Guard[UserLike]:
    """Return the guard for plain code.

    Raises:
        ConfigurationError: The guard is an ``AsyncGuard``.
    """
    if not isinstance(state.guard, Guard):
        kind = type(state.guard).__name__
        raise ConfigurationError(
            f"plain code cannot await the {kind} of this application; make the responder async def"
        )
    return state.guard


def async_guard(state: State) -> AsyncGuard[UserLike]:
    """Return the guard for coroutines.

    Raises:
        ConfigurationError: The guard is a ``Guard``, which would block the event loop.
    """
    if not isinstance(state.guard, AsyncGuard):
        kind = type(state.guard).__name__
        raise ConfigurationError(f"a {kind} would block the event loop; write AsyncGuard(User, settings)")
    return state.guard


# Each pair of overloads below overlaps, because an asgi.Request is a Request, and both type checkers report that. Falcon
# never passes an asgi.Request to code that was written for WSGI.


@overload
def current_guard(req: falcon.asgi.Request) -> AsyncGuard[UserLike]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def current_guard(req: falcon.asgi.Request, kind: type[U]) -> AsyncGuard[U]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def current_guard(req: falcon.Request) -> Guard[UserLike]: ...


@overload
def current_guard(req: falcon.Request, kind: type[U]) -> Guard[U]: ...


def current_guard(req: falcon.Request, kind: type[object] = object) -> object:  # noqa: ARG001  (for type checkers)
    """Return the guard of the application: an ``AsyncGuard`` under ASGI.

    Args:
        req: The request.
        kind: The user class, for type checkers: ``current_guard(req, User).issue("alice")`` is an error.

    Raises:
        ConfigurationError: The application has no guard, or one of the wrong kind.
    """
    state = state_of(req)
    return async_guard(state) if isinstance(req, falcon.asgi.Request) else plain_guard(state)


def current_token(req: falcon.Request) -> str:
    """Return the raw token of the request without checking its times, for ``guard.refresh`` and ``guard.revoke``.

    Raises:
        MissingTokenError: The request carries no token, or a ticket in its place.
        MalformedHeaderError: The header does not hold exactly one token.
        ConflictingTokensError: The request carries several tokens.
        InvalidTokenError: The token came from a cookie and is not genuine.
        CSRFError: The token came from a cookie, and another site may have caused the request.
        ConfigurationError: The application has no guard.
    """
    return state_of(req).guard.find_token(request_info(req))


def keep_principal(req: falcon.Request, principal: Principal | None) -> None:
    """Set the principal of this request, for a token that was verified by other means than a decorator.

    For a token in a message of a WebSocket call ``admit_websocket``, which raises if nothing watches the socket.

    Args:
        req: The request, or the handshake of a WebSocket.
        principal: The result of ``guard.verify``; None for an anonymous request.

    Raises:
        ConfigurationError: The application has no guard.

    Example::

        def on_post(self, req, resp):
            keep_principal(req, current_guard(req).verify(req.media["token"]))
    """
    state_of(req).keep(principal)


def current_principal_or_none(req: falcon.Request) -> Principal | None:
    """Return the authenticated principal, or None."""
    state = state_or_none(req)
    return None if state is None else state.principal


def current_principal(req: falcon.Request) -> Principal:
    """Return the authenticated principal.

    Raises:
        MissingTokenError: The responder accepts requests without a token, and this one carries none.
        ConfigurationError: No decorator guards the responder, so no token was looked for.
    """
    state = state_or_none(req)
    if state is None or not state.is_verified:
        raise ConfigurationError(
            f"no token was verified in this request to {req.path!r}; decorate the responder with @auth_required, call "
            "verify_in_request(req), or use current_user_or_none(req)"
        )
    if state.principal is None:
        raise MissingTokenError("the request carries no token")
    return state.principal


def current_user_id(req: falcon.Request) -> object:
    """Return the identity of the authenticated principal, without a call to the user class.

    Raises:
        MissingTokenError: See ``current_principal``.
        ConfigurationError: See ``current_principal``.
    """
    return current_principal(req).identity


def current_rolenames(req: falcon.Request) -> frozenset[str]:
    """Return the principal's roles, as they were when the token was issued.

    Raises:
        MissingTokenError: See ``current_principal``.
        ConfigurationError: See ``current_principal``.
    """
    return current_principal(req).roles


def current_custom_claims(req: falcon.Request) -> dict[str, object]:
    """Return a copy of the token's custom claims, which a responder can send as media.

    Raises:
        MissingTokenError: See ``current_principal``.
        ConfigurationError: See ``current_principal``.
    """
    return dict(current_principal(req).claims)


@overload
def current_user(req: falcon.asgi.Request) -> Awaitable[UserLike]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def current_user(req: falcon.asgi.Request, kind: type[U]) -> Awaitable[U]: ...  # pyright: ignore[reportOverlappingOverload]


@overload
def current_user(req: falcon.Request) -> UserLike: ...


@overload
def current_user(req: falcon.Request, kind: type[U]) -> U: ...


def current_user(req: falcon.Request, kind: type[object] = object) -> object:
    """Return the principal's user, loaded once per request; awaitable under ASGI.

    Args:
        req: The request.
        kind: The user class, for type checkers; a user of another class is refused.

    Raises:
        MissingTokenError: See ``current_principal``.
        MissingUserError: The user does not exist.
        InvalidUserError: The user is not active.
        ServiceUnavailableError: The user class failed.
        ConfigurationError: The user is not an instance of ``kind``; or see ``current_principal``.
    """
    if isinstance(req, falcon.asgi.Request):
        return _current_user_async(req, kind)
    principal, state = current_principal(req), state_of(req)
    user = state.user_of(principal)
    if user is None:
        user = plain_guard(state).load_user(principal)
        state.loaded = (principal.identity, user)
    return checked(user, kind)


async def _current_user_async(req: falcon.asgi.Request, kind: type[object]) -> object:
    principal, state = current_principal(req), state_of(req)
    if state.loading is None:
        state.loading = asyncio.Lock()
    async with state.loading:
        user = state.user_of(principal)
        if user is None:
            user = await async_guard(state).load_user(principal)
            state.loaded = (principal.identity, user)
    return checked(user, kind)


def checked(user: object, kind: type[object]) -> object:
    """Return the user if it is an instance of the class.

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(user, kind):
        raise ConfigurationError(f"the user must be an instance of {kind.__name__}; got {type(user).__name__}")
    return user


@overload
def current_user_or_none(req: falcon.asgi.Request) -> Awaitable[UserLike | None]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def current_user_or_none(req: falcon.asgi.Request, kind: type[U]) -> Awaitable[U | None]: ...  # pyright: ignore[reportOverlappingOverload]


@overload
def current_user_or_none(req: falcon.Request) -> UserLike | None: ...


@overload
def current_user_or_none(req: falcon.Request, kind: type[U]) -> U | None: ...


def current_user_or_none(req: falcon.Request, kind: type[object] = object) -> object | None:
    """Return the principal's user, or None if there is no principal; see ``current_user``."""
    if isinstance(req, falcon.asgi.Request):
        return _current_user_or_none_async(req, kind)
    return None if current_principal_or_none(req) is None else current_user(req, kind)


async def _current_user_or_none_async(req: falcon.asgi.Request, kind: type[object]) -> object | None:
    return None if current_principal_or_none(req) is None else await current_user(req, kind)
