"""Facts about claims and the two ways to spell them."""

from __future__ import annotations

import sys
import uuid
from decimal import Decimal
from enum import IntEnum

import attrs
import pytest

from praetorian_core.errors import (
    ClaimCollisionError,
    ClaimValueError,
    ConfigurationError,
    InvalidTokenError,
    MissingClaimError,
)
from praetorian_core.principal import Principal
from praetorian_core.token.claims import (
    MAX_IDENTITY,
    MAX_NAME,
    MAX_TIME,
    RESERVED,
    ActionClaims,
    SessionClaims,
    check_custom_claims,
    encode_identity,
    encode_roles,
)
from praetorian_core.token.layouts import FLASK_PRAETORIAN, STANDARD, layout_of

ABSENT = object()

LONG_S = "\u017f"
"""No ASCII letter, and yet its casefold is one: s."""

NO_TIMES = [True, False, 1.0, 150.0, "150", "", None, -1, 2**53, 2**64, [150], {"value": 150}]
NO_NAMES = ["", "x" * 256, 1, 0, 1.5, True, False, None, [], ["x"], {}]
NAMES = ["x", " ", "é", "x" * 255, "0", "null"]


def session(**changes):
    """Return the payload of a STANDARD session token, with changes."""
    payload = {"sub": "7", "id": 7, "roles": ["admin"], "iat": 100, "exp": 200, "rf_exp": 300, "sid": "s1"}
    return changed(payload, changes)


def action(**changes):
    """Return the payload of a STANDARD action token, with changes."""
    return changed({"sub": "7", "id": 7, "action": "invite", "jti": "j1", "iat": 100, "exp": 200}, changes)


def legacy(**changes):
    """Return the payload of a FLASK_PRAETORIAN token, with changes."""
    return changed({"jti": "s1", "id": 7, "rls": "admin", "iat": 100, "exp": 200, "rf_exp": 300}, changes)


def changed(payload, changes):
    payload = {**payload, **changes}
    return {name: value for name, value in payload.items() if value is not ABSENT}


def read_session(**changes):
    return STANDARD.read("JWT", session(**changes), with_roles=True)


def read_action(**changes):
    return STANDARD.read("action+jwt", action(**changes), with_roles=True)


def read_legacy(**changes):
    return FLASK_PRAETORIAN.read("JWT", legacy(**changes), with_roles=True)


READERS = {"session": read_session, "action": read_action, "legacy": read_legacy}


TIMES = {
    "session": ["iat", "exp", "rf_exp", "gen"],
    "action": ["iat", "exp"],
    "legacy": ["iat", "exp", "rf_exp"],
}

REQUIRED_NAMES = {"session": ["sub", "sid"], "action": ["sub", "action", "jti"], "legacy": ["jti"]}
OPTIONAL_NAMES = {"session": ["epoch"], "action": ["pwf"], "legacy": ["epoch"]}
ALL_NAMES = {kind: REQUIRED_NAMES[kind] + OPTIONAL_NAMES[kind] for kind in REQUIRED_NAMES}


def table(names, values):
    """Return one parameter for each kind of token, claim and value."""
    return [
        pytest.param(READERS[kind], claim, value, id=f"{kind}-{claim}-{str(value)[:12]!r}-{type(value).__name__}")
        for kind, claims in names.items()
        for claim in claims
        for value in values
    ]


def principal(**changes):
    facts = {
        "identity": 7,
        "roles": frozenset({"admin"}),
        "claims": {},
        "session_id": "s1",
        "issued_at": 100,
        "access_expires_at": 200,
        "refresh_expires_at": 300,
    }
    return Principal(**{**facts, **changes})


def action_claims(**changes):
    facts = {"identity": 7, "action": "invite", "token_id": "j1", "issued_at": 100, "expires_at": 200}
    return ActionClaims(**{**facts, **changes})


