"""Praetorian for Falcon, WSGI and ASGI: finds the token in a request and turns the engine's errors into responses.

No security decision is made here: see ``praetorian_core``.
"""

from importlib.util import find_spec

if find_spec("falcon") is None:
    message = 'praetorian_falcon needs Falcon; write: pip install "praetorian-core[falcon]"'
    raise ImportError(message)

from praetorian_falcon.decorators import (
    auth_accepted,
    auth_required,
    policy_required,
    roles_accepted,
    roles_required,
)
from praetorian_falcon.errors import build_error_handler, build_error_handler_async
from praetorian_falcon.middleware import PraetorianMiddleware, init_app
from praetorian_falcon.request import (
    authenticate,
    credentials,
    current_custom_claims,
    current_guard,
    current_principal,
    current_principal_or_none,
    current_rolenames,
    current_token,
    current_user,
    current_user_id,
    current_user_or_none,
)

__all__ = [
    "PraetorianMiddleware",
    "auth_accepted",
    "auth_required",
    "authenticate",
    "build_error_handler",
    "build_error_handler_async",
    "credentials",
    "current_custom_claims",
    "current_guard",
    "current_principal",
    "current_principal_or_none",
    "current_rolenames",
    "current_token",
    "current_user",
    "current_user_id",
    "current_user_or_none",
    "init_app",
    "policy_required",
    "roles_accepted",
    "roles_required",
]
