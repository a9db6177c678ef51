"""Facts about the deadlines of a token, to the second."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core.errors import (
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredActionError,
    ExpiredRefreshError,
    InvalidTokenError,
    PraetorianError,
)
from praetorian_core.principal import Principal
from praetorian_core.testing import FrozenClock
from praetorian_core.token.claims import ActionClaims
from praetorian_core.token.lifecycle import check_access, check_action, check_not_in_future, check_refresh

IAT = FrozenClock().now
EXP = IAT + 900
RF_EXP = IAT + 86_400

OK = None
ACCESS_OVER = "expired_access"
ALL_OVER = "expired_refresh"
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
    """Return the code of the refusal, or None."""
    try:
        return check(*arguments)
    except PraetorianError as error:
        return error.code


class TestCheckAccess:
    @pytest.mark.parametrize(
        ("now", "leeway", "expected"),
        [
            (IAT - 1, 0, OK),
            (IAT, 0, OK),
            (EXP - 1, 0, OK),
            (EXP, 0, ACCESS_OVER),
            (EXP + 1, 0, ACCESS_OVER),
            (EXP - 1, 60, OK),
            (EXP, 60, OK),
            (EXP + 59, 60, OK),
            (EXP + 60, 60, ACCESS_OVER),
            (EXP + 61, 60, ACCESS_OVER),
            (EXP, 1, OK),
            (EXP + 1, 1, ACCESS_OVER),
            (RF_EXP - 1, 0, ACCESS_OVER),
            (RF_EXP - 1, 60, ACCESS_OVER),
            (RF_EXP, 0, ALL_OVER),
            (RF_EXP, 60, ALL_OVER),
            (RF_EXP + 1, 60, ALL_OVER),
        ],
    )
    def test_access_ends_at_exp(self, now, leeway, expected):
        """A token is dead at its exp second, which a leeway moves (RFC 7519 §4.1.4: "on or after")."""

        assert expected == outcome(check_access, principal(), now, leeway)

    @pytest.mark.parametrize(
        ("now", "leeway", "expected"),
        [
            (EXP - 1, 0, OK),
            (EXP, 0, ALL_OVER),
            (EXP - 1, 60, OK),
            (EXP, 60, ALL_OVER),
            (EXP + 1, 60, ALL_OVER),
        ],
    )
    def test_a_leeway_never_moves_rf_exp(self, now, leeway, expected):
        """Where access and refresh end together, a leeway gives nothing."""

        assert expected == outcome(check_access, principal(rf_exp=EXP), now, leeway)

    @pytest.mark.parametrize(("now", "expected"), [(EXP + 29, OK), (EXP + 30, ALL_OVER), (EXP + 31, ALL_OVER)])
    def test_a_leeway_is_cut_at_rf_exp(self, now, expected):
        """A leeway of 60 s is worth 30 where rf_exp comes 30 s after exp."""

        assert expected == outcome(check_access, principal(rf_exp=EXP + 30), now, 60)

    def test_the_errors_carry_the_deadline(self):
        """Evidence for the log: which deadline, and when it was judged."""
        with pytest.raises(ExpiredAccessError) as access:
            check_access(principal(), EXP + 70, 60)
        with pytest.raises(ExpiredRefreshError) as refresh:
            check_access(principal(), RF_EXP + 5, 60)

        assert (EXP, EXP + 70) == (access.value.expired_at, access.value.now)
        assert (RF_EXP, RF_EXP + 5) == (refresh.value.expired_at, refresh.value.now)

    def test_no_year_is_too_far(self):
        """An end beyond the year 9999 is a number like any other (facts 24)."""
        far = 2**53 - 1

        assert outcome(check_access, principal(exp=far, rf_exp=far), far - 1, 0) is OK
        assert ALL_OVER == outcome(check_access, principal(exp=far, rf_exp=far), far, 0)


class TestCheckRefresh:
    @pytest.mark.parametrize(
        ("now", "leeway", "early", "expected"),
        [
            (IAT, 0, 0, TOO_EARLY),
            (EXP - 1, 0, 0, TOO_EARLY),
            (EXP, 0, 0, OK),
            (EXP + 1, 0, 0, OK),
            (EXP, 60, 0, TOO_EARLY),
            (EXP + 59, 60, 0, TOO_EARLY),
            (EXP + 60, 60, 0, OK),
            (EXP + 61, 60, 0, OK),
            (EXP - 301, 0, 300, TOO_EARLY),
            (EXP - 300, 0, 300, OK),
            (EXP - 299, 0, 300, OK),
            (EXP - 1, 0, 1, OK),
            (EXP - 2, 0, 1, TOO_EARLY),
            (EXP - 241, 60, 300, TOO_EARLY),
            (EXP - 240, 60, 300, OK),
            (IAT - 1, 0, 900, TOO_EARLY),
            (IAT, 0, 900, OK),
            (RF_EXP - 1, 0, 0, OK),
            (RF_EXP - 1, 60, 300, OK),
            (RF_EXP, 0, 0, ALL_OVER),
            (RF_EXP, 60, 0, ALL_OVER),
            (RF_EXP, 60, 300, ALL_OVER),
            (RF_EXP + 1, 0, 0, ALL_OVER),
        ],
    )
    def test_refresh_lasts_from_exp_to_rf_exp(self, now, leeway, early, expected):
        """Refresh iff ``e - early <= now < rf_exp``; at rf_exp the token is dead (facts 21)."""

        assert expected == outcome(check_refresh, principal(), now, leeway, early)

    @pytest.mark.parametrize(
        ("now", "leeway", "early", "expected"),
        [
            (EXP - 1, 0, 0, TOO_EARLY),
            (EXP, 0, 0, ALL_OVER),
            (EXP - 1, 60, 0, TOO_EARLY),
            (EXP, 60, 0, ALL_OVER),
            (EXP - 10, 60, 10, OK),
            (EXP - 11, 60, 10, TOO_EARLY),
        ],
    )
    def test_where_both_end_together_only_early_refresh_works(self, now, leeway, early, expected):
        """``e`` is never after rf_exp, so ``early`` counts from rf_exp there."""

        assert expected == outcome(check_refresh, principal(rf_exp=EXP), now, leeway, early)

    def test_the_errors_carry_the_deadline(self):
        """When to come back, or when it was over."""
        with pytest.raises(EarlyRefreshError) as early:
            check_refresh(principal(), IAT, 60, 300)
        with pytest.raises(ExpiredRefreshError) as late:
            check_refresh(principal(), RF_EXP, 60, 300)

        assert (EXP + 60 - 300, IAT) == (early.value.refreshable_at, early.value.now)
        assert (RF_EXP, RF_EXP) == (late.value.expired_at, late.value.now)


lifespans = st.integers(0, 300)
leeways = st.integers(0, 60)
shifts = st.integers(-10, 400)


class TestBothTogether:
    @given(lifespans, lifespans, shifts, leeways)
    def test_exactly_one_works_before_rf_exp(self, access, rest, shift, leeway):
        """At every instant before rf_exp a token opens routes or can be exchanged, never both, never neither (R21)."""
        token = principal(exp=IAT + access, rf_exp=IAT + access + rest)
        now = min(IAT + shift, token.refresh_expires_at - 1)

        verdicts = [outcome(check_access, token, now, leeway), outcome(check_refresh, token, now, leeway, 0)]

        assert verdicts in ([OK, TOO_EARLY], [ACCESS_OVER, OK])

    @given(lifespans, lifespans, shifts, leeways, st.integers(0, 300))
    def test_nothing_works_from_rf_exp_on(self, access, rest, shift, leeway, early):
        """No leeway and no early refresh moves rf_exp, and the answer spares the client a refresh."""
        token = principal(exp=IAT + access, rf_exp=IAT + access + rest)
        now = max(IAT + shift, token.refresh_expires_at)

        assert ALL_OVER == outcome(check_access, token, now, leeway)
        assert ALL_OVER == outcome(check_refresh, token, now, leeway, early)

    @given(lifespans, lifespans, shifts, leeways, st.integers(0, 300))
    def test_the_definition_holds(self, access, rest, shift, leeway, early):
        """With ``e = min(exp + leeway, rf_exp)``: access iff ``now < e``, refresh iff ``e - early <= now < rf_exp``."""
        exp, rf_exp, now = IAT + access, IAT + access + rest, IAT + shift
        token = principal(exp=exp, rf_exp=rf_exp)
        e = min(exp + leeway, rf_exp)

        assert (now < e) is (outcome(check_access, token, now, leeway) is OK)
        assert (e - early <= now < rf_exp) is (outcome(check_refresh, token, now, leeway, early) is OK)

    @pytest.mark.parametrize("leeway", [0, 1, 60])
    @pytest.mark.parametrize("rest", [0, 1, 30, 60, 61, 100])
    def test_every_second_of_a_short_life(self, rest, leeway):
        """Second by second: access first, then refresh, then nothing, with no gap and no overlap."""
        token = principal(exp=IAT + 10, rf_exp=IAT + 10 + rest)
        e = min(token.access_expires_at + leeway, token.refresh_expires_at)
        expected = [
            (OK, TOO_EARLY)
            if now < e
            else (ACCESS_OVER, OK)
            if now < token.refresh_expires_at
            else (ALL_OVER, ALL_OVER)
            for now in range(IAT, IAT + 200)
        ]

        actual = [
            (outcome(check_access, token, now, leeway), outcome(check_refresh, token, now, leeway, 0))
            for now in range(IAT, IAT + 200)
        ]

        assert expected == actual


class TestCheckAction:
    @pytest.mark.parametrize(
        ("now", "expected"),
        [(IAT, OK), (EXP - 1, OK), (EXP, "expired_action"), (EXP + 1, "expired_action"), (RF_EXP, "expired_action")],
    )
    def test_an_action_ends_at_exp(self, now, expected):
        """An action token is dead at its exp second, and no leeway prolongs it."""
        claims = ActionClaims(identity=7, action="reset", token_id="j1", issued_at=IAT, expires_at=EXP)

        assert expected == outcome(check_action, claims, now)

    def test_the_error_carries_the_deadline(self):
        """Evidence for the log."""
        claims = ActionClaims(identity=7, action="reset", token_id="j1", issued_at=IAT, expires_at=EXP)

        with pytest.raises(ExpiredActionError) as caught:
            check_action(claims, EXP + 12)

        assert (EXP, EXP + 12) == (caught.value.expired_at, caught.value.now)


class TestCheckBirth:
    @pytest.mark.parametrize("name", ["iat", "nbf"])
    @pytest.mark.parametrize(
        ("instant", "leeway"), [(IAT - 1, 0), (IAT, 0), (IAT + 1, 1), (IAT + 60, 60), (IAT - 100, 60), (0, 0)]
    )
    def test_what_has_come_passes(self, name, instant, leeway):
        """A token may be used from its very second on, and clocks may differ by the leeway (RFC 7519 §4.1.5)."""

        assert check_not_in_future(name, instant, IAT, leeway) is None

    @pytest.mark.parametrize("name", ["iat", "nbf"])
    @pytest.mark.parametrize(
        ("instant", "leeway", "ahead"),
        [(IAT + 1, 0, 1), (IAT + 2, 1, 2), (IAT + 61, 60, 61), (2**53 - 1, 60, 2**53 - 1 - IAT)],
    )
    def test_what_is_still_to_come_is_refused(self, name, instant, leeway, ahead):
        """One second more than the leeway is the future; the token is invalid and not merely early (facts 22)."""
        with pytest.raises(InvalidTokenError) as caught:
            check_not_in_future(name, instant, IAT, leeway)

        assert f"claim {name!r} lies {ahead} s in the future ({instant} > {IAT})" == str(caught.value)
