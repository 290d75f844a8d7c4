"""What runs on a host held against the policies: notices, each about a Stack or about the host."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from argos_gitops.model.containers import Container
from argos_gitops.model.errors import ArgosError
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey, ResourceSet
from argos_gitops.ports.clock import Clock
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.policy.facts import of_container, of_service
from argos_gitops.providers.docker.policy.files import COMPLIANT, FileFinding, PolicyCode, findings_in
from argos_gitops.providers.docker.policy.judging import Judge, Stack
from argos_gitops.providers.docker.reported.containers import place_of


@dataclass(frozen=True, slots=True)
class _Files:
    """What the Compose files of a host say: findings, and the services whose images are built."""

    findings: Sequence[FileFinding] = ()
    built: frozenset[tuple[ResourceKey, str]] = frozenset()

    @classmethod
    def of(cls, rendered: Iterable[tuple[Stack, Rendered]], judge: Judge) -> "_Files":
        findings: list[FileFinding] = []
        built: set[tuple[ResourceKey, str]] = set()
        for stack, each in rendered:
            findings += findings_in(stack, each, judge)
            built |= {
                (stack.key, name) for name, service in each.services.items() if of_service(service).built
            }
        return cls(findings, frozenset(built))


class HostPolicies:
    """For one DockerHost; what the Compose files of its Stacks say is worked out once for each content."""

    def __init__(self, host: ResourceKey, renderer: ComposeRenderer, clock: Clock) -> None:
        self._host = host
        self._renderer = renderer
        self._clock = clock
        self._known: tuple[tuple[str, str], _Files] = (("", ""), _Files())

    def notices(self, resources: ResourceSet, containers: Iterable[Container]) -> Sequence[Failure]:
        """What breaks a rule in the Compose files of the host's Stacks, and beyond that in containers there.

        `containers` are in the shape of a report; what one does not tell breaks no rule.
        """
        judge = Judge.of(resources, self._clock.now().date())
        if not judge.policies:
            return ()
        stacks = {project_of(each): each for each in self._stacks(resources)}
        in_files = self._in_files(resources.fingerprint, stacks.values(), judge)
        known = {(each.stack.key, each.service, each.finding.rule) for each in in_files.findings}
        beyond = (
            notice
            for container in containers
            for rule, notice in self._on_host(container, stacks, judge)
            if (notice.subject, _service(container), rule) not in known
        )
        return (*(each.notice for each in in_files.findings), *beyond)

    def _stacks(self, resources: ResourceSet) -> Iterator[Stack]:
        return (each for each in resources.of(StackSpec).values() if each.spec.host == self._host.name)

    def _in_files(self, fingerprint: str, stacks: Iterable[Stack], judge: Judge) -> _Files:
        identity = fingerprint, str(judge.today)
        if self._known[0] != identity:
            meant = [stack for stack in stacks if judge.speaks_of(stack)]
            self._known = identity, _Files.of(self._rendered(meant), judge)
        return self._known[1]

    def _rendered(self, stacks: Iterable[Stack]) -> Iterator[tuple[Stack, Rendered]]:
        """Without what cannot be rendered, which is told elsewhere."""
        for stack in stacks:
            with suppress(ArgosError):
                yield stack, self._renderer.render(stack)

    def _on_host(
        self, container: Container, stacks: Mapping[str, Stack], judge: Judge
    ) -> Iterator[tuple[str, Failure]]:
        project, service = place_of(container) or ("", "")
        stack, facts = stacks.get(project), of_container(container)
        name = str(container["name"])
        if stack is None:
            found = judge.on_container(self._host.name, name, facts)
        else:
            facts = replace(facts, built=(stack.key, service) in self._known[1].built)
            found = judge.on_service(stack, service, facts)
        for finding in found:
            message = f"container {name} on {self._host} {finding.sentence}"
            subject = None if stack is None else stack.key
            yield finding.rule, Failure(PolicyCode.VIOLATION, message, subject, COMPLIANT)


def _service(container: Container) -> str:
    place = place_of(container)
    return "" if place is None else place[1]
