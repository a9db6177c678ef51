"""Praetorian for Flask: finds the token in a request and turns the engine's errors into responses.

No security decision is made here: see ``praetorian_core``.
"""

from importlib.util import find_spec

if find_spec("flask") is None:
    message = 'praetorian_flask needs Flask; write: pip install "praetorian-core[flask]"'
    raise ImportError(message)

from praetorian_flask.current import (
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
from praetorian_flask.decorators import (
    auth_accepted,
    auth_required,
    policy_required,
    roles_accepted,
    roles_required,
)
from praetorian_flask.errors import build_error_handler
from praetorian_flask.extension import Praetorian

__all__ = [
    "Praetorian",
    "auth_accepted",
    "auth_required",
    "authenticate",
    "build_error_handler",
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
    "policy_required",
    "roles_accepted",
    "roles_required",
]
