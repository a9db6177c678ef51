"""The place of one call in the queue for password hashing."""

from __future__ import annotations

import attrs


@attrs.define(eq=False)
class HashTurn:
    """The place of one call in the queue for password hashing.

    Attributes:
        networks: The networks of the client, from the widest to its own; empty if the client is not known. Calls of
            different networks take turns.
        begun: Whether the call got its slot, so that its hash is computed or will be.
    """

    networks: tuple[str, ...] = ()
    begun: bool = attrs.field(default=False, init=False)
