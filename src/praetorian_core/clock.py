"""Where the present comes from: an argument, never a hidden call.

Everything that judges takes ``now`` as whole seconds since the epoch. A guard is given one clock, reads it once a
flow, and hands the reading on.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns the present in whole seconds since 1970-01-01T00:00:00Z (RFC 7519 §2, NumericDate)."""


def system_clock() -> int:
    """Return the machine's present, in whole seconds since the epoch."""
    return int(time.time())
