"""Claims that every layout reads alike: times, names and custom claims."""

from __future__ import annotations

import attrs
import pytest
from tests.core.token.layouts.payloads import (
    ABSENT,
    ALL_NAMES,
    LONG_S,
    NAMES,
    NO_NAMES,
    NO_TIMES,
    READERS,
    REQUIRED_NAMES,
    TIMES,
    read_action,
    read_legacy,
    read_session,
    table,
)

from praetorian_core.errors import InvalidTokenError, MissingClaimError
from praetorian_core.token.claims import MAX_TIME, RESERVED, SessionClaims


class TestTimes:
    @pytest.mark.parametrize(("read", "claim", "value"), table(TIMES, NO_TIMES))
    def test_what_is_no_integer_of_seconds_is_refused(self, read, claim, value):
        """A time is an integer from 0 to 2**53 - 1; nothing is coerced (RFC 7519 §2)."""
        with pytest.raises(InvalidTokenError) as caught:
            read(**{claim: value})

        expected = f"claim {claim!r} is {type(value).__name__}; expected an integer from 0 to 2**53 - 1 (RFC 7519 §2)"
        assert expected == str(caught.value)

    @pytest.mark.parametrize(("read", "claim"), [(READERS[kind], claim) for kind in TIMES for claim in ("iat", "exp")])
    def test_a_time_that_is_missing_is_refused(self, read, claim):
        """``iat`` and ``exp`` are required."""
        with pytest.raises(MissingClaimError) as caught:
            read(**{claim: ABSENT})

        assert claim == caught.value.claim

    @pytest.mark.parametrize("read", [read_session, read_legacy])
    def test_a_session_without_rf_exp_is_refused(self, read):
        """A session token without an end could be refreshed in perpetuity."""
        with pytest.raises(MissingClaimError) as caught:
            read(rf_exp=ABSENT)

        assert "rf_exp" == caught.value.claim

    @pytest.mark.parametrize("read", [read_session, read_legacy])
    def test_times_up_to_the_bounds_pass(self, read):
        """0 and 2**53 - 1 are times."""
        actual = read(iat=0, exp=MAX_TIME, rf_exp=MAX_TIME).principal

        assert (0, MAX_TIME, MAX_TIME) == (
            actual.issued_at,
            actual.access_expires_at,
            actual.refresh_expires_at,
        )

    def test_times_of_an_action_up_to_the_bounds_pass(self):
        """0 and 2**53 - 1 are times for an action as well."""
        actual = read_action(iat=0, exp=MAX_TIME)

        assert (0, MAX_TIME) == (actual.issued_at, actual.expires_at)

    @pytest.mark.parametrize("gen", [0, 1, MAX_TIME])
    def test_a_generation_passes(self, gen):
        """The generation is counted with integers from 0 on."""

        assert gen == read_session(gen=gen).generation

    def test_a_generation_that_is_absent_is_zero(self):
        """A session that was never refreshed says nothing."""

        assert 0 == read_session().generation


class TestOrder:
    @pytest.mark.parametrize("read", [read_session, read_legacy])
    @pytest.mark.parametrize(
        ("iat", "exp", "rf_exp", "detail"),
        [
            (201, 200, 300, "claim 'iat' is later than 'exp' (201 > 200)"),
            (100, 301, 300, "claim 'exp' is later than 'rf_exp' (301 > 300)"),
            (301, 301, 300, "claim 'exp' is later than 'rf_exp' (301 > 300)"),
            (300, 200, 100, "claim 'iat' is later than 'exp' (300 > 200)"),
        ],
    )
    def test_deadlines_in_the_wrong_order_are_refused(self, read, iat, exp, rf_exp, detail):
        """``iat <= exp <= rf_exp``, or the token is invalid."""
        with pytest.raises(InvalidTokenError) as caught:
            read(iat=iat, exp=exp, rf_exp=rf_exp)

        assert detail == str(caught.value)

    @pytest.mark.parametrize("read", [read_session, read_legacy])
    @pytest.mark.parametrize(("iat", "exp", "rf_exp"), [(200, 200, 300), (100, 300, 300), (300, 300, 300)])
    def test_deadlines_that_coincide_pass(self, read, iat, exp, rf_exp):
        """Equal instants are in order."""

        assert exp == read(iat=iat, exp=exp, rf_exp=rf_exp).principal.access_expires_at

    def test_an_action_that_ends_before_it_was_issued_is_refused(self):
        """``iat <= exp`` holds for an action too."""
        with pytest.raises(InvalidTokenError, match="'iat' is later than 'exp'"):
            read_action(iat=201)

    def test_an_action_that_ends_when_it_was_issued_passes(self):
        """It is in order, and has expired."""

        assert 200 == read_action(iat=200).issued_at

    def test_a_legacy_action_is_ordered_like_a_session(self):
        """flask-praetorian's action tokens carry ``rf_exp``, and it counts."""
        with pytest.raises(InvalidTokenError, match="'exp' is later than 'rf_exp'"):
            read_legacy(is_prt=True, rf_exp=199)


