"""The parts that both applications share: configuration, folder of the page, headers that protect the page."""

from __future__ import annotations

from pathlib import Path

CONFIG: dict[str, object] = {
    # Pages send the token in a cookie, other clients in the header.
    "JWT_PLACES": ["header", "cookie"],
    # A request whose cookie no longer grants access is refreshed while it is answered.
    "PRAETORIAN_COOKIE_REFRESH": True,
    # Longer than the slowest answer: until that arrives, parallel requests carry the former cookie.
    "PRAETORIAN_REFRESH_GRACE": "1 minute",
    # Remembers ended sessions, in this process. With several workers write sqlite:///path or redis://host.
    "PRAETORIAN_STORE": "memory://",
}

PAGE = Path(__file__).parent / "page"
"""The files that browsers load."""

HEADERS = {
    # Only files of this origin: no inline script, no script of another host, no frame around the page.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every response."""


def headers_for(path: str) -> dict[str, str]:
    """Return the headers of a response: no cache stores what the API answers, because it is meant for one user."""
    return HEADERS | {"Cache-Control": "no-store" if path.startswith("/api/") else "no-cache"}


MAX_NOTE = 200
"""The longest note, in characters."""


def is_note(text: object) -> bool:
    """Return whether a member of a JSON body is a note."""
    return isinstance(text, str) and 0 < len(text) <= MAX_NOTE
