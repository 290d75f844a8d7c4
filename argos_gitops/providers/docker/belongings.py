"""The networks and volumes that Compose makes for a project, beside what is on the host. Pure.

Compared is what the Compose files ask for; what they leave to the engine (a driver, addresses) is no
difference. External ones belong to somebody else, and are not looked at.

Facts: the Compose specification as `docker compose config --format json` of v2.20 and later prints it.
Compose 2.40 makes a volume anew only where somebody answers its question.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from argos_gitops.model.objects import Content
from argos_gitops.providers.docker.networks import fields_of_network, live_content, subnet_of

NETWORK_PREFIX = "project-network/"
"""Of objects: the network's name on the host follows. Those of Networks have another prefix."""

Document = Mapping[str, Any]


def networks_asked(model: Document) -> dict[str, Content]:
    """What a model asks of its own networks, by their names on the host."""
    return {
        network.get("name", key): _network_asked(network)
        for key, network in (model.get("networks") or {}).items()
        if network is not None and not network.get("external")
    }


def network_found(network: Document, asked: Content) -> Content:
    """A network of the engine in the same form, as far as it was asked for."""
    found = live_content(network, asked)
    return {name: found[name] for name in asked}


def fields_of_project_network(content: Content) -> Mapping[str, str]:
    return fields_of_network({"driver": "", "subnets": [], "options": {}, "labels": {}, **content})


def volume_differences(model: Document, volumes: Iterable[Document]) -> Iterator[str]:
    """What differs of the volumes that exist, as `volume data: driver_opts size 1m → 2m`."""
    found = {each["Name"]: each for each in volumes}
    for key, volume in sorted((model.get("volumes") or {}).items()):
        asked = volume or {}
        live = found.get(asked.get("name", key))
        if live is None or asked.get("external"):
            continue
        pairs = {
            "driver": (str(live.get("Driver") or ""), str(asked.get("driver") or live.get("Driver") or ""))
        }
        was, will = live.get("Options") or {}, asked.get("driver_opts") or {}
        pairs |= {
            f"driver_opts {name}": (was.get(name, ""), will.get(name, "")) for name in sorted({*was, *will})
        }
        labels = live.get("Labels") or {}
        pairs |= {
            f"label {name}": (labels.get(name, ""), value) for name, value in asked.get("labels", {}).items()
        }
        told = [
            f"{name} {one or '(none)'} → {other or '(none)'}"
            for name, (one, other) in pairs.items()
            if one != other
        ]
        if told:
            yield f"volume {live['Name']}: {', '.join(told)}"


def _network_asked(network: Document) -> Content:
    asked: dict[str, Any] = {
        "internal": bool(network.get("internal")),
        "attachable": bool(network.get("attachable")),
        "ipv6": bool(network.get("enable_ipv6")),
        "options": {name: str(value) for name, value in sorted((network.get("driver_opts") or {}).items())},
        "labels": {name: str(value) for name, value in sorted((network.get("labels") or {}).items())},
    }
    if network.get("driver"):
        asked["driver"] = network["driver"]
    subnets = (network.get("ipam") or {}).get("config") or ()
    if subnets:
        asked["subnets"] = [
            subnet_of(each.get("subnet"), each.get("gateway"), each.get("ip_range")) for each in subnets
        ]
    return asked
