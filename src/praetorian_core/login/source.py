"""Parse the source of a login, and list the networks in which it is counted.

A source is the client's address as the framework reports it. Only a globally routable address identifies a client; every
other text counts as no source, because many clients share it (a proxy, a Unix socket) or a client can choose it.

The ranges are those of the IANA special-purpose address registries (RFC 6890). They are listed here because
``ipaddress`` answers differently in different versions of Python.
"""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from praetorian_core.errors import ConfigurationError

_V4_WITH_PORT = re.compile(r"([0-9.]{7,15}):[0-9]{1,5}", re.ASCII)
_IN_BRACKETS = re.compile(r"\[([^\[\]]{2,64})\](?::[0-9]{1,5})?", re.ASCII)

_NOT_GLOBAL_V4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # RFC 6598, shared by the customers of a provider
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast and reserved
    )
]
_GLOBAL_V6 = IPv6Network("2000::/3")
"""Global unicast; every other IPv6 range is local, reserved or multicast (RFC 4291 §2.4)."""
_NOT_GLOBAL_V6 = [
    IPv6Network("2001::/23"),  # protocol assignments; Teredo is resolved before
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
]
_ENDS_WITH_V4 = [
    IPv6Network("::/96"),  # RFC 4291 §2.5.5.1
    IPv6Network("::ffff:0:0/96"),  # RFC 4291 §2.5.5.2
    IPv6Network("::ffff:0:0:0/96"),  # RFC 2765 §2.1
    IPv6Network("64:ff9b::/96"),  # RFC 6052 §2.1
]


def source_networks(source: object) -> tuple[str, ...]:
    """Return the networks of a source, from the widest to that of the client itself.

    For IPv4 these are the /24 and the address; for IPv6 the /32 (a provider), the /48 (a site) and the /64 (the smallest
    network of a customer). An address in a tunnel or behind a translator counts as the IPv4 address inside it.

    Args:
        source: The client's address, or None.

    Returns:
        The networks; empty if the source identifies no client.

    Raises:
        ConfigurationError: The source is neither a str nor None.
    """
    if source is None:
        return ()
    if not isinstance(source, str):
        raise ConfigurationError(
            f"source must be a str or None; got {type(source).__name__}; write the client's address as text"
        )
    address = _parse(source)
    if address is None:
        return ()
    lengths = (24, 32) if address.version == 4 else (32, 48, 64)
    return tuple(str(ipaddress.ip_network((address, length), strict=False)) for length in lengths)


def _parse(source: str) -> IPv4Address | IPv6Address | None:
    text = source.strip()
    form = _V4_WITH_PORT.fullmatch(text) or _IN_BRACKETS.fullmatch(text)
    try:
        address = ipaddress.ip_address((form[1] if form else text).partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = _embedded(address) or address
    return address if _is_global(address) else None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address of the client inside an IPv6 address; None if there is none."""
    if any(address in network for network in _ENDS_WITH_V4):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return None if address.teredo is None else address.teredo[1]


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_GLOBAL_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _NOT_GLOBAL_V6)
