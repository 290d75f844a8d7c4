"""Work that a resource asks for at certain times, apart from passes."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.source import Revision
from argos_gitops.ports.proposal import Proposal


class Effect(StrEnum):
    """What a job does to the world, and so what it must wait for.

    READS: nothing at all. WRITES: changes its target, whose lock it holds; neither while that is
    suspended nor while a window closes it. PROPOSES: changes the repository alone; not while git is not
    followed.
    """

    READS = "reads"
    WRITES = "writes"
    PROPOSES = "proposes"


@dataclass(frozen=True, slots=True)
class Occasion:
    """One run of a job.

    `held` says why nothing may be written to a target now, empty where it may. `go_on` raises
    TransientError when the run has to stop: between two writes, ask it. `ours` says which targets this
    agent is for, `suspended` which resources nothing is done to.
    """

    now: datetime
    revision: Revision
    held: Callable[[ResourceKey], str]
    go_on: Callable[[], None]
    ours: Callable[[ResourceKey], bool] = lambda _: True
    suspended: Callable[[ResourceKey], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a run did to a target, for the audit log. `outcome` is done, skipped or failed."""

    action: str
    object_id: str
    outcome: str = "done"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a run wants git to say: all that one schedule proposes now.

    `topic` names them as a family: what was proposed under it before and is not among them any more is
    withdrawn, but for the keys in `undecided`, of which this run could not tell. `direct`: they are
    commits on the followed branch, not pull requests.
    """

    topic: str
    proposals: Sequence[Proposal] = ()
    direct: bool = False
    undecided: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class JobReport:
    """How a run ended. `reason` is stable and CamelCase, `message` one line for people, `details` more
    of them. Nothing in it is a secret."""

    reason: str
    message: str
    ok: bool = True
    details: Sequence[str] = ()
    deeds: Sequence[Deed] = ()
    proposed: Proposals | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What `schedule` asks for, or the part of it that concerns `target`.

    `cron` holds in `time_zone`; `catch_up`: a time at which no agent ran is made up for. `run` may take
    minutes; it raises ArgosError, and SettingsError for a secret that is missing.
    """

    schedule: ResourceKey
    cron: str
    time_zone: str
    effect: Effect
    run: Callable[[Occasion], JobReport]
    target: ResourceKey | None = None
    catch_up: bool = False

    @property
    def name(self) -> str:
        """`Schedule/nightly`, or `Schedule/nightly DockerHost/web`."""
        return f"{self.schedule} {self.target}" if self.target is not None else str(self.schedule)


@dataclass(frozen=True, slots=True)
class JobRun:
    """The last run of a job, as it is kept. `due` is the time that it was for; `ok` is None while it runs.

    `timing` is the cron expression with its zone, so that a job that got another one counts as new.
    """

    job: str
    schedule: ResourceKey
    timing: str
    due: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ok: bool | None = None
    reason: str = ""
    message: str = ""
    details: Sequence[str] = field(default_factory=tuple)


class JobRuns(Protocol):
    """The last run of each job of one instance, over all its replicas."""

    def all(self) -> Sequence[JobRun]: ...

    def expect(self, run: JobRun) -> None:
        """Keeps a job that is not known yet, or not with this timing, as if it had run when it was due."""
        ...

    def claim(self, run: JobRun) -> bool:
        """Whether the run is ours to do: nobody else did or does it, for this `due` or a later one."""
        ...

    def conclude(self, run: JobRun) -> None:
        """Keeps how a run ended that was claimed."""
        ...

    def keep(self, jobs: Sequence[str]) -> None:
        """Forgets all others."""
        ...
