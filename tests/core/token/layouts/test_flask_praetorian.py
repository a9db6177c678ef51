"""The layout FLASK_PRAETORIAN."""

from __future__ import annotations

import pytest
from tests.core.token.layouts.payloads import ABSENT, action_claims, legacy, principal, read_legacy

from praetorian_core.errors import ClaimValueError, ConfigurationError, InvalidTokenError, MissingClaimError
from praetorian_core.token.claims import MAX_IDENTITY, MAX_TIME, ActionClaims, SessionClaims
from praetorian_core.token.layouts import FLASK_PRAETORIAN


class TestFlaskPraetorian:
    @pytest.mark.parametrize("typ", [None, "JWT", "jwt", "Jwt", "jWT"])
    def test_the_typ_is_jwt_or_absent(self, typ):
        """flask-praetorian's tokens have ``JWT``, in any case, or no ``typ``."""

        assert 7 == FLASK_PRAETORIAN.read(typ, legacy(), with_roles=True).principal.identity

    @pytest.mark.parametrize("typ", ["action+jwt", "at+jwt", "", "JW", "JWT "])
    def test_another_typ_is_refused(self, typ):
        """An action token of the other layout is none here."""
        with pytest.raises(InvalidTokenError, match="header 'typ' does not fit the layout FLASK_PRAETORIAN"):
            FLASK_PRAETORIAN.read(typ, legacy(), with_roles=True)

    @pytest.mark.parametrize("identity", ["", "x" * 256], ids=["empty", "256"])
    def test_an_empty_or_long_id_is_refused(self, identity):
        """A text that is an identity has 1 to 255 characters."""
        with pytest.raises(InvalidTokenError, match="expected a string of 1 to 255 characters"):
            read_legacy(id=identity)

    @pytest.mark.parametrize("identity", [True, False, 7.0, None, [7], {}, 2**63, -(2**63)], ids=repr)
    def test_an_id_of_another_type_is_refused(self, identity):
        """``id`` is a string, or an integer that is not a bool."""
        with pytest.raises(InvalidTokenError) as caught:
            read_legacy(id=identity)

        assert f"claim 'id' is {type(identity).__name__}; expected an integer up to 2**63 - 1" == str(caught.value)

    @pytest.mark.parametrize(
        "identity", [0, -1, MAX_IDENTITY, -MAX_IDENTITY, "7", "alice", "x" * 255], ids=lambda i: str(i)[:9]
    )
    def test_text_and_integers_pass_as_they_are(self, identity):
        """``7`` and ``"7"`` are two identities."""
        actual = read_legacy(id=identity).principal.identity

        assert (type(identity), identity) == (type(actual), actual)

    @pytest.mark.parametrize("claim", ["id", "rls", "jti"])
    def test_a_claim_that_is_missing_is_refused(self, claim):
        """flask-praetorian requires four of its six claims; here all six are required."""
        with pytest.raises(MissingClaimError) as caught:
            read_legacy(**{claim: ABSENT})

        assert claim == caught.value.claim

    @pytest.mark.parametrize(
        ("rls", "roles"),
        [
            ("", []),
            ("admin", ["admin"]),
            ("admin,user", ["admin", "user"]),
            ("admin, user", ["admin", "user"]),
            (",", []),
            (" , ,admin,", ["admin"]),
            ("a b", ["a b"]),
        ],
    )
    def test_roles_are_read_from_their_text(self, rls, roles):
        """Commas separate names; blanks around a name and empty names are dropped."""

        assert frozenset(roles) == read_legacy(rls=rls).principal.roles

    @pytest.mark.parametrize("rls", [None, 1, True, ["admin"], {}, 1.5], ids=repr)
    @pytest.mark.parametrize("with_roles", [True, False])
    def test_roles_that_are_no_text_are_refused(self, rls, with_roles):
        """``rls`` is a string, whether roles are used or not."""
        with pytest.raises(InvalidTokenError, match=f"claim 'rls' is {type(rls).__name__}; expected a string"):
            FLASK_PRAETORIAN.read("JWT", legacy(rls=rls), with_roles=with_roles)

    def test_roles_that_are_disabled_are_not_read(self):
        """If roles are disabled, the principal has none."""

        assert frozenset() == FLASK_PRAETORIAN.read("JWT", legacy(), with_roles=False).principal.roles

    def test_a_generation_that_is_absent_is_none(self):
        """None is not generation 0: the session is not counted."""

        assert read_legacy().generation is None

    @pytest.mark.parametrize("gen", [0, 1, MAX_TIME])
    def test_a_generation_passes(self, gen):
        """A session that another layout counted stays counted."""

        assert gen == read_legacy(gen=gen).generation

    @pytest.mark.parametrize("flag", ["is_ert", "is_prt"])
    def test_an_action_has_no_generation(self, flag):
        """Only sessions are refreshed."""
        with pytest.raises(InvalidTokenError, match="claim 'gen' is not allowed in this kind of token"):
            read_legacy(gen=1, **{flag: True})

    @pytest.mark.parametrize("flag", ["is_ert", "is_prt"])
    @pytest.mark.parametrize("value", [False, 1, 0, "true", "", None, [], [True], {}, 1.0], ids=repr)
    def test_a_flag_that_is_not_true_is_refused(self, flag, value):
        """``is_prt: false`` was a reset token to flask-praetorian; here it is invalid."""
        with pytest.raises(InvalidTokenError) as caught:
            read_legacy(**{flag: value})

        assert f"claim {flag!r} is {type(value).__name__}; expected true, or no such claim" == str(caught.value)

    @pytest.mark.parametrize(("ert", "prt"), [(True, True), (True, False), (False, True), (False, False), (True, None)])
    def test_both_flags_are_refused(self, ert, prt):
        """A token has one purpose."""
        with pytest.raises(InvalidTokenError):
            read_legacy(is_ert=ert, is_prt=prt)

    @pytest.mark.parametrize(("flag", "action"), [("is_ert", "registration"), ("is_prt", "reset")])
    def test_one_flag_that_is_true_makes_an_action(self, flag, action):
        """Exactly ``true`` names the action, and the token opens nothing else."""
        expected = ActionClaims(
            identity=7, action=action, token_id="s1", issued_at=100, expires_at=200, claims={"team": "red"}
        )

        assert expected == read_legacy(**{flag: True}, team="red")


