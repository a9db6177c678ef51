"""The strict JSON of tokens."""

from __future__ import annotations

import json
import math
import time
from collections import OrderedDict
from enum import IntEnum
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import support

from praetorian_core.errors import InvalidTokenError
from praetorian_core.token.strict_json import (
    MAX_DEPTH,
    MAX_INTEGER_BITS,
    check_value,
    dump_object,
    is_text,
    parse_object,
)


def parse(text):
    return parse_object(text.encode("utf-8", "surrogatepass"), "payload")


def refusal(data):
    return support.refusal(parse_object, data, "payload", error=InvalidTokenError)


def nested(depth, opening="[", closing="]"):
    """Return an object with a value in it that makes it nest so deep."""
    return '{"a":' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}"


def nested_objects(depth):
    return '{"a":' * depth + "1" + "}" * depth


# Two parsers say it in two ways.
NOT_JSON = {f"the payload is not strict JSON: {reason}" for reason in ("JSONDecodeError", "StopIteration")}


class Number(IntEnum):
    ONE = 1


class TestUniqueNames:
    @pytest.mark.parametrize(
        "text",
        [
            '{"a":1,"a":1}',
            '{"a":1,"a":2}',
            '{"a":1,"b":2,"a":3}',
            '{"a":":","a":1}',
            '{"a":":x","a":1}',
            '{"a":"x:","a":1}',
            '{"a":"\':","a":1}',
            '{"a" :1,"a" :1}',
            '{"a" :1,"a":1}',
            '{"a":1,"a" :1}',
            '{"a":1,"a"\t:1}',
            '{"a":1,"a"\n:1}',
            '{"a":1,"a"\r:1}',
            '{"a" :":","a" :":"}',
            '{"a" :":","b":1,"a" :2}',
            '{"a" :":",":":":","a" :2}',
            '{"a":1,"\\u0061":2}',
            '{"\\u0061":1,"\\u0061":2}',
            r'{"a":"\":","a":1}',
            r'{"a" :"\":","a":1}',
            r'{"a\"":1,"a\"":2}',
            r'{"a":"\\","a":1}',
            '{":":1,":":2}',
            '{"":1,"":2}',
            '{"é":1,"\\u00e9":2}',
            '{"😀":1,"\\ud83d\\ude00":2}',
            '{"/":1,"\\/":2}',
            '{"a":{"b":1,"b":2}}',
            '{"a":{"b":{"c":1,"c":1}}}',
            '{"a":[{"b":1,"b":1}]}',
            '{"a":[[],{"b":1},{"b":1,"b":2}]}',
            '{"a":{},"a":{}}',
            '{"a":[],"a":[]}',
            '{"a":"{","a":"}"}',
            '{"a":"{\\"b\\":1}","a":1}',
            '{"b":{"a":1},"a":1,"b":1}',
            '{"sub":"1","sub" :"2"}',
        ],
    )
    def test_a_name_that_occurs_twice_is_refused(self, text):
        """Member names are unique at every level, however they are escaped (RFC 7519 §4, RFC 8725 §2.4)."""

        assert "the payload is not strict JSON: a member name occurs twice" == refusal(text.encode())

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"a":1,"b":1}', {"a": 1, "b": 1}),
            ('{"a":1,"A":2}', {"a": 1, "A": 2}),
            ('{"a":":","b":1}', {"a": ":", "b": 1}),
            ('{"a":":x","b":1}', {"a": ":x", "b": 1}),
            ('{"a" :1,"b":1}', {"a": 1, "b": 1}),
            ('{"a"\t:1,"b"\n:1,"c"\r:1}', {"a": 1, "b": 1, "c": 1}),
            (r'{"a":"\":","b":1}', {"a": '":', "b": 1}),
            ('{"\\u0061":1,"b":2}', {"a": 1, "b": 2}),
            ('{":":1,"::":2}', {":": 1, "::": 2}),
            ('{"":1}', {"": 1}),
            ('{"é":1,"e\\u0301":2}', {"é": 1, "e\u0301": 2}),
            ('{"a":{"a":{"a":1}}}', {"a": {"a": {"a": 1}}}),
            ('{"a":[{"a":1},{"a":1}]}', {"a": [{"a": 1}, {"a": 1}]}),
            ('{"a":"a","b":"a"}', {"a": "a", "b": "a"}),
            ('{"a":"{","b":"}"}', {"a": "{", "b": "}"}),
            ("{}", {}),
            (' \t\r\n{ "a" : [ 1 , 2 ] }\n', {"a": [1, 2]}),
        ],
    )
    def test_names_that_differ_pass(self, text, expected):
        """Two names are one only when their characters are the same."""

        assert expected == parse(text)

    def test_twenty_thousand_equal_names_are_refused(self):
        """A flood of one name is refused, and costs one pass."""
        text = "{" + ",".join(['"a":1'] * 20_000) + "}"

        assert "a member name occurs twice" in refusal(text.encode())


