"""Requests that come from a user who has logged in."""

from __future__ import annotations

from typing import TypeVar

from praetorian_core.guard import Guard
from praetorian_core.lifespan import Lifespan

U = TypeVar("U")


def as_user(
    guard: Guard[U],
    user: U,
    *,
    access_lifespan: Lifespan | None = None,
    refresh_lifespan: Lifespan | None = None,
    **custom_claims: object,
) -> dict[str, str]:
    """Return the headers with which a test client acts as a user.

    The token is a real one, so the test goes through the same gate as production.

    Args:
        guard: The application's guard.
        user: Who acts.
        access_lifespan: In place of the configured one.
        refresh_lifespan: In place of the configured one.
        custom_claims: What else the token says.

    Example::

        client.get("/protected", headers=as_user(guard, alice))
    """
    token = guard.issue(user, access_lifespan=access_lifespan, refresh_lifespan=refresh_lifespan, **custom_claims)
    return {guard.settings.header_name: f"{guard.settings.header_type} {token}"}
