"""Bringing Stacks to what they should be, and waiting until they are well."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from argos_gitops.model.change import Change, Outcome, Result
from argos_gitops.model.objects import Content
from argos_gitops.ports.progress import Progress
from argos_gitops.providers.docker.belongings import NETWORK_PREFIX
from argos_gitops.providers.docker.compile import Stack
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.runner import ComposeRunner
from argos_gitops.providers.docker.containers import Container, Services, containers_of
from argos_gitops.providers.docker.engine.client import EngineClient
from argos_gitops.providers.docker.health import Finding, Judge, Verdict, last_lines
from argos_gitops.providers.docker.observe import DockerLive, named_by
from argos_gitops.providers.docker.outcomes import SupersededError, contained
from argos_gitops.providers.docker.shared import NetworkWriter

_PAUSE_SECONDS = 0.5
_ASIDE = ".argos-replaced"
"""What is added to the name of a container while another one has it."""

Words = Callable[[Container], str]
"""The last lines of a container, masked."""


@dataclass(frozen=True, slots=True)
class StackWriter:
    """Writes to one host. `outdated` says when nobody waits any more for what is being applied."""

    client: EngineClient
    runner: ComposeRunner
    progress: Progress
    words: Words
    outdated: Callable[[], bool]
    networks: NetworkWriter

    def bring(
        self, stack: Stack, changes: Sequence[Change], live: DockerLive, replaced: Sequence[Container] = ()
    ) -> list[Outcome]:
        """One `up` for the services that change, then their health; an Outcome for each change.

        `replaced` are containers that are removed afterwards, and that have a name or port until then which
        this Stack asks for: they are stopped when all images are there, and run again should it fail.

        Raises SupersededError when it is outdated before all are well, and TransientError where the engine
        does not answer any more.
        """
        outcomes = contained(self.client, changes, lambda: self._bring(stack, changes, live, replaced))
        if any(each.result is not Result.DONE for each in outcomes):
            self._put_back(project_of(stack), live, replaced)
            self._sweep(project_of(stack))
        return outcomes

    def _set_aside(self, stack: Stack, services: Sequence[str], replaced: Sequence[Container]) -> None:
        if stack.spec.pull != "never":
            self.runner.pull(stack, services, policy=stack.spec.pull)
        for container in replaced:
            self.client.stop(container.id)
            self.client.rename(container.id, f"{container.name}{_ASIDE}")

    def _put_back(self, project: str, live: DockerLive, replaced: Sequence[Container]) -> None:
        """What was started instead goes first: it has the names and ports."""
        if not replaced:
            return
        before = {each.id for (of, _), group in live.seen.services.items() if of == project for each in group}
        for (of, _), group in containers_of(self.client.containers()).items():
            for each in group:
                if of == project and each.id not in before:
                    self.client.stop(each.id)
                    self.client.remove(each.id)
        for container in replaced:
            found = self.client.container(container.id)
            if found is not None and str(found["Name"]).endswith(_ASIDE):
                self.client.rename(container.id, container.name)
            if container.state == "running":
                self.client.start(container.id)

    def _sweep(self, project: str) -> None:
        """Networks of a start that came to no container would be nobody's."""
        if not any(project == of for of, _ in containers_of(self.client.containers())):
            self.networks.sweep(project)

    def _bring(
        self, stack: Stack, changes: Sequence[Change], live: DockerLive, replaced: Sequence[Container]
    ) -> list[Outcome]:
        judge = Judge(self.client)
        networks = [change for change in changes if change.object_id.startswith(NETWORK_PREFIX)]
        services = [change for change in changes if change not in networks]
        if replaced:
            self._set_aside(stack, [named_by(change.object_id)[1] for change in services], replaced)
        moved = self._start(stack, services, networks, live, judge)
        project = live.project(project_of(stack))
        known = project.services if project is not None else {}
        wanted = {name: known[name] for name in moved if name in known}
        wanted |= {named_by(change.object_id)[1]: change.after for change in services}
        findings = self._wait(stack, wanted, judge) if wanted else {}
        outcomes = [self._outcome(stack, change, findings) for change in services]
        return outcomes + [
            _of_network(stack, change, {name: findings[name] for name in moved}) for change in networks
        ]

    def _start(
        self,
        stack: Stack,
        changes: Sequence[Change],
        networks: Sequence[Change],
        live: DockerLive,
        judge: Judge,
    ) -> list[str]:
        """Gives the services that are made anew because a network of theirs is."""
        services = [named_by(change.object_id)[1] for change in changes]
        if stack.spec.build:
            self.runner.build(stack, services)
        before = [each for service in services for each in live.group(project_of(stack), service)]
        judge.remember(before)
        for container in before:
            if container.state == "paused":
                self.client.unpause(container.id)
        moved = [
            service
            for change in networks
            for service in self.networks.free(
                change.object_id.removeprefix(NETWORK_PREFIX), project_of(stack)
            )
        ]
        project = live.project(project_of(stack))
        moved = [name for name in dict.fromkeys(moved) if project is not None and name in project.services]
        anew = [named_by(change.object_id)[1] for change in changes if needs_recreation(change)]
        anew = list(dict.fromkeys([*anew, *moved]))
        if anew:
            self.runner.up(stack, anew, recreate=True)
        rest = [service for service in services if service not in anew]
        if rest:
            self.runner.up(stack, rest)
        return moved

    def _wait(self, stack: Stack, wanted: Mapping[str, Content], judge: Judge) -> Mapping[str, Finding]:
        """Until all are well, one has failed, or the Stack's time is over; then whatever was found."""
        deadline = time.monotonic() + stack.spec.health.timeout.total_seconds()
        title = f"{stack.key}: waiting for {', '.join(sorted(wanted))}"
        with self.progress.task(title, len(wanted)) as task:
            told = 0
            while True:
                findings = self._judged(project_of(stack), wanted, judge)
                well = sum(each.verdict is Verdict.WELL for each in findings.values())
                task.advance(max(0, well - told))
                told = max(told, well)
                failed = any(each.verdict is Verdict.FAILED for each in findings.values())
                if well == len(wanted) or failed or time.monotonic() >= deadline:
                    return findings
                self._check_outdated(stack)
                time.sleep(_PAUSE_SECONDS)

    def _judged(self, project: str, wanted: Mapping[str, Content], judge: Judge) -> Mapping[str, Finding]:
        services = containers_of(self.client.containers())
        return judged(services, project, wanted, judge)

    def _check_outdated(self, stack: Stack) -> None:
        if self.outdated():
            raise SupersededError(
                f"{stack.key} was started and not waited for: something newer is to be applied"
            )

    def _outcome(self, stack: Stack, change: Change, findings: Mapping[str, Finding]) -> Outcome:
        service = named_by(change.object_id)[1]
        finding = findings[service]
        if finding.verdict is Verdict.WELL:
            return Outcome(change, Result.DONE)
        failed = [name for name, each in sorted(findings.items()) if each.verdict is Verdict.FAILED]
        if finding.verdict is Verdict.WAITING and failed:
            why = f"was started, and not waited for, as {', '.join(failed)} failed"
            return Outcome(change, Result.SKIPPED, "NotAwaited", f"{stack.key} service {service} {why}")
        message = f"{stack.key} service {service}: {finding.message}"
        if finding.verdict is Verdict.WAITING:
            message += f", {stack.spec.health.timeout.total_seconds():g} s after the change"
        words = self.words(finding.container) if finding.container is not None else ""
        return Outcome(change, Result.FAILED, finding.reason, f"{message}{last_lines(words)}")


def _of_network(stack: Stack, change: Change, findings: Mapping[str, Finding]) -> Outcome:
    """A network is made anew once all that was in it does well again."""
    failed = {name: each for name, each in sorted(findings.items()) if each.verdict is not Verdict.WELL}
    if not failed:
        return Outcome(change, Result.DONE)
    name, finding = next(iter(failed.items()))
    what = change.object_id.removeprefix(NETWORK_PREFIX)
    message = (
        f"{stack.key} network {what} was made anew, and service {name} does not do well: {finding.message}"
    )
    return Outcome(change, Result.FAILED, finding.reason, message)


def needs_recreation(change: Change) -> bool:
    """Whether something differs that Compose does not look at: only a new container puts it right."""
    before, after = change.before, change.after
    if before is None or before["hash"] != after["hash"]:
        return False
    return any(before[name] != after[name] for name in ("networks", "limits", "restart"))


def judged(
    services: Services, project: str, wanted: Mapping[str, Content], judge: Judge
) -> Mapping[str, Finding]:
    return {
        service: judge.judge(services.get((project, service), ()), content["restart"], content["replicas"])
        for service, content in wanted.items()
    }
