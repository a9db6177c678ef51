"""Where the present comes from."""

import time

from praetorian_core.clock import system_clock


class TestSystemClock:
    def test_is_the_machine_s_present(self):
        """The reading lies between two readings of the machine's own."""
        before = int(time.time())
        now = system_clock()

        assert before <= now <= int(time.time())

    def test_whole_seconds(self):
        """RFC 7519 §2: a NumericDate counts seconds; ours has no fraction, so it is an int and nothing like one."""

        assert int is type(system_clock())
