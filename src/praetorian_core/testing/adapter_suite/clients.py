"""Clients that call an application as a server does, without a server.

Facts:

* A WSGI server joins repeated header lines with a comma, because PEP 3333 has one key per header; an ASGI server passes
  on each line.
* Header values are Latin-1: ``str`` in PEP 3333, ``bytes`` in ASGI.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol, TypeAlias, cast
from urllib.parse import unquote_to_bytes

import attrs

from praetorian_core.testing.adapter_suite.values import Received, Request


class _Start(Protocol):
    """``start_response`` of PEP 3333, in a form that every framework's annotation accepts."""

    def __call__(
        self, status: str, headers: list[tuple[str, str]], failure: object = None, /
    ) -> Callable[[bytes], None]:
        """Start the response, or replace one that was started."""
        ...


_CHUNK = 16_384

_Event: TypeAlias = dict[str, object]
_Receive: TypeAlias = Callable[[], Awaitable[_Event]]
_Send: TypeAlias = Callable[[Mapping[str, object]], Awaitable[None]]

WSGIApplication: TypeAlias = Callable[[dict[str, object], _Start], Iterable[bytes]]
ASGIApplication: TypeAlias = Callable[[_Event, _Receive, _Send], Awaitable[object]]


@attrs.frozen
class WSGIClient:
    """Sends requests to a WSGI application.

    Attributes:
        app: The application.
    """

    app: WSGIApplication

    def send(self, request: Request) -> Received:
        """Return the response; an exception of the application propagates."""
        path, _, query = request.path.partition("?")
        environ: dict[str, object] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": request.remote,
            "HTTP_HOST": "localhost",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.payload() or b""),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if request.is_chunked:
            # Set by servers that decode the chunks, so that the stream ends with the body.
            environ["wsgi.input_terminated"] = True
        for name, value in request.lines():
            key = name.upper().replace("-", "_")
            if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
                key = f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _: object = None, /) -> Callable[[bytes], None]:
            started.append((status, headers))
            return written.append

        written: list[bytes] = []
        chunks = self.app(environ, start)
        try:
            written.extend(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        status, headers = started[-1]
        return Received(status=int(status[:3]), headers=tuple(headers), body=b"".join(written))


@attrs.frozen
class ASGIClient:
    """Sends requests to an ASGI application, each on a new event loop.

    Attributes:
        app: The application.
    """

    app: ASGIApplication

    def send(self, request: Request) -> Received:
        """Return the response; an exception of the application propagates."""
        return asyncio.run(self._send(request))

    async def _send(self, request: Request) -> Received:
        path, _, query = request.path.partition("?")
        lines = (("Host", "localhost"), *request.lines())
        scope: _Event = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode(),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in lines],
            "client": (request.remote, 50_000),
            "server": ("localhost", 80),
        }
        incoming = _body_events(request)
        sent: list[Mapping[str, object]] = []
        is_complete = asyncio.Event()

        async def receive() -> _Event:
            if incoming:
                return incoming.pop(0)
            # The client stays connected until the response is complete.
            await is_complete.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, object]) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                is_complete.set()

        await self.app(scope, receive, send)
        head = sent[0]
        headers = cast("Iterable[tuple[bytes, bytes]]", head.get("headers", ()))
        return Received(
            status=cast("int", head["status"]),
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers),
            body=b"".join(cast("bytes", message.get("body", b"")) for message in sent[1:]),
        )


def _body_events(request: Request) -> list[_Event]:
    body = request.payload() or b""
    size = _CHUNK if request.is_chunked else max(len(body), 1)
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    return [
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    ]
