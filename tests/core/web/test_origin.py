"""Which requests come from pages of other sites."""

import pytest
from tests.support import Request

from praetorian_core.web.origin import is_cross_site, parse_origin

TRUSTED = ("https://app.example", "http://localhost:8080")


def site(value):
    return ("Sec-Fetch-Site", value)


def origin(value):
    return ("Origin", value)


HOST = ("Host", "api.example")


class TestParseOrigin:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("https://api.example", "https://api.example"),
            ("HTTPS://API.Example", "https://api.example"),
            ("https://api.example:443", "https://api.example"),
            ("http://api.example:80", "http://api.example"),
            ("https://api.example:80", "https://api.example:80"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ],
    )
    def test_origins(self, text, expected):
        """An origin has a scheme, a host, and a port if it is not the scheme's own (RFC 6454 §6.2)."""

        assert expected == parse_origin(text)

    @pytest.mark.parametrize(
        "text",
        [
            "", "null", "api.example", "https://", "https:///", "https://api.example/", "https://api.example/a",
            "https://user@api.example", "ftp://api.example", "https://api.example:", "https://api.example:0",
            "https://api.example:123456", "https://api.example ", "https://a.example https://b.example",
            "https://api.example\n", "https://*.example", "*",
        ],
    )  # fmt: skip
    def test_no_origins(self, text):
        """Any other text is no origin."""

        assert parse_origin(text) is None


class TestIsCrossSite:
    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param((), id="no-browser"),
            pytest.param((site("same-origin"),), id="same-origin"),
            pytest.param((site("none"),), id="typed-address"),
            pytest.param((site("same-origin"), origin("https://proxied.example"), HOST), id="proxy-with-another-host"),
            pytest.param((origin("https://api.example"), HOST), id="own-origin"),
            pytest.param((origin("http://api.example"), HOST), id="own-origin-behind-a-proxy-with-TLS"),
            pytest.param((origin("https://api.example"), ("Host", "API.example:443")), id="own-origin-with-port"),
            pytest.param((origin("http://[::1]:8080"), ("Host", "[::1]:8080")), id="own-origin-of-an-address"),
            pytest.param((site("cross-site"), origin("https://app.example"), HOST), id="trusted"),
            pytest.param((site("same-site"), origin("http://localhost:8080"), HOST), id="trusted-with-port"),
            pytest.param((origin("https://app.example"), HOST), id="trusted-without-fetch-metadata"),
        ],
    )
    def test_accepted(self, lines):
        """Own pages, trusted pages and clients that are no browsers are not cross-site."""

        assert is_cross_site(Request(lines, "POST"), TRUSTED) is False

    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param((site("cross-site"),), id="cross-site"),
            pytest.param((site("same-site"),), id="sister-host"),
            pytest.param((site(""),), id="empty"),
            pytest.param((site("SAME-ORIGIN"),), id="upper-case"),
            pytest.param((site("same-origin, cross-site"),), id="two-values"),
            pytest.param((site("cross-site"), origin("https://api.example"), HOST), id="own-origin-but-cross-site"),
            pytest.param((origin("https://evil.example"), HOST), id="other-origin"),
            pytest.param((origin("https://api.example.evil.example"), HOST), id="own-host-as-prefix"),
            pytest.param((origin("https://evilapi.example"), HOST), id="own-host-as-suffix"),
            pytest.param((origin("https://api.example:8443"), HOST), id="other-port"),
            pytest.param((origin("null"), HOST), id="opaque"),
            pytest.param((origin(""), HOST), id="empty-origin"),
            pytest.param((origin("https://api.example"),), id="no-host"),
            pytest.param((origin("https://app.example.evil.example"), HOST), id="trusted-as-prefix"),
            pytest.param((origin("http://app.example"), HOST), id="trusted-host-without-TLS"),
        ],
    )
    def test_refused(self, lines):
        """A page of any other origin is cross-site, also of a sister host; ``null`` is no origin."""

        assert is_cross_site(Request(lines, "POST"), TRUSTED) is True
