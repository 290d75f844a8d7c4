"""On which addresses an edge speaks HTTPS, and on which plain HTTP."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from argos_gitops.providers.caddy.settings import CaddySettings

HTTP_PORT = 80
HTTPS_PORT = 443
_HOST_AND_PORT = re.compile(r"[^/]*:[0-9]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener is; an empty host means every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def everywhere(self) -> bool:
        return self.host in ("", "0.0.0.0", "[::]")  # noqa: S104 # recognised, not bound


@dataclass(frozen=True, slots=True)
class Needs:
    """What the enabled Hosts of an edge ask for: some of them TLS, some plain HTTP."""

    tls: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Listeners:
    tls: tuple[Address, ...]
    plain: tuple[Address, ...]

    @property
    def usual_ports(self) -> bool:
        """Whether one of the ports is where visitors look without being told."""
        return any(address.port == HTTPS_PORT for address in self.tls) or any(
            address.port == HTTP_PORT for address in self.plain
        )


def listeners(settings: CaddySettings, needs: Needs) -> Listeners:
    """Sorts `listen` into HTTPS and HTTP; see the field's description for the rule.

    Where Hosts without TLS find no HTTP listener, port 80 beside port 443 is one: Caddy opens it there
    anyway, for redirects.
    """
    tls: list[Address] = []
    plain: list[Address] = []
    for entry in settings.listen:
        scheme, separator, rest = entry.rpartition("://")
        address = parse_address(rest)
        secure = scheme == "https" if separator else _secure(address.port, needs)
        (tls if secure else plain).append(address)
    if needs.plain and not plain:
        plain = [Address(address.host, HTTP_PORT) for address in tls if address.port == HTTPS_PORT]
    return Listeners(tuple(tls), tuple(plain))


def _secure(port: int, needs: Needs) -> bool:
    if port in (HTTP_PORT, HTTPS_PORT):
        return port == HTTPS_PORT
    return needs.tls


def addresses_of(listen: Iterable[object]) -> tuple[Address, ...]:
    """Those of Caddy's listen addresses that are a plain host and port; ranges and sockets are left out."""
    return tuple(parse_address(text) for text in map(str, listen) if _HOST_AND_PORT.fullmatch(text))


def parse_address(address: str) -> Address:
    host, _, port = address.rpartition(":")
    return Address(host, int(port))
