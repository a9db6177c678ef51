"""The layout STANDARD."""

from __future__ import annotations

import uuid

import pytest
from tests.core.token.layouts.payloads import (
    ABSENT,
    action,
    action_claims,
    principal,
    read_action,
    read_session,
    session,
)

from praetorian_core.errors import InvalidTokenError, MissingClaimError
from praetorian_core.token.claims import MAX_IDENTITY, ActionClaims, SessionClaims
from praetorian_core.token.layouts import STANDARD


class TestStandardIdentity:
    @pytest.mark.parametrize("read", [read_session, read_action])
    @pytest.mark.parametrize(
        ("sub", "number"),
        [
            ("7", 8),
            ("07", 7),
            ("+7", 7),
            (" 7", 7),
            ("7.0", 7),
            ("-0", 0),
            ("\u0667", 7),
            ("7_0", 70),
            ("alice", 7),
            ("-7", 7),
        ],
    )
    def test_sub_and_id_that_differ_are_refused(self, read, sub, number):
        """``str(id)`` is ``sub``, or one of two readers would see another user."""
        with pytest.raises(InvalidTokenError) as caught:
            read(sub=sub, id=number)

        assert "claims 'sub' and 'id' name different identities" == str(caught.value)

    @pytest.mark.parametrize("read", [read_session, read_action])
    @pytest.mark.parametrize(
        "number", [True, False, 7.0, "7", None, [7], {}, 2**63, -(2**63), 2**64], ids=lambda value: repr(value)[:12]
    )
    def test_an_id_that_is_no_integer_in_range_is_refused(self, read, number):
        """``id`` is an integer up to 2**63 - 1, and a bool is none."""
        with pytest.raises(InvalidTokenError) as caught:
            read(sub=str(number), id=number)

        assert f"claim 'id' is {type(number).__name__}; expected an integer up to 2**63 - 1" == str(caught.value)

    @pytest.mark.parametrize("number", [0, 1, -1, 2**53, MAX_IDENTITY, -MAX_IDENTITY])
    def test_an_integer_comes_back_as_one(self, number):
        """``identify`` gets back what ``user.identity`` was."""

        assert number == read_session(sub=str(number), id=number).principal.identity
        assert type(read_action(sub=str(number), id=number).identity) is int

    def test_a_sub_of_digits_alone_stays_text(self):
        """Without ``id`` the identity is a str, digits or not."""

        assert "7" == read_session(id=ABSENT).principal.identity
        assert "7" == read_action(id=ABSENT).identity


class TestStandardTyp:
    @pytest.mark.parametrize(
        "typ", [None, "jwt", "Jwt", "ACTION+JWT", "Action+jwt", "at+jwt", "", "JWT ", "application/jwt"]
    )
    @pytest.mark.parametrize("make", [session, action])
    def test_another_typ_is_refused(self, typ, make):
        """In STANDARD ``typ`` is exactly ``JWT`` or ``action+jwt`` (RFC 8725 §3.11)."""
        with pytest.raises(InvalidTokenError, match="header 'typ' does not fit the layout STANDARD"):
            STANDARD.read(typ, make(), with_roles=True)

    def test_the_typ_tells_the_kind(self):
        """``JWT`` is a session, ``action+jwt`` an action."""

        assert type(STANDARD.read("JWT", session(), with_roles=True)) is SessionClaims
        assert type(STANDARD.read("action+jwt", action(), with_roles=True)) is ActionClaims

    def test_a_payload_of_the_other_kind_is_refused(self):
        """A session's payload is no action's, and the reverse (RFC 8725 §3.12)."""
        with pytest.raises(InvalidTokenError):
            STANDARD.read("action+jwt", session(), with_roles=True)
        with pytest.raises(InvalidTokenError):
            STANDARD.read("JWT", action(), with_roles=True)

    @pytest.mark.parametrize(
        "claim", ["rf_exp", "sid", "gen", "epoch", "csrf", "auth_time", "roles", "rls", "is_ert", "is_prt"]
    )
    def test_an_action_with_a_claim_of_sessions_is_refused(self, claim):
        """What opens routes has no place in an action token."""
        with pytest.raises(InvalidTokenError) as caught:
            read_action(**{claim: 250})

        assert f"claim {claim!r} is not allowed in this kind of token" == str(caught.value)

    @pytest.mark.parametrize("claim", ["action", "jti", "pwf", "rls", "is_ert", "is_prt"])
    def test_a_session_with_a_claim_of_actions_is_refused(self, claim):
        """A session token has no claim of an action token and none that is reserved for later."""
        with pytest.raises(InvalidTokenError) as caught:
            read_session(**{claim: "reset"})

        assert f"claim {claim!r} is not allowed in this kind of token" == str(caught.value)


