"""What the branch remembers of earlier passes: it stands in `status.yaml`, so nothing else must keep it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from argos_gitops.model.change import Cause, Change, Result
from argos_gitops.model.plan import SystemKey
from argos_gitops.ports.report import PassResult
from argos_gitops.status import times

KEPT_NOTES = 20
"""Plans and repaired drifts that README.md, drift.md and status.yaml list; older ones stay in the history."""

MAX_VALUE = 200
"""Characters of a drifted value that is shown."""


@dataclass(frozen=True, slots=True)
class PlanNote:
    """A plan that was applied or blocked; `path` is its page."""

    at: datetime
    revision: str
    subject: str
    result: str
    digest: str
    summary: str
    path: str


@dataclass(frozen=True, slots=True)
class DriftNote:
    """One object that the world changed: `fields` are name, in git, found.

    `story` says where it came from, as far as that is known; `held` is why it is not repaired.
    """

    system: str
    object_id: str
    owner: str
    fields: tuple[tuple[str, str, str], ...]
    since: datetime
    repaired_at: datetime | None = None
    story: str = ""
    held: str = ""

    def told_as(self, known: "DriftNote | None") -> "DriftNote":
        """The same drift keeps its first story: a process that began later knows less of it."""
        same = known is not None and known.fields == self.fields and known.story
        return replace(self, story=known.story) if known is not None and same else self


@dataclass(frozen=True, slots=True)
class Memory:
    """`carried` are the sections of the last status.yaml, for passes that saw too little to renew them."""

    plans: tuple[PlanNote, ...] = ()
    drifting: tuple[DriftNote, ...] = ()
    repaired: tuple[DriftNote, ...] = ()
    carried: Mapping[str, Any] = field(default_factory=dict)

    def with_plan(self, note: PlanNote) -> "Memory":
        return Memory((note, *self.plans)[:KEPT_NOTES], self.drifting, self.repaired, self.carried)

    def merged(self, other: "Memory") -> "Memory":
        """With the plans and repairs that `other` knows beside ours."""
        return Memory(
            _newest({*self.plans, *other.plans}, key=lambda note: (note.at, note.path)),
            self.drifting,
            _newest({*self.repaired, *other.repaired}, key=lambda note: (note.repaired_at, note.object_id)),
            self.carried,
        )

    def after(self, result: PassResult) -> "Memory":
        """With what this pass found drifted and repaired; what it did not observe stays as it was."""
        if result.plan is None:
            return self
        seen = {str(part.system) for part in result.plan.systems if part.failure is None}
        unseen = {note.system for note in self.drifting if _still_there(note.system, result)} - seen
        known = {(note.system, note.object_id): note for note in self.drifting}
        held = {id(each.change): each.reason for _, each in result.plan.held()}
        done = {id(outcome.change) for _, outcome in result.outcomes if outcome.result is Result.DONE}
        drifting = [note for note in self.drifting if note.system in unseen]
        repaired: list[DriftNote] = []
        for system, change in _drifts(result):
            before = known.get((str(system), change.object_id))
            note = _drift_note(system, change, before.since if before is not None else result.at)
            note = replace(note, held=held.get(id(change), "")).told_as(before)
            if id(change) in done:
                repaired.append(replace(note, repaired_at=result.at))
            else:
                drifting.append(note)
        kept = (*repaired, *self.repaired)[:KEPT_NOTES]
        return Memory(self.plans, tuple(drifting), kept, self.carried)


NOTHING = Memory()


def as_data(memory: Memory) -> dict[str, Any]:
    """The sections of status.yaml that `from_data` reads again."""
    return {
        "drift": [_drift_data(note) for note in memory.drifting],
        "repaired": [_drift_data(note) for note in memory.repaired],
        "plans": [
            {
                "at": times.for_programs(note.at),
                "revision": note.revision,
                "subject": note.subject,
                "result": note.result,
                "digest": note.digest,
                "summary": note.summary,
                "path": note.path,
            }
            for note in memory.plans
        ],
    }


def from_data(data: Mapping[str, Any]) -> Memory:
    """Raises ValueError, KeyError or TypeError when somebody edited status.yaml into something else."""
    return Memory(
        tuple(PlanNote(**{**item, "at": times.parse(item["at"])}) for item in data["plans"]),
        tuple(_drift_from(item) for item in data["drift"]),
        tuple(_drift_from(item) for item in data["repaired"]),
        data,
    )


def _newest(notes: Iterable[Any], key: Any) -> tuple[Any, ...]:
    return tuple(sorted(notes, key=key, reverse=True)[:KEPT_NOTES])


def _drifts(result: PassResult) -> Sequence[tuple[SystemKey, Change]]:
    """Of what was acted on, the changes acted on; of all else, those that the plan has or holds back."""
    if result.plan is None:
        return []
    acted = [(system, outcome.change) for system, outcome in result.outcomes]
    known = {(system, change.object_id) for system, change in acted}
    held = ((system, held.change) for system, held in result.plan.held())
    needed = (*result.plan.changes(), *held)
    planned = [pair for pair in needed if (pair[0], pair[1].object_id) not in known]
    return [pair for pair in (*acted, *planned) if pair[1].cause is Cause.DRIFT]


def _still_there(system: str, result: PassResult) -> bool:
    """A pass over all targets has seen every system there is; one over a single target knows the others."""
    planned = {str(part.system) for part in result.plan.systems} if result.plan is not None else set()
    return system in planned or system.rpartition(" ")[0] in {str(target) for target in result.targets}


def _drift_note(system: SystemKey, change: Change, since: datetime) -> DriftNote:
    fields = tuple(
        (field.name, _shown(field.after), _shown(field.before)) for field in change.fields[:KEPT_NOTES]
    )
    owner = str(change.owner)
    return DriftNote(str(system), change.object_id, owner, fields, change.since or since, story=change.note)


def _shown(value: str | None) -> str:
    if value is None:
        return ""
    return value if len(value) <= MAX_VALUE else f"{value[: MAX_VALUE - 1]}…"


def _drift_data(note: DriftNote) -> dict[str, Any]:
    data: dict[str, Any] = {
        "system": note.system,
        "object": note.object_id,
        "owner": note.owner,
        "since": times.for_programs(note.since),
    }
    if note.repaired_at is not None:
        data["repairedAt"] = times.for_programs(note.repaired_at)
    data |= {name: value for name, value in (("story", note.story), ("held", note.held)) if value}
    data["fields"] = [{"name": name, "inGit": wanted, "found": found} for name, wanted, found in note.fields]
    return data


def _drift_from(data: Mapping[str, Any]) -> DriftNote:
    repaired = data.get("repairedAt")
    return DriftNote(
        data["system"],
        data["object"],
        data["owner"],
        tuple((field["name"], field["inGit"], field["found"]) for field in data["fields"]),
        times.parse(data["since"]),
        times.parse(repaired) if repaired else None,
        data.get("story", ""),
        data.get("held", ""),
    )
