"""The interface of a layout."""

from __future__ import annotations

from typing import Protocol

import attrs

from praetorian_core.token.claims import Claims
from praetorian_core.token.strict_json import JSONValue


@attrs.frozen(kw_only=True)
class EncodedClaims:
    """Claims ready to be signed: the header's ``typ`` and the members of the payload."""

    typ: str
    payload: dict[str, object]


class Layout(Protocol):
    """One encoding of claims."""

    @property
    def name(self) -> str:
        """The layout's name in configuration and errors."""
        ...

    @property
    def marker(self) -> str:
        """The claim that every token of this layout has and no token of another layout."""
        ...

    @property
    def counts_generations(self) -> bool:
        """Whether a session that begins in this layout counts its refreshes; a counted session stays counted."""
        ...

    @property
    def carries_auth_time(self) -> bool:
        """Whether a session that begins in this layout has the claim ``auth_time`` from its login on."""
        ...

    def read(self, typ: str | None, payload: dict[str, JSONValue], *, with_roles: bool) -> Claims:
        """Return the typed claims of a verified token.

        Args:
            typ: The header's ``typ``; None if absent.
            payload: The members of the payload; the call removes those that it reads.
            with_roles: Whether to return roles. Malformed roles are rejected either way.

        Raises:
            InvalidTokenError: A claim is missing, malformed or not allowed.
        """
        ...

    def write(self, claims: Claims, *, with_roles: bool) -> EncodedClaims:
        """Return the encoded claims.

        Args:
            claims: The claims of a session or an action token.
            with_roles: Whether to write roles.

        Raises:
            ConfigurationError: The layout has no encoding for these claims.
        """
        ...
