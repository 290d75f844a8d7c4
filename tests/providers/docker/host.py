"""One Docker host that the provider looks after: resources in, changes and outcomes out."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from argos_gitops.model.change import Action, Change, Outcome, Result
from argos_gitops.model.condition import Condition
from argos_gitops.model.objects import InventoryEntry, ManagedObject, ObjectSet
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import AnyResource, EagerResources, Resource
from argos_gitops.model.spec import SpecModel
from argos_gitops.planning.diff import Situation, SystemDiff, diff
from argos_gitops.ports.provider import DesiredState, Target
from argos_gitops.providers.docker.kinds import NetworkSpec, StackSpec
from argos_gitops.providers.docker.observe import DockerLive
from argos_gitops.providers.docker.provider import DockerProvider
from argos_gitops.providers.docker.settings import Connection, DockerSettings
from tests.components.docker import RealDockerd
from tests.fakes import START, resource
from tests.providers.docker.compose.stacks import Surroundings

_PATIENCE_SECONDS = 60.0


class DockerHostSpec(SpecModel):
    """A DockerHost."""

    kind: ClassVar[str] = "DockerHost"

    docker: DockerSettings | None = None


def docker_host(socket: str | Path, name: str = "nas") -> AnyResource:
    settings = DockerSettings(connection=Connection(unix=str(socket)))
    return resource("DockerHost", name, DockerHostSpec(docker=settings))


def network(name: str, on_host: str | None = None, **spec: Any) -> Resource[NetworkSpec]:
    given = NetworkSpec.model_validate({"host": "nas", "name": on_host, **spec})
    return resource("Network", name, given)  # type: ignore[return-value]


@dataclass
class Host:
    """The provider of one DockerHost and what is wanted of it; use it as a context manager."""

    surroundings: Surroundings
    target: AnyResource
    wanted: DesiredState = field(default_factory=lambda: DesiredState(EagerResources((), "none")))
    inventory: dict[str, InventoryEntry] = field(default_factory=dict)
    outdated: Callable[[], bool] = lambda: False

    @classmethod
    def of(cls, dockerd: RealDockerd, surroundings: Surroundings) -> "Host":
        return cls(surroundings, docker_host(dockerd.socket))

    def __post_init__(self) -> None:
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.provider.close()

    def restart(self) -> None:
        """Another process of the agent, which knows what the last one kept in files."""
        self.provider.close()
        self._start()

    def _start(self) -> None:
        settings = self.target.spec.docker  # type: ignore[attr-defined]
        self.context = self.surroundings.context()
        self.provider = DockerProvider(Target(self.target), settings, settings.connection, self.context)

    def stack(self, compose: str, *, name: str = "wiki", **options: Any) -> Resource[StackSpec]:
        """A Stack of one Compose file; `files` are further ones."""
        files = {"compose.yaml": compose, **options.pop("files", {})}
        options.setdefault("health", {"timeout": "60s"})
        return self.surroundings.stack(files, name=name, **options)

    def want(self, *resources: AnyResource | Resource[StackSpec] | Resource[NetworkSpec]) -> Self:
        given: Sequence[Any] = resources
        fingerprint = " ".join(each.digest for each in given)
        self.wanted = DesiredState(
            EagerResources((self.target, *given), fingerprint), lambda: self.outdated()
        )
        return self

    def look(self) -> tuple[DockerLive, ObjectSet, SystemDiff]:
        live = self.provider.observe()
        self.provider.fingerprint(self.wanted)
        objects = self.provider.compile(self.wanted, live)
        return live, objects, self._diff(live, objects)

    def _diff(self, live: DockerLive, objects: ObjectSet) -> SystemDiff:
        return diff(
            Situation(
                system=SystemKey(self.target.key, "docker"),
                desired=objects,
                live=live.objects,
                inventory=self.inventory,
                now=self.context.clock.now(),
                describe=self.provider.fields,
            )
        )

    def plan(self) -> Sequence[Change]:
        """What would be changed; what is right already is remembered as ours, as a pass does."""
        _, _, found = self.look()
        self._record(found.settled)
        return found.changes

    def apply(self) -> Sequence[Outcome]:
        live, objects, found = self.look()
        for notice in self.provider.notices(self.wanted):
            print(notice)  # noqa: T201 # for the report of a test that fails
        self._record(found.settled)
        outcomes = []
        for outcome in self.provider.apply(live, found.changes):
            outcomes.append(outcome)
            self._remember(outcome, objects)
        return outcomes

    def fields(self) -> Mapping[str, tuple[str | None, str | None]]:
        """What people read of the plan: before and after by `service: field`."""
        return {
            f"{change.object_id.rpartition('/')[2]}: {each.name}": (each.before, each.after)
            for change in self.plan()
            for each in change.fields
        }

    def conditions(self) -> Mapping[str, Condition]:
        """What `verify` says now of all Stacks and Networks, by name."""
        owners = [each.key for each in self.wanted.resources if each.key.kind in ("Stack", "Network")]
        self.provider.observe()
        return {each.subject.name: each for each in self.provider.verify(self.wanted, (), owners)}

    def _remember(self, outcome: Outcome, objects: ObjectSet) -> None:
        if outcome.result is not Result.DONE:
            return
        if outcome.change.action is Action.DELETE:
            self.inventory.pop(outcome.change.object_id, None)
        else:
            self._record([objects[outcome.change.object_id]])

    def _record(self, objects: Sequence[ManagedObject]) -> None:
        for each in objects:
            self.inventory[each.id] = InventoryEntry(
                each.id, each.owner, each.digest, each.protected, "a" * 40, START
            )


def annotated(stack: Resource[StackSpec], **annotations: str) -> Resource[StackSpec]:
    """The same Stack with annotations, named without their prefix."""
    given = {f"argos.dev/{name}": value for name, value in annotations.items()}
    return replace(stack, annotations={**stack.annotations, **given}, digest=f"{stack.digest} {given}")


def await_that(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {_PATIENCE_SECONDS:g} s"
        time.sleep(0.2)
