"""What a provider is: one folder that exposes `PROVIDER = ProviderSpec(...)`."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from argos_gitops.model.adoption import Adoption, Unsayable
from argos_gitops.model.change import Change, Outcome
from argos_gitops.model.claim import Writer
from argos_gitops.model.condition import Condition
from argos_gitops.model.errors import SourceError
from argos_gitops.model.objects import Content, LiveObject, ObjectSet
from argos_gitops.model.plan import Failure
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet
from argos_gitops.model.spec import SpecModel
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.job import Job
from argos_gitops.ports.progress import Progress
from argos_gitops.ports.reports import HostReports
from argos_gitops.ports.secrets import Secrets
from argos_gitops.ports.verdict import Bouncer, BouncerConfig, Publisher, UsageSource

SectionT = TypeVar("SectionT", bound=SpecModel)
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Target:
    """A resource that stands for a system to write to, such as an Edge."""

    resource: AnyResource

    @property
    def key(self) -> ResourceKey:
        return self.resource.key

    def section(self, name: str, model: type[SectionT]) -> SectionT | None:
        """The part of the target's spec that belongs to the provider `name`, if it has one."""
        section = getattr(self.resource.spec, name, None)
        return section if isinstance(section, model) else None


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All resources of a revision; a provider picks what concerns its target.

    `outdated` says when nobody waits for it any more, because something newer is to be applied or the process
    ends: whoever waits for an effect asks now and then. `back` are resources that stand here as they were
    before, since they failed as the revision has them: nobody who depends on them may follow it.
    """

    resources: ResourceSet
    outdated: Callable[[], bool] = field(default=_never, compare=False)
    back: frozenset[ResourceKey] = frozenset()


class LiveState(Protocol):
    """What one observation saw. Implementations carry what their own `apply` needs (an ETag, ids)."""

    @property
    def fingerprint(self) -> str:
        """Equal fingerprints mean an equal live state as far as we manage it."""
        ...

    @property
    def objects(self) -> Mapping[str, LiveObject]:
        """The live objects by id; may be computed when first asked for."""
        ...

    @property
    def notices(self) -> Sequence[Failure]:
        """What is amiss but stops nothing: an old version, a missing module."""
        ...


@runtime_checkable
class Partial(Protocol):
    """A LiveState whose source does not tell everything of what it holds."""

    def beside(self, objects: ObjectSet) -> Mapping[str, LiveObject]:
        """Pure: the live objects as they compare with `objects`, those that should exist.

        What the source does not tell is taken from there, so that it is never a difference.
        """
        ...


@runtime_checkable
class KeepsAlive(Protocol):
    """A provider whose system forgets whoever does not speak up between passes."""

    def keep_alive(self) -> None:
        """Tells the system that we are alive; from any thread, within seconds. Raises ProviderError."""
        ...


class Files(Protocol):
    """Files of the repository, by what they hold."""

    def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        """The contents by blob id; raises SourceError when one is not at hand any more."""
        ...


class NoFiles:
    """Files for whoever has no repository."""

    def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        if blobs:
            raise SourceError("there is no repository to read files from")
        return {}


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """What a provider may use of the outside.

    `settings` are the bootstrap settings of this provider by name (`geoip_country`), `cache_dir`
    a folder that may be lost at any time, `state_dir` one that may not (and that nobody else reads).
    `reports` opens what hosts pushed; the store is not touched before somebody asks.
    `secrets` are the values that resources name, `credentials` those by which the target is reached.
    `writer` is who writes through the provider, None for whoever claims nothing.
    `preview`: the revision is not merged. Its author is not trusted: no file, address or secret that it
    names is read, asked or used, and `secrets` gives placeholders.
    `deadline`, in monotonic seconds, is when programs that work out what a revision means are given up, all
    together; None where each has a time limit of its own alone.
    """

    secrets: Secrets
    clock: Clock
    progress: Progress
    cache_dir: Path
    state_dir: Path = Path()
    files: Files = field(default_factory=NoFiles)
    reports: Callable[[], HostReports] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta = timedelta(seconds=30)
    target_secrets: Secrets | None = None
    preview: bool = False
    deadline: float | None = None
    writer: Writer | None = None

    @property
    def credentials(self) -> Secrets:
        return self.secrets if self.target_secrets is None else self.target_secrets


UNPROVEN = "Unproven"
"""The reason of a Ready condition, Unknown, where the effect was not looked at in this pass."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A cheap, regular look for drift; `name` is its key in the Agent's `drift.intervals`."""

    name: str
    interval: timedelta


