"""Where the Edge reaches the port of a Compose service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from argos_gitops.providers.docker.labels.label import Label, LabelCode

_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 # recognised, not bound
_HOST_MODE = "host"
_SERVICE_MODE = "service:"


@dataclass(frozen=True, slots=True)
class Ways:
    """How containers of one Stack are reached: by published ports at `address`, or by name on a network."""

    published: bool
    address: str | None
    host: str
    project: str
    services: Mapping[str, Mapping[str, Any]]

    def only_port(self, name: str, label: Label) -> int:
        """The port of a service whose labels name none: the one that it exposes or publishes."""
        service = self.services[name]
        ports = {int(each["target"]) for each in _tcp(service)}
        ports |= {
            int(text) for each in service.get("expose") or () if (text := str(each).split("/")[0]).isdecimal()
        }
        if len(ports) != 1:
            found = f"{', '.join(map(str, sorted(ports)))} are there" if ports else "none is there"
            raise label.invalid(
                f"which port of the container is meant? {found}; add the label "
                "traefik.http.services.NAME.loadbalancer.server.port"
            )
        return ports.pop()

    def addresses(self, name: str, port: int, label: Label) -> Sequence[str]:
        """Host and port for each container of a service. Refuses where there is no way."""
        if not self.published:
            return [f"{each}:{port}" for each in self._names(name, label)]
        service = self.services[name]
        mode = str(service.get("network_mode") or "")
        if mode == _HOST_MODE:
            return [f"{_bracketed(self._address(label))}:{port}"]
        if mode.startswith(_SERVICE_MODE):
            service = self.services.get(mode.removeprefix(_SERVICE_MODE), service)
        return [self._published(service, port, label)]

    def _published(self, service: Mapping[str, Any], port: int, label: Label) -> str:
        bindings = [each for each in _tcp(service) if int(each["target"]) == port]
        fixed = [each for each in bindings if str(each.get("published") or "0").isdecimal()]
        fixed = [each for each in fixed if int(each.get("published") or 0)]
        if not fixed:
            what = "on a port that Docker chooses" if bindings else "nowhere"
            raise self._unreachable(
                label,
                f"port {port} is published {what}; publish it on a port of its own (`ports: - 8080:{port}`)",
            )
        chosen = min(
            fixed,
            key=lambda each: (str(each.get("host_ip") or "") not in _EVERYWHERE, int(each["published"])),
        )
        address = self._bound(str(chosen.get("host_ip") or ""), port, label)
        return f"{_bracketed(address)}:{int(chosen['published'])}"

    def _bound(self, bound: str, port: int, label: Label) -> str:
        """The address under which a binding is reached from the Edge."""
        address = self._address(label)
        if bound in _EVERYWHERE:
            return address
        if ip_address(bound).is_loopback and not _is_loopback(address):
            raise self._unreachable(
                label,
                f"port {port} is published on {bound}, but the Edge reaches {self.host} at {address}; "
                "publish it on that address, or on all",
            )
        return bound

    def _address(self, label: Label) -> str:
        if self.address is None:
            raise self._unreachable(
                label,
                f"{self.host} does not say where its published ports are reached; add docker.address to it",
            )
        return self.address

    def _unreachable(self, label: Label, message: str) -> Exception:
        return label.refusal(LabelCode.UNREACHABLE, f"{message}, or let the Stack say `reach: network`")

    def _names(self, name: str, label: Label) -> Sequence[str]:
        """Names that are one container's alone: a service's bare name may be that of another project too."""
        service = self.services[name]
        if service.get("network_mode"):
            mode = service["network_mode"]
            raise label.refusal(
                LabelCode.UNREACHABLE, f"with network_mode {mode} it has no name on a network"
            )
        if service.get("container_name"):
            return [str(service["container_name"])]
        replicas = int((service.get("deploy") or {}).get("replicas") or service.get("scale") or 1)
        return [f"{self.project}-{name}-{number}" for number in range(1, replicas + 1)]


def _tcp(service: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        each
        for each in service.get("ports") or ()
        if each.get("protocol", "tcp") == "tcp" and each.get("target")
    ]


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address and not address.startswith("[") else address