class TestNumbers:
    @pytest.mark.parametrize("spacing", ["", " "], ids=["counted", "careful"])
    @pytest.mark.parametrize(
        "number",
        ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e309", "9" * 400 + ".0", "[NaN]", "[[1e999]]"],
    )
    def test_what_is_not_finite_is_refused(self, number, spacing):
        """JSON has no NaN and no infinity, and 1e400 would be read as one (RFC 8259 §6)."""
        refused = refusal(f'{{"a"{spacing}:{number}}}'.encode())

        assert refused.startswith("the payload is not strict JSON: ")

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            ("0", 0),
            ("-0", 0),
            ("-0.0", -0.0),
            ("1e308", 1e308),
            ("1.7976931348623157e308", 1.7976931348623157e308),
            ("1e-400", 0.0),
            ("9007199254740993", 2**53 + 1),
            ("1.0", 1.0),
        ],
    )
    def test_finite_numbers_pass(self, number, expected):
        """A number comes out with its value and its type."""
        actual = parse(f'{{"a":{number}}}')["a"]

        assert repr(expected) == repr(actual)

    @pytest.mark.parametrize("spacing", ["", " "], ids=["counted", "careful"])
    @pytest.mark.parametrize(
        "number",
        [str(2**MAX_INTEGER_BITS), str(-(2**MAX_INTEGER_BITS)), "9" * 2467, "9" * 4300, "9" * 4301, "9" * 8000],
        ids=["2**8192", "-2**8192", "2467 digits", "4300 digits", "4301 digits", "8000 digits"],
    )
    def test_an_integer_beyond_the_bound_is_refused(self, number, spacing):
        """Both ways through the parser refuse an integer of more than 8192 bits, far below Python's own 4300 digits."""
        refused = refusal(f'{{"a"{spacing}:{number}}}'.encode())

        assert refused.startswith("the payload is not strict JSON: ")
        assert "9999" not in refused

    @pytest.mark.parametrize("spacing", ["", " "], ids=["counted", "careful"])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_an_integer_up_to_the_bound_passes(self, sign, spacing):
        """2**8192 - 1 is read exactly."""
        number = sign * (2**MAX_INTEGER_BITS - 1)

        assert {"a": number} == parse(f'{{"a"{spacing}:{number}}}')

    @pytest.mark.parametrize("text", ["01", "+1", "1.", ".5", "0x1", "1_000", "１", "1e", "--1", "nan", "inf"])  # noqa: RUF001
    def test_what_only_python_calls_a_number_is_refused(self, text):
        """A number has the grammar of RFC 8259 §6."""

        assert refusal(f'{{"a":{text}}}'.encode()) in NOT_JSON


