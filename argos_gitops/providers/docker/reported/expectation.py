"""What a Stack's services should look like in a report. Pure.

A content holds what the Compose files say of a service, in words that reports can be held against; what they
leave to the image or the engine is not in it, and is never compared.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from argos_gitops.model.resource import Resource
from argos_gitops.providers.docker.compose.rendering import Rendered
from argos_gitops.providers.docker.images.references import InvalidReference, parse_reference
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.services import (
    limits_of_service,
    networks_of_service,
    replicas_of_service,
    restart_of_service,
)

UP, HEALTHY = "running", "healthy"
ANY_PORT = "(any)"
ELSEWHERE = "."
"""Where a Stack without `directory` has its files on a host that we do not write to: nobody knows."""

Service = Mapping[str, Any]
Content = dict[str, Any]


def expected(stack: Resource[StackSpec], rendered: Rendered, name: str) -> Content:
    """The content of one service of a rendered Stack.

    `put` are the places of its secrets and configs, `container` is the name that it claims for its container.
    """
    service = rendered.services[name]
    content: Content = {
        "service": f"{rendered.project}/{name}",
        "state": UP,
        "replicas": replicas_of_service(service),
        "restart": restart_of_service(service),
        "ports": sorted(_ports(service)),
        "mounts": dict(sorted(_mounts(service, rendered, stack.spec.directory is None))),
        "networks": networks_of_service(rendered.model, name),
        "env": sorted(service.get("environment") or ()),
        "limits": dict(limits_of_service(service)),
        "readOnly": bool(service.get("read_only")),
        "privileged": bool(service.get("privileged")),
        "capabilities": capabilities(service.get("cap_add"), service.get("cap_drop")),
        "put": sorted(_files_in(service)),
    }
    content |= _image(service)
    if has_check(service):
        content["health"] = HEALTHY
    given = {"user": service.get("user"), "container": service.get("container_name")}
    content |= {name: str(value) for name, value in given.items() if value}
    return content


def has_check(service: Service) -> bool:
    """Whether the Compose file gives it a health check; without one, the image may."""
    check = service.get("healthcheck") or {}
    return bool(check.get("test")) and not check.get("disable") and list(check["test"])[:1] != ["NONE"]


def port_text(address: str | None, published: object, target: object, protocol: str | None) -> str:
    """`8080→80/tcp`, or `127.0.0.1:8080→80/tcp`: every address is the same as none."""
    place = "" if address in (None, "", "0.0.0.0", "::") else f"{address}:"  # noqa: S104 # read, not bound
    return f"{place}{published or ANY_PORT}→{target}/{protocol or 'tcp'}"


def mount_text(kind: str, source: str, *, read_only: bool) -> str:
    """What is mounted somewhere: `/srv/data`, `volume wiki_data (ro)`, `tmpfs`."""
    given = source if kind == "bind" else f"{kind} {source}".strip()
    return f"{given}{' (ro)' if read_only else ''}"


def capabilities(added: object, dropped: object) -> list[str]:
    """`+NET_ADMIN`, `-ALL`, whether they were written with CAP_ or without."""
    return [*_signed("+", added), *_signed("-", dropped)]


def _image(service: Service) -> Content:
    """The image, and its digest where that is pinned; nothing of one that is built and not named."""
    image = service.get("image")
    if not image:
        return {}
    try:
        digest = parse_reference(image).digest
    except InvalidReference:
        digest = None
    return {"image": image, **({"digest": digest} if digest else {})}


def _ports(service: Service) -> Iterator[str]:
    for port in service.get("ports") or ():
        yield port_text(port.get("host_ip"), port.get("published"), port["target"], port.get("protocol"))


def _mounts(service: Service, rendered: Rendered, elsewhere: bool) -> Iterator[tuple[str, str]]:
    volumes = rendered.model.get("volumes") or {}
    for mount in service.get("volumes") or ():
        kind, source = mount.get("type") or "volume", mount.get("source") or ""
        if kind == "volume" and source:
            source = (volumes.get(source) or {}).get("name", source)
        elif kind == "bind" and elsewhere:
            source = _relative(source, rendered.directory)
        yield mount["target"], mount_text(kind, source, read_only=bool(mount.get("read_only")))
    tmpfs = service.get("tmpfs") or ()
    for path in [tmpfs] if isinstance(tmpfs, str) else tmpfs:
        target, _, options = path.partition(":")
        yield target, mount_text("tmpfs", "", read_only="ro" in options.split(","))


def _relative(source: str, directory: str) -> str:
    """`./config` for what lies in the Stack's folder."""
    if source == directory or source.startswith(f"{directory}/"):
        return ELSEWHERE + source[len(directory) :]
    return source


def _files_in(service: Service) -> Iterator[str]:
    """Where Compose puts secrets and configs: mounts that stand in no list of mounts."""
    for section, folder in (("secrets", "/run/secrets/"), ("configs", "/")):
        for used in service.get(section) or ():
            yield _target(used, folder)


def _signed(sign: str, names: object) -> list[str]:
    found = names if isinstance(names, list | tuple) else ()
    return sorted(f"{sign}{str(name).upper().removeprefix('CAP_')}" for name in found)


def _target(used: Service, folder: str) -> str:
    target = str(used.get("target") or used["source"])
    return target if target.startswith("/") else f"{folder}{target}"
