"""What only one container of a host can have, or is known by: names, ports, and which service it is. Pure.

Two that claim the same cannot run side by side, and two of one service and image are hardly meant to.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.providers.docker.containers import PROJECT, SERVICE

Document = Mapping[str, Any]
_ANY = ("", "0.0.0.0", "::")  # noqa: S104 # read, not bound


def claims_of_service(service: Document) -> frozenset[str]:
    """Of a service of a rendered model: `name wiki`, `port 8080/tcp`, `port 127.0.0.1:8080/tcp`."""
    found = {f"name {service['container_name']}"} if service.get("container_name") else set()
    for port in service.get("ports") or ():
        published = str(port.get("published") or "")
        if published.isdecimal() and published != "0":
            found.add(_port(port.get("host_ip"), published, port.get("protocol", "tcp")))
    return frozenset(found)


def claims_of_container(listed: Document) -> frozenset[str]:
    """Of a container as the engine lists it; one that does not run holds no port."""
    names = {f"name {name.lstrip('/')}" for name in listed.get("Names") or ()}
    ports = {
        _port(each.get("IP"), each["PublicPort"], each.get("Type", "tcp"))
        for each in listed.get("Ports") or ()
        if each.get("PublicPort")
    }
    return frozenset(names | ports)


def shared_claims(one: Iterable[str], other: Iterable[str]) -> list[str]:
    """What both claim; a port on all addresses is one on each of them."""
    others = set(other)
    return sorted(
        claim
        for claim in set(one)
        if claim in others or (claim.startswith("port ") and any(_overlap(claim, each) for each in others))
    )


def live_twins(
    project: str, services: Mapping[str, Document], listed: Sequence[Document]
) -> Iterator[tuple[str, str, str]]:
    """For the services of a project the containers of others that hold the same: service, container, what.

    The same is a name, a port, or Compose's service of the same name with the same image (another project's
    name for what was there before).
    """
    for name, service in services.items():
        claims = claims_of_service(service)
        for each in listed:
            labels = each.get("Labels") or {}
            if labels.get(PROJECT) == project:
                continue
            same = shared_claims(claims, claims_of_container(each))
            if labels.get(SERVICE) == name and each.get("Image") == service.get("image"):
                same.append(f"service {name} of project {labels.get(PROJECT)}")
            if same:
                yield name, str((each.get("Names") or [each["Id"][:12]])[0]).lstrip("/"), ", ".join(same)


def _port(address: Any, published: Any, protocol: str) -> str:
    place = "" if (address or "") in _ANY else f"{address}:"
    return f"port {place}{published}/{protocol}"


def _overlap(one: str, other: str) -> bool:
    if not other.startswith("port "):
        return False
    (one_address, _, one_port), (other_address, _, other_port) = (
        each.removeprefix("port ").rpartition(":") for each in (one, other)
    )
    return one_port == other_port and (not one_address or not other_address)
