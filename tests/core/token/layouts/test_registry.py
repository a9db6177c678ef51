"""The layout of a payload."""

from __future__ import annotations

import pytest
from tests.core.token.layouts.payloads import action, legacy, session

from praetorian_core.errors import InvalidTokenError
from praetorian_core.token.layouts import FLASK_PRAETORIAN, STANDARD, layout_of


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
