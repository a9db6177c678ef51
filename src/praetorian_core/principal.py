"""Who acts: the outcome of a successful verification."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Principal:
    """Whoever a verified session token speaks for.

    Attributes:
        identity: What ``user.identity`` was when the token was issued.
        roles: The role names, as they were when the token was issued; empty where roles are disabled.
        claims: The custom claims, read-only.
        session_id: The session's id, the same over every refresh. It names the session and opens nothing by itself.
        issued_at: When the token was issued, in seconds since the epoch.
        access_expires_at: From when on the token opens nothing, in seconds since the epoch.
        refresh_expires_at: From when on it cannot be refreshed, in seconds since the epoch.
    """

    identity: object
    roles: frozenset[str]
    claims: Mapping[str, object] = attrs.field(hash=False)
    session_id: str
    issued_at: int
    access_expires_at: int
    refresh_expires_at: int
