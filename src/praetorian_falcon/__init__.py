"""Praetorian for Falcon, WSGI and ASGI: reads tokens from requests and turns errors into responses.

Every security decision is made in ``praetorian_core``.
"""

from importlib.util import find_spec

if find_spec("falcon") is None:
    raise ImportError('praetorian_falcon needs Falcon; write: pip install "praetorian-core[falcon]"')

from praetorian_falcon.cookies import clear_token_cookies, set_token_cookies
from praetorian_falcon.credentials import credentials
from praetorian_falcon.current import (
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
from praetorian_falcon.decorators import (
    auth_accepted,
    auth_exempt,
    auth_required,
    policy_required,
    roles_accepted,
    roles_required,
    verify_in_request,
)
from praetorian_falcon.errors import build_error_handler, build_error_handler_async
from praetorian_falcon.login import authenticate, confirm
from praetorian_falcon.middleware import PraetorianMiddleware, init_app
from praetorian_falcon.request import ASGIRequest, WSGIRequest
from praetorian_falcon.websockets import admit_websocket

__all__ = [
    "ASGIRequest",
    "PraetorianMiddleware",
    "WSGIRequest",
    "admit_websocket",
    "auth_accepted",
    "auth_exempt",
    "auth_required",
    "authenticate",
    "build_error_handler",
    "build_error_handler_async",
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
    "init_app",
    "keep_principal",
    "policy_required",
    "roles_accepted",
    "roles_required",
    "set_token_cookies",
    "verify_in_request",
]
