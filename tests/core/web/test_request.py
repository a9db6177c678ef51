"""Which requests are CORS preflights."""

import pytest
from tests.support import Request

from praetorian_core.web.request import RequestNotes, is_preflight

ORIGIN = ("Origin", "https://app.example")
METHOD = ("Access-Control-Request-Method", "GET")


class Noted(RequestNotes):
    """A request with a dictionary of its own."""

    def __init__(self):
        self.environ = {}

    @property
    def _notes(self):
        return self.environ


class TestRequestNotes:
    def test_kept(self):
        """Both notes are in the request's dictionary, so every object that describes the request finds them."""
        request, other = Noted(), Noted()
        other.environ = request.environ
        assert (None, None) == (other.renewal, other.redemption)
        request.renewal, request.redemption = renewal, redemption = object(), object()

        assert (renewal, redemption) == (other.renewal, other.redemption)


class TestIsPreflight:
    @pytest.mark.parametrize(
        ("method", "lines", "expected"),
        [
            pytest.param("OPTIONS", (ORIGIN, METHOD), True, id="preflight"),
            pytest.param(
                "OPTIONS",
                (METHOD, ORIGIN, ("Access-Control-Request-Headers", "authorization")),
                True,
                id="with-headers",
            ),
            pytest.param(
                "OPTIONS", (("origin", "null"), ("access-control-request-method", "PUT")), True, id="lower-case"
            ),
            pytest.param("OPTIONS", (("Origin", ""), ("Access-Control-Request-Method", "")), True, id="empty-values"),
            pytest.param("OPTIONS", (ORIGIN, METHOD, ("Authorization", "Bearer a")), True, id="with-a-token"),
            pytest.param("OPTIONS", (), False, id="plain-options"),
            pytest.param("OPTIONS", (ORIGIN,), False, id="origin-only"),
            pytest.param("OPTIONS", (METHOD,), False, id="method-only"),
            pytest.param(
                "OPTIONS", (ORIGIN, ("Access-Control-Request-Headers", "authorization")), False, id="headers-only"
            ),
            *(
                pytest.param(method, (ORIGIN, METHOD), False, id=method)
                for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "options", "OPTIONS ", "")
            ),
        ],
    )
    def test_table(self, method, lines, expected):
        """Fetch Standard, "CORS-preflight request": OPTIONS with both headers, and no other request."""

        assert expected is is_preflight(Request(lines, method=method))