class TestTimes:
    @pytest.mark.parametrize(("read", "claim", "value"), table(TIMES, NO_TIMES))
    def test_what_is_no_integer_of_seconds_is_refused(self, read, claim, value):
        """A time is an integer from 0 to 2**53 - 1; nothing is coerced (RFC 7519 §2, facts 11 and 17)."""
        with pytest.raises(InvalidTokenError) as caught:
            read(**{claim: value})

        expected = f"claim {claim!r} is {type(value).__name__}; expected an integer from 0 to 2**53 - 1 (RFC 7519 §2)"
        assert expected == str(caught.value)

    @pytest.mark.parametrize(("read", "claim"), [(READERS[kind], claim) for kind in TIMES for claim in ("iat", "exp")])
    def test_a_time_that_is_missing_is_refused(self, read, claim):
        """Issue and end must be told (facts 16)."""
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
        """``iat <= exp <= rf_exp``, or the token is invalid whatever it is used for (facts 19)."""
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
        """It is in order, and dead."""

        assert 200 == read_action(iat=200).issued_at

    def test_a_legacy_action_is_ordered_like_a_session(self):
        """flask-praetorian's action tokens carry ``rf_exp``, and it counts."""
        with pytest.raises(InvalidTokenError, match="'exp' is later than 'rf_exp'"):
            read_legacy(is_prt=True, rf_exp=199)


class TestNames:
    @pytest.mark.parametrize(("read", "claim", "value"), table(ALL_NAMES, NO_NAMES))
    def test_what_is_no_short_text_is_refused(self, read, claim, value):
        """A name is a string of 1 to 255 characters; null is not "absent" (facts 18)."""
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
        """The error names the claim (facts 16)."""
        with pytest.raises(MissingClaimError) as caught:
            read(**{claim: ABSENT})

        assert claim == caught.value.claim

    def test_optional_names_that_are_missing_are_none(self):
        """No epoch, no fingerprint: None, in either layout."""

        assert (None, None) == (read_session().epoch, read_legacy().epoch)
        assert read_action().fingerprint is None


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
        """``id`` is an integer up to 2**63 - 1, and a bool is none (facts 18)."""
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

    @pytest.mark.parametrize("claim", ["rf_exp", "sid", "gen", "epoch", "csrf", "roles", "rls", "is_ert", "is_prt"])
    def test_an_action_with_a_claim_of_sessions_is_refused(self, claim):
        """What opens routes has no place in an action token."""
        with pytest.raises(InvalidTokenError) as caught:
            read_action(**{claim: 250})

        assert f"claim {claim!r} is not allowed in this kind of token" == str(caught.value)

    @pytest.mark.parametrize("claim", ["action", "jti", "pwf", "csrf", "rls", "is_ert", "is_prt"])
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
        """Where roles are disabled nobody has any, also with a token of a time when they were not."""
        claims = STANDARD.read("JWT", session(roles=roles), with_roles=False)

        assert frozenset() == claims.principal.roles


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
        """``nbf``, ``iss`` and ``aud`` are judged by the codec, and are nobody's custom claims."""
        claims = read(**{claim: "x"})

        assert {} == dict(getattr(claims, "principal", claims).claims)

    @pytest.mark.parametrize("read", READERS.values(), ids=READERS)
    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_a_reserved_name_in_other_letters_is_refused(self, read, name):
        """``SUB``, ``Sub`` and one with a long s are no custom claims: a reader that folds case would take them (facts 28)."""
        for disguise in {name.upper(), name.title(), name.replace("s", LONG_S)} - {name}:
            with pytest.raises(InvalidTokenError) as caught:
                read(**{disguise: 1})

            assert f"claim {disguise!r} is not allowed in this kind of token" == str(caught.value)

    @pytest.mark.parametrize("name", ["generation", "idx", "s id", "sub ", "s_ub", "İss", "role", "rf-exp", "jtí"])
    def test_a_name_that_only_resembles_one_passes(self, name):
        """Only the same letters are the same name."""

        assert {name: 1} == dict(read_session(**{name: 1}).principal.claims)

    @pytest.mark.parametrize("claim", ["sub", "roles", "sid", "gen", "csrf", "action", "pwf"])
    def test_a_legacy_token_with_a_name_of_the_standard_is_refused(self, claim):
        """A custom claim takes no name of either layout, so a change of layout never gives it a meaning."""
        with pytest.raises(InvalidTokenError) as caught:
            read_legacy(**{claim: "x"})

        assert f"claim {claim!r} is not allowed in this kind of token" == str(caught.value)


