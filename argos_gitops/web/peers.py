"""Whose connection it is: a neighbour that speaks for many, or a stranger who speaks for himself."""

import socket
import struct
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

BESIDE_US = tuple(
    ip_network(each)
    for each in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""Where a proxy beside us connects from: this machine, or a private network."""
_SITE_BITS = 64
_AT_ONCE = struct.pack("ii", 1, 0)


class Connected(Protocol):
    """A socket, or what asyncio shows of one."""

    def setsockopt(self, level: int, name: int, value: bytes, /) -> None: ...


def forget_unsent(connection: Connected) -> None:
    """Closing it resets it: else the kernel goes on offering for minutes what nobody takes in."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address in IPv6 form is one of IPv4; None for what is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def grouped(address: IPv4Address | IPv6Address | None) -> str:
    """The name to count under: IPv6 by its /64, as one household has all of it; `local` for a socket file."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _SITE_BITS), strict=False))
    return str(address) if address else "local"


def foreign_peer(address: object) -> str:
    """The name to count the connections of a socket address under; empty for a neighbour's."""
    if not isinstance(address, tuple) or not address:
        return ""
    peer = parsed(str(address[0]).partition("%")[0])
    return "" if peer is None or any(peer in network for network in BESIDE_US) else grouped(peer)
