"""Networks in one normal form, from resources and from the engine. Pure.

Facts: `GET /networks` of the Engine API v1.41 and later.
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from argos_gitops.model.objects import Content, LiveObject
from argos_gitops.model.resource import Resource, ResourceKey
from argos_gitops.providers.docker.kinds import NetworkSpec

PREFIX = "network/"
MARK = "dev.argos.network"
"""Label of the networks that we made: the DockerHost and the Network, as `main/backend`."""

Document = Mapping[str, Any]
Wanted = Mapping[str, Content]
"""Contents by object id."""


def network_id(name: str) -> str:
    return PREFIX + name


def host_name(network: Resource[NetworkSpec]) -> str:
    """Its name on the host."""
    return network.spec.name or network.name


def mark_of(network: Resource[NetworkSpec]) -> str:
    return f"{network.spec.host}/{network.name}"


def content_of(spec: NetworkSpec) -> Content:
    """The normal form: what the resource leaves to Docker is not in it."""
    return {
        "driver": spec.driver,
        "subnets": [subnet_of(each.subnet, each.gateway, each.ip_range) for each in spec.subnets],
        "internal": spec.internal,
        "attachable": spec.attachable,
        "ipv6": spec.ipv6,
        "options": dict(sorted(spec.options.items())),
        "labels": dict(sorted(spec.labels.items())),
    }


def request_of(network: Resource[NetworkSpec]) -> Document:
    """The body of `POST /networks/create`."""
    spec = network.spec
    config = [
        {"Subnet": each.subnet, "Gateway": each.gateway or "", "IPRange": each.ip_range or ""}
        for each in spec.subnets
    ]
    return {
        "Name": host_name(network),
        "CheckDuplicate": True,
        "Driver": spec.driver,
        "Internal": spec.internal,
        "Attachable": spec.attachable,
        "EnableIPv6": spec.ipv6,
        "IPAM": {"Driver": "default", "Config": config},
        "Options": dict(spec.options),
        "Labels": {**spec.labels, MARK: mark_of(network)},
    }


def live_networks(listed: Iterable[Document], host: str, wanted: Wanted) -> dict[str, LiveObject]:
    """By object id; of two networks of one name, which Docker allows, the first by its id counts."""
    found: dict[str, LiveObject] = {}
    for each in sorted(listed, key=lambda each: str(each["Id"])):
        object_id = network_id(each["Name"])
        if object_id not in found:
            owner = owner_of(each, host)
            content = live_content(each, wanted.get(object_id))
            found[object_id] = LiveObject(object_id, content, owner is not None, owner)
    return found


def owner_of(network: Document, host: str) -> ResourceKey | None:
    """The Network that made it, where it carries our mark for this host."""
    marked, _, name = (network.get("Labels") or {}).get(MARK, "").partition("/")
    return ResourceKey(NetworkSpec.kind, name) if name and marked == host else None


def live_content(network: Document, wanted: Content | None) -> Content:
    """The same normal form; what `wanted` leaves to Docker is left out, or all if nobody wants it."""
    asked = wanted or {}
    subnets = [
        subnet_of(each.get("Subnet"), each.get("Gateway"), each.get("IPRange"))
        for each in (network.get("IPAM") or {}).get("Config") or ()
    ]
    labels = {name: text for name, text in (network.get("Labels") or {}).items() if name != MARK}
    return {
        "driver": network.get("Driver"),
        "subnets": _asked(subnets, asked.get("subnets", subnets)),
        "internal": bool(network.get("Internal")),
        "attachable": bool(network.get("Attachable")),
        "ipv6": bool(network.get("EnableIPv6")),
        "options": _chosen(network.get("Options") or {}, asked.get("options")),
        "labels": _chosen(labels, asked.get("labels")),
    }


def fields_of_network(content: Content) -> Mapping[str, str]:
    """For people, in reading order."""
    told = {
        "driver": content["driver"],
        "subnets": ", ".join(" ".join(each.values()) for each in content["subnets"]),
        **{name: "yes" for name in ("internal", "attachable", "ipv6") if content[name]},
    }
    told |= {f"option {name}": value for name, value in content["options"].items()}
    told |= {f"label {name}": value for name, value in content["labels"].items()}
    return {name: value for name, value in told.items() if value}


def subnet_of(subnet: str | None, gateway: str | None, ip_range: str | None) -> Mapping[str, str]:
    told = {"subnet": _canonical(subnet), "gateway": gateway, "ipRange": _canonical(ip_range)}
    return {name: value for name, value in told.items() if value}


def _canonical(network: str | None) -> str:
    """As Docker writes it: without bits of a host."""
    try:
        return str(ip_network(network, strict=False)) if network else ""
    except ValueError:
        return network or ""


def _asked(subnets: list[Mapping[str, str]], asked: list[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Without gateways and ranges that Docker chose by itself."""
    if not asked or len(asked) != len(subnets):
        return subnets if asked else []
    by_subnet = {each.get("subnet"): each for each in subnets}
    found = [by_subnet.get(each.get("subnet"), {}) for each in asked]
    if not all(found):
        return subnets
    return [
        {name: value for name, value in each.items() if name in wanted}
        for each, wanted in zip(found, asked, strict=True)
    ]


def _chosen(found: Mapping[str, str], asked: Mapping[str, str] | None) -> Mapping[str, str]:
    """Others may add labels and drivers may add options: what nobody asked for is no difference."""
    names = sorted(found) if asked is None else [name for name in sorted(asked) if name in found]
    return {name: found[name] for name in names}
