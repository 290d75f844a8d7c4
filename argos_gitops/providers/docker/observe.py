"""What one Docker engine holds, seen with the eyes of what is wanted there.

Two calls read it all: the list of containers and the list of networks. A service whose containers carry the
config hash that Compose gives it is what it should be, and is shown just as it is wanted, but for what the
hash does not cover: how many containers there are and how they do, what somebody attached or limited since.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from argos_gitops.model.objects import Content, LiveObject, digest_of
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.docker.belongings import NETWORK_PREFIX, network_found
from argos_gitops.providers.docker.containers import PROJECT, Container, Services
from argos_gitops.providers.docker.deep import Depths
from argos_gitops.providers.docker.networks import live_networks, network_id
from argos_gitops.providers.docker.services import Facts

UP = "running"
PREFIX = "stack/"

Document = Mapping[str, Any]


def service_id(project: str, service: str) -> str:
    return f"{PREFIX}{project}/{service}"


def named_by(object_id: str) -> tuple[str, str]:
    """Project and service of a `service_id`."""
    _, project, service = object_id.split("/", 2)
    return project, service


@dataclass(frozen=True, slots=True)
class Project:
    """A Compose project that a Stack declares: its contents by service, and what becomes of other services.

    `networks` are what its files ask of its own networks, by their names on the host; `claims` (claims.py)
    are those of each service. `unknown`: what it should hold could not be worked out, so that it is left as
    it stands.
    """

    owner: ResourceKey
    services: Mapping[str, Content] = field(default_factory=dict)
    networks: Mapping[str, Content] = field(default_factory=dict)
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)
    removes_orphans: bool = False
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a revision wants on the host, as far as it takes to read the live side: projects by name,
    contents of networks by object id."""

    projects: Mapping[str, Project] = field(default_factory=dict)
    networks: Mapping[str, Content] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What one look brought. `looping`: the ids of containers that are restarted again and again."""

    services: Services
    networks: Sequence[Document]
    depths: Depths
    looping: frozenset[str] = frozenset()
    volumes: Sequence[Document] = ()
    listed: Sequence[Document] = ()
    """All containers, also those of no project."""


class DockerLive:
    """One look at an engine. What is wanted is asked for when the objects are: it decides how they show."""

    def __init__(
        self,
        host: str,
        seen: Seen,
        wanted: Callable[[], Wanted],
        facts: Callable[[Container], Facts],
        declared: Callable[[], frozenset[str] | None],
    ) -> None:
        self.seen = seen
        self.notices: Sequence[Failure] = ()
        self._host = host
        self._wanted = wanted
        self._facts = facts
        self._declared = declared

    @cached_property
    def objects(self) -> Mapping[str, LiveObject]:
        wanted = self._wanted()
        found = live_networks(self.seen.networks, self._host, wanted.networks)
        found |= {each.id: each for each in self._project_networks(wanted)}
        return {**{each.id: each for each in self._services(wanted)}, **found}

    @property
    def fingerprint(self) -> str:
        """Of networks, and of the projects that a revision names; of all as long as none is known.

        What only others run moves nothing here.
        """
        named = self._declared()
        services = [
            [container.identity, container.id in self.seen.looping, self.seen.depths.told(container.id)]
            for (project, _), group in self.seen.services.items()
            if named is None or project in named
            for container in group
        ]
        volumes = [
            [each.get(name) for name in ("Name", "Driver", "Options", "Labels")]
            for each in self.seen.volumes
            if named is None or (each.get("Labels") or {}).get(PROJECT) in named
        ]
        networks = sorted(map(_network_identity, self.seen.networks))
        return digest_of([services, networks, sorted(volumes, key=str)])

    def group(self, project: str, service: str) -> tuple[Container, ...]:
        return self.seen.services.get((project, service), ())

    def inside(self, network: str) -> list[Container]:
        """The containers of Compose projects that are in a network, stopped ones too."""
        return [each for group in self.seen.services.values() for each in group if network in each.networks]

    def project(self, name: str) -> Project | None:
        """What is wanted of a project."""
        return self._wanted().projects.get(name)

    def _project_networks(self, wanted: Wanted) -> Iterator[LiveObject]:
        """Those that are wanted; the others go with their Stack."""
        by_name = {each["Name"]: each for each in self.seen.networks}
        for project in wanted.projects.values():
            for name, asked in project.networks.items():
                if name in by_name:
                    yield LiveObject(NETWORK_PREFIX + name, network_found(by_name[name], asked), False)

    def _services(self, wanted: Wanted) -> Iterator[LiveObject]:
        for (project, service), group in self.seen.services.items():
            declared = wanted.projects.get(project)
            content = declared.services.get(service) if declared is not None else None
            orphan = declared is not None and content is None and not declared.unknown
            if orphan and declared is not None and not declared.removes_orphans:
                continue
            found = self._content(group, content)
            owner = declared.owner if orphan and declared is not None else None
            yield LiveObject(service_id(project, service), found, orphan, owner)

    def _content(self, group: tuple[Container, ...], wanted: Content | None) -> Content:
        if wanted is None:
            return self._other(group[0], group)
        others = [each for each in group if each.config_hash != wanted["hash"]]
        if others:
            return self._other(others[0], group)
        found = {**wanted, **self._beside_the_hash(group, wanted)}
        return wanted if found == wanted else found

    def _beside_the_hash(self, group: tuple[Container, ...], wanted: Content) -> Mapping[str, Any]:
        """What differs although Compose's hash is right; the first container that differs is told."""
        found: dict[str, Any] = {"replicas": len(group), "state": state_of(group, wanted["restart"])}
        for container in group:
            if list(container.networks) != wanted["networks"]:
                found.setdefault("networks", list(container.networks))
            for name, value in self.seen.depths.deviations(container.id, wanted).items():
                found.setdefault(name, value)
        return found

    def _other(self, container: Container, group: tuple[Container, ...]) -> Content:
        """Of containers that are not what is wanted: what they are instead."""
        facts = self._facts(container)
        return service_content(
            f"{container.project}/{container.service}", container.config_hash, facts, len(group)
        ) | {"state": state_of(group, facts.get("restart", "")), "networks": list(container.networks)}


def service_content(name: str, config_hash: str, facts: Facts, replicas: int) -> dict[str, Any]:
    """The normal form of a service that is as it should be. `name` makes it another one than its twin's."""
    return {
        "service": name,
        "hash": config_hash,
        "replicas": replicas,
        "state": UP,
        "networks": list(facts.get("networks", ())),
        "limits": dict(facts.get("limits", {})),
        "restart": facts.get("restart", ""),
        "facts": facts,
    }


def state_of(group: Sequence[Container], restart: str) -> str:
    """`running`, or what is amiss with some of the containers: `exited (137)`."""
    amiss = sorted({word for each in group if (word := each.failing(restart))})
    return ", ".join(amiss) or UP


def _network_identity(network: Document) -> list[str]:
    made_of = [network.get(name) for name in ("Driver", "IPAM", "Internal", "Attachable", "EnableIPv6")]
    return [
        network_id(network["Name"]),
        network["Id"],
        digest_of([made_of, network.get("Options"), network.get("Labels")]),
    ]
