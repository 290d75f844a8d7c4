"""Writing networks: whatever changes of one needs another in its place, with no container of others in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.model.change import Change, Outcome, Result
from argos_gitops.model.errors import TerminalError
from argos_gitops.model.resource import Resource
from argos_gitops.providers.docker.containers import PROJECT, SERVICE
from argos_gitops.providers.docker.engine.client import Document, EngineClient
from argos_gitops.providers.docker.kinds import NetworkSpec
from argos_gitops.providers.docker.networks import PREFIX, host_name, request_of
from argos_gitops.providers.docker.outcomes import contained

_NAMED = 5


@dataclass(frozen=True, slots=True)
class NetworkWriter:
    """`is_ours` says of a project whether a Stack of this host declares it."""

    client: EngineClient
    is_ours: Callable[[str], bool]

    def write(self, network: Resource[NetworkSpec], change: Change) -> Outcome:
        """Makes it, or makes it anew; containers of our Stacks are put into the new one as they were."""
        return self._outcome(change, lambda: self._write(network))

    def remove(self, change: Change) -> Outcome:
        return self._outcome(change, lambda: self._remove(change.object_id.removeprefix(PREFIX)))

    def sweep(self, project: str) -> None:
        """Removes the networks that Compose made for a project, those that nobody is in."""
        for network in self.client.networks():
            if (network.get("Labels") or {}).get(PROJECT) == project and not self._attached(network):
                self.client.remove_network(network["Id"])

    def free(self, name: str, project: str) -> list[str]:
        """Takes the containers of a project out of a network of its own, and removes that: Compose makes it.

        Gives their services, which have to be made anew. Raises TerminalError (NetworkInUse) with a container
        of somebody else in it. Killed halfway, containers lack a network: the next look sees that.
        """
        found = self.client.network(name)
        if found is None:
            return []
        attached = self._attached(found)
        foreign = [each for each in attached if _project(each) != project]
        if foreign:
            raise TerminalError(
                f"the network {name} has to be made anew, and containers of others are in it: "
                f"{_listed(foreign)}; take them out (docker network disconnect), or leave it as it is",
                reason="NetworkInUse",
            )
        for container in attached:
            self.client.disconnect(found["Id"], container["Id"])
        self.client.remove_network(found["Id"])
        return sorted({str(_labels(each).get(SERVICE, "")) for each in attached} - {""})

    def _outcome(self, change: Change, act: Callable[[], None]) -> Outcome:
        def done() -> list[Outcome]:
            act()
            return [Outcome(change, Result.DONE)]

        return contained(self.client, [change], done)[0]

    def _write(self, network: Resource[NetworkSpec]) -> None:
        name = host_name(network)
        found = self.client.network(name)
        if found is None:
            self.client.create_network(request_of(network))
            return
        attached = self._attached(found)
        foreign = [each for each in attached if not self.is_ours(_project(each))]
        if foreign:
            raise TerminalError(
                f"{network.key}: the network {name} has to be made anew, and containers of others are in "
                f"it: {_listed(foreign)}; take them out (docker network disconnect), or leave it as it is",
                reason="NetworkInUse",
            )
        self._replace(network, found, attached)

    def _replace(self, network: Resource[NetworkSpec], found: Document, attached: Sequence[Document]) -> None:
        """Killed halfway, containers lack a network: the next look sees that, and their Stack is repaired."""
        for container in attached:
            self.client.disconnect(found["Id"], container["Id"])
        self.client.remove_network(found["Id"])
        self.client.create_network(request_of(network))
        for container in attached:
            self.client.connect(host_name(network), container["Id"], _endpoint(container, found["Name"]))

    def _remove(self, name: str) -> None:
        found = self.client.network(name)
        if found is None:
            return
        attached = self._attached(found)
        if attached:
            raise TerminalError(
                f"the network {name} is in use by {_listed(attached)}; it is removed once they are gone",
                reason="NetworkInUse",
            )
        self.client.remove_network(found["Id"])

    def _attached(self, network: Document) -> list[Document]:
        """Also those that do not run: they are in it as soon as they are started."""
        inside = [*(network.get("Containers") or {})]
        name = network["Name"]
        inside += [
            each["Id"]
            for each in self.client.containers()
            if name in ((each.get("NetworkSettings") or {}).get("Networks") or {})
        ]
        found = (self.client.container(each) for each in dict.fromkeys(inside))
        return [each for each in found if each is not None]


def _project(container: Document) -> str:
    return str(_labels(container).get(PROJECT, ""))


def _labels(container: Document) -> Mapping[str, Any]:
    return (container.get("Config") or {}).get("Labels") or {}


def _endpoint(container: Document, network: str) -> Mapping[str, Any]:
    """How it was in the network, but for addresses and for the alias that Docker makes of its id."""
    endpoints = (container.get("NetworkSettings") or {}).get("Networks") or {}
    aliases = (endpoints.get(network) or {}).get("Aliases") or ()
    return {"Aliases": [alias for alias in aliases if alias != container["Id"][:12]]}


def _listed(containers: Sequence[Document]) -> str:
    names = sorted(str(each.get("Name", each["Id"][:12])).lstrip("/") for each in containers)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
