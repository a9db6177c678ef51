"""The text that error messages show of a value."""

import pytest

from praetorian_core.messages import shown, type_name


class Broken:
    """A value that cannot be printed."""

    def __repr__(self):
        raise RuntimeError


class TestShown:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            pytest.param("a", "'a'", id="text"),
            pytest.param("x" * 78, f"'{'x' * 78}'", id="80-characters"),
            pytest.param("x" * 79, f"'{'x' * 76}...", id="81-characters"),
            pytest.param(Broken(), "a Broken without a repr", id="a-repr-that-raises"),
            pytest.param(10**5000, "a huge int", id="an-integer-too-large-for-repr"),
        ],
    )
    def test_repr_of_80_characters(self, value, expected):
        """A message shows the repr, cut to 80 characters."""

        assert expected == shown(value)


class TestTypeName:
    def test_hides_the_value(self):
        """A value that may be secret is shown as its type."""

        assert "str" == type_name("hunter2")