class TestDepth:
    @pytest.mark.parametrize("depth", [1, 2, MAX_DEPTH - 1, MAX_DEPTH])
    @pytest.mark.parametrize("make", [nested, nested_objects])
    def test_thirty_two_levels_pass(self, make, depth):
        """32 objects and arrays may lie inside each other, the outermost included."""

        assert json.loads(make(depth)) == parse(make(depth))

    @pytest.mark.parametrize("depth", [MAX_DEPTH + 1, MAX_DEPTH + 2, 900, 2_900, 100_000])
    @pytest.mark.parametrize("make", [nested, nested_objects])
    def test_thirty_three_levels_are_refused(self, make, depth):
        """One level more is refused before the parser sees it, as are 2 900, which fit in a header."""

        assert "the payload is not strict JSON: nests deeper than 32" == refusal(make(depth).encode())

    @pytest.mark.parametrize("text", ["[" * 2_900, '{"a":' * 2_900, '{"a":' + "[" * 2_900, '["\\"' + "[" * 50])
    def test_nesting_that_never_ends_is_refused(self, text):
        """Brackets are counted whether or not they are closed."""

        assert refusal(text.encode()).startswith("the payload is not strict JSON: ")

    def test_a_bracket_that_closes_takes_one_level_away(self):
        """An empty array on each of 2 900 levels does not hide the depth."""
        text = '{"a":' + "[[]," * 2_900 + "1" + "]" * 2_900 + "}"

        assert "the payload is not strict JSON: nests deeper than 32" == refusal(text.encode())

    def test_depth_is_counted_from_bracket_to_bracket(self):
        """A closed bracket counts no longer: forty arrays side by side nest two deep."""
        text = '{"a":[' + ",".join(["[]"] * 40) + "]}"

        assert {"a": [[]] * 40} == parse(text)

    @pytest.mark.parametrize("string", ["[" * 100, "{" * 100, r"\"" + "[" * 100, r"\\\"" + "{" * 100, "]" * 100])
    def test_brackets_inside_strings_do_not_count(self, string):
        """What stands in a string nests nothing, and an escaped quote does not end it."""
        text = f'{{"a":"{string}"}}'

        assert json.loads(text) == parse(text)

    @pytest.mark.parametrize("string", [r"\\", r"\"", r"\\\\", "x", r"\\\""])
    def test_brackets_after_strings_count(self, string):
        """An escaped backslash before a quote lets it end the string, and what follows nests."""
        text = f'{{"a":["{string}",' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "]}"

        assert "nests deeper than 32" in refusal(text.encode())

    @pytest.mark.parametrize(
        "text",
        ['{"' + r"\"" * 3_000, '{"' + r"\"" * 3_000 + "\\", '{"' * 3_000, r'"\"' * 2_000, "{" + '"' * 6_000],
        ids=["escaped quotes", "and a backslash", "brackets", "pairs", "quotes"],
    )
    def test_counting_takes_linear_time(self, text):
        """A string without an end is passed over once, not once for each quote in it."""
        spent = []
        for _ in range(3):
            begun = time.thread_time()
            refusal(text.encode())
            spent.append(time.thread_time() - begun)

        assert min(spent) < 0.02


