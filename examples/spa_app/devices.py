"""Names the device of a login, so that users recognize their sessions."""

from __future__ import annotations

# Browsers name themselves and their ancestors, so the first hit counts: Edge also says Chrome and Safari.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def device_of(user_agent: str | None) -> str:
    """Return what a ``User-Agent`` header says of the client, such as "Firefox on Linux".

    The client chooses the header, so the result is for its own user to read and proves nothing.
    """
    text = user_agent or ""
    browser = next((name for mark, name in BROWSERS.items() if mark in text), "A client")
    system = next((name for mark, name in SYSTEMS.items() if mark in text), None)
    return browser if system is None else f"{browser} on {system}"
