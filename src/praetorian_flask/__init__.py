"""Praetorian for Flask: decorators for views, the current principal, and responses to errors.

Every security decision is made in ``praetorian_core``.
"""

from importlib.util import find_spec

if find_spec("flask") is None:
    message = 'praetorian_flask needs Flask; write: pip install "praetorian-core[flask]"'
    raise ImportError(message)

from praetorian_flask.cookies import clear_token_cookies, set_token_cookies
from praetorian_flask.current import (
    authenticate,
    confirm,
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
    keep_principal,
)
from praetorian_flask.decorators import (
    auth_accepted,
    auth_exempt,
    auth_required,
    policy_required,
    protect_blueprint,
    roles_accepted,
    roles_required,
    verify_in_request,
)
from praetorian_flask.errors import build_error_handler
from praetorian_flask.extension import Praetorian
from praetorian_flask.request import FlaskRequest

__all__ = [
    "FlaskRequest",
    "Praetorian",
    "auth_accepted",
    "auth_exempt",
    "auth_required",
    "authenticate",
    "build_error_handler",
    "clear_token_cookies",
    "confirm",
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
    "keep_principal",
    "policy_required",
    "protect_blueprint",
    "roles_accepted",
    "roles_required",
    "set_token_cookies",
    "verify_in_request",
]
