"""A password hasher that is too cheap for anything but tests.

A real hash takes 64 MiB and a tenth of a second, which slows down a suite with hundreds of logins. This hasher takes a
fraction of a millisecond and behaves like the real one otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from praetorian_core.login.passwords import MinimumParameters, PasswordHasher


class _CheapestHasher(PasswordHasher):
    # RFC 9106 §3.1: a lane needs at least 8 KiB.
    minimum: ClassVar[MinimumParameters] = MinimumParameters(memory_cost=8, single_pass_memory=8, min_length=1)


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
    """Return a hasher with the lowest cost that Argon2 allows, for tests only.

    It also accepts a ``min_length`` from 1 character, for fixtures with short passwords. The other options and their
    defaults are those of ``PasswordHasher``.

    Args:
        time_cost: Passes over the memory.
        memory_cost: Memory of one hash, in KiB, at least 8 KiB per lane.
        parallelism: Lanes.
        min_length: Minimum characters of a new password.
        max_bytes: Maximum length of a password in UTF-8 bytes.
        reject: Returns whether to reject a new password.
        max_concurrent: The most hashes computed at once.
        max_waiting: The most calls that wait for a slot.
        max_wait: The longest that a call waits, in seconds.

    Returns:
        A hasher whose hashes protect nothing.

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
