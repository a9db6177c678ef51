"""A clock that a test moves."""

from __future__ import annotations


class FrozenClock:
    """A ``Clock`` for tests: without sleeping or patching, a test reaches each boundary to the second.

    Attributes:
        now: Current time in seconds since the epoch.

    Example::

        clock = FrozenClock()
        guard = Guard(User, settings, clock=clock)
        token = guard.issue(alice)
        clock.tick(15 * 60)
    """

    def __init__(self, now: int = 1_800_000_000) -> None:
        """Start at a time in seconds since the epoch."""
        self.now: int = now

    def __call__(self) -> int:
        """Return the current time."""
        return self.now

    def tick(self, seconds: int = 1) -> None:
        """Move forward by some seconds, or back by a negative number."""
        self.now += seconds
