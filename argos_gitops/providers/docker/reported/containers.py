"""Containers of a report, as services of Compose projects. Pure.

The shape of a container is that of the report (docs/docker-hosts.md). Of all fields only id, name, image and
state are there for sure; what is absent was not reported.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.model.containers import Container
from argos_gitops.providers.docker.containers import PROJECT, SERVICE
from argos_gitops.providers.docker.reported.expectation import (
    UP,
    Content,
    capabilities,
    mount_text,
    port_text,
)

_ONE_OFF = "com.docker.compose.oneoff"
_EXITED = re.compile(r"^Exited \((-?\d+)\)")
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_LIMITS = {"memory": "memoryBytes", "cpus": "cpus", "pids": "pids"}

Groups = Mapping[tuple[str, str], Sequence[Container]]
"""Containers by project and service."""


def grouped(containers: Iterable[Container], named: Mapping[str, tuple[str, str]] | None = None) -> Groups:
    """By Compose's labels; without these, by a name that a service claims (`named`, by `container_name`)."""
    found: dict[tuple[str, str], list[Container]] = {}
    for container in containers:
        key = place_of(container) or (named or {}).get(container["name"])
        if key is not None:
            found.setdefault(key, []).append(container)
    return {key: sorted(group, key=lambda each: str(each["name"])) for key, group in sorted(found.items())}


def place_of(container: Container) -> tuple[str, str] | None:
    """Project and service by the labels; None for what Compose did not make, or made to run once."""
    labels = container.get("labels") or {}
    if labels.get(PROJECT) and labels.get(SERVICE) and labels.get(_ONE_OFF, "False") != "True":
        return labels[PROJECT], labels[SERVICE]
    return None


def content_of(project: str, service: str, group: Sequence[Container], looping: frozenset[str]) -> Content:
    """All that is reported of a service; of several containers, the first that is not well is told."""
    told = sorted(group, key=lambda each: state_of(each, looping) == UP)[0]
    found = {name: read(told) for name, read in _READERS.items()}
    content: Content = {"service": f"{project}/{service}", "replicas": len(group)}
    content |= {"state": state_of(told, looping), "image": told["image"]}
    content |= {name: value for name, value in found.items() if value is not None}
    content["unreported"] = [name for name, value in found.items() if value is None]
    return content


def state_of(container: Container, looping: frozenset[str]) -> str:
    """`running`, `exited (137)`, `restarting`, …; one that ended well and is not to run again is fine."""
    state = str(container["state"])
    if container["name"] in looping:
        return "restarting"
    if state != "exited":
        return state
    code = exit_code(container)
    policy = str(container.get("restartPolicy") or "no").partition(":")[0]
    if code == 0 and policy in ("no", "on-failure"):
        return UP
    return "exited" if code is None else f"exited ({code})"


def exit_code(container: Container) -> int | None:
    """As the agent tells it, or else as Docker's status does (`Exited (137) 3 hours ago`)."""
    code = container.get("exitCode")
    if code is None and (found := _EXITED.match(str(container.get("status") or ""))):
        code = int(found[1])
    return code


def published(container: Container) -> list[str] | None:
    """None where it is not reported, as of what does not run: its ports are bound when it starts."""
    ports = _whole(container, "ports")
    if ports is None or (not ports and container["state"] != "running"):
        return None
    return sorted(
        {
            port_text(port.get("hostIp"), port["hostPort"], port["containerPort"], port.get("proto"))
            for port in ports
            if port.get("hostPort")
        }
    )


def mounted(container: Container) -> dict[str, str] | None:
    mounts = _whole(container, "mounts")
    return None if mounts is None else dict(sorted(_mounts(mounts)))


def networks(container: Container) -> list[str] | None:
    found = _whole(container, "networks")
    return None if found is None else sorted({each["name"] for each in found})


def env(container: Container) -> list[str] | None:
    """Names alone."""
    found = _whole(container, "env")
    return None if found is None else sorted({each["key"] for each in found})


def restart(container: Container) -> str | None:
    policy = container.get("restartPolicy")
    return None if policy is None else policy or "no"


def limits(container: Container) -> dict[str, float] | None:
    """Memory in bytes and CPUs; 0 where there is none. Processes are limited by some engines unasked."""
    found = security(container).get("limits")
    if found is None:
        return None
    known = {name: found.get(field) for name, field in _LIMITS.items()}
    return {name: value for name, value in known.items() if value is not None}


def security(container: Container) -> Mapping[str, Any]:
    """Empty from an agent that does not report it."""
    return _whole(container, "security") or {}


def _whole(container: Container, name: str) -> Any:
    """None for what was cut, as what is not there was perhaps only not kept (web/docker_shape.py)."""
    return None if name in container.get("truncated", ()) else container.get(name)


def digests(container: Container) -> list[str] | None:
    """Of its image, as far as the engine knows any: one that was built there has none."""
    found = [each.partition("@")[2] for each in _whole(container, "imageDigests") or ()]
    return sorted(set(found)) or None


def health(container: Container) -> str | None:
    return container.get("health")


def added_and_dropped(container: Container) -> list[str] | None:
    found = security(container)
    if found.get("capAdd") is None and found.get("capDrop") is None:
        return None
    return capabilities(found.get("capAdd"), found.get("capDrop"))


def _mounts(mounts: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """An anonymous volume is told without the name that nobody gave it."""
    for mount in mounts:
        kind, source = mount.get("type") or "bind", mount.get("source") or ""
        if kind == "volume" and _ANONYMOUS.fullmatch(source):
            source = ""
        yield mount["destination"], mount_text(kind, source, read_only=mount.get("rw") is False)


_READERS = {
    "digest": digests,
    "health": health,
    "restart": restart,
    "ports": published,
    "mounts": mounted,
    "networks": networks,
    "env": env,
    "limits": limits,
    "user": lambda each: security(each).get("user"),
    "readOnly": lambda each: security(each).get("readOnlyRootfs"),
    "privileged": lambda each: security(each).get("privileged"),
    "capabilities": added_and_dropped,
}
"""What is told of a container beside its image and state, each None where it is not reported."""
