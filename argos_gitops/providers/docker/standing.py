"""How the Stacks of a host do, as Conditions and notices."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.docker.containers import Container
from argos_gitops.providers.docker.health import (
    CONTAINER_EXITED,
    HEALTH_CHECK_FAILED,
    MISSING,
    RESTART_LOOP,
    last_lines,
)
from argos_gitops.providers.docker.kinds import NetworkSpec
from argos_gitops.providers.docker.observe import DockerLive, Project, Wanted

HEALTHY, STARTING = "Healthy", "Starting"

_FAILURES = (CONTAINER_EXITED, RESTART_LOOP, HEALTH_CHECK_FAILED, MISSING)

Words = Callable[[Container], str]
"""The last lines of a container, masked."""


@dataclass(frozen=True, slots=True)
class Ailment:
    """What is wrong with a service, or is not known to be right yet (`Starting`)."""

    service: str
    reason: str
    message: str
    container: Container | None = None

    @property
    def failed(self) -> bool:
        return self.reason in _FAILURES


def ailments_of(name: str, project: Project, live: DockerLive) -> Iterator[Ailment]:
    """Of one project, as one look shows them."""
    for service, content in project.services.items():
        group = live.group(name, service)
        if len(group) < content["replicas"]:
            lacking = f"{len(group)} of {content['replicas']} containers are there"
            yield Ailment(service, MISSING, lacking)
        for container in group:
            found = _ailment(service, container, content["restart"], live.seen.looping)
            if found is not None:
                yield found


def _ailment(service: str, each: Container, restart: str, looping: frozenset[str]) -> Ailment | None:
    if each.failing(restart):
        return Ailment(service, CONTAINER_EXITED, f"{each.name} is {each.failing(restart)}", each)
    if each.id in looping:
        return Ailment(service, RESTART_LOOP, f"{each.name} ends and is restarted again and again", each)
    if each.health == "unhealthy":
        return Ailment(service, HEALTH_CHECK_FAILED, f"{each.name} is unhealthy", each)
    if each.health == "starting" or each.state == "restarting":
        return Ailment(service, STARTING, f"{each.name} is {each.health or each.state}", each)
    return None


@dataclass
class Standing:
    """Says it in the same words as long as it is the same: log lines are read once for each failure."""

    words: Words
    _told: dict[tuple[str, str], str] = field(default_factory=dict)

    def conditions(
        self, wanted: Wanted, live: DockerLive, owners: Collection[ResourceKey]
    ) -> Iterator[Condition]:
        for name, project in sorted(wanted.projects.items()):
            if project.owner in owners and not project.unknown:
                yield self._condition(project, list(ailments_of(name, project, live)))
        for owner in sorted(owners):
            if owner.kind == NetworkSpec.kind:
                yield Condition(owner, "Ready", Truth.TRUE, "Stands", "the network is there")

    def notices(self, wanted: Wanted, live: DockerLive) -> Iterator[Failure]:
        """What no change of ours would help: sick containers, and those that the engine restarts anyway."""
        for name, project in sorted(wanted.projects.items()):
            found = [
                each
                for each in ailments_of(name, project, live)
                if each.reason in (RESTART_LOOP, HEALTH_CHECK_FAILED)
            ]
            if found:
                yield Failure(found[0].reason, self._message(found), project.owner)

    def _condition(self, project: Project, found: Sequence[Ailment]) -> Condition:
        failed = [each for each in found if each.failed]
        if failed:
            return Condition(project.owner, "Ready", Truth.FALSE, failed[0].reason, self._message(failed))
        if found:
            return Condition(project.owner, "Ready", Truth.UNKNOWN, STARTING, self._message(found))
        count = len(project.services)
        message = "1 service is well" if count == 1 else f"all {count} services are well"
        return Condition(project.owner, "Ready", Truth.TRUE, HEALTHY, message)

    def _message(self, found: Sequence[Ailment]) -> str:
        told = "; ".join(f"{each.service}: {each.message}" for each in found)
        container = found[0].container
        words = self._words(container, found[0].reason) if container is not None and found[0].failed else ""
        return told + last_lines(words)

    def _words(self, container: Container, reason: str) -> str:
        identity = (container.id, reason)
        if identity not in self._told:
            self._told = {identity: self.words(container), **dict(list(self._told.items())[:99])}
        return self._told[identity]
