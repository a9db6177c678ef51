"""The facts about a request that the core needs, and CORS preflight requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import MutableMapping, Sequence
from typing import Protocol, cast

import attrs

from praetorian_core.principal import Principal


class Headers(Protocol):
    """The headers of a request; names are compared without regard to letter case."""

    def header(self, name: str, /) -> str | None:
        """Return the value of the header, or None."""
        ...

    def headers(self, name: str, /) -> Sequence[str]:
        """Return every value of the header that the server did not join with others."""
        ...


@attrs.frozen(kw_only=True)
class Renewal:
    """A token that replaced the one in the cookie of a request.

    Attributes:
        presented: The token in the cookie.
        token: The token that replaced it.
        set_cookies: Values of ``Set-Cookie`` headers that put it into the browser.
    """

    presented: str = attrs.field(repr=False)
    token: str = attrs.field(repr=False)
    set_cookies: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Redemption:
    """A ticket that was redeemed for a request, so that a second check of the request does not redeem it again.

    Attributes:
        ticket: The ticket.
        principal: Its principal.
        guard: The guard that redeemed it. A view can pass its request on to an application with another guard, to which the
            ticket means nothing.
    """

    ticket: str = attrs.field(repr=False)
    principal: Principal
    guard: object = attrs.field(repr=False)


class RequestInfo(Headers, Protocol):
    """Facts about a request, and two notes about it; an adapter implements it for its framework."""

    @property
    def method(self) -> str:
        """Request method in upper case."""
        ...

    @property
    def remote(self) -> str | None:
        """Client address that the framework trusts, or None."""
        ...

    @property
    def is_websocket(self) -> bool:
        """Whether the request is the handshake of a WebSocket."""
        ...

    @property
    def query(self) -> str:
        """Query string as the client sent it, without the question mark; empty if there is none."""
        ...

    @property
    def renewal(self) -> Renewal | None:
        """Renewal of the token in the request's cookie, or None.

        The guard sets it, for this request alone; the adapter adds its ``Set-Cookie`` headers to the response.
        """
        ...

    @renewal.setter
    def renewal(self, renewal: Renewal | None, /) -> None: ...

    @property
    def redemption(self) -> Redemption | None:
        """Redemption of the ticket in the request's query, or None; the guard sets it, for this request alone."""
        ...

    @redemption.setter
    def redemption(self, redemption: Redemption | None, /) -> None: ...


class RequestNotes(ABC):
    """The notes of a ``RequestInfo``, in a dictionary that belongs to the request: its WSGI environment or ASGI scope."""

    __slots__ = ()

    @property
    @abstractmethod
    def _notes(self) -> MutableMapping[str, object]:
        """Dictionary of the request."""

    @property
    def renewal(self) -> Renewal | None:
        """Renewal of the token in the request's cookie, or None."""
        return cast("Renewal | None", self._notes.get("praetorian.renewal"))

    @renewal.setter
    def renewal(self, renewal: Renewal | None, /) -> None:
        self._notes["praetorian.renewal"] = renewal

    @property
    def redemption(self) -> Redemption | None:
        """Redemption of the ticket in the request's query, or None."""
        return cast("Redemption | None", self._notes.get("praetorian.redemption"))

    @redemption.setter
    def redemption(self, redemption: Redemption | None, /) -> None:
        self._notes["praetorian.redemption"] = redemption


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
