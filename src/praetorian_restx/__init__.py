"""Praetorian for Flask-RESTX: what ``praetorian_flask`` does, where RESTX answers errors and writes documentation.

No security decision is made here: see ``praetorian_core``.
"""

from importlib.util import find_spec

if find_spec("flask_restx") is None:
    message = 'praetorian_restx needs Flask-RESTX; write: pip install "praetorian-core[restx]"'
    raise ImportError(message)

from praetorian_restx.decorators import (
    auth_accepted,
    auth_required,
    policy_required,
    protect_namespace,
    roles_accepted,
    roles_required,
)
from praetorian_restx.errors import init_api, register_error_handler
from praetorian_restx.openapi import authorizations

__all__ = [
    "auth_accepted",
    "auth_required",
    "authorizations",
    "init_api",
    "policy_required",
    "protect_namespace",
    "register_error_handler",
    "roles_accepted",
    "roles_required",
]
