"""The entry that lists a user's sessions."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import NOW, RING

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.flows.session_index import Row, SessionIndex, live_session
from praetorian_core.flows.state import ENDED, Epoch, Write
from praetorian_core.session import MAX_LABEL
from praetorian_core.settings import MAX_SESSIONS, Settings

E, F = "e" * 12, "f" * 12
END = NOW + 1000
ROW = Row("sid", NOW, END, 1, "Firefox on Linux")
SETTINGS = Settings(keys=RING, access_lifespan=50, idle_lifespan=100)

rows = st.builds(
    Row,
    st.text("AZaz09-_", min_size=22, max_size=22),
    st.integers(0, 2**53),
    st.integers(0, 2**53),
    st.integers(0, 1),
    st.text(max_size=MAX_LABEL),
)


class TestEntry:
    def test_text(self):
        """It is JSON with the epoch and a row for each session."""
        index = SessionIndex(E, (ROW,))

        assert Write(f'["{E}",[["sid",{NOW},{END},1,"Firefox on Linux"]]]', END + 60) == index.write(NOW)

    def test_ascii(self):
        """A label of any letters is written in ASCII, as a store needs it."""

        assert SessionIndex(None, (attrs.evolve(ROW, label="狐\n"),)).write(NOW).value.isascii()

    def test_expiry(self):
        """The entry lives as long as the longest session in it."""
        longest = attrs.evolve(ROW, refresh_expires_at=END + 5)

        assert END + 65 == SessionIndex(None, (longest, ROW)).write(NOW).expires_at

    def test_empty(self):
        """An entry without a session expires at once: it needs no place in the store."""

        assert Write("[null,[]]", NOW) == SessionIndex(None, ()).write(NOW)

    def test_bound(self):
        """A full index is of the documented length, whatever the labels are."""
        row = Row("s" * 22, 2**53, 2**53, 1, "\udbff" * MAX_LABEL)
        full = SessionIndex(E, (row,) * MAX_SESSIONS).write(NOW).value

        assert (100, 45_018) == (MAX_SESSIONS, len(full))

    @given(st.none() | st.just(E), st.lists(rows, max_size=5))
    def test_round_trip(self, epoch, listed):
        """What was written is read."""
        index = SessionIndex(epoch, tuple(listed))

        assert index == SessionIndex.parse(index.write(NOW).value)

    def test_absent(self):
        """Without an entry there is no session."""

        assert SessionIndex(None, ()) == SessionIndex.parse(None)

    @pytest.mark.parametrize(
        "entry",
        [
            "",
            "ended",
            "null",
            "5",
            "[]",
            "[null]",
            "[null,[],[]]",
            "[5,[]]",
            "[null,5]",
            "[null,{}]",
            "[null,[5]]",
            '[null,["sidXX"]]',
            '[null,[["sid",1,2,1]]]',
            '[null,[["sid",1,2,1,"","x"]]]',
            '[null,[["sid",1,2,true,""]]]',
            '[null,[["sid",1.0,2,1,""]]]',
            '[null,[[5,1,2,1,""]]]',
            '[null,[["sid",1,2,1,null]]]',
            "[" * 100_000,
        ],
        ids=lambda entry: entry[:30],
    )
    def test_malformed(self, entry):
        """An entry that was never written here is a failure of the store."""
        with pytest.raises(ServiceUnavailableError, match="malformed index"):
            SessionIndex.parse(entry)

    def test_well_formed(self):
        """The nearest entry that may have been written here is read."""

        assert (Row("sid", 1, 2, 1, ""),) == SessionIndex.parse('[null,[["sid",1,2,1,""]]]').rows


class TestValidIn:
    @pytest.mark.parametrize(("now", "expected"), [(END - 1, (ROW,)), (END, ()), (END + 1, ())])
    def test_expiry(self, now, expected):
        """A session is listed until its rf_exp."""

        assert expected == SessionIndex(None, (ROW,)).valid_in(Epoch(None), now)

    @pytest.mark.parametrize(("written", "current", "count"), [(None, None, 1), (E, E, 1), (None, E, 0), (E, F, 0)])
    def test_epoch(self, written, current, count):
        """The sessions of an earlier epoch were ended all at once."""

        assert count == len(SessionIndex(written, (ROW,)).valid_in(Epoch(current), NOW))

    def test_kept(self):
        """Only the session that was kept stays in the next epoch."""
        other = attrs.evolve(ROW, session_id="other")

        assert (ROW,) == SessionIndex(E, (other, ROW)).valid_in(Epoch(E).followed_by(F, "sid"), NOW)


class TestLiveSession:
    def seen(self, entry, now=NOW, row=ROW, settings=SETTINGS):
        """Return when the session was refreshed and when it ends; None if it has ended."""
        session = live_session(row, entry, settings, now)
        return session and (session.refreshed_at, session.ends_at - NOW)

    def test_ended(self):
        """A session that was ended is not live."""

        assert None is self.seen(ENDED)

    @pytest.mark.parametrize(("entry", "expected"), [(None, (None, 1000)), (f"3 {NOW + 7}", (NOW + 7, 1000))])
    def test_no_idle_lifespan(self, entry, expected):
        """Its last refresh comes from its own entry; without an idle lifespan it ends at rf_exp."""

        assert expected == self.seen(entry, settings=Settings(keys=RING))

    @pytest.mark.parametrize(("late", "is_live"), [(99, True), (100, False), (101, False)])
    def test_never_refreshed(self, late, is_live):
        """A session that was never refreshed ends the idle lifespan after its login."""

        assert is_live is (self.seen(None, NOW + late) == (None, 100))

    @pytest.mark.parametrize(("late", "is_live"), [(159, True), (160, False)])
    def test_refreshed(self, late, is_live):
        """A refreshed one ends the idle lifespan after the last token of that refresh, which the grace may delay."""

        assert is_live is (self.seen(f"1 {NOW + 50}", NOW + late) == (NOW + 50, 160))

    @pytest.mark.parametrize(("late", "is_live"), [(999, True), (1000, False)])
    def test_uncounted(self, late, is_live):
        """When a session that is not counted was last refreshed is not known, so it may live until rf_exp."""
        row = attrs.evolve(ROW, is_counted=0)

        assert is_live is (self.seen(None, NOW + late, row) == (None, 1000))

    def test_counted_later(self):
        """A session that a later refresh has counted is like any other."""

        assert (NOW + 50, 160) == self.seen(f"1 {NOW + 50}", row=attrs.evolve(ROW, is_counted=0))

    def test_malformed(self):
        """An entry that was never written here is a failure of the store."""
        with pytest.raises(ServiceUnavailableError, match="malformed session entry"):
            self.seen("rubbish")

    def test_text_is_json(self):
        """The row's members are JSON values as they are."""

        assert list(attrs.astuple(ROW)) == json.loads(json.dumps(attrs.astuple(ROW)))