class TestText:
    @pytest.mark.parametrize(
        "data",
        [
            '{"a":1}'.encode("utf-16"),
            '{"a":1}'.encode("utf-16-le"),
            '{"a":1}'.encode("utf-16-be"),
            '{"a":1}'.encode("utf-32"),
            '{"a":1}'.encode("utf-32-le"),
            '{"a":1}'.encode("utf-32-be"),
            b'\xef\xbb\xbf{"a":1}',
            '{"a":"é"}'.encode("latin-1"),
            b'{"a":"\xed\xa0\x80"}',
            b'{"a":"\xc0\x80"}',
            b'{"a":"\xf4\x90\x80\x80"}',
            b'{"a":"\xff"}',
            b'{"a":"\xc3"}',
            b"\x00",
            b'{"a":1}\x00',
        ],
        ids=[
            "utf-16",
            "utf-16-le",
            "utf-16-be",
            "utf-32",
            "utf-32-le",
            "utf-32-be",
            "bom",
            "latin-1",
            "surrogate in utf-8",
            "overlong",
            "beyond U+10FFFF",
            "no utf-8",
            "cut off",
            "nul",
            "nul at the end",
        ],
    )
    def test_what_is_not_plain_utf_8_is_refused(self, data):
        """Header and payload are UTF-8 without a byte order mark; nothing is guessed (RFC 7519 §3)."""

        assert refusal(data).startswith("the payload is not strict JSON: ")

    @pytest.mark.parametrize("text", ["é", "😀", "\u2028", "\ufeff", "\x7f", "\U0010ffff", "\ufffe"])
    def test_every_character_passes(self, text):
        """UTF-8 carries every character, within a string also U+FEFF."""

        assert {"a": text} == parse(f'{{"a":"{text}"}}')

    @pytest.mark.parametrize(
        "text",
        [
            r'{"a":"\ud800"}',
            r'{"a":"\udfff"}',
            r'{"a":"\ude00\ud83d"}',
            r'{"a":["\ud800"]}',
            r'{"a":{"b":"\ud800"}}',
            r'{"\ud800":1}',
            r'{"a":{"\udc00":1}}',
            r'{"a":"x\ud83d y"}',
        ],
    )
    def test_a_lone_surrogate_is_refused(self, text):
        r"""``"\ud800"`` is no character, in a value or in a name (RFC 7493 §2.1)."""

        assert "lone surrogate" in refusal(text.encode())

    def test_a_pair_of_surrogates_passes(self):
        """Two that belong together are one character."""

        assert {"a": "😀"} == parse(r'{"a":"\ud83d\ude00"}')

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "{",
            "}",
            '{"a"}',
            '{"a":}',
            '{"a":1,}',
            '{,"a":1}',
            "{'a':1}",
            "{a:1}",
            '{1:"a"}',
            '{"a":1}x',
            '{"a":1}}',
            '{"a":1}{"a":1}',
            '{"a":1} {}',
            '{"a":1},',
            'x{"a":1}',
            '\xa0{"a":1}',
            '\x0b{"a":1}',
            '\u2003{"a":1}',
            '{"a":1}\x0c',
            '{"a":"\t"}',
            '{"a":"\n"}',
            '{"a":"\x00"}',
            '{"a":"\x1f"}',
            r'{"a":"\x41"}',
            r'{"a":"\u00e"}',
            '{"a":"b}',
            '{"a":1 /* no */}',
            '{"a":undefined}',
            '{"a":True}',
            '{"a":nulL}',
            '{"a":[1,]}',
            '{"a":[1 2]}',
            '{"a" "b"}',
            '{"a"::1}',
        ],
    )
    def test_what_is_not_json_is_refused(self, text):
        """Nothing before, after or instead of one JSON text (RFC 8259 §2)."""

        assert refusal(text.encode()) in NOT_JSON

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("[]", "list"),
            ('[{"a":1}]', "list"),
            ('[["a",1]]', "list"),
            ('"a"', "str"),
            ('"{}"', "str"),
            ("1", "int"),
            ("1.5", "float"),
            ("true", "bool"),
            ("null", "NoneType"),
            ("[" * 32 + "]" * 32, "list"),
        ],
    )
    def test_what_is_not_an_object_is_refused(self, text, kind):
        """A header and a payload are objects (RFC 7515 §4, RFC 7519 §7.2)."""

        assert f"the payload is a JSON {kind}; expected an object" == refusal(text.encode())

    def test_the_error_names_what_was_read(self):
        """The error names the header or the payload, and never quotes the text."""
        with pytest.raises(InvalidTokenError) as caught:
            parse_object(b'{"canary":"canary', "header")

        assert "the header is not strict JSON: JSONDecodeError" == str(caught.value)
        assert caught.value.__suppress_context__


# Pieces of which texts are built that are nearly always JSON, and often of the kind that must be refused.
BLANKS = st.sampled_from(["", "", "", "", " ", "\t", "\n", "\r", "  "])
PIECES = st.sampled_from(
    [
        "a",
        "b",
        r"\ud800",
        ":",
        "{",
        "}",
        "[",
        "]",
        ",",
        " ",
        "é",
        "'",
        r"\"",
        r"\\",
        r"\u0061",
        r"\n",
        r"\ud83d\ude00",
        "\t",
    ]
)
STRINGS = st.one_of(
    st.sampled_from(['"a"', '"b"', '"c"', '""', r'"\u0061"', '":"', r'"\":"']),
    st.lists(PIECES, max_size=4).map(lambda pieces: '"' + "".join(pieces) + '"'),
)
SCALARS = st.one_of(
    STRINGS,
    st.sampled_from(["0", "-1", "1.5", "true", "false", "null", "12e3", "NaN", "-Infinity", "1e400", "9" * 2467, "01"]),
    st.integers().map(str),
)


@st.composite
def objects(draw, values):
    members = draw(st.lists(st.tuples(BLANKS, STRINGS, BLANKS, BLANKS, values, BLANKS), max_size=4))
    return "{" + ",".join(f"{a}{name}{b}:{c}{value}{d}" for a, name, b, c, value, d in members) + "}"


