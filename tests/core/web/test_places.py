"""In which place a token is found, and what several of them mean."""

import pytest
from tests.support import Request

from praetorian_core.errors import ConflictingTokensError, MalformedHeaderError, MissingTokenError
from praetorian_core.web.bearer import TokenHeader
from praetorian_core.web.cookies import TokenCookies
from praetorian_core.web.places import TokenPlace, TokenPlaces
from praetorian_core.web.request import Renewal

HEADER = TokenHeader("Authorization", "Bearer")
COOKIES = TokenCookies(name="token", path="/", domain=None, secure=True, same_site="Lax")
BOTH = TokenPlaces(HEADER, COOKIES)
ALL = TokenPlaces(HEADER, COOKIES, takes_tickets=True)


def carrying(header=None, cookie=None, query=""):
    lines = [] if header is None else [("Authorization", header)]
    return Request((*lines, *([] if cookie is None else [("Cookie", f"token={cookie}")])), query=query)


class TestFind:
    @pytest.mark.parametrize(
        ("places", "request_", "expected"),
        [
            pytest.param(TokenPlaces(HEADER, None), carrying("Bearer a"), ("a", TokenPlace.HEADER), id="header"),
            pytest.param(
                TokenPlaces(HEADER, None), carrying("Bearer a", "b"), ("a", TokenPlace.HEADER), id="header-only"
            ),
            pytest.param(TokenPlaces(None, COOKIES), carrying(None, "b"), ("b", TokenPlace.COOKIE), id="cookie"),
            pytest.param(
                TokenPlaces(None, COOKIES), carrying("Bearer a", "b"), ("b", TokenPlace.COOKIE), id="cookie-only"
            ),
            pytest.param(BOTH, carrying("Bearer a"), ("a", TokenPlace.HEADER), id="both-places-header"),
            pytest.param(BOTH, carrying(None, "b"), ("b", TokenPlace.COOKIE), id="both-places-cookie"),
            pytest.param(BOTH, carrying("Bearer a", "a"), ("a", TokenPlace.HEADER), id="the-same-token-twice"),
            pytest.param(BOTH, carrying("Basic YTpi", "b"), ("b", TokenPlace.COOKIE), id="another-scheme"),
        ],
    )
    def test_found(self, places, request_, expected):
        """A token is found in a place that the settings name; a header of another scheme carries none."""

        assert expected == places.find(request_)

    @pytest.mark.parametrize(
        ("places", "request_", "message"),
        [
            (TokenPlaces(HEADER, None), carrying(None, "b"), "the request has no Authorization header"),
            (TokenPlaces(None, COOKIES), carrying("Bearer a"), "the request has no cookie token"),
            (BOTH, carrying(), "the request has no Authorization header, and it has no cookie token"),
            (
                TokenPlaces(None, None),
                carrying("Bearer a", "b"),
                "the request carries no token in a place of JWT_PLACES",
            ),
        ],
        ids=["header", "cookie", "both", "neither"],
    )
    def test_missing(self, places, request_, message):
        """A request without a token names each place."""
        with pytest.raises(MissingTokenError) as caught:
            places.find(request_)

        assert message == str(caught.value)

    @pytest.mark.parametrize("value", ["Bearer", "Bearer a b", "Bearer a, Bearer b"])
    def test_malformed_header(self, value):
        """A malformed header never falls through to the cookie."""
        with pytest.raises(MalformedHeaderError):
            BOTH.find(carrying(value, "b"))

    def test_different(self):
        """Two different tokens are rejected: one of them is not the one that was meant (RFC 6750 §3.1)."""
        with pytest.raises(ConflictingTokensError, match="one token in its header and another one in its cookie"):
            BOTH.find(carrying("Bearer a", "b"))

    def test_repr(self):
        """No representation shows the token."""

        assert "FoundToken(place=TokenPlace.HEADER)" == repr(BOTH.find(carrying("Bearer canary")))

    def test_renewed(self):
        """The token that replaced the one in the cookie is found in its place."""
        request = carrying(None, "b")
        request.renewal = Renewal(presented="b", token="c", set_cookies=())

        assert ("c", TokenPlace.COOKIE) == BOTH.find(request)

    def test_renewed_of_another_request(self):
        """A renewal of another cookie is ignored."""
        request = carrying(None, "b")
        request.renewal = Renewal(presented="a", token="c", set_cookies=())

        assert ("b", TokenPlace.COOKIE) == BOTH.find(request)


class TestTicket:
    @pytest.mark.parametrize(
        ("places", "request_", "expected"),
        [
            (ALL, carrying(query="ticket=c"), ("c", TokenPlace.TICKET)),
            (ALL, carrying("Basic YTpi", query="ticket=c"), ("c", TokenPlace.TICKET)),
            (
                TokenPlaces(None, None, takes_tickets=True),
                carrying("Bearer a", "b", "ticket=c"),
                ("c", TokenPlace.TICKET),
            ),
            (TokenPlaces(HEADER, None, takes_tickets=True), carrying(None, "b", "ticket=c"), ("c", TokenPlace.TICKET)),
            (ALL, carrying("Bearer a", query="token=c"), ("a", TokenPlace.HEADER)),
            (ALL, carrying(None, "b", "Ticket=c"), ("b", TokenPlace.COOKIE)),
            (BOTH, carrying("Bearer a", query="ticket=c"), ("a", TokenPlace.HEADER)),
        ],
        ids=["alone", "another-scheme", "ticket-only", "no-cookies", "no-ticket", "another-name", "no-place"],
    )
    def test_found(self, places, request_, expected):
        """A ticket is found if the settings name the query, and ignored if they do not."""

        assert expected == places.find(request_)

    @pytest.mark.parametrize(
        ("request_", "place"),
        [
            (carrying("Bearer a", query="ticket=c"), "header"),
            (carrying(None, "b", "ticket=c"), "cookie"),
            (carrying("Bearer a", "b", "ticket=c"), "header"),
            (carrying("Bearer c", query="ticket=c"), "header"),
        ],
        ids=["header", "cookie", "both", "the-same"],
    )
    def test_conflict(self, request_, place):
        """A ticket beside another token is refused, because each may name another user."""
        with pytest.raises(ConflictingTokensError, match=f"a ticket in its query and a token in its {place}"):
            ALL.find(request_)

    def test_malformed_header(self):
        """A malformed header is refused beside a ticket too."""
        with pytest.raises(MalformedHeaderError):
            ALL.find(carrying("Bearer a b", query="ticket=c"))

    @pytest.mark.parametrize("query", ["ticket=a&ticket=b", "ticket=a&ticket=a"])
    def test_several(self, query):
        """Several tickets are refused."""
        with pytest.raises(ConflictingTokensError):
            ALL.find(carrying(query=query))

    def test_missing(self):
        """Without a token in any place the error names the others."""
        with pytest.raises(MissingTokenError, match="no Authorization header, and it has no cookie token"):
            ALL.find(carrying())
