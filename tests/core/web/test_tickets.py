"""The ticket in a query."""

import pytest

from praetorian_core.errors import ConflictingTokensError
from praetorian_core.web.tickets import find_ticket


class TestFindTicket:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", None),
            ("&&=&?", None),
            ("token=a", None),
            ("Ticket=a", None),
            ("tickets=a", None),
            ("ticket[]=a", None),
            ("a=ticket%3Db", None),
            ("a=1;ticket=b", None),
            ("ticket=a.b.c", "a.b.c"),
            ("x=1&ticket=a&y=2", "a"),
            ("%74icket=a", "a"),
            ("ticket=%61", "a"),
            ("ticket=a=b", "a=b"),
            ("ticket=", ""),
            ("ticket", ""),
            ("ticket=%ff", "\ufffd"),
        ],
    )
    def test_one(self, query, expected):
        """The parameter is read as a form is encoded; its name is case-sensitive."""

        assert expected == find_ticket(query)

    @pytest.mark.parametrize(
        "query", ["ticket=a&ticket=a", "ticket=a&x=1&ticket=b", "ticket=a&%74icket=", "ticket&ticket=a"]
    )
    def test_several(self, query):
        """Several tickets are refused: proxies and frameworks choose different ones."""
        with pytest.raises(ConflictingTokensError, match="the query carries 2 tickets; expected one"):
            find_ticket(query)
