"""The result of checking an action token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

import attrs

U = TypeVar("U")


@attrs.frozen(kw_only=True)
class Action(Generic[U]):
    """A valid action token and its user.

    Attributes:
        user: The user, loaded again.
        name: The name of the action, such as ``reset``.
        claims: The custom claims. They cannot be changed at any depth, and a JSON encoder accepts them.
        issued_at: When the token was issued, in seconds since the epoch.
        expires_at: When it expires, in seconds since the epoch.
    """

    user: U
    name: str
    claims: Mapping[str, object] = attrs.field(hash=False)
    issued_at: int
    expires_at: int
