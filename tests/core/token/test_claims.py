"""Custom claims, identities and role names as an application supplies them."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections import deque
from decimal import Decimal
from enum import Enum, IntEnum

import pytest
from tests.core.token.layouts.payloads import LONG_S

from praetorian_core.errors import ClaimCollisionError, ClaimValueError, ConfigurationError, ServiceUnavailableError
from praetorian_core.token.claims import (
    MAX_IDENTITY,
    MAX_NAME,
    RESERVED,
    BlankRolesWarning,
    check_custom_claims,
    encode_identity,
    encode_named_identity,
    encode_roles,
)


class TestCheckCustomClaims:
    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_reserved_names_are_refused(self, name):
        """No custom claim takes a name of either layout, in any letter case."""
        for written in {name, name.upper(), name.title(), name.swapcase(), name.replace("s", LONG_S)}:
            with pytest.raises(ClaimCollisionError) as caught:
                check_custom_claims({"team": "red", written: 1})

            assert written == caught.value.claim

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


class Seat(Enum):
    FRONT = "front"


class Level(str, Enum):
    HIGH = "high"
    SPACED = " high "


class Meters:
    """An integer type of its own, as numpy's and bson's are."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class Long(int):
    """An integer of a subclass, as ``bson.Int64`` is."""


class Vague:
    """A value without a text of its own."""


class Mute:
    """A value whose text cannot be made."""

    def __str__(self):
        raise ConnectionError


class Upper(str):
    """A text that parsing changes."""

    __slots__ = ()

    def __new__(cls, text):
        return super().__new__(cls, text.upper())


def unreachable(text):
    raise ConnectionError(text)


KEY = uuid.UUID(int=7)


