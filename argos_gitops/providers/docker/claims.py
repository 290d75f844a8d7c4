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


def beside(project: str, name: str, model: Document, listed: Sequence[Document]) -> Iterator[tuple[str, str]]:
    """What a service that is started anew would stand beside, as labelled texts for people.

    That are containers of others with the same name, ports or routes, or with the same service and image:
    most often what ran before under another project's name. Its volumes and folders would stay with it.
    """
    service = model["services"][name]
    claims = claims_of_service(service)
    for each in listed:
        labels = each.get("Labels") or {}
        other = labels.get(PROJECT, "")
        if other == project:
            continue
        same = shared_claims(claims, claims_of_container(each))
        if labels.get(SERVICE) == name and each.get("Image") == service.get("image"):
            same.append("service and image")
        same += [f"route {rule}" for rule in sorted(_rules(service.get("labels")) & _rules(labels))]
        if same:
            called = str((each.get("Names") or [each["Id"][:12]])[0]).lstrip("/")
            cure = f"; `project: {other}` takes it over" if other else ""
            yield f"would start beside {called}", f"it has the same {', '.join(same)}{cure}"
            yield from left_behind(name, model, each)


def left_behind(name: str, model: Document, listed: Document) -> Iterator[tuple[str, str]]:
    """What a container has mounted from another place than the service of the model would."""
    volumes = model.get("volumes") or {}
    mounted = {
        each.get("Destination"): each.get("Name") if each.get("Type") == "volume" else each.get("Source")
        for each in listed.get("Mounts") or ()
        if each.get("Type") in ("bind", "volume")
    }
    for mount in model["services"][name].get("volumes") or ():
        source, target = mount.get("source"), mount.get("target")
        if mount.get("type") == "volume":
            source = (volumes.get(source) or {}).get("name", source)
        if source and target in mounted and mounted[target] != source:
            yield f"leaves behind at {target}", f"{mounted[target]}, and takes {source}"


def _rules(labels: Mapping[str, Any] | None) -> set[str]:
    """What Traefik's routers of a service match."""
    return {
        str(value)
        for name, value in (labels or {}).items()
        if name.startswith("traefik.http.routers.") and name.endswith(".rule")
    }


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
