"""What sessions are called in the store, and what an entry says."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.flows.state import (
    ENDED,
    MAX_CAS_ATTEMPTS,
    MAX_FORMER_EPOCHS,
    SPENT,
    Epoch,
    Generation,
    action_key,
    contention_error,
    entry_expiry,
    epoch_key,
    index_key,
    session_key,
)

D, E, F = "d" * 12, "e" * 12, "f" * 12
SID = "0123456789abcdef" * 2


class TestKeys:
    def test_one_slot(self):
        """All keys of one user begin with the same braces, so they lie in one slot of a Redis cluster."""
        keys = [session_key("alice", "s"), epoch_key("alice"), index_key("alice"), action_key("alice", "s")]

        assert 1 == len({key[: key.index("}") + 1] for key in keys})

    def test_distinct(self):
        """A session, an epoch, an index and an action never share a key, not even under one id."""
        keys = {make("alice") for make in (epoch_key, index_key)}
        keys |= {session_key("alice", "s"), session_key("alice", "t"), action_key("alice", "s")}

        assert 5 == len(keys)

    def test_other_user(self):
        """Two users share no key."""
        assert session_key("alice", "s") != session_key("bob", "s")

    @pytest.mark.parametrize(
        "make", [epoch_key, index_key, lambda name: session_key(name, "s"), lambda name: action_key(name, "s")]
    )
    def test_not_in_clear(self, make):
        """A key does not reveal its user."""
        assert "alice" not in make("alice@example.org")

    def test_integer(self):
        """An identity has the same keys as an integer and as its text, in which some layouts carry it."""
        assert epoch_key(17) == epoch_key("17")

    def test_uuid(self):
        """An identity has the same keys as a UUID and as its text, whether or not ``parse_identity`` reads it."""
        identity = uuid.uuid4()

        assert epoch_key(identity) == epoch_key(str(identity))


class TestKeptUntil:
    def test_outlives_the_token(self):
        """An entry outlives its token by the most that clocks may differ: 60 s."""
        assert 160 == entry_expiry(100)


class TestEpoch:
    def test_none(self):
        """Without an entry the sessions were never ended all at once: a token carries no epoch."""
        epoch = Epoch.parse(None)

        assert [True, False] == [epoch.accepts("a", name) for name in (None, E)]

    def test_plain(self):
        """An entry without a kept session accepts its epoch and no other."""
        epoch = Epoch.parse(E)

        assert [True, False, False] == [epoch.accepts("a", name) for name in (E, F, None)]

    @pytest.mark.parametrize("former", [None, D], ids=["none", "an-epoch"])
    def test_kept(self, former):
        """A kept session may be of the former epoch too, and no other session may."""
        epoch = Epoch.parse(Epoch(former).followed_by(E, "a").value())

        assert [True, True, False] == [epoch.accepts("a", name) for name in (E, former, F)]
        assert [True, False, False] == [epoch.accepts("b", name) for name in (E, former, F)]

    def test_entry(self):
        """The entry is as the module's docstring shows it: the epoch, a digest of the session, and former epochs."""
        epoch = Epoch(None).followed_by(D, "a").followed_by(E, "a")
        digest = "ca978112ca1bbdcafac231b39a23dc4d"

        assert f"{E} {digest} {D} none" == epoch.value()

    def test_kept_again(self):
        """A session that is kept twice may still be of the first epoch."""
        epoch = Epoch(None).followed_by(E, "a").followed_by(F, "a")

        assert [True, True, True] == [epoch.accepts("a", name) for name in (F, E, None)]

    def test_ended_stays_ended(self):
        """Keeping a session that an earlier epoch has ended does not bring it back."""
        ended = Epoch(D).followed_by(E, "b")
        epoch = ended.followed_by(F, "a")

        assert [True, False] == [epoch.accepts("a", name) for name in (E, D)]

    def test_bound(self):
        """A ninth epoch pushes the oldest one out, so the entry is bounded; its tokens are rejected."""
        names = [str(number) * 12 for number in range(MAX_FORMER_EPOCHS + 1)]
        epoch = Epoch(None)
        for name in names:
            epoch = Epoch.parse(epoch.followed_by(name, "a").value())

        assert [False, True, True] == [epoch.accepts("a", name) for name in (None, names[0], names[-1])]
        assert 12 + 33 + 8 * 13 == len(epoch.value())

    @given(st.text())
    def test_any_id(self, session_id):
        """Whatever the id is, the entry is short ASCII that can be read."""
        epoch = Epoch(E).followed_by(F, session_id)

        assert (True, epoch) == (epoch.value().isascii(), Epoch.parse(epoch.value()))

    @pytest.mark.parametrize(
        "entry",
        [
            "",
            f"{E} ",
            f"{E} {SID}",
            f"{E} {SID} ",
            f"{E} {SID} {D}x",
            f"{E} {SID} None",
            f"{E} {SID[1:]} {D}",
            f"{E} {SID.upper()} {D}",
            f"{E}  {SID} {D}",
            f"{E} {SID} {D}\n",
            f"none {SID} {D}",
            f"{E} {SID}{f' {D}' * 9}",
        ],
    )
    def test_rubbish(self, entry):
        """A malformed entry rejects."""
        with pytest.raises(ServiceUnavailableError, match="malformed epoch"):
            Epoch.parse(entry)

    def test_nearest(self):
        """The nearest well-formed entries are read."""
        assert Epoch(E, SID, (D, None)) == Epoch.parse(f"{E} {SID} {D} none")
        assert 8 == len(Epoch.parse(f"{E} {SID}{f' {D}' * 8}").former)


