"""The clock of a guard.

Functions that depend on the time take ``now``, in whole seconds since the epoch. A flow reads its guard's clock once and
passes the value on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

Clock = Callable[[], int]
"""Returns the current time in whole seconds since 1970-01-01T00:00:00Z (RFC 7519 §2, NumericDate)."""

NEVER: Final = 253_402_300_799
"""The last second of the year 9999: the expiry of entries that are never deleted."""


def system_clock() -> int:
    """Return the system time in whole seconds since the epoch."""
    return int(time.time())
