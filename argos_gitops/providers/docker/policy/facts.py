"""What rules look at: of a service in a Compose file, or of a container as it is reported. Pure.

None is what the source does not tell; no rule finds anything in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.model.containers import Container
from argos_gitops.providers.docker.images.references import ImageReference, InvalidReference, parse_reference
from argos_gitops.providers.docker.reported import containers as reported
from argos_gitops.providers.docker.reported.expectation import capabilities, has_check
from argos_gitops.providers.docker.services import limits_of_service, restart_of_service

LEFT_TO_IMAGE = "(left to the image)"
"""The user of a service whose Compose file names none."""

Service = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mount:
    """`path` leads to it in the service."""

    source: str
    read_only: bool
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """Where the host listens: an address, empty for all, and a port or a range of them (`8000-8010`)."""

    address: str
    published: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Memory in bytes; a limit of 0 is none. `env` is told by Compose files alone. An image that is `built`
    comes from no registry. An empty `log_driver` leaves logs to the engine."""

    image: ImageReference | None = None
    built: bool = False
    has_check: bool | None = None
    restart: str | None = None
    cpus: float | None = None
    memory: int | None = None
    log_driver: str | None = None
    log_options: Mapping[str, str] | None = None
    mounts: Sequence[Mount] | None = None
    privileged: bool | None = None
    user: str | None = None
    read_only: bool | None = None
    env: Mapping[str, str] | None = None
    host_network: bool | None = None
    added: Sequence[str] | None = None
    ports: Sequence[Port] | None = None


def of_service(service: Service) -> Facts:
    """Of one service of a rendered Compose model."""
    limits, logging = limits_of_service(service), service.get("logging") or {}
    return Facts(
        image=_reference(service.get("image")),
        built=bool(service.get("build")),
        has_check=has_check(service),
        restart=restart_of_service(service).partition(":")[0],
        cpus=float(limits.get("cpus", 0)),
        memory=int(limits.get("memory", 0)),
        log_driver=str(logging.get("driver") or ("json-file" if logging.get("options") else "")),
        log_options={name: str(value) for name, value in (logging.get("options") or {}).items()},
        mounts=tuple(_mounts_of_service(service)),
        privileged=bool(service.get("privileged")),
        user=str(service.get("user") or LEFT_TO_IMAGE),
        read_only=bool(service.get("read_only")),
        env={name: "" if value is None else str(value) for name, value in _env(service)},
        host_network=service.get("network_mode") == "host",
        added=_added(capabilities(service.get("cap_add"), ())),
        ports=tuple(_ports_of_service(service)),
    )


def of_container(container: Container) -> Facts:
    """Of one container of a report; a check or user of its image is its own by now."""
    security, health = reported.security(container), reported.health(container)
    limits, ports = security.get("limits") or {}, container.get("ports")
    restart = reported.restart(container)
    return Facts(
        image=_reference(container["image"]),
        has_check=None if health is None else health != "none",
        restart=None if restart is None else restart.partition(":")[0],
        cpus=limits.get("cpus"),
        memory=limits.get("memoryBytes"),
        log_driver=security.get("logDriver"),
        log_options=security.get("logOptions"),
        mounts=_mounts_of_container(container),
        privileged=security.get("privileged"),
        user=security.get("user"),
        read_only=security.get("readOnlyRootfs"),
        host_network=_in_host_network(container),
        added=_added(reported.added_and_dropped(container)),
        ports=None if ports is None else tuple(_ports_of_container(ports)),
    )


def _reference(image: str | None) -> ImageReference | None:
    """None also for an id: that an image lost its name says nothing of where it came from."""
    try:
        return parse_reference(image) if image and not image.startswith("sha256:") else None
    except InvalidReference:
        return None


def _env(service: Service) -> Iterator[tuple[str, Any]]:
    yield from (service.get("environment") or {}).items()


def _added(told: Sequence[str] | None) -> Sequence[str] | None:
    return None if told is None else [each[1:] for each in told if each.startswith("+")]


def _mounts_of_service(service: Service) -> Iterator[Mount]:
    for number, mount in enumerate(service.get("volumes") or ()):
        if mount.get("type") == "bind":
            path = ("volumes", number)
            yield Mount(str(mount.get("source", "")), bool(mount.get("read_only")), path)


def _mounts_of_container(container: Container) -> Sequence[Mount] | None:
    mounts = container.get("mounts")
    if mounts is None:
        return None
    binds = (each for each in mounts if (each.get("type") or "bind") == "bind")
    return [Mount(str(each.get("source") or ""), each.get("rw") is False) for each in binds]


def _ports_of_service(service: Service) -> Iterator[Port]:
    for number, port in enumerate(service.get("ports") or ()):
        if port.get("published"):
            yield Port(port.get("host_ip") or "", str(port["published"]), ("ports", number))


def _ports_of_container(ports: Sequence[Mapping[str, Any]]) -> Iterator[Port]:
    for port in ports:
        if port.get("hostPort"):
            yield Port(port.get("hostIp") or "", str(port["hostPort"]))


def _in_host_network(container: Container) -> bool | None:
    mode = reported.security(container).get("networkMode")
    networks = reported.networks(container)
    if mode is None and networks is None:
        return None
    return mode == "host" or "host" in (networks or ())