class TestNames:
    @pytest.mark.parametrize(("read", "claim", "value"), table(ALL_NAMES, NO_NAMES))
    def test_what_is_no_short_text_is_refused(self, read, claim, value):
        """A name is a string of 1 to 255 characters; null is not "absent"."""
        with pytest.raises(InvalidTokenError) as caught:
            read(**{"id": ABSENT if claim == "sub" else 7, claim: value})

        expected = f"claim {claim!r} is {type(value).__name__}; expected a string of 1 to 255 characters"
        assert expected == str(caught.value)

    @pytest.mark.parametrize(("read", "claim", "value"), table(ALL_NAMES, NAMES))
    def test_a_short_text_passes(self, read, claim, value):
        """One character is enough, 255 are not too many, and digits stay text."""
        claims = read(**{"id": ABSENT if claim == "sub" else 7, claim: value})
        said = claims._asdict() | vars(claims.principal) if isinstance(claims, SessionClaims) else attrs.asdict(claims)

        assert value in said.values()

    @pytest.mark.parametrize(
        ("read", "claim"), [(READERS[k], claim) for k, claims in REQUIRED_NAMES.items() for claim in claims]
    )
    def test_a_required_name_that_is_missing_is_refused(self, read, claim):
        """The error names the claim."""
        with pytest.raises(MissingClaimError) as caught:
            read(**{claim: ABSENT})

        assert claim == caught.value.claim

    def test_optional_names_that_are_missing_are_none(self):
        """No epoch, no fingerprint: None, in either layout."""

        assert (None, None) == (read_session().principal.session_epoch, read_legacy().principal.session_epoch)
        assert read_action().fingerprint is None


class TestCustomClaimsOnReading:
    @pytest.mark.parametrize("read", READERS.values(), ids=READERS)
    def test_the_other_names_are_custom(self, read):
        """Whatever has no meaning here is carried, as it is and read-only."""
        claims = read(team="red", nested={"sub": 1}, **{"": 0, "self": [None]})
        custom = getattr(claims, "principal", claims).claims

        assert {"team": "red", "nested": {"sub": 1}, "": 0, "self": [None]} == dict(custom)
        with pytest.raises(TypeError):
            custom["team"] = "blue"

    @pytest.mark.parametrize("read", READERS.values(), ids=READERS)
    def test_custom_claims_do_not_hinder_a_hash(self, read):
        """Claims may be members of a set, whatever the custom ones hold."""

        assert 1 == len({read(team=["red"]), read(team=["red"])})

    @pytest.mark.parametrize("read", READERS.values(), ids=READERS)
    @pytest.mark.parametrize("claim", ["nbf", "iss", "aud"])
    def test_registered_names_are_not_custom(self, read, claim):
        """``nbf``, ``iss`` and ``aud`` are validated by the codec and are not custom claims."""
        claims = read(**{claim: "x"})

        assert {} == dict(getattr(claims, "principal", claims).claims)

    @pytest.mark.parametrize("read", READERS.values(), ids=READERS)
    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_a_reserved_name_in_other_letters_is_refused(self, read, name):
        """``SUB``, ``Sub`` and one with a long s are no custom claims: a reader that folds case would take them."""
        for disguise in {name.upper(), name.title(), name.replace("s", LONG_S)} - {name}:
            with pytest.raises(InvalidTokenError) as caught:
                read(**{disguise: 1})

            assert f"claim {disguise!r} is not allowed in this kind of token" == str(caught.value)

    @pytest.mark.parametrize("name", ["generation", "idx", "s id", "sub ", "s_ub", "İss", "role", "rf-exp", "jtí"])
    def test_a_name_that_only_resembles_one_passes(self, name):
        """Only the same letters are the same name."""

        assert {name: 1} == dict(read_session(**{name: 1}).principal.claims)

    @pytest.mark.parametrize("claim", ["sub", "roles", "sid", "action", "pwf"])
    def test_a_legacy_token_with_a_name_of_the_standard_is_refused(self, claim):
        """A custom claim takes no name of either layout, so a change of layout never gives it a meaning."""
        with pytest.raises(InvalidTokenError) as caught:
            read_legacy(**{claim: "x"})

        assert f"claim {claim!r} is not allowed in this kind of token" == str(caught.value)
