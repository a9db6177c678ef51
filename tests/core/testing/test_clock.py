"""The frozen clock."""

import pytest

from praetorian_core.errors import ExpiredAccessError
from praetorian_core.guard import Guard
from praetorian_core.settings import Settings
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers
from praetorian_core.token.keys import KeyRing, generate_secret


class TestFrozenClock:
    def test_stands_still(self):
        """Every reading is the same."""
        clock = FrozenClock(100)

        assert [100, 100, 100] == [clock(), clock(), clock()]

    def test_has_a_present(self):
        """The default is a whole second in the future."""

        assert int is type(FrozenClock()())
        assert FrozenClock()() == FrozenClock()() > 1_700_000_000

    @pytest.mark.parametrize(
        ("ticks", "expected"),
        [([()], 101), ([(15,)], 115), ([(1,), (2,)], 103), ([(-1,)], 99), ([(0,)], 100)],
        ids=["one", "many", "twice", "back", "not-at-all"],
    )
    def test_moves_when_told(self, ticks, expected):
        """``tick`` moves the clock by a number of seconds, by default one."""
        clock = FrozenClock(100)
        for tick in ticks:
            clock.tick(*tick)

        assert expected == clock()

    def test_is_a_guard_s_clock(self):
        """A guard's test reaches exp - 1 and exp without sleeping."""
        clock = FrozenClock()
        users = MemoryUsers([alice := MemoryUser(identity=1, username="alice")])
        settings = Settings(keys=KeyRing.from_secret(generate_secret()), access_lifespan=60)
        guard = Guard(users, settings, clock=clock, passwords=None)
        token = guard.issue(alice)
        clock.tick(59)
        assert 1 == guard.verify(token).identity

        clock.tick()
        with pytest.raises(ExpiredAccessError):
            guard.verify(token)
