"""``purging``: how far the purge time follows the readings of a clock. What stores do with it is in their own tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core.stores.purging import CONFIRMED_AFTER, TOLERANCE, PurgeTime, next_purge_time

NOW = 1_000_000


class TestFollow:
    @pytest.mark.parametrize("passed", [0, 1, 3_600], ids=["at-once", "a-second", "an-hour"])
    def test_right_clock(self, passed):
        """A reading that agrees with the time that has passed is followed."""

        assert PurgeTime(NOW + passed, 5.0 + passed) == PurgeTime(NOW, 5.0).follow(NOW + passed, 5.0 + passed)

    @pytest.mark.parametrize(
        ("ahead", "expected"),
        [(TOLERANCE, NOW + 100 + TOLERANCE), (TOLERANCE + 1, NOW + 100)],
        ids=["tolerance", "tolerance+1"],
    )
    def test_ahead(self, ahead, expected):
        """A reading may be ahead by the tolerance; beyond that only the time that has passed counts."""

        assert expected == PurgeTime(NOW, 5.0).follow(NOW + 100 + ahead, 105.0).seconds

    def test_earlier(self):
        """An earlier reading is followed at once: it only keeps entries longer."""

        assert NOW - 10**6 == PurgeTime(NOW, 5.0).follow(NOW - 10**6, 6.0).seconds

    @pytest.mark.parametrize(
        ("after", "is_believed"), [(CONFIRMED_AFTER - 1, False), (CONFIRMED_AFTER, True)], ids=["day-1", "day"]
    )
    def test_confirmed(self, after, is_believed):
        """A jump that every reading confirms for a day is believed."""
        suspicious = PurgeTime(NOW, 0.0).follow(10 * NOW, 0.0)

        assert is_believed is (suspicious.follow(10 * NOW + after, float(after)).seconds == 10 * NOW + after)

    def test_restart(self):
        """After a restart the monotonic clock begins anew, and so does the day."""
        suspicious = PurgeTime(NOW, 10.0**6).follow(10 * NOW, 10.0**6)
        restarted = suspicious.follow(10 * NOW, 5.0)

        assert PurgeTime(NOW, 5.0, 5.0) == restarted

    @given(st.lists(st.tuples(st.integers(0, 10**10), st.floats(0, 600)), max_size=50))
    def test_never_faster_than_time(self, readings):
        """Whatever the readings, within a day the purge time is not later than the lowest reading plus the time since."""
        purge_time, elapsed = PurgeTime(NOW, 0.0), 0.0
        for reading, passed in readings:
            elapsed += passed
            purge_time = purge_time.follow(NOW + max(reading, TOLERANCE + int(elapsed) + 1), elapsed)
            assert purge_time.seconds <= NOW + elapsed


class TestNextPurgeTime:
    def test_first_reading(self):
        """The first reading is believed: before it no entry was written."""

        assert PurgeTime(NOW, 5.0) == next_purge_time(None, NOW, lambda: 5.0)

    def test_same_second(self):
        """In the same second nothing changes."""
        former = PurgeTime(NOW, 5.0)

        assert former is next_purge_time(former, NOW, lambda: 5.5)

    def test_later(self):
        """Later it follows."""

        assert PurgeTime(NOW + 1, 6.0) == next_purge_time(PurgeTime(NOW, 5.0), NOW + 1, lambda: 6.0)
