"""A Flask request as the engine sees it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from flask import Request


@lru_cache(maxsize=64)
def _environ_key(name: str) -> str:
    return f"HTTP_{name.upper().replace('-', '_')}"


class FlaskRequest:
    """The ``RequestInfo`` of a Flask request.

    Headers are read from the WSGI environment, where repeated lines have become one value with commas between them.
    """

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        """Look at this request."""
        self._request = request

    @property
    def method(self) -> str:
        """The request method, in capitals."""
        return self._request.method

    @property
    def remote(self) -> str | None:
        """The client's address, as the server or a configured ``ProxyFix`` says."""
        return self._request.remote_addr

    def header(self, name: str, /) -> str | None:
        """Return the header's value, or None."""
        value: str | None = self._request.environ.get(_environ_key(name))
        return value

    def headers(self, name: str, /) -> Sequence[str]:
        """Return the header's one value, if there is any."""
        value = self.header(name)
        return () if value is None else (value,)
