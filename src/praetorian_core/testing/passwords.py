"""A hasher that is too cheap for anything but tests.

A real hash takes 64 MiB and a tenth of a second, which a suite with hundreds of logins feels. This
one takes a fraction of a millisecond and decides everything else as the real one does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from praetorian_core.login.passwords import CostFloor, PasswordHasher


class _CheapestHasher(PasswordHasher):
    # RFC 9106 §3.1: a lane needs 8 KiB at least.
    floor: ClassVar[CostFloor] = CostFloor(memory_cost=8, single_pass_memory=8, min_length=1)


def cheapest_hasher(
    *,
    time_cost: int = 1,
    memory_cost: int = 8,
    parallelism: int = 1,
    min_length: int = 8,
    max_bytes: int = 4096,
    reject: Callable[[str], bool] | None = None,
    max_concurrent: int | None = None,
    max_waiting: int | None = None,
    max_wait: float = 10.0,
) -> PasswordHasher:
    """Return a hasher of the least cost that Argon2 can have: for tests only.

    It also takes a ``min_length`` from 1 character on, for fixtures with short passwords. The other
    options and their defaults are those of ``PasswordHasher``.

    Args:
        time_cost: Passes over the memory.
        memory_cost: Memory of one hash, in KiB, from 8 KiB a lane.
        parallelism: Lanes.
        min_length: The fewest characters of a new password.
        max_bytes: The longest password in UTF-8 bytes.
        reject: Whether to refuse a new password.
        max_concurrent: The most hashes computed at once.
        max_waiting: The most calls that queue for their turn.
        max_wait: The longest that a call queues, in seconds.

    Returns:
        A hasher whose hashes guard nothing.

    Raises:
        ConfigurationError: A value is out of bounds.

    Example:
        >>> hasher = cheapest_hasher()
        >>> hasher.verify("correct horse", hasher.hash("correct horse"))
        True
    """
    return _CheapestHasher(
        time_cost=time_cost,
        memory_cost=memory_cost,
        parallelism=parallelism,
        min_length=min_length,
        max_bytes=max_bytes,
        reject=reject,
        max_concurrent=max_concurrent,
        max_waiting=max_waiting,
        max_wait=max_wait,
    )
