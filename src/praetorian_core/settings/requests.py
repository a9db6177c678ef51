"""Settings of requests and responses."""

from __future__ import annotations

import re

import attrs

from praetorian_core.settings.declaration import declare, flag, must_be

_HTTP_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_QUOTABLE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")


def _is_http_token(value: object) -> bool:
    return type(value) is str and _HTTP_TOKEN.fullmatch(value) is not None


def _is_quotable(value: object) -> bool:
    return type(value) is str and _QUOTABLE.fullmatch(value) is not None


@attrs.frozen(kw_only=True, slots=False)
class RequestSettings:
    """Settings of where a request carries its token, and how errors are answered."""

    header_name: str = attrs.field(
        default="Authorization",
        metadata=declare(
            "JWT_HEADER_NAME",
            must_be("an HTTP token (RFC 9110 §5.6.2)", _is_http_token),
            section="Requests and responses",
            does="The request header that carries the token.",
            change="Set another name if a proxy uses `Authorization` itself.",
            example='"X-Api-Token"',
        ),
    )
    header_type: str = attrs.field(
        default="Bearer",
        metadata=declare(
            "JWT_HEADER_TYPE",
            must_be("an HTTP token (RFC 9110 §5.6.2)", _is_http_token),
            section="Requests and responses",
            does="The authentication scheme before the token, in requests and in challenges.",
            change="Set it if existing clients send another scheme.",
            example='"JWT"',
        ),
    )
    realm: str = attrs.field(
        default="api",
        metadata=declare(
            "JWT_REALM",
            # It becomes a quoted-string of a response header (RFC 9110 §5.6.4).
            must_be(
                "printable ASCII without quotes and backslashes",
                _is_quotable,
            ),
            section="Requests and responses",
            does="The name of the protected area in `WWW-Authenticate` challenges.",
            change="Set it if one host serves several APIs with separate logins.",
            example='"shop"',
        ),
    )
    disable_error_handler: bool = attrs.field(
        default=False,
        metadata=declare(
            "DISABLE_PRAETORIAN_ERROR_HANDLER",
            flag(),
            section="Requests and responses",
            does="Whether the adapter registers no error handler, so that the application must turn errors into responses.",
            change="Set it to `True` if every error response must have the application's own form.",
            example="True",
        ),
    )
    log_tracebacks: bool = attrs.field(
        default=False,
        metadata=declare(
            "PRAETORIAN_LOG_TRACEBACKS",
            flag(),
            section="Requests and responses",
            does=(
                "Whether a failed call of the user class or of the store is logged with its traceback. A traceback may "
                "show values of the application."
            ),
            change="Set it to `True` in development.",
            example="True",
        ),
    )