class TestEncodeIdentity:
    @pytest.mark.parametrize(
        ("identity", "expected"),
        [
            (7, 7),
            (0, 0),
            (-1, -1),
            (MAX_IDENTITY, MAX_IDENTITY),
            (-MAX_IDENTITY, -MAX_IDENTITY),
            (Colour.RED, 7),
            (Meters(7), 7),
            (Long(7), 7),
            ("7", "7"),
            ("alice", "alice"),
            ("x" * 255, "x" * 255),
            (" ", " "),
            (Level.HIGH, "high"),
            (Upper("alice"), "ALICE"),
        ],
        ids=lambda value: f"{type(value).__name__}-{str(value)[:9]}" if not isinstance(value, Meters) else "Meters",
    )
    def test_integers_and_strings_of_any_type_become_int_and_str(self, identity, expected):
        """The type of a token's identity is exactly int or str."""
        actual = encode_identity(identity)

        assert (type(expected), expected) == (type(actual), actual)

    @pytest.mark.parametrize(
        "identity", [2**63, -(2**63), 2**64, Meters(2**63)], ids=["2**63", "-2**63", "2**64", "index"]
    )
    def test_an_integer_beyond_64_bits_is_rejected(self, identity):
        """No layout could read it back."""
        with pytest.raises(ConfigurationError) as caught:
            encode_identity(identity)

        assert "user.identity must be an int up to 2**63 - 1, or a str; got a larger int" == str(caught.value)

    @pytest.mark.parametrize("identity", [None, True, False], ids=repr)
    @pytest.mark.parametrize("parse", [None, uuid.UUID, eval], ids=["no setting", "UUID", "eval"])
    def test_none_and_booleans_are_rejected(self, identity, parse):
        """They identify no user, whatever the setting."""
        with pytest.raises(ConfigurationError) as caught:
            encode_identity(identity, parse)

        assert f"user.identity must be an int or a str; got {type(identity).__name__}" == str(caught.value)

    @pytest.mark.parametrize("parse", [None, uuid.UUID], ids=["no setting", "UUID"])
    @pytest.mark.parametrize(
        "identity",
        [Vague(), Exception("x"), 7.0, ["x"], ("x",), {"x": 1}, str.upper, uuid.UUID],
        ids=["object", "exception", "float", "list", "tuple", "dict", "method", "class"],
    )
    def test_a_value_without_text_is_rejected(self, identity, parse):
        """Its representation may hold anything: for a method, the whole user."""
        with pytest.raises(ConfigurationError, match="something with a text of its own; got "):
            encode_identity(identity, parse)

    @pytest.mark.parametrize(
        ("identity", "advice"),
        [
            (KEY, "uuid.UUID"),
            (Decimal("7.10"), "decimal.Decimal"),
            (b"alice", "builtins.bytes"),
            (dt.date(2027, 1, 15), "datetime.date"),
        ],
        ids=["UUID", "Decimal", "bytes", "date"],
    )
    def test_another_type_needs_the_setting(self, identity, advice):
        """Without it the user could log in and never refresh: ``identify`` would get a text."""
        with pytest.raises(ConfigurationError) as caught:
            encode_identity(identity)

        expected = (
            f"user.identity must be an int or a str; got {type(identity).__name__}; write PRAETORIAN_PARSE_IDENTITY = "
            f"a function that returns it from its text, such as {advice}"
        )
        assert expected == str(caught.value)

    @pytest.mark.parametrize(
        ("identity", "parse", "expected"),
        [
            (KEY, uuid.UUID, "00000000-0000-0000-0000-000000000007"),
            (Decimal("7.10"), Decimal, "7.10"),
            (dt.date(2027, 1, 15), dt.date.fromisoformat, "2027-01-15"),
            ("alice", str, "alice"),
            (7, uuid.UUID, 7),
        ],
        ids=["UUID", "Decimal", "date", "str", "int"],
    )
    def test_with_the_setting_its_text_is_encoded(self, identity, parse, expected):
        """The setting returns the identity from its text; it is not called for an integer."""
        actual = encode_identity(identity, parse)

        assert (type(expected), expected) == (type(actual), actual)

    @pytest.mark.parametrize(
        ("identity", "parse", "problem"),
        [
            (KEY, str, "got another value"),
            (KEY, int, "it raised ValueError"),
            (Decimal("7.10"), float, "got float with another text"),
            (Decimal("NaN"), Decimal, "got another value"),
            ("alice", uuid.UUID, "it raised ValueError"),
            (str(KEY), uuid.UUID, "got another value"),
            ("7", int, "got another value"),
            (str(KEY).replace("0", "A").upper(), uuid.UUID, "got UUID with another text"),
            ("alice", Upper, "got Upper with another text"),
            ("alice", {}.get, "got NoneType with another text"),
        ],
        ids=[
            "other type",
            "ValueError",
            "other text",
            "nan",
            "str",
            "str of a UUID",
            "str of an int",
            "upper case",
            "changed",
            "None",
        ],
    )
    def test_a_setting_that_does_not_return_the_identity_is_rejected(self, identity, parse, problem):
        """At the login, and not at each refresh for ever; the error does not hold the identity."""
        with pytest.raises(ConfigurationError) as caught:
            encode_identity(identity, parse)

        assert str(caught.value).startswith("PRAETORIAN_PARSE_IDENTITY must return user.identity, a ")
        assert str(caught.value).endswith(f"from its text; {problem}")
        assert str(identity) not in str(caught.value)
        assert caught.value.__context__ is None

    def test_a_member_of_an_enum_is_rejected(self):
        """An enum takes the value and not the text of a member, so the advice is the value."""
        with pytest.raises(ConfigurationError) as caught:
            encode_identity(Seat.FRONT)

        expected = "must be an int or a str; got Seat; write a property that returns the value of the member"
        assert f"user.identity {expected}" == str(caught.value)
        assert "front" == encode_identity(Seat.FRONT.value)

    @pytest.mark.parametrize(
        ("identity", "parse", "expected"),
        [
            (7, None, 7),
            ("7", None, "7"),
            (7, uuid.UUID, 7),
            (KEY, uuid.UUID, str(KEY)),
            (str(KEY), uuid.UUID, str(KEY)),
            (Level.HIGH, str, "high"),
        ],
        ids=["int", "str", "int and a setting", "UUID", "str of a UUID", "enum"],
    )
    def test_a_caller_may_name_an_identity_by_its_text(self, identity, parse, expected):
        """``revoke_user`` gets identities from URLs and forms too."""

        assert expected == encode_named_identity(identity, parse)

    @pytest.mark.parametrize("text", ["alice", str(KEY).upper().replace("0", "A")], ids=["other", "upper case"])
    def test_a_text_that_is_no_identity_names_none(self, text):
        """Otherwise the call would end no session, without an error."""
        with pytest.raises(ConfigurationError, match="PRAETORIAN_PARSE_IDENTITY must return"):
            encode_named_identity(text, uuid.UUID)

    @pytest.mark.parametrize("identity", ["alice", KEY], ids=["str", "UUID"])
    def test_a_setting_that_fails_is_an_outage(self, identity):
        """Anything but ValueError says nothing about the identity."""
        with pytest.raises(ServiceUnavailableError, match="it raised ConnectionError") as caught:
            encode_identity(identity, unreachable)

        assert ConnectionError is type(caught.value.__cause__)

    def test_a_value_whose_text_cannot_be_made_is_rejected(self):
        """The error names the type of the failure, and keeps it as the cause."""
        with pytest.raises(ConfigurationError, match=r"str\(user\.identity\) raised ConnectionError") as caught:
            encode_identity(Mute(), uuid.UUID)

        assert ConnectionError is type(caught.value.__cause__)

    @pytest.mark.parametrize("identity", ["", "x" * 256, "\ud800"], ids=["empty", "256", "surrogate"])
    def test_a_text_that_no_token_can_carry_is_rejected(self, identity):
        """An identity has 1 to 255 characters; the error counts them and does not show them."""
        with pytest.raises(ConfigurationError) as caught:
            encode_identity(identity)

        expected = f"user.identity must have 1 to 255 characters as text; got {len(identity)} characters"
        assert expected == str(caught.value)


