"""The system clock."""

import time

from praetorian_core.clock import system_clock


class TestSystemClock:
    def test_reads_the_system_time(self):
        """The reading lies between two readings of ``time.time``."""
        before = int(time.time())
        now = system_clock()

        assert before <= now <= int(time.time())

    def test_whole_seconds(self):
        """A NumericDate may have a fraction (RFC 7519 §2); the clock returns an int."""

        assert int is type(system_clock())
