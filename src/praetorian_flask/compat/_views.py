"""Decorators, and the functions that return the authenticated user."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import attrs
from flask import current_app, g, has_request_context, request

from praetorian_core import Principal
from praetorian_flask.compat._errors import MissingRoleError, MissingToken, PraetorianError
from praetorian_flask.compat._moved import moved
from praetorian_flask.compat._tokens import Data, custom_claims, from_principal, role_names, to_principal
from praetorian_flask.current import EXTENSION, current_principal_or_none, keep_principal
from praetorian_flask.decorators import Demand, wrap

if TYPE_CHECKING:
    from praetorian_flask.compat._guard import Praetorian

P = ParamSpec("P")
R = TypeVar("R")

_DATA = "praetorian.compat.data"
_ADDED = "_flask_praetorian_jwt_data"
"""The attribute of ``flask.g`` that flask-praetorian 1.6 has; tests set and read it."""


@moved
def current_guard() -> Praetorian:
    """Return the ``Praetorian`` of the current application.

    Raises:
        PraetorianError: None was set up.
    """
    guard = cast("Praetorian | None", current_app.extensions.get(EXTENSION))
    if guard is None:
        raise PraetorianError("No current guard found; Praetorian must be initialized first")
    return guard


@attrs.frozen(eq=False)
class _Demand(Demand):
    """What one decorator requires.

    Attributes:
        verify: Returns the principal of the current request, or None for an anonymous one.
    """

    verify: Callable[[], Principal | None] = attrs.field(kw_only=True)

    def admit(self) -> None:
        """Verify the token of the current request and set its principal."""
        keep_principal(self.verify())


@moved
def auth_required(method: Callable[P, R]) -> Callable[P, R]:
    """Require a valid token."""
    return wrap(method, _Demand(verify=_admit))


@moved
def auth_accepted(method: Callable[P, R]) -> Callable[P, R]:
    """Accept a request without a token; a token that is presented must be valid."""
    return wrap(method, _Demand(verify=_admit_optional, is_optional=True))


@moved
def roles_required(*required_rolenames: object) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a valid token of a user who has all of these roles."""
    required = frozenset(map(str, required_rolenames))
    return _requiring(lambda held: required <= held, "all the following roles", required)


@moved
def roles_accepted(*accepted_rolenames: object) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a valid token of a user who has one of these roles."""
    accepted = frozenset(map(str, accepted_rolenames))
    return _requiring(lambda held: not accepted.isdisjoint(held), "one of the following roles", accepted)


def _requiring(
    permits: Callable[[frozenset[str]], bool], words: str, roles: frozenset[str]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def verify() -> Principal:
        if current_guard().roles_disabled:
            raise PraetorianError("This feature is not available because roles are disabled")
        principal = _admit()
        if not permits(principal.roles):
            raise MissingRoleError(f"This endpoint requires {words}: {', '.join(sorted(roles))}")
        return principal

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        return wrap(method, _Demand(verify=verify))

    return decorate


def _admit() -> Principal:
    guard = current_guard()
    token = guard.read_token()
    data = guard.extract_jwt_token(token)
    principal = to_principal(data)
    guard.check_session(token)
    request.environ[_DATA] = (principal, data)
    return principal


def _admit_optional() -> Principal | None:
    try:
        return _admit()
    except MissingToken:
        # Of this request nothing is known, whatever the application context holds.
        request.environ[_DATA] = None
        return None


def get_jwt_data_from_app_context() -> Data:
    """Return the claims of the current token, as a dict.

    Raises:
        PraetorianError: No decorator has verified a token.
    """
    data = _data_or_none()
    if data is None:
        raise PraetorianError(
            "No jwt_data found in app context. Make sure @auth_required decorator is specified for route"
        )
    return data


def _data_or_none() -> Data | None:
    principal = current_principal_or_none()
    if principal is not None:
        kept = cast("tuple[Principal, Data] | None", request.environ.get(_DATA))
        # A principal that a decorator of praetorian_flask has verified has no dict yet.
        return kept[1] if kept is not None and kept[0] is principal else from_principal(principal)
    if has_request_context() and _DATA in request.environ:
        return None
    return cast("Data | None", g.get(_ADDED))


def app_context_has_jwt_data() -> bool:
    """Return whether a token was verified in this request, or its claims were set."""
    return _data_or_none() is not None


def add_jwt_data_to_app_context(jwt_data: Data) -> None:
    """Set the claims of the current token, any dict, until the application context ends.

    A guarded view does not read them: its decorator verifies the token of its own request.
    """
    remove_jwt_data_from_app_context()
    setattr(g, _ADDED, jwt_data)


def remove_jwt_data_from_app_context() -> None:
    """Forget the claims of the current token."""
    g.pop(_ADDED, None)
    if has_request_context():
        request.environ.pop(_DATA, None)
        keep_principal(None)


@moved
def current_user_id() -> object:
    """Return the identity in the current token.

    Raises:
        PraetorianError: No token was verified, or its claims have no ``id``.
    """
    identity = get_jwt_data_from_app_context().get("id")
    if identity is None:
        raise PraetorianError("Could not fetch an id for the current user")
    return identity


@moved
def current_user() -> object:
    """Return the user of the current token, loaded at each call.

    Raises:
        PraetorianError: No token was verified, or the user does not exist.
    """
    user = current_guard().identify(current_user_id())
    if user is None:
        raise PraetorianError("Could not identify the current user from the current id")
    return user


@moved
def current_rolenames() -> set[str]:
    """Return the roles in the current token.

    Raises:
        PraetorianError: No token was verified.
    """
    data = get_jwt_data_from_app_context()
    if "rls" not in data:
        # As a set that no role matches, so that comparisons with it deny.
        return {"non-empty-but-definitely-not-matching-subset"}
    return set(role_names(data["rls"]))


@moved
def current_custom_claims() -> Data:
    """Return the custom claims of the current token.

    Raises:
        PraetorianError: No token was verified.
    """
    return custom_claims(get_jwt_data_from_app_context())
