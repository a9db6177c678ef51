"""Praetorian for Flask-RESTX: ``praetorian_flask`` for resources, with responses and documentation by RESTX.

Every security decision is made in ``praetorian_core``.
"""

from importlib.util import find_spec

if find_spec("flask_restx") is None:
    message = 'praetorian_restx needs Flask-RESTX; write: pip install "praetorian-core[restx]"'
    raise ImportError(message)

from praetorian_flask.cookies import clear_token_cookies, set_token_cookies
from praetorian_flask.decorators import auth_exempt
from praetorian_restx.decorators import (
    auth_accepted,
    auth_required,
    policy_required,
    protect_namespace,
    roles_accepted,
    roles_required,
)
from praetorian_restx.errors import init_api, register_error_handler
from praetorian_restx.openapi import authorizations, document_login

__all__ = [
    "auth_accepted",
    "auth_exempt",
    "auth_required",
    "authorizations",
    "clear_token_cookies",
    "document_login",
    "init_api",
    "policy_required",
    "protect_namespace",
    "register_error_handler",
    "roles_accepted",
    "roles_required",
    "set_token_cookies",
]
