"""The addresses that no ban may cover because we ourselves are behind them.

These are the public addresses of this machine, as a service on the net sees them, the addresses that it
speaks from, and its gateway: behind it all clients of a container or of a port forward look alike.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

from argos_gitops.model.errors import TransientError
from argos_gitops.ports.clock import Clock

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address

KEPT = timedelta(days=7)
"""How long an address counts after it was last seen."""

_TIMEOUT_SECONDS = 4.0
_LONGEST_ADDRESS = 64
_MOST_BYTES = 16 * 1024
_FAMILIES = {4: "0.0.0.0", 6: "::"}  # noqa: S104 # where a connection comes from, not where one listens

_SOMEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Documentation addresses: connecting a UDP socket sends nothing, and shows which address would speak."""

_ROUTES = Path("/proc/net/route")


@dataclass(frozen=True, slots=True)
class Seen:
    """A public address, and when the service last named it."""

    address: _Address
    at: datetime


class OwnAddresses:
    """Asks the service at `url` (None: nobody), and keeps what it said in `path` over restarts."""

    def __init__(self, url: str | None, path: Path, clock: Clock) -> None:
        self._url = url
        self._path = path
        self._clock = clock

    def look(self) -> None:
        """Asks by IPv4 and by IPv6; either will do.

        Raises TransientError (reason PublicAddressUnknown) when neither is answered; then what was seen
        before counts on, for a week.
        """
        if self._url is None:
            return
        found: dict[int, Seen] = {}
        errors: list[str] = []
        for family, source in _FAMILIES.items():
            try:
                found[family] = Seen(_ask(self._url, source), self._clock.now())
            except TransientError as error:
                errors.append(f"IPv{family}: {error}")
        if not found:
            raise TransientError(
                f"{'; '.join(errors)}; {self._still_known()}; set ARGOS_PUBLIC_IP_URL to another service, "
                "or to off",
                reason="PublicAddressUnknown",
            )
        self._keep({**self._read(), **found})

    def public(self) -> tuple[Seen, ...]:
        """The public addresses that were seen within the last week."""
        if self._url is None:
            return ()
        now = self._clock.now()
        return tuple(seen for _, seen in sorted(self._read().items()) if now - seen.at < KEPT)

    def networks(self) -> Sequence[Network]:
        """Everything that a ban would hit us by."""
        found = {seen.address for seen in self.public()} | {*_speaking_from(), *_gateways()}
        return [ip_network(address) for address in sorted(found, key=str) if not address.is_loopback]

    def _still_known(self) -> str:
        known = ", ".join(str(seen.address) for seen in self.public())
        return f"{known} is kept as this machine's public address" if known else "none is known"

    def _read(self) -> dict[int, Seen]:
        """What is kept; a file that is no longer readable is as good as none."""
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            return {
                int(family): Seen(ip_address(each["address"]), datetime.fromisoformat(each["seenAt"]))
                for family, each in kept.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _keep(self, found: Mapping[int, Seen]) -> None:
        document = {
            str(family): {"address": str(seen.address), "seenAt": seen.at.isoformat()}
            for family, seen in found.items()
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(f".{os.getpid()}.tmp")
        beside.write_text(json.dumps(document), "utf-8")
        beside.replace(self._path)


def _ask(url: str, source: str) -> _Address:
    """The address that the service names to a connection from `source`."""
    import httpx

    from argos_gitops.outbound import BoundedClient, Bounds

    transport = httpx.HTTPTransport(local_address=source)
    try:
        with (
            BoundedClient(Bounds(_MOST_BYTES), transport=transport, timeout=_TIMEOUT_SECONDS) as client,
        ):
            return _address_in(client.get(url).raise_for_status().content)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise TransientError(f"{url} named no address ({type(error).__name__}: {error})") from error


def _address_in(text: bytes) -> _Address:
    if len(text) > _LONGEST_ADDRESS:
        raise ValueError("expected an address as plain text, found a longer text")
    address = ip_address(text.decode("ascii", "replace").strip())
    if address.is_unspecified or address.is_multicast or address.is_loopback:
        raise ValueError(f"{address} is no address that anybody could come from")
    return address


def _speaking_from() -> Iterator[_Address]:
    for family, somewhere in _SOMEWHERE.items():
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((somewhere, 9))
                yield ip_address(probe.getsockname()[0])
        except OSError:  # no route of this family
            continue


def _gateways() -> Iterator[_Address]:
    """The default gateways of IPv4, where Linux tells of them (proc(5): hexadecimal, in host order)."""
    try:
        routes = [line.split() for line in _ROUTES.read_text("ascii").splitlines()[1:]]
    except OSError:
        return
    for route in routes:
        if len(route) > 2 and route[1] == "00000000" and route[2] != "00000000":
            yield IPv4Address(socket.ntohl(int(route[2], 16)))