class TestFlaskPraetorianWrite:
    def test_a_session_is_encoded_as_by_flask_praetorian(self):
        """``jti`` in the place of ``sid``, roles as a text."""
        claims = SessionClaims(
            principal=principal(roles=frozenset({"b", "a"}), claims={"team": "red"}), generation=None
        )
        wire = FLASK_PRAETORIAN.write(claims, with_roles=True)

        assert "JWT" == wire.typ
        assert legacy(rls="a,b", team="red") == wire.payload

    @pytest.mark.parametrize("generation", [0, 3])
    def test_a_counted_session_stays_counted(self, generation):
        """The generation is written, also 0: the next machine may issue another layout."""
        claims = SessionClaims(principal=principal(), generation=generation)

        assert legacy(gen=generation) == FLASK_PRAETORIAN.write(claims, with_roles=True).payload

    def test_an_epoch_is_carried(self):
        """A session under an epoch says so."""
        claims = SessionClaims(principal=principal(session_epoch="e1"), generation=None)

        assert legacy(epoch="e1") == FLASK_PRAETORIAN.write(claims, with_roles=True).payload

    def test_login_and_cookie(self):
        """``auth_time`` and ``csrf`` are written if they have a value."""
        claims = SessionClaims(principal=principal(authenticated_at=0), generation=None, csrf="c1")

        assert legacy(auth_time=0, csrf="c1") == FLASK_PRAETORIAN.write(claims, with_roles=True).payload

    def test_disabled_roles_are_an_empty_text(self):
        """flask-praetorian demands ``rls`` in every token."""
        claims = SessionClaims(principal=principal(roles=frozenset({"a,b"})))

        assert "" == FLASK_PRAETORIAN.write(claims, with_roles=False).payload["rls"]

    @pytest.mark.parametrize(
        "role", ["guest,admin", ",", ",admin", " admin", "admin ", "admin\n", "\xa0admin", "a\x1f"]
    )
    def test_a_role_that_would_be_read_as_another_is_refused(self, role):
        """The role ``guest,admin`` would come back as an admin."""
        claims = SessionClaims(principal=principal(roles=frozenset({"user", role})))

        with pytest.raises(ClaimValueError) as caught:
            FLASK_PRAETORIAN.write(claims, with_roles=True)

        assert "rls" == caught.value.claim

    @pytest.mark.parametrize("role", ["guest admin", "guest;admin", "a.b", "é"])
    def test_a_role_without_comma_comes_back(self, role):
        """Any other name is carried."""
        claims = SessionClaims(principal=principal(roles=frozenset({"user", role})), generation=None)
        wire = FLASK_PRAETORIAN.write(claims, with_roles=True)

        assert claims == FLASK_PRAETORIAN.read(wire.typ, wire.payload, with_roles=True)

    @pytest.mark.parametrize(("action", "flag"), [("registration", "is_ert"), ("reset", "is_prt")])
    def test_its_two_actions_are_flags(self, action, flag):
        """``true`` and nothing else, with ``rf_exp`` at the one end there is."""
        claims = action_claims(action=action, claims={"team": "red"})
        wire = FLASK_PRAETORIAN.write(claims, with_roles=True)

        assert "JWT" == wire.typ
        assert legacy(jti="j1", rls="", rf_exp=200, team="red", **{flag: True}) == wire.payload
        assert claims == FLASK_PRAETORIAN.read(wire.typ, wire.payload, with_roles=True)

    @pytest.mark.parametrize("action", ["invite", "Reset", "is_prt"])
    def test_another_action_is_refused(self, action):
        """There is no flag for it; the error says which there are and what to write."""
        with pytest.raises(ConfigurationError) as caught:
            FLASK_PRAETORIAN.write(action_claims(action=action), with_roles=True)

        expected = "supports only the actions 'registration' and 'reset'; got "
        assert expected in str(caught.value)
        assert "write Settings(layout=STANDARD)" in str(caught.value)
