"""Small stand-ins for our own ports: a world that is a dict, a source that is a list of resources."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from argos_gitops.model.adoption import Adoption, Edit, Unsayable
from argos_gitops.model.change import Action, Change, Outcome, Result
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import ArgosError, StalePlanError
from argos_gitops.model.objects import Content, LiveObject, ManagedObject, ObjectSet, digest_of
from argos_gitops.model.plan import Failure
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import AnyResource, EagerResources, Resource, ResourceKey, ResourceSet
from argos_gitops.model.secret import SecretBytes
from argos_gitops.model.source import Revision, SourceFile
from argos_gitops.model.spec import SpecModel
from argos_gitops.ports.provider import (
    UNPROVEN,
    DesiredState,
    LiveState,
    Network,
    ProviderContext,
    ProviderSpec,
    Target,
    Watch,
)
from argos_gitops.ports.report import PassResult

START = datetime(2026, 1, 1, tzinfo=UTC)


REPORTS = "reports"
"""The address of a Box that is only observed."""


class ToySettings(SpecModel):
    """A section of a Box."""

    address: str = "toy"


class BoxSpec(SpecModel):
    """A target that holds things."""

    kind: ClassVar[str] = "Box"

    toy: ToySettings | None = None


class ThingSpec(SpecModel):
    """Something that stands in a box."""

    kind: ClassVar[str] = "Thing"

    box: str
    value: str


def resource(
    kind: str, name: str, spec: SpecModel, *, annotations: Mapping[str, str] | None = None
) -> AnyResource:
    digest = digest_of([kind, name, spec.model_dump(mode="json"), dict(annotations or {})])
    return Resource(
        ResourceKey(kind, name), spec, Location(f"{kind}/{name}.yaml", 1), digest, {}, annotations or {}
    )


def box(name: str = "a", **annotations: str) -> AnyResource:
    return resource("Box", name, BoxSpec(toy=ToySettings()), annotations=annotations)


def only_reporting(name: str = "a", address: str = REPORTS, **annotations: str) -> AnyResource:
    """A Box that nothing can be put into from here."""
    return resource("Box", name, BoxSpec(toy=ToySettings(address=address)), annotations=annotations)


def thing(
    name: str, value: str, annotations: Mapping[str, str] | None = None, inside: str = "a"
) -> AnyResource:
    return resource("Thing", name, ThingSpec(box=inside, value=value), annotations=annotations)


class NoSealedFiles:
    """The part of Secrets that only the files of a Stack need."""

    def decrypted(self, path: str, blob: str, data: bytes) -> SecretBytes:
        raise AssertionError(f"nobody may ask for {path}")


class SteppingClock:
    """Time that moves by a second whenever somebody looks."""

    def __init__(self) -> None:
        self._now = START

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


@dataclass
class FakeSource:
    """A repository that is a list of resources; each `commit` is a revision."""

    history: dict[int, list[AnyResource]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    number: int = 0
    error: ArgosError | None = None

    def commit(self, *resources: AnyResource) -> None:
        self.number += 1
        self.history[self.number] = list(resources)

    def fetch(self, rev: str | None = None) -> "FakeSnapshot":
        if self.error is not None:
            raise self.error
        number = self.number if rev is None else int(rev, 16)
        sha = f"{number:040x}"
        return FakeSnapshot(Revision(sha, tree=sha, ref="main", subject=f"commit {number}"), self)


@dataclass
class FakeSnapshot:
    revision: Revision
    source: FakeSource
    events: Sequence[str] = ()

    def files(self) -> Sequence[SourceFile]:
        return ()

    def read(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        return iter(())


@dataclass
class FakeLoaded:
    resources: ResourceSet
    problems: Sequence[Problem]


def load(snapshot: FakeSnapshot) -> FakeLoaded:
    source = snapshot.source
    resources = source.history.get(int(snapshot.revision.sha, 16), [])
    return FakeLoaded(EagerResources(resources, snapshot.revision.tree), source.problems)


@dataclass
class World:
    """What stands on one target: object id to value. Counts writes; can fail, move and be unreachable."""

    values: dict[str, str] = field(default_factory=dict)
    writes: int = 0
    unreachable: ArgosError | None = None
    fail_at: int | None = None
    before_apply: Callable[["World"], None] | None = None
    unwell: set[str] = field(default_factory=set)
    unwell_values: set[str] = field(default_factory=set)
    passing: set[str] = field(default_factory=set)
    """What fails for a reason that may be gone by itself."""
    leaves: bool = False
    """Whether that leaves half a thing."""
    busy: bool = False
    """Whether there is no time to look at the effect."""
    notices: Sequence[Failure] = ()

    def fingerprint(self) -> str:
        return digest_of(self.values)


@dataclass
class WorldLive:
    fingerprint: str
    objects: Mapping[str, LiveObject]
    notices: Sequence[Failure] = ()


class WorldProvider:
    """Keeps one World equal to the Things of one Box."""

    def __init__(self, target: Target, world: World) -> None:
        self._target = target
        self.world = world
        self.compiled = 0
        self.seen = ""

    def observe(self) -> WorldLive:
        if self.world.unreachable is not None:
            raise self.world.unreachable
        objects = {
            key: LiveObject(key, {"value": value}, owned=True) for key, value in self.world.values.items()
        }
        self.seen = self.world.fingerprint()
        return WorldLive(self.seen, objects)

    def fingerprint(self, desired: DesiredState) -> str:
        return ""

    def compile(self, desired: DesiredState, live: LiveState) -> ObjectSet:
        self.compiled += 1
        return {
            f"thing/{name}": ManagedObject(
                f"thing/{name}", each.key, {"value": each.spec.value}, each.location, each.protected
            )
            for name, each in desired.resources.of(ThingSpec).items()
            if each.spec.box == self._target.key.name
        }

    def notices(self, desired: DesiredState) -> Sequence[Failure]:
        return self.world.notices

    def fields(self, content: Content) -> Mapping[str, str]:
        return {"value": content["value"]}

    def attribute(self, live: LiveState, changes: Sequence[Change]) -> Mapping[str, str]:
        return {}

    def adopt(self, change: Change, desired: DesiredState) -> Adoption | Unsayable:
        """A Thing says its value."""
        if change.before is None:
            return Unsayable("a Thing that is gone")
        return Adoption({change.owner: (Edit(("spec", "value"), change.before["value"]),)})

    def hazards(self, changes: Sequence[Change], protected: Sequence[Network]) -> Sequence[str]:
        return [f"{change.owner} is a lock-out" for change in changes if change.after == {"value": "lockout"}]

    def apply(self, live: LiveState, changes: Sequence[Change]) -> Iterator[Outcome]:
        if self.world.before_apply is not None:
            self.world.before_apply(self.world)
        if live.fingerprint != self.world.fingerprint():
            raise StalePlanError("the world moved")
        for number, change in enumerate(changes):
            if number == self.world.fail_at:
                raise ArgosError("the world broke", reason="Broken")
            if change.object_id in self.world.passing:
                if self.world.leaves:
                    self.world.values[change.object_id] = "half"
                    self.seen = self.world.fingerprint()
                yield Outcome(change, Result.FAILED, "NotNow", "a registry does not answer", passing=True)
                continue
            self.world.writes += 1
            if change.action is Action.DELETE:
                del self.world.values[change.object_id]
            else:
                self.world.values[change.object_id] = change.after["value"]
            self.seen = self.world.fingerprint()
            yield Outcome(change, Result.DONE)

    def verify(
        self, desired: DesiredState, changes: Sequence[Change], recheck: Collection[ResourceKey] = ()
    ) -> Iterator[Condition]:
        """Asks for everything in each pass, as what it looks at fails without a change."""
        standing = {
            each.key
            for each in desired.resources.of(ThingSpec).values()
            if each.spec.box == self._target.key.name
        }
        for owner in sorted({change.owner for change in changes} | set(recheck) | standing):
            if self.world.busy:
                yield Condition(owner, "Ready", Truth.UNKNOWN, UNPROVEN, "later")
                continue
            value = self.world.values.get(f"thing/{owner.name}")
            if owner.name in self.world.unwell or value in self.world.unwell_values:
                yield Condition(owner, "Ready", Truth.FALSE, "Unwell", "does not answer")

    def watches(self) -> Sequence[Watch]:
        return (Watch("toy", timedelta(seconds=15)),)

    def moved(self, watch: str) -> bool:
        return self.world.fingerprint() != self.seen

    def close(self) -> None:
        return None


def toy_spec(worlds: Mapping[str, World]) -> ProviderSpec:
    """A provider whose targets are the named worlds."""

    def factory(target: Target, context: ProviderContext) -> WorldProvider:
        return WorldProvider(target, worlds[target.key.name])

    return ProviderSpec("toy", "Box", ToySettings, (ThingSpec,), factory, observed_only=_only_reports)


def _only_reports(target: Target) -> bool:
    section = target.section("toy", ToySettings)
    return section is not None and section.address == REPORTS


@dataclass
class Listener:
    """A reporter that remembers what it was told, and can fail."""

    results: list[PassResult] = field(default_factory=list)
    error: ArgosError | None = None

    def report(self, result: PassResult) -> None:
        if self.error is not None:
            raise self.error
        self.results.append(result)


class QuietLog:
    def info(self, event: str, **facts: object) -> None:
        return None

    def warning(self, event: str, **facts: object) -> None:
        return None