class TestFlaskPraetorian:
    @pytest.mark.parametrize("typ", [None, "JWT", "jwt", "Jwt", "jWT"])
    def test_the_typ_is_jwt_or_absent(self, typ):
        """flask-praetorian's tokens have ``JWT``, in any case, or no ``typ`` (facts 14)."""

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
        """``id`` is a string, or an integer that is not a bool (facts 18)."""
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
        """flask-praetorian asked for four of its six; here all six are required (facts 16)."""
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
        """Commas part names, blanks around them are none of theirs, and an empty name is no role."""

        assert frozenset(roles) == read_legacy(rls=rls).principal.roles

    @pytest.mark.parametrize("rls", [None, 1, True, ["admin"], {}, 1.5], ids=repr)
    @pytest.mark.parametrize("with_roles", [True, False])
    def test_roles_that_are_no_text_are_refused(self, rls, with_roles):
        """``rls`` is a string, whether roles are used or not."""
        with pytest.raises(InvalidTokenError, match=f"claim 'rls' is {type(rls).__name__}; expected a string"):
            FLASK_PRAETORIAN.read("JWT", legacy(rls=rls), with_roles=with_roles)

    def test_roles_that_are_disabled_are_not_read(self):
        """Where roles are disabled nobody has any."""

        assert frozenset() == FLASK_PRAETORIAN.read("JWT", legacy(), with_roles=False).principal.roles

    def test_a_session_counts_no_generations(self):
        """None, which is not zero: this layout does not count."""

        assert read_legacy().generation is None

    @pytest.mark.parametrize("flag", ["is_ert", "is_prt"])
    @pytest.mark.parametrize("value", [False, 1, 0, "true", "", None, [], [True], {}, 1.0], ids=repr)
    def test_a_flag_that_is_not_true_is_refused(self, flag, value):
        """``is_prt: false`` was a reset token to flask-praetorian; here it is nothing at all (facts 26)."""
        with pytest.raises(InvalidTokenError) as caught:
            read_legacy(**{flag: value})

        assert f"claim {flag!r} is {type(value).__name__}; expected true, or no such claim" == str(caught.value)

    @pytest.mark.parametrize(("ert", "prt"), [(True, True), (True, False), (False, True), (False, False), (True, None)])
    def test_both_flags_are_refused(self, ert, prt):
        """A token for two purposes is for none (facts 25)."""
        with pytest.raises(InvalidTokenError):
            read_legacy(is_ert=ert, is_prt=prt)

    @pytest.mark.parametrize(("flag", "action"), [("is_ert", "registration"), ("is_prt", "reset")])
    def test_one_flag_that_is_true_makes_an_action(self, flag, action):
        """Exactly ``true`` names the action, and the token opens nothing else."""
        expected = ActionClaims(
            identity=7, action=action, token_id="s1", issued_at=100, expires_at=200, claims={"team": "red"}
        )

        assert expected == read_legacy(**{flag: True}, team="red")


class TestCheckCustomClaims:
    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_reserved_names_are_refused(self, name):
        """No custom claim takes a name of either layout, in any letter case (facts 28)."""
        for spelt in {name, name.upper(), name.title(), name.swapcase(), name.replace("s", LONG_S)}:
            with pytest.raises(ClaimCollisionError) as caught:
                check_custom_claims({"team": "red", spelt: 1})

            assert spelt == caught.value.claim

    def test_no_further_character_folds_to_an_ascii_letter(self):
        """The long s is caught by folding case, and Unicode has no disguise for other letters of a reserved name."""
        letters = set("".join(RESERVED)) - {"_"}
        disguises = {char for char in map(chr, range(128, sys.maxunicode)) if set(char.casefold()) <= letters}

        # The sharp s in both cases and the ligatures fold to "ss", "st", "ff", "fi": whole words of them are caught too.
        assert {LONG_S, "\u00df", "\u1e9e", *map(chr, range(0xFB00, 0xFB07))} >= disguises
        assert LONG_S in disguises
        with pytest.raises(ClaimCollisionError):
            check_custom_claims({"i\u00df": 1})

    def test_a_dotless_i_is_another_letter(self):
        """What does not fold to a reserved name is another name."""

        assert check_custom_claims({"\u0131d": 1, "\u0130d": 1, LONG_S: 1}) is None

    @pytest.mark.parametrize("name", ["", "\ud800", "a\udfff"], ids=ascii)
    def test_a_name_that_cannot_be_carried_is_refused(self, name):
        """A name has a character, and all of them are characters."""
        with pytest.raises(ClaimValueError) as caught:
            check_custom_claims({name: 1})

        assert name == caught.value.claim
        assert "has no usable name; expected a non-empty text" in str(caught.value)

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", (1,), {1: 2}, "\ud800", object(), 2**8192])
    def test_a_value_that_is_not_json_is_refused(self, value):
        """The error names the claim, and does not repeat the value."""
        with pytest.raises(ClaimValueError) as caught:
            check_custom_claims({"team": [value]})

        assert "team" == caught.value.claim
        assert str(caught.value).startswith("claim 'team' ho") or "member name" in str(caught.value)

    def test_the_payload_is_one_level_of_depth(self):
        """A value may nest 31 deep, since the payload lies around it."""
        value = 1
        for _ in range(31):
            value = [value]

        check_custom_claims({"team": value})
        with pytest.raises(ClaimValueError, match="nests deeper than 32"):
            check_custom_claims({"team": [value]})

    def test_what_json_carries_passes(self):
        """Any name that is no one else's, any JSON value, and nothing at all."""

        assert check_custom_claims({}) is None
        assert check_custom_claims({"team": {"sub": 1}, "é": [None], "access": 2**64, "x" * 300: ""}) is None