def encoded(rolenames):
    """Return the encoded roles, and how often the warning was called for."""
    warnings = []
    return encode_roles(rolenames, lambda: warnings.append(1)), len(warnings)


class TestEncodeRoles:
    @pytest.mark.parametrize(
        "make",
        [list, tuple, set, frozenset, iter, dict.fromkeys, deque, lambda names: (name for name in names)],
        ids=["list", "tuple", "set", "frozenset", "iterator", "dict keys", "deque", "generator"],
    )
    def test_any_iterable_of_names_passes(self, make):
        """A collection of an ORM is none of Python's own types."""
        names = make(["admin", "a,b", "x" * MAX_NAME])

        assert ({"admin", "a,b", "x" * MAX_NAME}, 0) == encoded(names.keys() if isinstance(names, dict) else names)

    def test_no_names_are_no_roles(self):
        """An empty collection is a value."""

        assert (frozenset(), 0) == encoded([])

    def test_members_of_an_enum_of_str_are_their_values(self):
        """The role is a plain str."""
        ((role,), _) = encoded([Level.HIGH])

        assert (str, "high") == (type(role), role)

    @pytest.mark.parametrize(
        ("rolenames", "expected"),
        [
            ([""], set()),
            (["", "admin"], {"admin"}),
            ([" admin ", "user\n"], {"admin", "user"}),
            (["\xa0admin"], {"admin"}),
            ([Level.SPACED], {"high"}),
            ([" "], set()),
        ],
        ids=["empty", "empty and a name", "blanks", "no-break space", "enum", "blank"],
    )
    def test_blanks_and_empty_names_are_removed(self, rolenames, expected):
        """flask-praetorian accepted both; the warning is called for."""
        roles, warnings = encoded(rolenames)

        assert expected == roles
        assert warnings >= 1

    def test_the_warning_is_logged_once(self, caplog):
        """It is the same at every login, and does not show the names."""
        warn = BlankRolesWarning()
        for _ in range(3):
            encode_roles([" canary "], warn)

        (record,) = caplog.records
        assert ("praetorian", "WARNING") == (record.name, record.levelname)
        assert "user.rolenames holds an empty name, or a name with blanks around it" in record.getMessage()
        assert "canary" not in record.getMessage()

    @pytest.mark.parametrize(
        "rolenames",
        ["admin", "", Level.HIGH, b"admin", bytearray(b"admin"), memoryview(b"admin"), {"admin": False}, None, 1, True],
        ids=lambda value: type(value).__name__ + str(value)[:5].strip("<(") if value is not None else "None",
    )
    def test_another_type_is_rejected(self, rolenames):
        """A str is not a list of its letters, a mapping not one of its keys, and None not "no roles"."""
        with pytest.raises(ConfigurationError) as caught:
            encoded(rolenames)

        found = type(rolenames).__name__
        assert f"user.rolenames must be a list of str; got {found}; return for example ['admin', 'editor']" == str(
            caught.value
        )

    @pytest.mark.parametrize("role", [1, None, b"admin", Colour.RED, ["admin"]], ids=lambda role: type(role).__name__)
    def test_another_element_is_rejected(self, role):
        """A role is a str."""
        with pytest.raises(ConfigurationError) as caught:
            encoded(["admin", role])

        assert f"user.rolenames must hold only str; got {type(role).__name__}" == str(caught.value)

    @pytest.mark.parametrize("role", ["x" * 256, "\ud800"], ids=["256", "surrogate"])
    def test_a_name_that_no_token_can_carry_is_rejected(self, role):
        """A role has 1 to 255 characters; the error counts them and does not show them."""
        with pytest.raises(ConfigurationError) as caught:
            encoded(["admin", role])

        expected = f"user.rolenames must hold names of 1 to 255 characters; got one of {len(role)} characters"
        assert expected == str(caught.value)
