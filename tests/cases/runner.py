"""Reads a case folder, plans it, and says what came out in the words of `plan.yaml`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from argos_gitops.model.agent import GuardSpec
from argos_gitops.model.change import Change
from argos_gitops.model.objects import InventoryEntry, LiveObject, ManagedObject, ObjectSet, digest_of
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import SUSPEND_ANNOTATION, ResourceKey
from argos_gitops.model.secret import MASK
from argos_gitops.planning.diff import Describe, Situation, SystemDiff, diff
from argos_gitops.planning.drift import REPAIR, DriftModes
from argos_gitops.planning.guard import review
from argos_gitops.planning.holds import Suspended, sentences

ROOT = Path(__file__).parent
NOW = datetime(2026, 6, 1, 15, 30, tzinfo=UTC)
APPLIED_AT = datetime(2026, 6, 1, 13, 30, tzinfo=UTC)
APPLIED = "81bd00e" + "0" * 33


def describe_plainly(content: Any) -> Mapping[str, str]:
    """Each key of a content as a field; whatever is called a secret is masked."""
    return {key: MASK if "secret" in key else str(value) for key, value in content.items()}


def objects_as_written(path: Path) -> ObjectSet:
    return {object_id: _desired_object(object_id, written) for object_id, written in read(path).items()}


def live_as_written(path: Path) -> Mapping[str, LiveObject]:
    return {object_id: _live_object(object_id, written) for object_id, written in read(path).items()}


@dataclass(frozen=True)
class Reading:
    """How the files of a set become objects. Both functions get a path that may not exist."""

    system: str = "caddy"
    desired: Callable[[Path], ObjectSet] = objects_as_written
    live: Callable[[Path], Mapping[str, LiveObject]] = live_as_written
    describe: Describe = describe_plainly


def case_folders(provider: str) -> list[Path]:
    return sorted(folder for folder in (ROOT / provider).iterdir() if folder.is_dir())


def read(path: Path) -> Any:
    """The one document of a YAML file; an empty mapping when there is none."""
    if not path.exists():
        return {}
    return YAML(typ="safe").load(path) or {}


def planned(case: Path, reading: Reading) -> dict[str, Any]:
    """What the case's files give, in the form of `plan.yaml`."""
    settings = read(case / "situation.yaml")
    situation = _situation(case, reading, settings)
    difference = diff(situation)
    limits = GuardSpec.model_validate(settings.get("guard", {}))
    blocked = review(situation.system, difference, limits, lost=settings.get("lost", {}))
    return in_words(difference, blocked)


def expected(case: Path) -> dict[str, Any]:
    return {"changes": [], **read(case / "plan.yaml")}


def in_words(difference: SystemDiff, blocked: tuple[str, ...] = ()) -> dict[str, Any]:
    told: dict[str, Any] = {
        "changes": [_change_in_words(change) for change in difference.changes],
        "blocked": list(blocked),
        "held": list(sentences(difference.held)),
        "settled": [settled.id for settled in difference.settled],
        "forgotten": list(difference.forgotten),
    }
    return {key: value for key, value in told.items() if value or key == "changes"}


def _situation(case: Path, reading: Reading, settings: Mapping[str, Any]) -> Situation:
    desired, live = reading.desired(case / "desired.yaml"), reading.live(case / "live.yaml")
    return Situation(
        system=SystemKey(ResourceKey.parse(settings.get("target", "Edge/main")), reading.system),
        desired=desired,
        live=live,
        inventory=_inventory(read(case / "inventory.yaml"), desired, live),
        now=_time(settings.get("now", NOW)),
        describe=reading.describe,
        holds=(_suspended(settings.get("suspended", ())), _modes(settings.get("drift", {}))),
        drifting={
            ResourceKey.parse(owner): _time(since) for owner, since in settings.get("drifting", {}).items()
        },
    )


def _suspended(written: Iterable[str]) -> Suspended:
    return Suspended(dict.fromkeys(map(ResourceKey.parse, written), SUSPEND_ANNOTATION))


def _modes(written: Mapping[str, str]) -> DriftModes:
    annotated = {ResourceKey.parse(key): mode for key, mode in written.items() if key != "default"}
    return DriftModes(written.get("default", REPAIR), annotated)


def _inventory(
    written: Any, desired: ObjectSet, live: Mapping[str, LiveObject]
) -> Mapping[str, InventoryEntry]:
    if written == "desired":
        return {
            object_id: _entry(object_id, str(each.owner), each.content, each.protected)
            for object_id, each in desired.items()
        }
    if written == "live":
        return {
            object_id: _entry(object_id, str(each.owner), each.content) for object_id, each in live.items()
        }
    return {
        object_id: _entry(object_id, each["owner"], each["content"], each.get("protected", False))
        for object_id, each in written.items()
    }


def _entry(object_id: str, owner: str, content: Any, protected: bool = False) -> InventoryEntry:
    return InventoryEntry(
        object_id, ResourceKey.parse(owner), digest_of(content), protected, APPLIED, APPLIED_AT
    )


def _desired_object(object_id: str, written: Mapping[str, Any]) -> ManagedObject:
    path, _, number = written.get("location", "").partition(":")
    return ManagedObject(
        object_id,
        ResourceKey.parse(written["owner"]),
        written["content"],
        Location(path, int(number or 0)) if path else None,
        written.get("protected", False),
        _time(written["renewAt"]) if "renewAt" in written else None,
    )


def _live_object(object_id: str, written: Mapping[str, Any]) -> LiveObject:
    owner = ResourceKey.parse(written["owner"]) if "owner" in written else None
    return LiveObject(object_id, written["content"], written.get("owned", True), owner)


def _change_in_words(change: Change) -> dict[str, dict[str, Any]]:
    fields: dict[str, Any] = {field.name: [field.before, field.after] for field in change.fields}
    if change.note:
        fields["note"] = change.note
    if change.location is not None:
        fields["location"] = str(change.location)
    if change.since is not None and change.since != NOW:
        fields["since"] = f"{change.since:%H:%M}"
    return {f"{change.action} {change.owner} {change.object_id} {change.cause}": fields}


def _time(written: datetime) -> datetime:
    return written.replace(tzinfo=UTC) if written.tzinfo is None else written
