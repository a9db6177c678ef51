"""The facts about a Flask request that the core needs."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from functools import lru_cache

from flask import Request

from praetorian_core.web.request import RequestNotes


@lru_cache(maxsize=64)
def _environ_key(name: str) -> str:
    return f"HTTP_{name.upper().replace('-', '_')}"


class FlaskRequest(RequestNotes):
    """``RequestInfo`` of a Flask request.

    Headers are read from the WSGI environment, where the server has joined repeated lines with commas.
    """

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        """Wrap a request."""
        self._request = request

    @property
    def _notes(self) -> MutableMapping[str, object]:
        return self._request.environ

    @property
    def method(self) -> str:
        """Request method in upper case."""
        return self._request.method

    @property
    def remote(self) -> str | None:
        """Client address, from the server or from a configured ``ProxyFix``."""
        return self._request.remote_addr

    @property
    def is_websocket(self) -> bool:
        """Whether the request is the handshake of a WebSocket, which some WSGI servers let a view take over."""
        return "HTTP_SEC_WEBSOCKET_VERSION" in self._request.environ

    @property
    def query(self) -> str:
        """Query string as the client sent it."""
        query: str = self._request.environ.get("QUERY_STRING", "")
        return query

    def header(self, name: str, /) -> str | None:
        """Return the value of the header, or None."""
        value: str | None = self._request.environ.get(_environ_key(name))
        return value

    def headers(self, name: str, /) -> Sequence[str]:
        """Return the one value of the header, if it is present."""
        value = self.header(name)
        return () if value is None else (value,)
