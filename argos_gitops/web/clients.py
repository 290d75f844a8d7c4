"""Who asks: the address that limits are counted for, and whether it is somebody on this machine."""

import re
from ipaddress import IPv4Address, IPv6Address

from starlette.requests import HTTPConnection

from argos_gitops.web.peers import BESIDE_US, grouped, parsed

_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\s]+)(?::\d+)?")


def client_address(connection: HTTPConnection) -> str:
    """The address to count for; IPv6 by its /64, as one household has all of it.

    A proxy beside us (loopback, a private network, a Unix socket) is believed about whom it serves: the
    last entry of X-Forwarded-For is the one that it wrote itself.
    """
    peer = _peer(connection)
    forwarded = connection.headers.getlist("x-forwarded-for")
    if forwarded and (peer is None or any(peer in network for network in BESIDE_US)):
        return grouped(parsed(forwarded[-1].rpartition(",")[2].strip()) or peer)
    return grouped(peer)


def is_local(connection: HTTPConnection) -> bool:
    """Whether the request was made on this machine, and not by a proxy or a browser for somebody else.

    A page of a stranger may have its name resolve to 127.0.0.1, but it cannot ask for that address.
    """
    if connection.client is None:
        return not _is_passed_on(connection)
    peer, host = _peer(connection), _HOST.fullmatch(connection.headers.get("host", ""))
    asked_for_us = host is not None and (host[1] == "localhost" or parsed(host[1].strip("[]")) is not None)
    return peer is not None and peer.is_loopback and asked_for_us and not _is_passed_on(connection)


def _is_passed_on(connection: HTTPConnection) -> bool:
    return any(name in connection.headers for name in _FORWARDED)


def _peer(connection: HTTPConnection) -> IPv4Address | IPv6Address | None:
    """None for a Unix socket."""
    return parsed(connection.client.host) if connection.client else None
