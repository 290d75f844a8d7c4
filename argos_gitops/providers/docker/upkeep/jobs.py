"""The jobs that Schedules ask for. Clients and Compose are only loaded when one of them runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import AnyResource, Resource, ResourceKey, ResourceSet
from argos_gitops.ports.job import Effect, Job, JobReport, Occasion
from argos_gitops.ports.provider import ProviderContext, Target
from argos_gitops.providers.docker.schedules import Restart, ScheduleSpec
from argos_gitops.providers.docker.settings import Connection, DockerSettings
from argos_gitops.providers.docker.upkeep.selecting import hosts_of, stacks_of

if TYPE_CHECKING:
    from argos_gitops.providers.docker.engine.client import EngineClient

Schedule = Resource[ScheduleSpec]


def jobs_of(resources: ResourceSet, context: ProviderContext) -> Sequence[Job]:
    """One for each image update, and one for each host that is cleaned up or restarted on."""
    schedules = resources.of(ScheduleSpec).values()
    return [job for schedule in schedules for job in _jobs(schedule, resources, context)]


def connection_of(host: AnyResource) -> Connection | None:
    """None for a host that only reports."""
    settings = Target(host).section("docker", DockerSettings)
    return settings.connection if settings is not None else None


def _jobs(schedule: Schedule, resources: ResourceSet, context: ProviderContext) -> Iterator[Job]:
    spec = schedule.spec
    if spec.image_updates is not None:
        yield _job(
            schedule, Effect.PROPOSES, lambda occasion: _update(schedule, resources, context, occasion)
        )
        return
    effect = Effect.READS if spec.clean_up is not None and spec.clean_up.mode == "report" else Effect.WRITES
    for host in hosts_of(resources, spec.select):
        connection = connection_of(host)
        if connection is not None:
            work = _HostWork(schedule, host.key, connection, resources, context)
            yield _job(schedule, effect, work.run, host.key)


def _job(
    schedule: Schedule,
    effect: Effect,
    run: Callable[[Occasion], JobReport],
    target: ResourceKey | None = None,
) -> Job:
    spec = schedule.spec
    return Job(schedule.key, spec.cron, spec.time_zone, effect, run, target, spec.missed == "run")


def _update(
    schedule: Schedule, resources: ResourceSet, context: ProviderContext, occasion: Occasion
) -> JobReport:
    from argos_gitops.providers.docker.upkeep.image_updates import ImageUpdating

    return ImageUpdating(schedule, resources, context).run(occasion)


@dataclass(frozen=True, slots=True)
class _HostWork:
    """What a Schedule does on one host."""

    schedule: Schedule
    host: ResourceKey
    connection: Connection
    resources: ResourceSet
    context: ProviderContext

    def run(self, occasion: Occasion) -> JobReport:
        from argos_gitops.providers.docker.engine.connection import EngineConnection

        where, context = str(self.host), self.context
        engine = EngineConnection(where, self.connection, context.credentials, context.timeout)
        try:
            return self._with(engine.client, occasion)
        finally:
            engine.close()

    def _with(self, client: "EngineClient", occasion: Occasion) -> JobReport:
        from argos_gitops.providers.docker.upkeep.cleaning import clean, named_on
        from argos_gitops.providers.docker.upkeep.restarting import Restarting

        spec = self.schedule.spec
        if spec.clean_up is not None:
            named = named_on(self.host.name, self.resources, self.context)
            return clean(spec.clean_up, client, named, occasion)
        stacks = [s for s in stacks_of(self.resources, spec.select) if s.spec.host == self.host.name]
        return Restarting(spec.restart or Restart(), spec.select, client, occasion).run(stacks)


def only_hosts_that_can_be_written(resources: ResourceSet) -> Iterator[Problem]:
    """A host that only reports can be neither cleaned up nor restarted on: naming it is a mistake."""
    for schedule in resources.of(ScheduleSpec).values():
        if schedule.spec.image_updates is None:
            for host in hosts_of(resources, schedule.spec.select):
                named = host.name in schedule.spec.select.hosts
                if named and connection_of(host) is None:
                    message = (
                        f"{host.key} only reports, so that nothing can be done there; select other hosts"
                    )
                    yield Problem(schedule.location, "HostOnlyReports", f"{schedule.key}: {message}")
