"""Headers of an authenticated request."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core.guard import Guard
from praetorian_core.lifespan import Lifespan

U = TypeVar("U")


def as_user(
    guard: Guard[U],
    user: U,
    *,
    label: str | None = None,
    access_lifespan: Lifespan | None = None,
    refresh_lifespan: Lifespan | None = None,
    **custom_claims: object,
) -> dict[str, str]:
    """Return headers with a token of the user, for a test client.

    The token is issued by the guard, so the request is verified as in production.

    Args:
        guard: The application's guard.
        user: The user.
        label: Label of the session (with a store only).
        access_lifespan: Overrides the configured lifespan.
        refresh_lifespan: Overrides the configured lifespan.
        custom_claims: Custom claims of the token.

    Returns:
        One header: the configured name, with the configured scheme and the token.

    Raises:
        InvalidUserError: The user is not active.
        ClaimCollisionError: The name of a custom claim is reserved.

    Example::

        client.get("/protected", headers=as_user(guard, alice))
    """
    token = guard.issue(
        user, label=label, access_lifespan=access_lifespan, refresh_lifespan=refresh_lifespan, **custom_claims
    )
    return {guard.settings.header_name: f"{guard.settings.header_type} {token}"}
