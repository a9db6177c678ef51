"""Cross-site request forgery: a browser adds cookies to requests of any page, so a cookie alone proves nothing.

A request that changes something must come from a page of this API's own origin or of a trusted one, and must repeat the
claim ``csrf`` of the token in a header. Another site can neither read the claim nor send the header. The claim is signed,
so a cookie that another host of the domain has set fails the check (RFC 6265 §8.6).
"""

from __future__ import annotations

import hmac
from collections.abc import Collection

from praetorian_core.errors import CSRFError
from praetorian_core.web.origin import SAFE_METHODS, is_cross_site
from praetorian_core.web.request import RequestInfo

CSRF_HEADER = "X-CSRF-Token"


def check_csrf(request: RequestInfo, csrf: str | None, trusted_origins: Collection[str]) -> None:
    """Raise if a page of another site may have caused a request whose token came from a cookie.

    Args:
        request: The request.
        csrf: The claim ``csrf`` of its token; None if the token has none.
        trusted_origins: See ``is_cross_site``.

    Raises:
        CSRFError: Another site may have caused the request.

    See:
        ASVS 3.5.1, 3.5.3; OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
    """
    # RFC 6455 §4.1: the method of a handshake is GET. Under WSGI a header marks one, and a POST may carry it too.
    if request.is_websocket and request.method == "GET":
        # The socket that a handshake opens is not safe, and a handshake cannot carry the header.
        if request.header("Origin") is None or is_cross_site(request, trusted_origins):
            raise CSRFError(
                "a page of another origin opened the WebSocket, or no page at all; see PRAETORIAN_TRUSTED_ORIGINS"
            )
        return
    if request.method in SAFE_METHODS:
        return
    check_origin(request, trusted_origins)
    if csrf is None:
        raise CSRFError("the token in the cookie has no claim 'csrf'; expected a token that was issued for cookies")
    values = request.headers(CSRF_HEADER)
    if len(values) != 1:
        raise CSRFError(f"the request has {len(values)} headers {CSRF_HEADER}; expected one")
    if not hmac.compare_digest(values[0].encode("utf-8", "surrogatepass"), csrf.encode()):
        raise CSRFError(f"the header {CSRF_HEADER} does not equal the claim 'csrf' of the token in the cookie")


def check_origin(request: RequestInfo, trusted_origins: Collection[str]) -> None:
    """Raise if a page of another site caused an unsafe request, such as a login that sets a cookie.

    Args:
        request: The request.
        trusted_origins: See ``is_cross_site``.

    Raises:
        CSRFError: A page of another site caused the request, and its method is not safe.
    """
    if request.method not in SAFE_METHODS and is_cross_site(request, trusted_origins):
        raise CSRFError("a page of another origin caused the request; see PRAETORIAN_TRUSTED_ORIGINS")