class TestStandardRoles:
    @pytest.mark.parametrize("roles", ["admin", "", "admin,user", 1, True, None, {"admin": True}, {}, 1.5], ids=repr)
    @pytest.mark.parametrize("with_roles", [True, False])
    def test_what_is_no_array_is_refused(self, roles, with_roles):
        """A string is not an array of letters, and an object not one of names, whether roles are used or not."""
        with pytest.raises(InvalidTokenError) as caught:
            STANDARD.read("JWT", session(roles=roles), with_roles=with_roles)

        assert f"claim 'roles' is {type(roles).__name__}; expected an array of strings" == str(caught.value)

    @pytest.mark.parametrize("role", [1, True, None, 1.5, ["admin"], {}], ids=repr)
    @pytest.mark.parametrize("with_roles", [True, False])
    def test_an_element_that_is_no_string_is_refused(self, role, with_roles):
        """Each role is a string."""
        with pytest.raises(InvalidTokenError) as caught:
            STANDARD.read("JWT", session(roles=["admin", role]), with_roles=with_roles)

        assert f"claim 'roles' is {type(role).__name__}; expected strings only in the array" == str(caught.value)

    @pytest.mark.parametrize(
        "roles", [[], ["admin"], ["admin", "user"], ["a,b"], [" admin "], ["admin", "admin"]], ids=repr
    )
    def test_strings_pass_as_they_are(self, roles):
        """A name is not cut, stripped or split: ``a,b`` is one role."""

        assert frozenset(roles) == read_session(roles=roles).principal.roles

    def test_roles_that_are_missing_are_refused(self):
        """No roles is an empty array; nothing at all is a fault."""
        with pytest.raises(MissingClaimError) as caught:
            read_session(roles=ABSENT)

        assert "roles" == caught.value.claim

    @pytest.mark.parametrize("roles", [ABSENT, ["admin"]], ids=["absent", "present"])
    def test_roles_that_are_disabled_are_not_read(self, roles):
        """If roles are disabled, the principal has none, also with a token from before."""
        claims = STANDARD.read("JWT", session(roles=roles), with_roles=False)

        assert frozenset() == claims.principal.roles


class TestStandardWrite:
    def test_a_session_is_encoded_with_registered_names(self):
        """Exactly these claims: nothing that is not used."""
        wire = STANDARD.write(SessionClaims(principal=principal(claims={"team": "red"})), with_roles=True)

        assert "JWT" == wire.typ
        assert session(team="red") == wire.payload

    def test_what_is_not_ordinary_is_told(self):
        """``gen`` above 0 and ``epoch`` are written if they have a value."""
        claims = SessionClaims(principal=principal(session_epoch="e1"), generation=3)

        assert session(gen=3, epoch="e1") == STANDARD.write(claims, with_roles=True).payload

    def test_repr(self):
        """No representation shows the value that a page repeats."""

        assert "canary" not in repr(SessionClaims(principal=principal(), csrf="canary"))

    def test_login_and_cookie(self):
        """``auth_time`` and ``csrf`` are written if they have a value."""
        claims = SessionClaims(principal=principal(authenticated_at=0), csrf="c1")

        assert session(auth_time=0, csrf="c1") == STANDARD.write(claims, with_roles=True).payload

    @pytest.mark.parametrize("generation", [0, None])
    def test_a_generation_of_zero_is_not_told(self, generation):
        """Absent is zero, and what comes from a layout that does not count starts there."""
        claims = SessionClaims(principal=principal(), generation=generation)

        assert "gen" not in STANDARD.write(claims, with_roles=True).payload

    def test_roles_are_sorted_or_absent(self):
        """The same roles make the same text; disabled roles make none."""
        claims = SessionClaims(principal=principal(roles=frozenset({"b", "a", "c"})))

        assert ["a", "b", "c"] == STANDARD.write(claims, with_roles=True).payload["roles"]
        assert "roles" not in STANDARD.write(claims, with_roles=False).payload

    @pytest.mark.parametrize("identity", ["alice", "7", uuid.UUID(int=7)], ids=str)
    def test_a_text_has_no_id_beside_it(self, identity):
        """``id`` says that the identity is an integer."""
        payload = STANDARD.write(SessionClaims(principal=principal(identity=identity)), with_roles=True).payload

        assert session(sub=str(identity), id=ABSENT) == payload

    def test_an_action_has_its_own_typ(self):
        """``action+jwt``, an id of its own and no roles (RFC 8725 §3.11)."""
        wire = STANDARD.write(action_claims(claims={"team": "red"}), with_roles=True)

        assert "action+jwt" == wire.typ
        assert action(team="red") == wire.payload

    def test_an_action_carries_its_fingerprint(self):
        """``pwf`` appears where the token is bound to a password."""

        assert action(pwf="f1") == STANDARD.write(action_claims(fingerprint="f1"), with_roles=True).payload

    @pytest.mark.parametrize(
        "claims",
        [
            SessionClaims(principal=principal()),
            SessionClaims(principal=principal(identity="7", roles=frozenset(), session_epoch="e"), generation=9),
            action_claims(),
            action_claims(identity="alice", fingerprint="f", claims={"team": ["red"]}),
        ],
    )
    def test_what_is_written_is_read_back(self, claims):
        """Writing and reading are each other's inverse."""
        wire = STANDARD.write(claims, with_roles=True)

        assert claims == STANDARD.read(wire.typ, wire.payload, with_roles=True)
