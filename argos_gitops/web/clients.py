"""Who asks: the address that limits are counted for, and whether it is somebody on this machine."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from starlette.requests import HTTPConnection

from argos_gitops.web.peers import grouped, parsed

Networks = tuple[IPv4Network | IPv6Network, ...]
THIS_MACHINE: Networks = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
"""Who is believed about whom it serves, unless ARGOS_TRUSTED_PROXIES names others."""

_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\s]+)(?::\d+)?")


def client_address(connection: HTTPConnection) -> str:
    """The address to count for; IPv6 by its /64, as one household has all of it.

    A trusted proxy (or whoever has the Unix socket) is believed about whom it serves: the last entry of
    X-Forwarded-For is the one that it wrote itself. What anybody else writes there is about nobody.
    """
    peer = _peer(connection)
    forwarded = connection.headers.getlist("x-forwarded-for")
    if forwarded and (peer is None or any(peer in network for network in _trusted(connection))):
        return grouped(parsed(forwarded[-1].rpartition(",")[2].strip()) or peer)
    return grouped(peer)


def parse_networks(text: str) -> Networks:
    """Addresses and networks, apart by commas or spaces. ValueError names the one that is none."""
    return tuple(ip_network(each) for each in text.replace(",", " ").split())


def _trusted(connection: HTTPConnection) -> Networks:
    """What the application was told (web/site.py)."""
    application = connection.scope.get("app")
    return getattr(application.state, "trusted_proxies", THIS_MACHINE) if application else THIS_MACHINE


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
