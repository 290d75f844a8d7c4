"""A container as its engine inspects it, in the shape of a report: what rules look at, and no more. Pure.

Facts: `GET /containers/{id}/json` of the Engine API v1.41 and later. Nothing in it changes while a container
runs, but what `docker update` does. Mounts and ports come in another order each time, so they are sorted:
what was seen twice must be the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from argos_gitops.model.containers import Container
from argos_gitops.providers.docker.containers import PROJECT, SERVICE
from argos_gitops.providers.docker.services import limits_of_container, restart_of_container

Document = Mapping[str, Any]

CONFIGURED = "configured"
"""The health of a container that has a check, whatever it says."""


def as_reported(document: Document) -> Container:
    """Variables are not in it: rules do not look at those of containers."""
    config, host = document["Config"], document["HostConfig"]
    labels = config.get("Labels") or {}
    return {
        "id": document["Id"],
        "name": document["Name"].lstrip("/"),
        "image": config.get("Image") or "",
        "restartPolicy": restart_of_container(host),
        "health": CONFIGURED if _has_check(config.get("Healthcheck")) else "none",
        "ports": sorted(_ports(host.get("PortBindings") or {}), key=str),
        "mounts": sorted((_mount(each) for each in document.get("Mounts") or ()), key=str),
        "labels": {name: labels[name] for name in (PROJECT, SERVICE) if name in labels},
        "security": _security(config, host),
    }


def _security(config: Document, host: Document) -> Mapping[str, Any]:
    limits, logging = limits_of_container(host), host.get("LogConfig") or {}
    return {
        "user": config.get("User") or "",
        "capAdd": list(host.get("CapAdd") or ()),
        "capDrop": list(host.get("CapDrop") or ()),
        "readOnlyRootfs": bool(host.get("ReadonlyRootfs")),
        "privileged": bool(host.get("Privileged")),
        "limits": {"cpus": limits.get("cpus", 0), "memoryBytes": limits.get("memory", 0)},
        "logDriver": logging.get("Type") or "",
        "logOptions": {
            name: value for name, value in (logging.get("Config") or {}).items() if name.startswith("max-")
        },
        "networkMode": host.get("NetworkMode") or "",
    }


def _has_check(check: Any) -> bool:
    return bool(check) and (check.get("Test") or ["NONE"])[:1] != ["NONE"]


def _ports(bindings: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for target, places in bindings.items():
        port, _, protocol = target.partition("/")
        for place in places or ():
            published = place.get("HostPort") or None
            yield {
                "hostIp": place.get("HostIp"),
                "hostPort": published,
                "containerPort": int(port),
                "proto": protocol or "tcp",
            }


def _mount(mount: Document) -> Mapping[str, Any]:
    return {
        "type": mount.get("Type") or "bind",
        "source": mount.get("Source") or "",
        "destination": mount["Destination"],
        "rw": mount.get("RW") is not False,
    }
