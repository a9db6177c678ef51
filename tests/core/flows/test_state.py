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
    SPENT,
    Generation,
    action_key,
    contention_error,
    entry_expiry,
    epoch_key,
    session_key,
)


class TestKeys:
    def test_one_slot(self):
        """All keys of one user begin with the same braces, so they lie in one slot of a Redis cluster."""
        keys = [session_key("alice", "s"), epoch_key("alice"), action_key("alice", "s")]

        assert 1 == len({key[: key.index("}") + 1] for key in keys})

    def test_distinct(self):
        """A session, an epoch and an action never share a key, not even under one id."""
        keys = {session_key("alice", "s"), epoch_key("alice"), action_key("alice", "s"), session_key("alice", "t")}

        assert 4 == len(keys)

    def test_other_user(self):
        """Two users share no key."""
        assert session_key("alice", "s") != session_key("bob", "s")

    @pytest.mark.parametrize(
        "make", [epoch_key, lambda name: session_key(name, "s"), lambda name: action_key(name, "s")]
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


class TestGeneration:
    def test_none(self):
        """No entry means that the session was never refreshed."""
        assert Generation(0, None) == Generation.parse(None)

    @given(number=st.integers(0, 2**40), now=st.integers(0, 2**40))
    def test_round_trip(self, number, now):
        """The next generation's entry says its number and its second."""
        assert Generation(number + 1, now) == Generation.parse(Generation(number, None).next_value(now))

    def test_first(self):
        """The entry after the first refresh is as the module's docstring shows it."""
        assert "1 1800000000" == Generation.parse(None).next_value(1_800_000_000)

    @pytest.mark.parametrize("value", ["", "1", "1 2 3", "a b", "1 x", SPENT, ENDED, " "])
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