class Provider(Protocol):
    """One provider bound to one target. Every I/O method raises ProviderError and nothing else."""

    def observe(self) -> LiveState:
        """Reads the live system; writes nothing."""
        ...

    def fingerprint(self, desired: DesiredState) -> str:
        """Identifies whatever `compile` depends on besides the resources (a GeoIP database)."""
        ...

    def compile(self, desired: DesiredState, live: LiveState) -> ObjectSet:
        """Pure: the objects that should exist, in the same normal form as `live.objects`."""
        ...

    def notices(self, desired: DesiredState) -> Sequence[Failure]:
        """What keeps a part of the desired state from being compiled (`GeoDatabaseMissing`)."""
        ...

    def fields(self, content: Content) -> Mapping[str, str]:
        """Pure: a content as labelled, masked fields for people, in reading order."""
        ...

    def attribute(self, live: LiveState, changes: Sequence[Change]) -> Mapping[str, str]:
        """What is known of how these drifts came about, by object id: a sentence each, without a secret.

        Asked only where something drifts, right after `live` was observed; may read more, writes nothing.
        Silence where nothing can be known, and the same words for the same drift.
        """
        ...

    def adopt(self, change: Change, desired: DesiredState) -> Adoption | Unsayable:
        """Pure: what git would have to say for a drift to be right as it is.

        Whoever asks compiles the result: it counts only if the live content comes out.
        """
        ...

    def hazards(self, changes: Sequence[Change], protected: Sequence[Network]) -> Sequence[str]:
        """Pure: why a change would lock somebody out; empty when none would.

        The same words for the same state, as an approval is bound to them.
        """
        ...

    def apply(self, live: LiveState, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Writes the changes onto the state that was observed; idempotent, may be killed anywhere.

        Raises StalePlanError when the live state moved since `live` was observed.
        """
        ...

    def verify(
        self, desired: DesiredState, changes: Sequence[Change], recheck: Collection[ResourceKey] = ()
    ) -> Iterator[Condition]:
        """Reads the effect of `changes` from outside: does the host answer, does the ban stand.

        `recheck` names resources that nobody changed now but that were not Ready the last time. Called in
        every pass, also without either: a provider whose `observe` does not see the effect asks for some
        of the resources that stand, so that each is asked for in turn. What there is no time to ask for
        gets UNPROVEN.
        """
        ...

    def watches(self) -> Sequence[Watch]:
        """The regular looks for drift that this system needs, with their default intervals."""
        ...

    def moved(self, watch: str) -> bool:
        """Whether that look sees something else than our last `observe` or `apply` left behind.

        Cheap, and writes nothing; True when it cannot know. A pass then finds out what moved.
        """
        ...

    def close(self) -> None: ...


Check = Callable[[ResourceSet], Iterable[Problem]]
"""A rule over a whole revision that a schema cannot say: pure, yields every problem it finds."""


class Derived(NamedTuple):
    """A document that follows from others, as people would write it, and the place that it follows from."""

    document: Mapping[str, Any]
    location: Location


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a revision means beyond its text: resources that follow from others, and further problems.

    `documents` may be of any kind; what their models refuse is told as a problem at their location.

    `warnings` are problems that reject nothing; people get to read them all the same. A location may be
    in any file of the repository that a resource names.
    """

    documents: Sequence[Derived] = ()
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()


Jobs = Callable[[ResourceSet, ProviderContext], Sequence[Job]]

Expand = Callable[[ResourceSet, ProviderContext], Expansion]
"""Works out an Expansion without asking any live system; the same for the same resources."""


@dataclass(frozen=True, slots=True)
class Bouncing:
    """How a provider refuses addresses by itself, for edges that ask us (forward-auth).

    `config` runs in the agent and may resolve secrets: None where the target asks nobody; a secret that
    is missing is a `problem` of the configuration, not an error. `open` runs in a process of its own,
    and starts what keeps the decisions in memory and makes them known; its last argument counts what other
    processes answered by them.
    """

    config: Callable[[Target, Secrets], BouncerConfig | None]
    open: Callable[[BouncerConfig, Publisher, UsageSource], Bouncer]


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A provider as the rest of the program sees it.

    `settings` is the section that targets of `target_kind` carry under `name`; `kinds` are the
    resource kinds it brings; `checks` its rules across resources; `factory` binds it to a target
    and is the only place that may import the provider's client code. `returning` says which
    resources go back alone to how they last were healthy, when a change fails that a revision asked for.
    `observed_only` says of which targets nothing can be changed: whatever differs there is told, and
    `apply` of their providers is never called. `jobs` are what the resources ask for at certain times;
    it does no I/O, and only `run` of a Job may load client code.
    """

    name: str
    target_kind: str
    settings: type[SpecModel]
    kinds: tuple[type[SpecModel], ...]
    factory: Callable[[Target, ProviderContext], Provider]
    checks: tuple[Check, ...] = ()
    bouncing: Bouncing | None = None
    expand: Expand | None = None
    returning: Callable[[AnyResource], bool] | None = None
    observed_only: Callable[[Target], bool] | None = None
    jobs: Jobs | None = None
