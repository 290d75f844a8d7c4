"""The job that restarts services of one Docker host, one after the other, each once the last does well."""

import time
from collections.abc import Sequence
from graphlib import TopologicalSorter

from argos_gitops.model.errors import ProviderError, TransientError
from argos_gitops.model.resource import Resource
from argos_gitops.ports.job import Deed, JobReport, Occasion
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.containers import Services, containers_of
from argos_gitops.providers.docker.engine.client import EngineClient
from argos_gitops.providers.docker.health import Finding, Judge, Verdict
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.schedules import Restart, Selection
from argos_gitops.providers.docker.upkeep.selecting import services_of

_PAUSE_SECONDS = 0.5
_ALWAYS = "always"
"""Whoever ran before the restart should run after it, whatever its restart policy says."""


class Restarting:
    """One run of it."""

    def __init__(self, wanted: Restart, select: Selection, client: EngineClient, occasion: Occasion) -> None:
        self._timeout = wanted.timeout.total_seconds()
        self._select = select
        self._client = client
        self._occasion = occasion

    def run(self, stacks: Sequence[Resource[StackSpec]]) -> JobReport:
        """Ends at the first service that does not come back: the others still run."""
        deeds: list[Deed] = []
        services = containers_of(self._client.containers())
        try:
            for stack in (each for each in stacks if not self._occasion.suspended(each.key)):
                for name in self._order(project_of(stack), services):
                    deeds.append(self._restarted(project_of(stack), name, services))
                    if deeds[-1].outcome == "failed":
                        return _report(deeds, f"{deeds[-1].object_id}: {deeds[-1].message}")
        except TransientError as error:
            return _report(deeds, str(error), error.reason)
        return _report(deeds)

    def _order(self, project: str, services: Services) -> list[str]:
        """Running services that are selected, those that others depend on first."""
        ours = {
            service: group
            for (of, service), group in services.items()
            if of == project and all(each.state == "running" for each in group)
        }
        below = {
            name: sorted({each for container in group for each in container.depends_on} & ours.keys())
            for name, group in sorted(ours.items())
        }
        selected = services_of(ours, self._select)
        return [name for name in TopologicalSorter(below).static_order() if name in selected]

    def _restarted(self, project: str, service: str, services: Services) -> Deed:
        object_id = f"stack/{project}/{service}"
        judge = Judge(self._client)
        group = services[project, service]
        judge.remember(group)
        try:
            for container in group:
                self._occasion.go_on()
                self._client.restart(container.id)
            finding = self._awaited((project, service), len(group), judge)
        except TransientError:
            raise
        except ProviderError as error:
            return Deed("restart", object_id, "failed", str(error))
        if finding.verdict is Verdict.WELL:
            return Deed("restart", object_id)
        return Deed("restart", object_id, "failed", finding.message)

    def _awaited(self, key: tuple[str, str], replicas: int, judge: Judge) -> Finding:
        """How the service does at last: well, failed, or still waiting when its time is over."""
        deadline = time.monotonic() + self._timeout
        while True:
            group = containers_of(self._client.containers()).get(key, ())
            finding = judge.judge(group, _ALWAYS, replicas)
            if finding.verdict is not Verdict.WAITING or time.monotonic() >= deadline:
                return finding
            self._occasion.go_on()
            time.sleep(_PAUSE_SECONDS)


def _report(deeds: Sequence[Deed], error: str = "", reason: str = "RestartFailed") -> JobReport:
    done = [deed.object_id.removeprefix("stack/") for deed in deeds if deed.outcome == "done"]
    message = f"restarted {', '.join(done)}" if done else "restarted nothing"
    if error:
        return JobReport(reason, f"{error}; {message}", ok=False, deeds=tuple(deeds))
    return JobReport("Restarted", message, deeds=tuple(deeds))
