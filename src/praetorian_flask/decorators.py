"""What a view demands, written above it.

Every decorator asks the guard afresh, so their order among each other means nothing and none trusts another. They stay
below ``@app.get`` and the like: what is registered is what is guarded.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app, request
from werkzeug.exceptions import HTTPException

from praetorian_core import all_roles, any_role
from praetorian_core.errors import ConfigurationError
from praetorian_core.policy import Policy
from praetorian_core.web.request import is_preflight
from praetorian_flask.current import current_guard, keep_principal
from praetorian_flask.request import FlaskRequest

P = ParamSpec("P")
R = TypeVar("R")


class Preflight(HTTPException):
    """Carries the framework's own answer to ``OPTIONS`` past the view. No error: Flask sends what it carries."""


def auth_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view run only for a request with a good token.

    Raises:
        MissingTokenError: There is no token.
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: a class was decorated.
    """
    return _guarded(view, None, optional=False)


def auth_accepted(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view run with a good token or with none; a bad one is refused all the same.

    Raises:
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: a class was decorated.
    """
    return _guarded(view, None, optional=True)


def roles_required(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for a principal who holds all of these roles.

    Raises:
        MissingRoleError: A role is missing.
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: no name, or one that is not a str. In a request: roles are disabled.
    """
    return _demanding(all_roles(*names))


def roles_accepted(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for a principal who holds one of these roles.

    Raises:
        MissingRoleError: None of them is held.
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: no name, or one that is not a str. In a request: roles are disabled.
    """
    return _demanding(any_role(*names))


def policy_required(policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for a principal who satisfies a policy, such as ``all_roles("staff") & any_role("a", "b")``.

    Raises:
        MissingRoleError: The policy is not satisfied.
        PraetorianError: Whatever ``Guard.verify`` raises.
        ConfigurationError: At decoration: no policy. In a request: roles are disabled.
    """
    if not isinstance(policy, Policy):
        detail = f"policy_required was given {type(policy).__name__}; write all_roles('admin') | any_role('a', 'b')"
        raise ConfigurationError(detail)
    return _demanding(policy)


def _demanding(policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        return _guarded(view, policy, optional=False)

    return decorate


def _guarded(view: Callable[P, R], policy: Policy | None, *, optional: bool) -> Callable[P, R]:
    if isinstance(view, type) or not callable(view):
        found = f"the class {view.__name__}" if isinstance(view, type) else type(view).__name__
        detail = f"expected a view function, found {found}; in a class write decorators = [auth_required]"
        raise ConfigurationError(detail)

    # A coroutine function, or an object whose call is one.
    if inspect.iscoroutinefunction(view) or inspect.iscoroutinefunction(type(view).__call__):
        awaited = cast("Callable[P, Awaitable[object]]", view)

        @wraps(view)
        async def guarded_coroutine(*args: P.args, **kwargs: P.kwargs) -> object:
            _admit(policy, optional=optional)
            return await awaited(*args, **kwargs)

        return cast("Callable[P, R]", guarded_coroutine)

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        _admit(policy, optional=optional)
        return view(*args, **kwargs)

    return guarded


def _admit(policy: Policy | None, *, optional: bool) -> None:
    view = FlaskRequest(request)
    if is_preflight(view):
        # Answered as Flask answers OPTIONS; the view does not run, because nobody was asked for a token.
        raise Preflight(response=current_app.make_default_options_response())
    guard = current_guard()
    admit = guard.admit_optional if optional else guard.admit
    keep_principal(admit(view, policy))