class TestGeneration:
    def test_none(self):
        """No entry means that the session was never refreshed."""
        assert Generation(0) == Generation.parse(None)
        assert Generation.parse(None).since is None

    @given(number=st.integers(0, 2**40), now=st.integers(0, 2**40))
    def test_round_trip(self, number, now):
        """The next generation's entry says its number and its second."""
        following = Generation.parse(Generation(number).next_value(10, now))

        assert (Generation(number + 1, (now,)), now) == (following, following.since)

    def test_first(self):
        """The entry after the first refresh is as the module's docstring shows it."""
        assert "1 1800000000" == Generation.parse(None).next_value(10, 1_800_000_000)

    def test_earlier(self):
        """The times of generations that are still tolerated follow, at most three of them, and none behind an older one."""
        assert "4 109 102 100" == Generation(3, (102, 100, 99)).next_value(10, 109)
        assert "4 110 102" == Generation(3, (102, 100, 99)).next_value(10, 110)
        assert "5 104 103 102 101" == Generation(4, (103, 102, 101, 100)).next_value(10, 104)
        assert "4 109" == Generation(3, (90, 102)).next_value(10, 109)

    @pytest.mark.parametrize(
        ("generation", "now", "expected"),
        [
            pytest.param(2, 112, True, id="previous-last-second"),
            pytest.param(2, 113, False, id="previous-end"),
            pytest.param(1, 109, True, id="one-before-last-second"),
            pytest.param(1, 110, False, id="one-before-end"),
            pytest.param(0, 103, False, id="older"),
            pytest.param(3, 103, False, id="current"),
            pytest.param(4, 103, False, id="future"),
            pytest.param(2, 94, True, id="another-clock"),
            pytest.param(2, 93, False, id="another-clock-too-far"),
        ],
    )
    def test_tolerates(self, generation, now, expected):
        """A generation may be presented again for the grace period after it was spent, each by its own time."""

        assert expected is Generation(3, (103, 100)).tolerates(generation, 10, now)

    @pytest.mark.parametrize("value", ["", "1", "1 2 3 4 5 6", "a b", "1 x", SPENT, ENDED, " "])
    def test_rubbish(self, value):
        """A malformed entry rejects."""
        with pytest.raises(ServiceUnavailableError):
            Generation.parse(value)


class TestLostEveryRace:
    def test_retry(self):
        """The error asks for another attempt in a second."""
        error = contention_error()

        assert (ServiceUnavailableError, 1) == (type(error), error.retry_after)
        assert str(MAX_CAS_ATTEMPTS) in str(error)
