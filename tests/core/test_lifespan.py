"""The forms of a lifespan, and the values that are rejected."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from datetime import timedelta
from functools import partial
from types import MappingProxyType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests import support

from praetorian_core.errors import ConfigurationError
from praetorian_core.lifespan import parse_lifespan

DAY = 86_400
LONGEST = 400_000_000 * DAY
WORDS = {
    "years": (365 * DAY, ("y", "year", "years")),
    "months": (30 * DAY, ("mo", "month", "months")),
    "weeks": (7 * DAY, ("w", "week", "weeks")),
    "days": (DAY, ("d", "day", "days")),
    "hours": (3600, ("h", "hr", "hrs", "hour", "hours")),
    "minutes": (60, ("m", "min", "mins", "minute", "minutes")),
    "seconds": (1, ("s", "sec", "secs", "second", "seconds")),
}
WORD_SIZES = {word: size for size, words in WORDS.values() for word in words}
GRAMMAR = re.compile(r"\s*(?:\d+\s*[a-z]+\s*,?\s*)*(?:\d+\s*[a-z]+\s*)", re.IGNORECASE | re.ASCII)


refusal = partial(support.refusal, parse_lifespan)


class TestTimedelta:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (timedelta(minutes=15), 900),
            (timedelta(seconds=1), 1),
            (timedelta(days=30, seconds=5), 30 * DAY + 5),
            (timedelta(milliseconds=2000), 2),
            (timedelta(days=1_000_000), 1_000_000 * DAY),
        ],
    )
    def test_seconds(self, value, expected):
        """A timedelta of whole seconds is as many seconds."""
        assert expected == parse_lifespan(value)

    def test_fraction(self):
        """A timedelta with microseconds is rejected; the whole second beside it is accepted."""
        assert "is not a whole number of seconds" in refusal(timedelta(seconds=1, microseconds=1))
        assert 1 == parse_lifespan(timedelta(seconds=1, microseconds=0))

    @pytest.mark.parametrize("value", [timedelta(), timedelta(seconds=-1)])
    def test_zero(self, value):
        """Zero and negative timedeltas are rejected."""
        assert "is not above zero" in refusal(value)

    def test_longest(self):
        """400 million days are the longest lifespan; timedelta.max is rejected."""
        assert LONGEST == parse_lifespan(timedelta(days=400_000_000))
        assert "is longer than" in refusal(timedelta(days=400_000_000, seconds=1))
        refusal(timedelta.max)
        refusal(timedelta.min)


class TestInteger:
    def test_seconds(self):
        """An integer is that many seconds."""
        assert 900 == parse_lifespan(900)

    def test_bounds(self):
        """One second and 400 million days pass; one second less and one more do not."""
        assert "is not above zero" in refusal(0)
        assert 1 == parse_lifespan(1)
        assert LONGEST == parse_lifespan(LONGEST)
        assert "is longer than" in refusal(LONGEST + 1)
        assert "is not above zero" in refusal(-1)

    def test_exact_sum(self):
        """The current time plus the longest lifespan is exact in a JavaScript number."""
        assert time.time() + LONGEST < 2**53

    def test_unprintable(self):
        """An integer of more digits than Python prints is rejected like any long one."""
        assert "is longer than" in refusal(10**5000)


class TestMapping:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ({"minutes": 15}, 900),
            ({"weeks": 1, "days": 1, "hours": 1, "minutes": 1, "seconds": 1}, 8 * DAY + 3661),
            ({"months": 1, "years": 1}, 395 * DAY),
            ({"hours": 1.5}, 5400),
            ({"minutes": 0.1}, 6),
            ({"hours": 1, "minutes": 0}, 3600),
            (OrderedDict(days=2), 2 * DAY),
            (MappingProxyType({"days": 1_000_000}), 1_000_000 * DAY),
        ],
    )
    def test_seconds(self, value, expected):
        """The keyword arguments of timedelta, months and years are added up."""
        assert expected == parse_lifespan(value)

    @pytest.mark.parametrize(
        ("value", "found"),
        [
            ({"minute": 15}, "has the unknown key 'minute' (did you mean 'minutes'?)"),
            ({"Days": 1}, "has the unknown key 'Days' (did you mean 'days'?)"),
            (
                {"milliseconds": 1000},
                "has the unknown key 'milliseconds' (did you mean 'seconds'?)",
            ),
            ({"qqq": 1}, "has the unknown key 'qqq';"),
            ({7: 1}, "has the unknown key 7;"),
            ({None: 1}, "has the unknown key None"),
            ({"minutes": "15"}, "has minutes of type str"),
            ({"minutes": True}, "has minutes of type bool"),
            ({"minutes": None}, "has minutes of type NoneType"),
            ({"minutes": float("nan")}, "has minutes below zero"),
            ({"hours": 1, "minutes": -30}, "has minutes below zero"),
            ({"minutes": float("inf")}, "is longer than 400000000 days"),
            ({"years": 10**400}, "is longer than 400000000 days"),
            ({"days": 400_000_001}, "is longer than 400000000 days"),
            ({"seconds": 0.5}, "is not a whole number of seconds"),
            ({"minutes": 0}, "is not above zero"),
            ({}, "is empty"),
        ],
    )
    def test_refused(self, value, found):
        """Unknown keys, amounts of another type, fractions of seconds and negative amounts are rejected."""
        assert found in refusal(value)


class TestText:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("15 minutes", 900),
            ("1 day, 2 hours", DAY + 7200),
            ("2 hours, 1 day", DAY + 7200),
            ("15m", 900),
            ("2w", 14 * DAY),
            ("1mo,2m", 30 * DAY + 120),
            ("2m 1mo", 30 * DAY + 120),
            ("1m2mo", 60 + 60 * DAY),
            ("1 Month 2 Hours 3 minutes", 30 * DAY + 7380),
            ("12d1h1s", 12 * DAY + 3601),
            ("1Y", 365 * DAY),
            ("15M", 900),
            ("1 d , 2 h", DAY + 7200),
            (" 1 day\n", DAY),
            ("1\t day", DAY),
            ("1h 0m", 3600),
            ("007 seconds", 7),
            ("1000000 days", 1_000_000 * DAY),
        ],
    )
    def test_seconds(self, value, expected):
        """Numbers with units are added up, in any order, letter case and spacing."""
        assert expected == parse_lifespan(value)

    @pytest.mark.parametrize(("word", "size"), WORD_SIZES.items())
    def test_units(self, word, size):
        """Each unit has its short and its long names; a year is 365 days, a month 30."""
        assert 2 * size == parse_lifespan(f"2{word}") == parse_lifespan(f"2 {word.upper()}")

    @pytest.mark.parametrize(
        ("value", "found"),
        [
            ("", "is empty"),
            (" \n", "is empty"),
            ("900", "is a number without a unit; write 900 or '900 seconds'"),
            (" 0900\n", "is a number without a unit; write 900 or '0900 seconds'"),
            ("900.0", "has no number with a unit at '900.0'"),
            ("minutes", "has no number with a unit at 'minutes'"),
            ("1 day, 900", "has no number with a unit at '900'"),
            ("1.5 hours", "has no number with a unit at '1.5 hours'"),
            ("-5 minutes", "has no number with a unit at '-5 minutes'"),
            ("+5 minutes", "has no number with a unit at '+5 minutes'"),
            ("1 day and 2 hours", "has no number with a unit at 'and 2 hours'"),
            ("1 day; 2 hours", "has no number with a unit at '; 2 hours'"),
            ("1 day,, 2 hours", "has no number with a unit at ', 2 hours'"),
            (", 1 day", "has no number with a unit at ', 1 day'"),
            ("1 day!", "has no number with a unit at '!'"),
            ("1 day\x00", "has no number with a unit at '\\x00'"),
            ("1_000 days", "has no number with a unit at '1_000 days'"),
            ("\u0661 day", "has no number with a unit"),
            ("1\u00a0day", "has no number with a unit"),
            ("\u00a01 day", "has no number with a unit"),
            ("1 \u017fecond", "has no number with a unit"),
            ("1 day,", "ends with a comma"),
            ("1 day , ", "ends with a comma"),
            ("1 dy", "has the unknown unit 'dy' (did you mean 'd"),
            ("5 minuts", "has the unknown unit 'minuts' (did you mean 'minutes'?)"),
            ("15 fortnights", "has the unknown unit 'fortnights';"),
            ("1 dayandahalf", "has the unknown unit 'dayandahalf'"),
            ("1h 2 hours", "names hours twice"),
            ("0 minutes", "is not above zero"),
            ("0d0h", "is not above zero"),
            ("1000000000000000 s", "has a number of 16 digits, more than 15"),
            ("999999999999999 s", "is longer than 400000000 days"),
            ("400000000d 1s", "is longer than 400000000 days"),
        ],
    )
    def test_refused(self, value, found):
        """A text that is not understood to its last character is rejected, and the message shows the place."""
        assert found in refusal(value)

    @settings(deadline=None)
    @given(
        st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=7, unique=True).flatmap(
            lambda units: st.tuples(
                *(
                    st.tuples(
                        st.integers(0, 10_000),
                        st.sampled_from(["", " ", "\t", "  "]),
                        st.sampled_from(WORDS[unit][1]).flatmap(
                            lambda word: st.sampled_from([word, word.upper(), word.title()])
                        ),
                        st.sampled_from(["", " ", ",", ", ", " , "]),
                    )
                    for unit in units
                )
            )
        )
    )
    def test_round_trip(self, parts):
        """The result is the sum of the parts, in any order, case and with any separator."""
        text = "".join(f"{number}{gap}{word}{sep}" for number, gap, word, sep in parts)
        text = text.rstrip(", ")
        expected = sum(number * WORD_SIZES[word.lower()] for number, _, word, _ in parts)

        if expected:
            assert expected == parse_lifespan(text)
        else:
            assert "is not above zero" in refusal(text)

    @settings(deadline=None)
    @given(
        st.text()
        | st.text("0123456789 ,.-+dhmswyo\n")
        | st.from_regex(r"(\d{1,3} ?[a-z]{1,7},? ?){1,4}", fullmatch=True)
    )
    @example("1 day 1 day")
    @example("1d\n")
    def test_junk(self, text):
        """A text is accepted only if it consists of numbers with known units, each once."""
        try:
            found = parse_lifespan(text)
        except ConfigurationError:
            return
        assert GRAMMAR.fullmatch(text)
        words = re.findall(r"[a-z]+", text.lower())
        sizes = [WORD_SIZES[word] for word in words]
        assert len(set(sizes)) == len(sizes)
        numbers = [int(number) for number in re.findall(r"[0-9]+", text)]
        assert sum(map(int.__mul__, numbers, sizes)) == found

    @pytest.mark.parametrize(
        "build",
        [
            lambda size: "1" * size,
            lambda size: "1" + " " * size + "!",
            lambda size: "1" + "d" * size,
            lambda size: " " * size + "!",
            lambda size: "1d" + " ," * size,
            lambda size: "1d" + " " * size + "!",
            lambda size: "1d " * size,
            lambda size: "," * size,
        ],
    )
    def test_linear(self, build):
        """Ten times as much text takes about ten times as long to reject, not a hundred times."""

        def cost(size):
            text = build(size)
            runs = []
            for _ in range(5):
                start = time.process_time_ns()
                refusal(text)
                runs.append(time.process_time_ns() - start)
            return min(runs)

        # The constant keeps the noise of short runs out of the ratio.
        assert cost(200_000) < 40 * (cost(20_000) + 250_000)


class TestJunk:
    @pytest.mark.parametrize(
        "value",
        [None, True, False, 1.0, 900.0, float("nan"), b"15m", [15], (1, "day"), object(), set()],
    )
    def test_type(self, value):
        """A lifespan is a timedelta, a mapping, a string or an integer."""
        assert f"is of type {type(value).__name__}" in refusal(value)

    @settings(deadline=None)
    @given(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.binary()
        | st.timedeltas()
        | st.dictionaries(st.sampled_from([*WORDS, "day", 1]), st.integers() | st.floats())
        | st.lists(st.integers())
    )
    def test_any_value(self, value):
        """Any value gives whole seconds within the bounds, or ConfigurationError."""
        try:
            found = parse_lifespan(value)
        except ConfigurationError:
            return
        assert type(found) is int
        assert 0 < found <= LONGEST


class TestMessage:
    def test_name(self):
        """The message names the setting, what was expected, what was found and what to write."""
        expected = (
            "JWT_ACCESS_LIFESPAN must be a timedelta, a dict, a string with units or integer seconds; got 'x', which "
            "has no number with a unit at 'x'; write for example {'minutes': 15}, '15 minutes' or 900"
        )

        assert expected == refusal("x", name="JWT_ACCESS_LIFESPAN")

    def test_default_name(self):
        """Without a name the message says lifespan."""

        assert refusal(None).startswith("lifespan must be ")
        assert "; got None, which is of type NoneType;" in refusal(None)

    def test_truncated(self):
        """At most 80 characters of a value are shown."""
        (shown,) = re.findall(r"got (.*), which", refusal("x" * 1000))

        assert 80 == len(shown)
        assert shown.endswith("xxx...")

    def test_not_truncated(self):
        """A value of 80 characters is shown whole."""

        assert f"; got {'x' * 78!r}, which" in refusal("x" * 78)
