"""Settings of tokens in cookies and of other requests from browsers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, TypeAlias, cast

import attrs

from praetorian_core.messages import shown
from praetorian_core.settings.declaration import Declaration, declare, flag, must_be, one_of
from praetorian_core.web.origin import parse_origin

PlaceName: TypeAlias = Literal["header", "cookie", "query_ticket"]
SameSite: TypeAlias = Literal["Lax", "Strict", "None"]

PLACES: tuple[PlaceName, ...] = ("header", "cookie", "query_ticket")

MAX_RECHECK = 3600
"""The longest ``PRAETORIAN_WEBSOCKET_RECHECK``, in seconds."""

_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 6265 §4.1.1: "av-octet" without control characters and ";".
_COOKIE_PATH = re.compile(r"/[\x21-\x3a\x3c-\x7e]*")
_COOKIE_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


def _as_tuple(value: object) -> object:
    """Return a list as a tuple and a str as a tuple of one; the check rejects anything else."""
    if isinstance(value, str):
        return (value,)
    return tuple(cast("Iterable[object]", value)) if isinstance(value, Iterable) else value


def _to_places(value: str | Iterable[str]) -> tuple[PlaceName, ...]:
    return cast("tuple[PlaceName, ...]", _as_tuple(value))


def _are_places(value: object) -> bool:
    if type(value) is not tuple or not value:
        return False
    places = cast("tuple[object, ...]", value)
    return all(type(place) is str and place in PLACES for place in places) and len(set(places)) == len(places)


def to_origins(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return origins as a tuple."""
    return cast("tuple[str, ...]", _as_tuple(value))


def _check_origins(setting: Declaration, value: object) -> None:
    expected = "a list of origins, each a scheme, a host and a port if it is not the usual one"
    if type(value) is not tuple:
        raise setting.error(expected, shown(value))
    for origin in cast("tuple[object, ...]", value):
        if type(origin) is not str or parse_origin(origin) != origin:
            raise setting.error(expected, shown(origin))


@attrs.frozen(kw_only=True, slots=False)
class BrowserSettings:
    """Settings of tokens in cookies and of other requests from browsers."""

    places: tuple[PlaceName, ...] = attrs.field(
        default=("header",),
        converter=_to_places,
        metadata=declare(
            "JWT_PLACES",
            must_be('"header", "cookie", "query_ticket" or a list of them', _are_places),
            section="Browsers",
            does=(
                "Where a request may carry its token: the header, a cookie, or a ticket in the query. A token in a cookie "
                "is checked against cross-site request forgery; see [browsers.md](browsers.md)."
            ),
            change="Add `cookie` for pages in a browser, and `query_ticket` for a WebSocket without cookies.",
            example='["header", "cookie"]',
        ),
    )
    cookie_name: str | None = attrs.field(
        default=None,
        metadata=declare(
            "JWT_COOKIE_NAME",
            must_be(
                "None or an HTTP token (RFC 9110 §5.6.2)",
                lambda value: value is None or (type(value) is str and _COOKIE_NAME.fullmatch(value) is not None),
            ),
            needs_cookies=True,
            section="Browsers",
            does=(
                "The name of the cookie that carries the token. By default `__Host-access_token`, which browsers accept "
                "only from this host over HTTPS; with a domain or a path `__Secure-access_token`, without `Secure` "
                "`access_token`."
            ),
            change="Set it if two applications share a host.",
            example='"__Host-shop_token"',
        ),
    )
    cookie_path: str = attrs.field(
        default="/",
        metadata=declare(
            "PRAETORIAN_COOKIE_PATH",
            must_be(
                "a path that begins with a slash",
                lambda value: type(value) is str and _COOKIE_PATH.fullmatch(value) is not None,
            ),
            needs_cookies=True,
            section="Browsers",
            does="The path below which browsers send the cookies.",
            change="Set it if another application on the same host must not receive the token.",
            example='"/shop"',
        ),
    )
    cookie_domain: str | None = attrs.field(
        default=None,
        metadata=declare(
            "PRAETORIAN_COOKIE_DOMAIN",
            must_be(
                "None or a domain in lower case without a leading dot",
                lambda value: value is None or (type(value) is str and _COOKIE_DOMAIN.fullmatch(value) is not None),
            ),
            needs_cookies=True,
            section="Browsers",
            does="The domain whose subdomains receive the cookies too; without it, only the host that sets them.",
            change="Set it only if a page on another host of the domain calls this API and every subdomain is trusted.",
            example='"shop.example"',
        ),
    )
    cookie_same_site: SameSite = attrs.field(
        default="Lax",
        metadata=declare(
            "PRAETORIAN_COOKIE_SAMESITE",
            one_of(("Lax", "Strict", "None")),
            needs_cookies=True,
            section="Browsers",
            does="The attribute `SameSite` of the cookies.",
            change=(
                'Set `Strict` if links from other sites may arrive signed out; `"None"`, a str, only if pages of other sites must '
                "call this API, with their origins in `PRAETORIAN_TRUSTED_ORIGINS`."
            ),
            example='"Strict"',
        ),
    )
    cookie_secure: bool = attrs.field(
        default=True,
        metadata=declare(
            "PRAETORIAN_COOKIE_SECURE",
            flag(),
            needs_cookies=True,
            section="Browsers",
            does=(
                "Whether browsers send the cookies over HTTPS only. Chromium treats `http://localhost` like HTTPS; not every "
                "browser does."
            ),
            change="Set it to `False` only for development without HTTPS.",
            example="False",
        ),
    )
    cookie_refresh: bool = attrs.field(
        default=False,
        metadata=declare(
            "PRAETORIAN_COOKIE_REFRESH",
            flag(),
            needs_cookies=True,
            section="Browsers",
            does=(
                "Whether a request whose cookie no longer grants access is refreshed while it is answered, and its answer "
                "sets the new cookie."
            ),
            change="Set it to `True` if pages should not refresh the token themselves.",
            example="True",
        ),
    )
    trusted_origins: tuple[str, ...] = attrs.field(
        default=(),
        converter=to_origins,
        metadata=declare(
            "PRAETORIAN_TRUSTED_ORIGINS",
            _check_origins,
            needs_cookies=True,
            section="Browsers",
            does=(
                "Other origins whose pages may send requests with the cookie. Pages of the API's own host always may. "
                "`SameSite` and CORS must allow it too."
            ),
            change="Set it if the page is served by another host than the API.",
            example='["https://app.shop.example"]',
        ),
    )
    websocket_recheck: int = attrs.field(
        default=30,
        metadata=declare(
            "PRAETORIAN_WEBSOCKET_RECHECK",
            must_be(
                f"whole seconds from 1 to {MAX_RECHECK}",
                lambda value: type(value) is int and 1 <= value <= MAX_RECHECK,
            ),
            needs_store=True,
            section="Browsers",
            unit="seconds",
            does=(
                "How often an open WebSocket's session is checked in the store. The socket is closed with 3401 when the "
                "session was ended, and always when the access of its token ends."
            ),
            change="Lower it if a logout must close sockets faster; each check costs one store call per socket.",
            example="5",
        ),
    )
