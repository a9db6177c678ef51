"""A clock that stands still until it is told to move."""

from __future__ import annotations


class FrozenClock:
    """A ``Clock`` for tests: no sleep, no patching, every boundary to the second.

    Example::

        clock = FrozenClock()
        guard = Guard(User, settings, clock=clock)
        token = guard.issue(alice)
        clock.tick(15 * 60)
    """

    def __init__(self, now: int = 1_800_000_000) -> None:
        """Stand still at an instant, in seconds since the epoch."""
        self.now: int = now

    def __call__(self) -> int:
        """Return the present."""
        return self.now

    def tick(self, seconds: int = 1) -> None:
        """Move on by some seconds, or back by a negative number."""
        self.now += seconds
