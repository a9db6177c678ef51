"""Decides which expired entries a store may remove.

An entry expires by the ``now`` of a call, and stays expired or live as the next call's ``now`` says. Removing it is final,
so one wrong reading of a clock must not be enough: a machine that believes for a moment to be in another year would
remove every revocation, and ended sessions would be valid again.

The purge time therefore follows ``now`` only as fast as time can pass, measured by a clock that is never set
(``time.monotonic``). A jump ahead is not followed until every reading has confirmed it for a day. Earlier readings are
followed at once, because they only keep entries longer.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

TOLERANCE = 60
"""A reading may be ahead of the expected time by so many seconds: entries are kept this much longer than tokens."""

CONFIRMED_AFTER = 86_400
"""A jump ahead is believed once all readings have agreed for so many seconds."""


@attrs.frozen
class PurgeTime:
    """The time up to which expired entries may be removed, and how it was found.

    Attributes:
        seconds: The purge time, in seconds since the epoch.
        read_at: When it was found, in seconds of a monotonic clock.
        ahead_since: Since when every reading has been too far ahead, on the same clock; None if the last was not.
    """

    seconds: int
    read_at: float
    ahead_since: float | None = None

    def follow(self, now: int, elapsed: float) -> PurgeTime:
        """Return the purge time after another reading.

        Args:
            now: The time of the call, in seconds since the epoch.
            elapsed: The monotonic clock. It restarts with the machine; the time before that is then not counted.
        """
        # Whole seconds, and the rest stays in read_at: frequent calls would otherwise round the time away.
        passed = max(int(elapsed - self.read_at), 0)
        read_at = self.read_at + passed if elapsed >= self.read_at else elapsed
        reachable = self.seconds + passed
        if now <= reachable + TOLERANCE:
            return PurgeTime(now, elapsed)
        since = elapsed if self.ahead_since is None or self.ahead_since > elapsed else self.ahead_since
        if elapsed - since >= CONFIRMED_AFTER:
            return PurgeTime(now, elapsed)
        return PurgeTime(reachable, read_at, since)


def next_purge_time(former: PurgeTime | None, now: int, elapsed: Callable[[], float]) -> PurgeTime:
    """Return the purge time after a reading of the clock.

    Args:
        former: The purge time before it; None before the first reading.
        now: The reading, in seconds since the epoch.
        elapsed: The monotonic clock, in seconds.
    """
    if former is None:
        return PurgeTime(now, elapsed())
    # Most writes come within the same second.
    return former if former.seconds == now else former.follow(now, elapsed())