class Colour(IntEnum):
    RED = 7


class TestWireIdentity:
    @pytest.mark.parametrize(
        ("identity", "expected"),
        [
            (7, 7),
            (0, 0),
            (-1, -1),
            (MAX_IDENTITY, MAX_IDENTITY),
            (-MAX_IDENTITY, -MAX_IDENTITY),
            ("7", "7"),
            ("alice", "alice"),
            ("x" * 255, "x" * 255),
            (" ", " "),
            (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
            (Decimal("7.10"), "7.10"),
        ],
        ids=lambda value: str(value)[:12],
    )
    def test_an_integer_stays_one_and_the_rest_is_text(self, identity, expected):
        """A UUID travels as its text, an integer as itself."""
        actual = encode_identity(identity)

        assert (type(expected), expected) == (type(actual), actual)

    @pytest.mark.parametrize("identity", [2**63, -(2**63), 2**64])
    def test_an_integer_beyond_64_bits_is_refused(self, identity):
        """It could not be read back."""
        with pytest.raises(ConfigurationError, match="beyond 64 bits"):
            encode_identity(identity)

    @pytest.mark.parametrize("identity", [None, True, False, 7.0, float("nan"), b"alice"], ids=repr)
    def test_what_is_nobody_is_refused(self, identity):
        """None is nobody, and a bool, a float and bytes have texts that two users could share."""
        with pytest.raises(ConfigurationError) as caught:
            encode_identity(identity)

        expected = f"user.identity is {type(identity).__name__}; expected an int, a str or something like a UUID"
        assert expected == str(caught.value)

    @pytest.mark.parametrize("identity", ["", "x" * 256, "\ud800"], ids=["empty", "256", "surrogate"])
    def test_a_text_that_cannot_be_carried_is_refused(self, identity):
        """An identity has 1 to 255 characters; the error tells how many, not which."""
        with pytest.raises(ConfigurationError) as caught:
            encode_identity(identity)

        expected = f"user.identity is a text of {len(identity)} characters; expected 1 to 255 characters"
        assert expected == str(caught.value)


class TestWireRoles:
    @pytest.mark.parametrize(
        "rolenames",
        [[], ["admin"], ["admin", "user"], ("admin",), {"admin"}, frozenset({"admin"}), ["a,b"], ["x" * MAX_NAME]],
        ids=lambda value: str(value)[:24],
    )
    def test_collections_of_names_pass(self, rolenames):
        """A list, a tuple or a set of names is a frozenset of them."""

        assert frozenset(rolenames) == encode_roles(rolenames)

    @pytest.mark.parametrize("rolenames", ["admin", "", None, 1, True, b"admin", {"admin": 1}, iter(["admin"])])
    def test_another_type_is_refused(self, rolenames):
        """A str is no list of letters, and None is not "no roles" (facts 115)."""
        with pytest.raises(ConfigurationError) as caught:
            encode_roles(rolenames)

        assert f"user.rolenames is {type(rolenames).__name__}; expected a list of str" == str(caught.value)

    @pytest.mark.parametrize(
        ("role", "found"),
        [
            (1, "int"),
            (None, "NoneType"),
            (b"admin", "bytes"),
            (Colour.RED, "Colour"),
            ("", "a text of 0 characters"),
            ("x" * 256, "a text of 256 characters"),
            ("\ud800", "a text of 1 characters"),
        ],
        ids=lambda value: ascii(value)[:20],
    )
    def test_another_element_is_refused(self, role, found):
        """A role is a str of 1 to 255 characters."""
        with pytest.raises(ConfigurationError) as caught:
            encode_roles(["admin", role])

        assert f"user.rolenames holds {found}; expected str of 1 to 255 characters" == str(caught.value)


class TestStandardWrite:
    def test_a_session_is_spelt_with_registered_names(self):
        """Exactly these claims: nothing that is not used."""
        wire = STANDARD.write(SessionClaims(principal=principal(claims={"team": "red"})), with_roles=True)

        assert "JWT" == wire.typ
        assert session(team="red") == wire.payload

    def test_what_is_not_ordinary_is_told(self):
        """``gen`` above 0 and ``epoch`` are written if they have a value."""
        claims = SessionClaims(principal=principal(), generation=3, epoch="e1")

        assert session(gen=3, epoch="e1") == STANDARD.write(claims, with_roles=True).payload

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
            SessionClaims(principal=principal(identity="7", roles=frozenset()), generation=9, epoch="e"),
            action_claims(),
            action_claims(identity="alice", fingerprint="f", claims={"team": ["red"]}),
        ],
    )
    def test_what_is_written_is_read_back(self, claims):
        """Writing and reading are each other's inverse."""
        wire = STANDARD.write(claims, with_roles=True)

        assert claims == STANDARD.read(wire.typ, wire.payload, with_roles=True)