@st.composite
def arrays(draw, values):
    elements = draw(st.lists(st.tuples(BLANKS, values, BLANKS), max_size=3))
    return "[" + ",".join("".join(element) for element in elements) + "]"


@st.composite
def deep(draw, values):
    opened = draw(st.lists(st.sampled_from(["[", '{"a":']), min_size=25, max_size=34))
    closing = "".join("]" if opening == "[" else "}" for opening in reversed(opened))
    return "".join(opened) + draw(values) + closing


VALUES = st.recursive(SCALARS, lambda inner: objects(inner) | arrays(inner) | deep(inner), max_leaves=8)
TEXTS = objects(SCALARS) | objects(VALUES) | VALUES


@st.composite
def damaged(draw):
    text = draw(TEXTS)
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(["", '"', ":", "{", "}", "[", "]", ",", "\\", " ", "x"])) + text[at + 1 :]


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)


class Pairs(list):
    """An object as the parser met it, duplicates and all."""


def refuse(_constant):
    raise ValueError


def settle(value, depth=0):
    """Return what a tree of pairs and lists means, or raise ValueError."""
    if isinstance(value, Pairs | list) and depth == MAX_DEPTH:
        raise ValueError
    if type(value) is Pairs:
        names = [name for name, _ in value]
        if len(set(names)) < len(names):
            raise ValueError
        return {settle(name): settle(member, depth + 1) for name, member in value}
    if type(value) is list:
        return [settle(element, depth + 1) for element in value]
    if type(value) is str:
        value.encode()
    if (type(value) is float and not math.isfinite(value)) or (type(value) is int and abs(value) >= 2**8192):
        raise ValueError
    return value


def reference(text):
    """Return what a text means by the simplest reading of the rules, or None."""
    try:
        value = settle(json.loads(text, object_pairs_hook=Pairs, parse_constant=refuse))
    except ValueError:
        return None
    return value if type(value) is dict else None


def verdict(text):
    try:
        return parse(text)
    except InvalidTokenError:
        return None


class TestAgainstAReference:
    def test_both_readings_are_the_same(self):
        """Every text is accepted or refused as by a parser that records pairs, with the same values."""
        outcomes = set()

        @settings(max_examples=200)
        @given(TEXTS | damaged())
        def compare(text):
            expected = reference(text)
            outcomes.add("refused" if expected is None else "accepted")
            assert repr(expected) == repr(verdict(text))

        compare()

        assert {"accepted", "refused"} == outcomes

    @given(st.lists(st.tuples(STRINGS, BLANKS, SCALARS), min_size=1, max_size=4))
    def test_flat_objects_are_read_the_same(self, members):
        """The short way, which counts, never takes a text that the careful way refuses, nor the reverse."""
        text = "{" + ",".join(f"{name}{blank}:{value}" for name, blank, value in members) + "}"

        assert repr(reference(text)) == repr(verdict(text))

    @given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
    def test_no_octets_raise_anything_else(self, data):
        """Whatever the octets are, the answer is an object or InvalidTokenError."""
        try:
            value = parse_object(data, "payload")
        except InvalidTokenError:
            return

        assert type(value) is dict

    @given(st.dictionaries(st.text(max_size=5), LEAVES | st.lists(LEAVES, max_size=3), max_size=4))
    def test_what_was_dumped_is_read_back(self, members):
        """Dumping and parsing give back what went in."""

        assert members == parse_object(dump_object(members), "payload")

    def test_the_reference_knows_the_rules(self):
        """Duplicates, depth, constants, infinities, surrogates: the comparisons above are no empty promise."""

        assert {"a": {"b": [1]}} == reference('{"a" : {"b":[1]}}')
        assert reference('{"a":1,"a":1}') is None
        assert reference("[]") is None
        assert reference('{"a":NaN}') is None
        assert reference('{"a":1e400}') is None
        assert reference(r'{"\ud800":1}') is None
        assert reference(nested(MAX_DEPTH)) is not None
        assert reference(nested(MAX_DEPTH + 1)) is None


