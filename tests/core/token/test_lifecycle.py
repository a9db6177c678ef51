"""The deadlines of a token, to the second."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core import errors
from praetorian_core.principal import Principal
from praetorian_core.testing import FrozenClock
from praetorian_core.token.claims import MAX_TIME, ActionClaims, TicketClaims
from praetorian_core.token.lifecycle import (
    access_end,
    check_access,
    check_action,
    check_not_in_future,
    check_reading,
    check_refresh,
    check_session_end,
    check_ticket,
    session_end,
)

IAT = FrozenClock().now
EXP = IAT + 900
RF_EXP = IAT + 86_400

OK = None
ACCESS_EXPIRED = "expired_access"
ALL_EXPIRED = "expired_refresh"
TOO_EARLY = "early_refresh"


def principal(exp=EXP, rf_exp=RF_EXP, iat=IAT):
    return Principal(
        identity=7,
        roles=frozenset(),
        claims={},
        session_id="s1",
        issued_at=iat,
        access_expires_at=exp,
        refresh_expires_at=rf_exp,
    )


def outcome(check, *arguments):
    """Return the code of the error, or None."""
    try:
        return check(*arguments)
    except errors.PraetorianError as error:
        return error.code


class TestCheckReading:
    @pytest.mark.parametrize("reading", [0, 1, MAX_TIME], ids=repr)
    def test_whole_seconds(self, reading):
        """A time is an integer that a token can carry."""

        assert check_reading(reading) is None

    @pytest.mark.parametrize("reading", [-1, MAX_TIME + 1, True, 7.0, "7", None], ids=repr)
    def test_another_reading(self, reading):
        """The error names a wrong int, or the type of anything else."""
        found = reading if type(reading) is int else type(reading).__name__
        with pytest.raises(errors.ConfigurationError, match=rf"^the clock returned {found}; expected a function"):
            check_reading(reading)


class TestCheckAccess:
    @pytest.mark.parametrize(
        ("now", "leeway", "expected"),
        [
            (IAT - 1, 0, OK),
            (IAT, 0, OK),
            (EXP - 1, 0, OK),
            (EXP, 0, ACCESS_EXPIRED),
            (EXP + 1, 0, ACCESS_EXPIRED),
            (EXP - 1, 60, OK),
            (EXP, 60, OK),
            (EXP + 59, 60, OK),
            (EXP + 60, 60, ACCESS_EXPIRED),
            (EXP + 61, 60, ACCESS_EXPIRED),
            (EXP, 1, OK),
            (EXP + 1, 1, ACCESS_EXPIRED),
            (RF_EXP - 1, 0, ACCESS_EXPIRED),
            (RF_EXP - 1, 60, ACCESS_EXPIRED),
            (RF_EXP, 0, ALL_EXPIRED),
            (RF_EXP, 60, ALL_EXPIRED),
            (RF_EXP + 1, 60, ALL_EXPIRED),
        ],
    )
    def test_access_ends_at_exp(self, now, leeway, expected):
        """Access ends at the exp second, or later by the leeway (RFC 7519 §4.1.4: "on or after")."""

        assert expected == outcome(check_access, principal(), now, leeway, None)

    @pytest.mark.parametrize(
        ("now", "leeway", "expected"),
        [
            (EXP - 1, 0, OK),
            (EXP, 0, ALL_EXPIRED),
            (EXP - 1, 60, OK),
            (EXP, 60, ALL_EXPIRED),
            (EXP + 1, 60, ALL_EXPIRED),
        ],
    )
    def test_a_leeway_never_moves_rf_exp(self, now, leeway, expected):
        """Where access and refresh end together, a leeway prolongs nothing."""

        assert expected == outcome(check_access, principal(rf_exp=EXP), now, leeway, None)

    @pytest.mark.parametrize(("now", "expected"), [(EXP + 29, OK), (EXP + 30, ALL_EXPIRED), (EXP + 31, ALL_EXPIRED)])
    def test_a_leeway_is_cut_at_rf_exp(self, now, expected):
        """A leeway of 60 s prolongs access by 30 s if rf_exp is 30 s after exp."""

        assert expected == outcome(check_access, principal(rf_exp=EXP + 30), now, 60, None)

    def test_the_errors_carry_the_deadline(self):
        """Evidence for the log: the deadline, and the time of the check."""
        with pytest.raises(errors.ExpiredAccessError) as access:
            check_access(principal(), EXP + 70, 60, None)
        with pytest.raises(errors.ExpiredRefreshError) as refresh:
            check_access(principal(), RF_EXP + 5, 60, None)

        assert (EXP, EXP + 70) == (access.value.expired_at, access.value.now)
        assert (RF_EXP, RF_EXP + 5) == (refresh.value.expired_at, refresh.value.now)

    def test_no_year_is_too_far(self):
        """A deadline beyond the year 9999 is a number like any other."""
        far = 2**53 - 1

        assert outcome(check_access, principal(exp=far, rf_exp=far), far - 1, 0, None) is OK
        assert ALL_EXPIRED == outcome(check_access, principal(exp=far, rf_exp=far), far, 0, None)


class TestCheckRefresh:
    @pytest.mark.parametrize(
        ("now", "early", "expected"),
        [
            (IAT, 0, TOO_EARLY),
            (EXP - 1, 0, TOO_EARLY),
            (EXP, 0, OK),
            (EXP + 1, 0, OK),
            (EXP - 301, 300, TOO_EARLY),
            (EXP - 300, 300, OK),
            (EXP - 299, 300, OK),
            (EXP - 2, 1, TOO_EARLY),
            (EXP - 1, 1, OK),
            (IAT - 1, 900, TOO_EARLY),
            (IAT, 900, OK),
            (RF_EXP - 1, 0, OK),
            (RF_EXP - 1, 300, OK),
            (RF_EXP, 0, ALL_EXPIRED),
            (RF_EXP, 300, ALL_EXPIRED),
            (RF_EXP + 1, 0, ALL_EXPIRED),
        ],
    )
    def test_refresh_lasts_from_exp_to_rf_exp(self, now, early, expected):
        """A token can be refreshed while ``exp - early <= now < rf_exp``."""

        assert expected == outcome(check_refresh, principal(), now, early, None)

    @pytest.mark.parametrize(
        ("now", "early", "expected"),
        [
            (EXP - 1, 0, TOO_EARLY),
            (EXP, 0, ALL_EXPIRED),
            (EXP - 11, 10, TOO_EARLY),
            (EXP - 10, 10, OK),
            (EXP - 1, 10, OK),
            (EXP, 10, ALL_EXPIRED),
        ],
    )
    def test_where_both_end_together_only_early_refresh_works(self, now, early, expected):
        """If exp is rf_exp, no second is left for a refresh but those of ``early``."""

        assert expected == outcome(check_refresh, principal(rf_exp=EXP), now, early, None)

    def test_the_errors_carry_the_deadline(self):
        """The first second of refresh, or its end."""
        with pytest.raises(errors.EarlyRefreshError) as early:
            check_refresh(principal(), IAT, 300, None)
        with pytest.raises(errors.ExpiredRefreshError) as late:
            check_refresh(principal(), RF_EXP, 300, None)

        assert (EXP - 300, IAT) == (early.value.refreshable_at, early.value.now)
        assert (RF_EXP, RF_EXP) == (late.value.expired_at, late.value.now)


lifespans = st.integers(0, 300)
leeways = st.integers(0, 60)
shifts = st.integers(-10, 400)


class TestBothTogether:
    @given(lifespans, lifespans, shifts)
    def test_without_a_leeway_exactly_one_works(self, access, rest, shift):
        """At every second before rf_exp a token is valid either for access or for a refresh."""
        token = principal(exp=IAT + access, rf_exp=IAT + access + rest)
        now = min(IAT + shift, token.refresh_expires_at - 1)

        verdicts = (outcome(check_access, token, now, 0, None), outcome(check_refresh, token, now, 0, None))

        assert verdicts in {(OK, TOO_EARLY), (ACCESS_EXPIRED, OK)}

    @given(lifespans, lifespans, shifts, leeways, st.integers(-60, 60))
    def test_on_two_clocks_at_least_one_works(self, access, rest, shift, leeway, difference):
        """Clocks that differ by at most the leeway never reject access here and refresh as too early there."""
        token = principal(exp=IAT + access, rf_exp=IAT + access + rest)
        here = min(IAT + shift, token.refresh_expires_at - 1)
        there = min(here + max(-leeway, min(leeway, difference)), token.refresh_expires_at - 1)

        assert OK in {outcome(check_access, token, here, leeway, None), outcome(check_refresh, token, there, 0, None)}

    def test_clocks_that_differ_by_more_leave_a_gap(self):
        """The leeway must cover the difference: one second more, and a token works on neither machine."""

        assert ACCESS_EXPIRED == outcome(check_access, principal(), EXP + 5, 5, None)
        assert TOO_EARLY == outcome(check_refresh, principal(), EXP - 1, 0, None)

    @given(lifespans, lifespans, shifts, leeways, st.integers(0, 300))
    def test_nothing_works_from_rf_exp_on(self, access, rest, shift, leeway, early):
        """No leeway and no early refresh moves rf_exp, and the code says that a refresh is useless."""
        token = principal(exp=IAT + access, rf_exp=IAT + access + rest)
        now = max(IAT + shift, token.refresh_expires_at)

        assert ALL_EXPIRED == outcome(check_access, token, now, leeway, None)
        assert ALL_EXPIRED == outcome(check_refresh, token, now, early, None)

    @given(lifespans, lifespans, shifts, leeways, st.integers(0, 300))
    def test_the_definition_holds(self, access, rest, shift, leeway, early):
        """Access while ``now < min(exp + leeway, rf_exp)``, refresh while ``exp - early <= now < rf_exp``."""
        exp, rf_exp, now = IAT + access, IAT + access + rest, IAT + shift
        token = principal(exp=exp, rf_exp=rf_exp)

        assert (now < min(exp + leeway, rf_exp)) is (outcome(check_access, token, now, leeway, None) is OK)
        assert (exp - early <= now < rf_exp) is (outcome(check_refresh, token, now, early, None) is OK)


class TestIdle:
    IDLE = 250
    END = IAT + IDLE

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            pytest.param(END - 1, OK, id="last-second"),
            pytest.param(END, "expired_refresh", id="end"),
            pytest.param(END + 1, "expired_refresh", id="after"),
        ],
    )
    def test_end(self, now, expected):
        """A session that is not refreshed ends the idle lifespan after ``iat``: for access and for a refresh."""
        token = principal(iat=IAT, exp=self.END, rf_exp=self.END + 1000)
        assert expected == outcome(check_session_end, token, now, self.IDLE)

        assert expected == outcome(check_access, token, now, 0, self.IDLE)
        assert expected == outcome(check_refresh, token, now, 1000, self.IDLE)

    def test_leeway(self):
        """A leeway prolongs no idle session."""
        token = principal(iat=IAT, exp=self.END, rf_exp=self.END + 1000)

        assert "expired_refresh" == outcome(check_access, token, self.END, 60, self.IDLE)

    def test_refresh_lifespan(self):
        """The end of the refresh lifespan holds beside it."""

        assert IAT + 100 == session_end(IAT, IAT + 100, 101)
        assert IAT + 100 == session_end(IAT, IAT + 100, None)

    def test_evidence(self):
        """The error holds the end of the idle session."""
        token = principal(iat=IAT, exp=self.END, rf_exp=self.END + 1000)
        with pytest.raises(errors.ExpiredRefreshError) as caught:
            check_access(token, self.END + 5, 0, self.IDLE)

        assert (self.END, self.END + 5) == (caught.value.expired_at, caught.value.now)


class TestCheckAction:
    @pytest.mark.parametrize(
        ("now", "expected"),
        [(IAT, OK), (EXP - 1, OK), (EXP, "expired_action"), (EXP + 1, "expired_action"), (RF_EXP, "expired_action")],
    )
    def test_an_action_ends_at_exp(self, now, expected):
        """An action token has expired at its exp second, and no leeway prolongs it."""
        claims = ActionClaims(identity=7, action="reset", token_id="j1", issued_at=IAT, expires_at=EXP)

        assert expected == outcome(check_action, claims, now)

    def test_the_error_carries_the_deadline(self):
        """Evidence for the log."""
        claims = ActionClaims(identity=7, action="reset", token_id="j1", issued_at=IAT, expires_at=EXP)

        with pytest.raises(errors.ExpiredActionError) as caught:
            check_action(claims, EXP + 12)

        assert (EXP, EXP + 12) == (caught.value.expired_at, caught.value.now)


class TestCheckTicket:
    @pytest.mark.parametrize(
        ("now", "expected"), [(IAT, OK), (IAT + 29, OK), (IAT + 30, "expired_ticket"), (IAT + 31, "expired_ticket")]
    )
    def test_a_ticket_ends_at_exp(self, now, expected):
        """A ticket has expired at its exp second, and no leeway prolongs it."""
        claims = TicketClaims(principal=principal(), token_id="j1", issued_at=IAT, expires_at=IAT + 30)

        assert expected == outcome(check_ticket, claims, now)


class TestAccessEnd:
    @given(
        access=st.integers(0, 100),
        refresh=st.integers(0, 100),
        leeway=st.integers(0, 60),
        idle=st.none() | st.integers(1, 100),
    )
    def test_is_the_first_second_that_is_rejected(self, access, refresh, leeway, idle):
        """``check_access`` accepts the second before and rejects this one."""
        token = principal(exp=IAT + min(access, refresh), rf_exp=IAT + refresh)
        end = access_end(token, leeway, idle)

        assert OK is outcome(check_access, token, end - 1, leeway, idle)
        assert outcome(check_access, token, end, leeway, idle) in {ACCESS_EXPIRED, ALL_EXPIRED}


@pytest.mark.parametrize("name", ["iat", "nbf"])
class TestCheckNotInFuture:
    @pytest.mark.parametrize(
        ("ahead", "leeway"),
        [(-100, 0), (-1, 0), (0, 0), (1, 0), (10, 0), (10, 1), (10, 10), (11, 11), (60, 60), (-100, 60)],
    )
    def test_up_to_the_tolerance_it_passes(self, name, ahead, leeway):
        """Clocks may differ by the leeway, and by 10 seconds in any case (RFC 7519 §4.1.5)."""

        assert check_not_in_future(name, IAT + ahead, IAT, leeway) is None

    @pytest.mark.parametrize(
        ("ahead", "leeway", "tolerance"), [(11, 0, 10), (11, 10, 10), (12, 11, 11), (61, 60, 60), (2**53, 60, 60)]
    )
    def test_one_second_more_is_rejected(self, name, ahead, leeway, tolerance):
        """The token is invalid, and the error names the setting."""
        with pytest.raises(errors.InvalidTokenError) as caught:
            check_not_in_future(name, IAT + ahead, IAT, leeway)

        expected = (
            f"claim {name!r} lies {ahead} s in the future ({IAT + ahead} > {IAT}); expected at most {tolerance} s: "
            "synchronize the clocks of the machines, or see JWT_LEEWAY"
        )
        assert expected == str(caught.value)
