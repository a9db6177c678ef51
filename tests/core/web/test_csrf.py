"""Which requests with a token in a cookie prove that they come from an own page."""

import pytest
from tests.support import Request

from praetorian_core.errors import CSRFError
from praetorian_core.web.csrf import check_csrf, check_origin

TRUSTED = ("https://app.example",)
CSRF = "c" * 22
PROOF = ("X-CSRF-Token", CSRF)
OWN = (("Sec-Fetch-Site", "same-origin"), ("Origin", "https://api.example"), ("Host", "api.example"))
CROSS = (("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example"), ("Host", "api.example"))
UNSAFE = pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "get", "PROPFIND", ""])


class TestCheckCSRF:
    @UNSAFE
    def test_proof(self, method):
        """An unsafe request of an own page repeats the claim in a header."""

        assert check_csrf(Request((PROOF, *OWN), method), CSRF, TRUSTED) is None

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
    def test_safe(self, method):
        """A safe request needs no proof, also from another site (RFC 9110 §9.2.1)."""

        assert check_csrf(Request(CROSS, method), None, TRUSTED) is None

    @UNSAFE
    def test_no_header(self, method):
        """Without the header an unsafe request is rejected."""
        with pytest.raises(CSRFError, match="0 headers X-CSRF-Token; expected one"):
            check_csrf(Request(OWN, method), CSRF, TRUSTED)

    @pytest.mark.parametrize(
        "value", ["", CSRF[:-1], CSRF + "c", CSRF.upper(), f" {CSRF}", f"{CSRF}, {CSRF}", "é" * 22, "\udcff"]
    )
    def test_other_value(self, value):
        """The header equals the claim exactly."""
        with pytest.raises(CSRFError, match="does not equal the claim 'csrf'") as caught:
            check_csrf(Request((("X-CSRF-Token", value), *OWN), "POST"), CSRF, TRUSTED)

        assert CSRF not in str(caught.value)

    def test_two_headers(self):
        """Two headers are rejected, also if both are right."""
        with pytest.raises(CSRFError, match="2 headers"):
            check_csrf(Request((PROOF, PROOF, *OWN), "POST"), CSRF, TRUSTED)

    @pytest.mark.parametrize("value", [CSRF, "", "None"])
    def test_no_claim(self, value):
        """A token that was not issued for cookies proves nothing."""
        with pytest.raises(CSRFError, match="has no claim 'csrf'"):
            check_csrf(Request((("X-CSRF-Token", value), *OWN), "POST"), None, TRUSTED)

    def test_cross_site(self):
        """The proof from another site is rejected: it has been stolen."""
        with pytest.raises(CSRFError, match="another origin caused the request"):
            check_csrf(Request((PROOF, *CROSS), "POST"), CSRF, TRUSTED)


class TestWebSocket:
    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param(OWN, id="own-page"),
            pytest.param((("Origin", "https://api.example"), ("Host", "api.example")), id="without-fetch-metadata"),
            pytest.param((("Origin", "https://app.example"), ("Host", "api.example")), id="trusted-page"),
        ],
    )
    def test_own_page(self, lines):
        """A page of the own or of a trusted origin may open a socket; a handshake cannot carry the proof."""

        assert check_csrf(Request(lines, is_websocket=True), CSRF, TRUSTED) is None

    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param(CROSS, id="other-page"),
            pytest.param((("Origin", "https://evil.example"), ("Host", "api.example")), id="without-fetch-metadata"),
            pytest.param((("Host", "api.example"), PROOF), id="no-origin"),
            pytest.param((), id="nothing"),
        ],
    )
    def test_other_page(self, lines):
        """Any other handshake with a cookie is rejected, although its method is GET."""
        with pytest.raises(CSRFError, match="opened the WebSocket"):
            check_csrf(Request(lines, is_websocket=True), CSRF, TRUSTED)

    @UNSAFE
    def test_other_method(self, method):
        """A request of another method is no handshake (RFC 6455 §4.1), so it needs the proof."""
        with pytest.raises(CSRFError, match="0 headers X-CSRF-Token"):
            check_csrf(Request(OWN, method, is_websocket=True), CSRF, TRUSTED)
        assert check_csrf(Request((PROOF, *OWN), method, is_websocket=True), CSRF, TRUSTED) is None


class TestCheckOrigin:
    def test_unsafe(self):
        """An unsafe request of another site is rejected; of an own page it passes."""

        assert check_origin(Request(OWN, "POST"), TRUSTED) is None
        with pytest.raises(CSRFError):
            check_origin(Request(CROSS, "POST"), TRUSTED)

    def test_safe(self):
        """A link of another site may lead to a login, such as the answer of an identity provider."""

        assert check_origin(Request(CROSS, "GET"), TRUSTED) is None
