"""Decides whether a page of another site caused a request (Fetch Metadata, RFC 6454).

A browser names the relation of page and target in ``Sec-Fetch-Site``, which no script can set. A browser without it, or
one that does not trust the connection, still sends ``Origin`` with every unsafe request. Clients that are no browsers
send neither, and attackers cannot make them send a victim's cookies.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from praetorian_core.web.request import Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110 §9.2.1), so a forged request does no harm."""

_ORIGIN = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?")
_USUAL_PORTS = {"http": "80", "https": "443"}


def parse_origin(text: str) -> str | None:
    """Return an origin in the form in which browsers send it, or None if the text is not one.

    See:
        RFC 6454 §6.2.
    """
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        return None
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" if port in (None, _USUAL_PORTS[scheme]) else f"{scheme}://{host}:{port}"


def is_cross_site(request: Headers, trusted_origins: Collection[str]) -> bool:
    """Return whether a page of another origin, which is not trusted, caused the request.

    The scheme of the request is not compared, because behind a proxy the server does not know it.

    Args:
        request: The request.
        trusted_origins: Other origins whose pages may send requests, as ``parse_origin`` returns them.

    See:
        Fetch Metadata Request Headers §2.2; OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
    """
    origin = request.header("Origin")
    if origin is not None and parse_origin(origin) in trusted_origins:
        return False
    site = request.header("Sec-Fetch-Site")
    if site is not None:
        # "none": the user typed the address or followed a bookmark.
        return site not in {"same-origin", "none"}
    return origin is not None and not _is_own(origin, request.header("Host"))


def _is_own(origin: str, host: str | None) -> bool:
    parsed = parse_origin(origin)
    if parsed is None or host is None:
        return False
    scheme = parsed.partition("://")[0]
    return parsed == parse_origin(f"{scheme}://{host}")
