"""What runs on a host held against the policies: notices, each about a Stack or about the host."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from argos_gitops.model.containers import Container
from argos_gitops.model.errors import ArgosError
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey, ResourceSet
from argos_gitops.ports.clock import Clock
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.policy.facts import of_container, of_service
from argos_gitops.providers.docker.policy.files import COMPLIANT, FileFinding, findings_in
from argos_gitops.providers.docker.policy.judging import Judge, Stack
from argos_gitops.providers.docker.reported.containers import place_of


class HostPolicies:
    """For one DockerHost; what the Compose files of its Stacks say is worked out once for each content."""

    def __init__(self, host: ResourceKey, renderer: ComposeRenderer, clock: Clock) -> None:
        self._host = host
        self._renderer = renderer
        self._clock = clock
        self._known: tuple[tuple[str, str], Sequence[FileFinding]] = (("", ""), ())

    def notices(self, resources: ResourceSet, containers: Iterable[Container]) -> Sequence[Failure]:
        """What breaks a rule in the Compose files of the host's Stacks, and beyond that in containers there.

        `containers` are in the shape of a report; what one does not tell breaks no rule.
        """
        judge = Judge.of(resources, self._clock.now().date())
        if not judge.policies:
            return ()
        stacks = {project_of(each): each for each in self._stacks(resources)}
        in_files = self._in_files(resources.fingerprint, stacks.values(), judge)
        known = {(each.stack.key, each.service, each.finding.rule) for each in in_files}
        beyond = (
            notice
            for container in containers
            for rule, notice in self._on_host(container, stacks, judge)
            if (notice.subject, _service(container), rule) not in known
        )
        return (*(each.notice for each in in_files), *beyond)

    def _stacks(self, resources: ResourceSet) -> Iterator[Stack]:
        return (each for each in resources.of(StackSpec).values() if each.spec.host == self._host.name)

    def _in_files(self, fingerprint: str, stacks: Iterable[Stack], judge: Judge) -> Sequence[FileFinding]:
        identity = fingerprint, str(judge.today)
        if self._known[0] != identity:
            found = [finding for stack in stacks for finding in self._in_stack(stack, judge)]
            self._known = identity, found
        return self._known[1]

    def _in_stack(self, stack: Stack, judge: Judge) -> Sequence[FileFinding]:
        """None in what cannot be rendered, which is told elsewhere."""
        try:
            return (
                list(findings_in(stack, self._renderer.render(stack), judge))
                if judge.speaks_of(stack)
                else ()
            )
        except ArgosError:
            return ()

    def _on_host(
        self, container: Container, stacks: Mapping[str, Stack], judge: Judge
    ) -> Iterator[tuple[str, Failure]]:
        project, service = place_of(container) or ("", "")
        stack, facts = stacks.get(project), of_container(container)
        name = str(container["name"])
        if stack is None:
            found = judge.on_container(self._host.name, name, facts)
        else:
            facts = replace(facts, built=self._is_built(stack, service))
            found = judge.on_service(stack, service, facts)
        for finding in found:
            message = f"container {name} on {self._host} {finding.sentence}"
            subject = None if stack is None else stack.key
            yield finding.rule, Failure("PolicyViolation", message, subject, COMPLIANT)

    def _is_built(self, stack: Stack, service: str) -> bool:
        try:
            services = self._renderer.render(stack).services
        except ArgosError:
            return False
        return service in services and of_service(services[service]).built


def _service(container: Container) -> str:
    place = place_of(container)
    return "" if place is None else place[1]
