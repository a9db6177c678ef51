"""The networks in which the source of a login is counted."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from praetorian_core.errors import ConfigurationError
from praetorian_core.login.source import source_networks

V4 = ("93.184.216.0/24", "93.184.216.34/32")
V6 = ("2606:4700::/32", "2606:4700:1::/48", "2606:4700:1:2::/64")


class TestAddress:
    @pytest.mark.parametrize(
        "source",
        [
            "93.184.216.34",
            "93.184.216.34:51234",
            "93.184.216.34:0",
            " 93.184.216.34",
            "93.184.216.34\t\n",
            "[93.184.216.34]:80",
        ],
        ids=repr,
    )
    def test_ipv4(self, source):
        """An IPv4 address is counted in its /24, with or without a port or blanks."""
        assert V4 == source_networks(source)

    @pytest.mark.parametrize(
        "source",
        [
            "2606:4700:1:2::1",
            "2606:4700:0001:0002:0:0:0:1",
            "[2606:4700:1:2::1]:443",
            "[2606:4700:1:2::1]",
            " [2606:4700:1:2::1]:443 ",
            "2606:4700:1:2::1%eth0",
            "[2606:4700:1:2::1%25eth0]:443",
            "2606:4700:1:2:ffff:ffff:ffff:ffff",
        ],
    )
    def test_ipv6(self, source):
        """An IPv6 address is counted in its /32, /48 and /64."""
        assert V6 == source_networks(source)

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param("::ffff:93.184.216.34", id="mapped"),
            pytest.param("[::ffff:93.184.216.34]:443", id="mapped with a port"),
            pytest.param("::93.184.216.34", id="compatible"),
            pytest.param("::ffff:0:93.184.216.34", id="translated"),
            pytest.param("64:ff9b::93.184.216.34", id="NAT64"),
            pytest.param("64:ff9b::5db8:d822", id="NAT64 in hex"),
            pytest.param("2002:5db8:d822:1::1", id="6to4"),
            # RFC 4380 §4: the client's address with every bit inverted.
            pytest.param("2001:0:4136:e378:8000:63bf:a247:27dd", id="Teredo"),
        ],
    )
    def test_embedded(self, source):
        """A tunnel or a translator counts as the IPv4 address inside it."""
        assert V4 == source_networks(source)

    @pytest.mark.parametrize(
        ("below", "first", "last", "above"),
        [
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("223.255.255.255", "224.0.0.0", "255.255.255.255", "1.0.0.0"),
            ("2000:ffff:ffff::1", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
            ("2001:db7:ffff::1", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
            ("3ffe:ffff::1", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"),
        ],
    )
    def test_edges(self, below, first, last, above):
        """The first and the last address of a range are not routable; their neighbours outside are."""
        assert ((), ()) == (source_networks(first), source_networks(last))
        assert source_networks(below)
        assert source_networks(above)


class TestNone:
    @pytest.mark.parametrize(
        "source",
        [
            None,
            "",
            " ",
            "localhost",
            "unknown",
            "_hidden",
            "client-a",
            "unix:",
            "/run/gunicorn.sock",
            "93.184.216.34, 10.0.0.1",
            "10.0.0.1, 93.184.216.34",
            "93.184.216.34,93.184.216.35",
            "93.184.216.34 93.184.216.35",
            "for=93.184.216.34",
            "93.184.216.34:port",
            "93.184.216.34:123456",
            "93.184.216.256",
            "093.184.216.034",
            "93.184.216",
            "1572395042",
            "\uff19\uff13.184.216.34",
            "[93.184.216.34",
            "[]:80",
            "2606:4700:1:2::1:443:0:0:0:0",
            "93.184.216.34\0",
            "x" * 100_000,
        ],
        ids=lambda source: repr(source)[:40],
    )
    def test_not_an_address(self, source):
        """A text that is not exactly one address identifies no client."""
        assert () == source_networks(source)

    @pytest.mark.parametrize(
        "source",
        [
            "0.0.0.0",
            "10.0.0.1:80",
            "127.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "192.88.99.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "[2001:db8::1]:443",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1%eth0",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
            "64:ff9b:1::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::100.64.0.1",
            "2002:a00:1::1",
            "2002:6440:1::1",
            "2001:0:4136:e378:8000:63bf:f5ff:fffe",
            "2001:10::1",
            "2001:20::1",
        ],
    )
    def test_not_global(self, source):
        """An address that is not globally routable identifies no client (RFC 6890)."""
        assert () == source_networks(source)

    @pytest.mark.parametrize(
        "source",
        [
            b"93.184.216.34",
            7,
            True,
            ("93.184.216.34", 80),
            ["93.184.216.34"],
            IPv4Address("93.184.216.34"),
            IPv6Address("2606:4700::1"),
        ],
        ids=repr,
    )
    def test_other_type(self, source):
        """A source of another type is a mistake of the caller."""
        with pytest.raises(ConfigurationError, match=f"source must be a str or None; got {type(source).__name__}"):
            source_networks(source)
