"""Labels, and the values that describe a session."""

from __future__ import annotations

import markupsafe
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import NOW, refusal

from praetorian_core.principal import Principal
from praetorian_core.session import MAX_LABEL, IssuedSession, clean_label


class TestCleanLabel:
    @pytest.mark.parametrize(
        ("label", "expected"),
        [
            pytest.param("Firefox on Linux", "Firefox on Linux", id="usual"),
            pytest.param("  Firefox \t on\r\nLinux ", "Firefox on Linux", id="blanks"),
            pytest.param("a\x00b\x1b[31mc\x7fd\x9be", "a b [31mc d e", id="control-characters"),
            pytest.param("a\u202eb\u200bc\u2066d", "a b c d", id="directions"),
            pytest.param("a\ud800b", "a b", id="lone-surrogate"),
            pytest.param("Füchsin 狐", "Füchsin 狐", id="other-letters"),
            pytest.param("<b>", "<b>", id="markup"),
            pytest.param(markupsafe.Markup("a<b"), "a<b", id="subclass"),
            pytest.param("x" * 64, "x" * 64, id="64-characters"),
            pytest.param("x" * 65, "x" * 64, id="65-characters"),
            pytest.param("x" * 63 + " y", "x" * 63, id="cut-at-a-blank"),
            pytest.param("🦊" * 32, "🦊" * 32, id="32-characters-of-two-units"),
            pytest.param("x" + "🦊" * 32, "x" + "🦊" * 31, id="half-a-character"),
            pytest.param(None, None, id="none"),
            pytest.param("", None, id="empty"),
            pytest.param("\x00 \u202e", None, id="nothing-printable"),
        ],
    )
    def test_cleaned(self, label, expected):
        """Unprintable characters become blanks, blanks are joined, and a long text is cut: no text is rejected."""

        assert expected == clean_label(label)

    @given(st.text(st.characters(), max_size=200))
    def test_any_text(self, label):
        """Every label of a client fits into 64 units, is printable, and is not changed a second time."""
        cleaned = clean_label(label)

        if cleaned is not None:
            assert (True, cleaned) == (cleaned.isprintable(), clean_label(cleaned))
            assert 1 <= len(cleaned.encode("utf-16-le")) / 2 <= MAX_LABEL

    @pytest.mark.parametrize("label", [b"Firefox", 5, ["Firefox"], object()], ids=lambda label: type(label).__name__)
    def test_not_text(self, label):
        """Anything else is a mistake of the application."""

        assert f"label must be a str or None; got {type(label).__name__}" == refusal(clean_label, label)


class TestIssuedSession:
    principal = Principal(
        identity=1,
        roles=frozenset(),
        claims={},
        session_id="abc",
        issued_at=NOW,
        access_expires_at=NOW + 1,
        refresh_expires_at=NOW + 2,
    )

    def test_session_id(self):
        """The id is the principal's."""

        assert "abc" == IssuedSession(token="t", principal=self.principal).session_id

    def test_repr(self):
        """The token is not in its text."""

        assert "canary" not in repr(IssuedSession(token="canary", principal=self.principal))