class TestFlaskPraetorianWrite:
    def test_a_session_is_spelt_as_flask_praetorian_does(self):
        """``jti`` in the place of ``sid``, roles as a text."""
        claims = SessionClaims(principal=principal(roles=frozenset({"b", "a"}), claims={"team": "red"}))
        wire = FLASK_PRAETORIAN.write(claims, with_roles=True)

        assert "JWT" == wire.typ
        assert legacy(rls="a,b", team="red") == wire.payload

    def test_a_generation_is_never_carried(self):
        """flask-praetorian would copy ``gen`` into every refreshed token."""
        claims = SessionClaims(principal=principal(), generation=3)

        assert legacy() == FLASK_PRAETORIAN.write(claims, with_roles=True).payload

    def test_an_epoch_is_carried(self):
        """A session under an epoch says so."""
        claims = SessionClaims(principal=principal(), epoch="e1")

        assert legacy(epoch="e1") == FLASK_PRAETORIAN.write(claims, with_roles=True).payload

    def test_disabled_roles_are_an_empty_text(self):
        """flask-praetorian demands ``rls`` in every token."""
        claims = SessionClaims(principal=principal(roles=frozenset({"a,b"})))

        assert "" == FLASK_PRAETORIAN.write(claims, with_roles=False).payload["rls"]

    @pytest.mark.parametrize(
        "role", ["guest,admin", ",", ",admin", " admin", "admin ", "admin\n", "\xa0admin", "a\x1f"]
    )
    def test_a_role_that_would_be_read_as_another_is_refused(self, role):
        """The role ``guest,admin`` would come back as an admin (decision 12 in facts)."""
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


class TestLayoutOf:
    @pytest.mark.parametrize("payload", [session(), action(), {"sub": None}])
    def test_a_payload_with_sub_is_standard(self, payload):
        """``sub`` without ``rls`` is STANDARD, whatever its value."""

        assert STANDARD is layout_of(payload)

    @pytest.mark.parametrize("payload", [legacy(), legacy(is_prt=True), {"rls": None}])
    def test_a_payload_with_rls_is_flask_praetorian(self, payload):
        """``rls`` without ``sub`` is FLASK_PRAETORIAN."""

        assert FLASK_PRAETORIAN is layout_of(payload)

    @pytest.mark.parametrize(
        "payload",
        [{}, {"id": 7}, {**session(), **legacy()}, legacy(sub="7"), session(rls=""), {"SUB": "7"}, {"Rls": ""}],
        ids=["empty", "id", "both", "rls and sub", "sub and rls", "SUB", "Rls"],
    )
    def test_both_or_neither_is_refused(self, payload):
        """One token has one meaning."""
        with pytest.raises(InvalidTokenError) as caught:
            layout_of(payload)

        expected = "the payload is of no known layout; expected one of the claims 'sub' and 'rls'"
        assert expected == str(caught.value)

    def test_the_layouts_know_their_names(self):
        """As they are called in configuration, and whether they count generations."""

        assert ("STANDARD", True) == (STANDARD.name, STANDARD.counts_generations)
        assert ("FLASK_PRAETORIAN", False) == (FLASK_PRAETORIAN.name, FLASK_PRAETORIAN.counts_generations)