class TestCheckValue:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            False,
            0,
            -1,
            2**8192 - 1,
            -(2**8192) + 1,
            0.0,
            -0.0,
            1.7976931348623157e308,
            5e-324,
            "",
            "é😀\x00",
            [],
            {},
            [None, [True, {"a": [1.5]}]],
            {"": {"a": {"b": ""}}},
        ],
        ids=repr,
    )
    def test_what_json_carries_passes(self, value):
        """The six kinds of JSON value pass, and come back from their text as they were."""
        check_value(value)

        assert repr({"a": value}) == repr(parse_object(dump_object({"a": value}), "payload"))

    @pytest.mark.parametrize(
        ("value", "detail"),
        [
            (math.nan, "a number that is not finite"),
            (math.inf, "a number that is not finite"),
            (-math.inf, "a number that is not finite"),
            (2**8192, "more than 8192 bits"),
            (-(2**8192), "more than 8192 bits"),
            ("\ud800", "lone surrogate"),
            (b"a", "holds a bytes"),
            ((1, 2), "holds a tuple"),
            ({1, 2}, "holds a set"),
            (1j, "holds a complex"),
            (object(), "holds a object"),
            (Number.ONE, "holds a Number"),
            (OrderedDict(a=1), "holds a OrderedDict"),
            (MappingProxyType({"a": 1}), "holds a mappingproxy"),
            (type("Text", (str,), {})("a"), "holds a Text"),
            (type("Real", (float,), {})(1.5), "holds a Real"),
            (type("Row", (list,), {})([1]), "holds a Row"),
            ({1: "a"}, "has a int as a member name"),
            ({None: "a"}, "has a NoneType as a member name"),
            ({True: "a"}, "has a bool as a member name"),
            ({1.5: "a"}, "has a float as a member name"),
            ({("a",): 1}, "has a tuple as a member name"),
            ({type("Text", (str,), {})("a"): 1}, "has a Text as a member name"),
            ({"\udc00": 1}, "lone surrogate"),
            ([math.nan], "a number that is not finite"),
            ({"a": [b""]}, "holds a bytes"),
            ({"a": {"b": {2: 3}}}, "has a int as a member name"),
        ],
    )
    def test_what_would_come_back_as_something_else_is_refused(self, value, detail):
        """No NaN, no tuple that comes back as a list, no name that comes back as a str, no subclass."""
        with pytest.raises(ValueError, match=detail):
            check_value(value)

    @pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}], ids=["list", "dict"])
    def test_depth_is_bounded(self, wrap):
        """32 containers pass, 33 do not, and what lies around the value counts."""
        value = 1
        for _ in range(MAX_DEPTH):
            value = wrap(value)

        check_value(value)
        check_value(wrap(1), depth=MAX_DEPTH - 1)
        check_value(1, depth=MAX_DEPTH)
        with pytest.raises(ValueError, match="nests deeper than 32"):
            check_value(wrap(value))
        with pytest.raises(ValueError, match="nests deeper than 32"):
            check_value(wrap(1), depth=MAX_DEPTH)

    def test_what_contains_itself_is_refused(self):
        """A circle nests without an end."""
        circle = []
        circle.append(circle)

        with pytest.raises(ValueError, match="nests deeper than 32"):
            check_value(circle)


class TestIsText:
    @pytest.mark.parametrize("text", ["", "a", "é", "😀", "\x00", "\uffff"], ids=ascii)
    def test_characters_are_text(self, text):
        """Whatever UTF-8 can encode is text."""

        assert is_text(text) is True

    @pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\ude00\ud83d"], ids=ascii)
    def test_lone_surrogates_are_not(self, text):
        """A lone surrogate is no character (RFC 7493 §2.1)."""

        assert is_text(text) is False


class TestDumpObject:
    def test_the_text_is_compact_utf_8(self):
        """No blanks and no escapes that UTF-8 makes needless: tokens travel with every request."""

        assert '{"a":[1,2],"b":"é","c":null}'.encode() == dump_object({"a": [1, 2], "b": "é", "c": None})

    def test_nan_is_not_dumped(self):
        """What was not checked before is refused here still (RFC 8259 §6)."""
        with pytest.raises(ValueError, match="JSON compliant"):
            dump_object({"a": math.nan})
