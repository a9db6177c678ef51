"""The facts about a request that the core needs, and CORS preflight requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class RequestInfo(Protocol):
    """Four facts about a request; an adapter implements it for its framework.

    Header names are compared without regard to letter case.
    """

    @property
    def method(self) -> str:
        """Request method in upper case."""
        ...

    @property
    def remote(self) -> str | None:
        """Client address that the framework trusts, or None."""
        ...

    def header(self, name: str, /) -> str | None:
        """Return the value of the header, or None."""
        ...

    def headers(self, name: str, /) -> Sequence[str]:
        """Return every value of the header that the server did not join with others."""
        ...


def is_preflight(request: RequestInfo) -> bool:
    """Return whether the request is a CORS preflight, which carries no credentials.

    The adapter answers it with the framework's list of methods and does not run the view.

    See:
        Fetch Standard, "CORS-preflight request": ``OPTIONS`` with ``Origin`` and ``Access-Control-Request-Method``.
    """
    return (
        request.method == "OPTIONS"
        and request.header("Origin") is not None
        and request.header("Access-Control-Request-Method") is not None
    )
