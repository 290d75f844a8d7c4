"""A host that only reports: reports in the real store, Stacks rendered by the real Compose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from argos_gitops.model.objects import InventoryEntry, digest_of
from argos_gitops.model.plan import Failure, SystemKey
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import EagerResources, Resource, ResourceKey
from argos_gitops.planning.diff import Situation, SystemDiff, diff
from argos_gitops.planning.holds import observed_only
from argos_gitops.ports.provider import DesiredState, Target
from argos_gitops.ports.reports import IncomingReport
from argos_gitops.providers.docker.kinds import NetworkSpec
from argos_gitops.providers.docker.reported.provider import ReportedProvider
from argos_gitops.store.database import open_database
from argos_gitops.store.docker_reports import SqlHostReports
from tests.fakes import START, resource
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.hosts import HOST, docker_host

AGENT: dict[str, Any] = {"agent": {}}

Container = dict[str, Any]


@dataclass
class HandClock:
    """Stands until somebody moves it."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at


@dataclass
class ReportingHost:
    """DockerHost/nas, what was reported of it, and what git wants there."""

    around: Surroundings
    clock: HandClock = field(default_factory=HandClock)
    stacks: list[Resource[Any]] = field(default_factory=list)
    inventory: dict[str, InventoryEntry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        engine = open_database(f"sqlite:///{self.around.folder / 'state.db'}")
        self.reports = SqlHostReports(engine, "test")
        context = replace(self.around.context(), clock=self.clock, reports=lambda: self.reports)
        self.provider = ReportedProvider(Target(docker_host(**AGENT)), context)

    def wants(self, *resources: Resource[Any]) -> None:
        self.stacks = [*resources]

    def says(self, *containers: Container, skew: timedelta = timedelta(), after: int = 30) -> None:
        """A report, so many seconds after whatever was last."""
        self.clock.at += timedelta(seconds=after)
        report = IncomingReport("nas", "nas01", "1", self.clock.at + skew, containers)
        self.reports.keep(report, self.clock.at)

    @property
    def desired(self) -> DesiredState:
        return DesiredState(EagerResources([docker_host(**AGENT), *self.stacks], "test"))

    def difference(self) -> SystemDiff:
        """What a pass would find; what it found settled is remembered, as a pass does."""
        live = self.provider.observe()
        objects = self.provider.compile(self.desired, live)
        found = diff(
            Situation(
                system=SystemKey(HOST, "docker"),
                desired=objects,
                live=live.beside(objects),
                inventory=self.inventory,
                now=self.clock.at,
                describe=self.provider.fields,
                holds=(observed_only,),
            )
        )
        for each in found.settled:
            self.inventory[each.id] = InventoryEntry(
                each.id, each.owner, digest_of(each.content), each.protected, "f" * 40, self.clock.at
            )
        return found

    @property
    def unrendered(self) -> Sequence[Failure]:
        return [each for each in self.provider.notices(self.desired) if each.subject is not None]

    def told(self) -> Mapping[str, Mapping[str, tuple[str | None, str | None]]]:
        """By object: the fields that differ, as they are and as they should be."""
        found = self.difference()
        assert not self.unrendered, self.unrendered
        assert not found.changes, "nothing may ever be changed"
        assert all(held.only_told and held.intended for held in found.held)
        return {
            f"{held.change.action} {held.change.object_id}": {
                each.name: (each.before, each.after) for each in held.change.fields
            }
            for held in found.held
        }


@pytest.fixture
def host(around: Surroundings) -> ReportingHost:
    return ReportingHost(around)


def network(name: str) -> Resource[Any]:
    found = resource("Network", name, NetworkSpec(host="nas"))
    return replace(found, key=ResourceKey("Network", name), location=Location(f"{name}.yaml", 1))
