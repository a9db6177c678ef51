"""Defaults, claim names and the kinds of tokens."""

from __future__ import annotations

import enum
from datetime import timedelta
from pathlib import Path

_TEMPLATES = Path(__file__).parent / "templates"

DEFAULT_JWT_PLACES = ["header", "cookie"]
DEFAULT_JWT_COOKIE_NAME = "access_token"
DEFAULT_JWT_HEADER_NAME = "Authorization"
DEFAULT_JWT_HEADER_TYPE = "Bearer"
DEFAULT_JWT_ACCESS_LIFESPAN = timedelta(minutes=15)
DEFAULT_JWT_REFRESH_LIFESPAN = timedelta(days=30)
DEFAULT_JWT_RESET_LIFESPAN = timedelta(minutes=10)
DEFAULT_JWT_ALGORITHM = "HS256"
DEFAULT_JWT_ALLOWED_ALGORITHMS = ["HS256"]
DEFAULT_ROLES_DISABLED = False
DEFAULT_USER_CLASS_VALIDATION_METHOD = "is_valid"

DEFAULT_CONFIRMATION_TEMPLATE = str(_TEMPLATES / "registration_email.html")
DEFAULT_CONFIRMATION_SENDER = "you@whatever.com"
DEFAULT_CONFIRMATION_SUBJECT = "Please confirm your registration"
DEFAULT_RESET_TEMPLATE = str(_TEMPLATES / "reset_email.html")
DEFAULT_RESET_SENDER = "you@whatever.com"
DEFAULT_RESET_SUBJECT = "Password Reset Requested"

DEFAULT_HASH_AUTOUPDATE = False
DEFAULT_HASH_AUTOTEST = False
DEFAULT_HASH_SCHEME = "argon2"
DEFAULT_HASH_ALLOWED_SCHEMES = [
    "argon2",
    "pbkdf2_sha512",
    "pbkdf2_sha256",
    "sha256_crypt",
    "sha512_crypt",
    "bcrypt",
    "bcrypt_sha256",
]
DEFAULT_HASH_DEPRECATED_SCHEMES = ["auto"]

REFRESH_EXPIRATION_CLAIM = "rf_exp"
IS_REGISTRATION_TOKEN_CLAIM = "is_ert"  # noqa: S105  (the name of a claim)
IS_RESET_TOKEN_CLAIM = "is_prt"  # noqa: S105  (the name of a claim)
RESERVED_CLAIMS = {
    "iat",
    "exp",
    "jti",
    "id",
    "rls",
    REFRESH_EXPIRATION_CLAIM,
    IS_REGISTRATION_TOKEN_CLAIM,
    IS_RESET_TOKEN_CLAIM,
}

VITAM_AETERNUM = timedelta(days=1_000_000)
"""The lifespan of ``encode_eternal_jwt_token``."""


class AccessType(enum.Enum):
    """The purposes of a token."""

    access = "ACCESS"
    refresh = "REFRESH"
    register = "REGISTER"
    reset = "RESET"
