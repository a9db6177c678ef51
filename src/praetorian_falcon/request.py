"""The facts about a Falcon request that the core needs.

Facts:

* WSGI servers join repeated header lines with a comma. ``falcon.asgi.Request`` joins most headers and keeps only the
  last line of some; the ASGI scope holds every line, in a list on every server known.
* ``req.access_route`` trusts ``Forwarded`` and ``X-Forwarded-For``, which a client can set to any value.
  ``req.remote_addr`` does not, but under ASGI it parses them and raises ``ValueError`` for some values.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from typing import cast

import falcon
import falcon.asgi

from praetorian_core.web.request import RequestInfo, RequestNotes


class WSGIRequest(RequestNotes):
    """``RequestInfo`` of a ``falcon.Request``."""

    __slots__ = ("_request",)

    def __init__(self, request: falcon.Request) -> None:
        """Wrap the request."""
        self._request = request

    @property
    def _notes(self) -> MutableMapping[str, object]:
        return self._request.env

    @property
    def method(self) -> str:
        """Request method in upper case."""
        return self._request.method

    @property
    def remote(self) -> str | None:
        """Client address that the server reports."""
        return self._request.remote_addr

    @property
    def is_websocket(self) -> bool:
        """Whether the request is the handshake of a WebSocket, which some WSGI servers let an application take over."""
        return "HTTP_SEC_WEBSOCKET_VERSION" in self._request.env

    @property
    def query(self) -> str:
        """Query string as the client sent it."""
        return self._request.query_string

    def header(self, name: str, /) -> str | None:
        """Return the value of the header, or None."""
        return self._request.get_header(name)

    def headers(self, name: str, /) -> Sequence[str]:
        """Return the one value of the header, or no value."""
        value = self._request.get_header(name)
        return () if value is None else (value,)


class ASGIRequest(RequestNotes):
    """``RequestInfo`` of a ``falcon.asgi.Request``, including the handshake of a WebSocket."""

    __slots__ = ("_request",)

    def __init__(self, request: falcon.asgi.Request) -> None:
        """Wrap the request."""
        self._request = request

    @property
    def _notes(self) -> MutableMapping[str, object]:
        return self._request.scope

    @property
    def method(self) -> str:
        """Request method in upper case."""
        return self._request.method

    @property
    def remote(self) -> str | None:
        """Client address that the server reports, or None."""
        try:
            return self._request.remote_addr
        except (IndexError, TypeError, ValueError):
            # Falcon failed on a forged header, or on a server that reports no address.
            client = cast("Sequence[str] | None", self._request.scope.get("client"))
            return (client[0] or None) if client else None

    @property
    def is_websocket(self) -> bool:
        """Whether the request is the handshake of a WebSocket."""
        return bool(self._request.scope["type"] == "websocket")

    @property
    def query(self) -> str:
        """Query string as the client sent it."""
        return self._request.query_string

    def header(self, name: str, /) -> str | None:
        """Return the value of the header, or None."""
        return self._request.get_header(name)

    def headers(self, name: str, /) -> Sequence[str]:
        """Return the value of every line of the header."""
        lines = cast("Iterable[tuple[bytes, bytes]]", self._request.scope["headers"])
        if isinstance(lines, list | tuple):
            wanted = name.lower().encode("latin-1")
            return [value.decode("latin-1") for found, value in lines if found == wanted]
        # ASGI requires only an iterable. Falcon has consumed it, so its joined value is the only one available.
        value = self._request.get_header(name)
        return () if value is None else (value,)


def request_info(req: falcon.Request) -> RequestInfo:
    """Return the ``RequestInfo`` of a request of either kind."""
    return ASGIRequest(req) if isinstance(req, falcon.asgi.Request) else WSGIRequest(req)
