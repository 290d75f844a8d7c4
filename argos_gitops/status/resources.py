"""The documents under resources/, one for each resource."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.model.change import Change, Result
from argos_gitops.model.condition import Condition
from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet
from argos_gitops.ports.report import PassResult
from argos_gitops.status.overview import condition_data, lasting
from argos_gitops.status.plainyaml import dump
from argos_gitops.vcs.objects import blob_id

FOLDER = "resources"

_MAX_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one file, and the id that a repository of `object_format` gives them."""

    content: bytes
    blob: str

    @classmethod
    def of(cls, content: bytes, object_format: str) -> "Document":
        return cls(content, blob_id(content, object_format))


_Inputs = tuple[str, str, str | None, tuple[Condition, ...], tuple[tuple[str, Change], ...], str]


class ResourceDocuments:
    """Renders resources, and remembers what it rendered: between two passes hardly any differs."""

    def __init__(self) -> None:
        self._rendered: dict[ResourceKey, tuple[_Inputs, Document]] = {}

    def of(self, result: PassResult, resources: ResourceSet, object_format: str) -> dict[str, Document]:
        """The document of each resource by path, but of those that only other passes know about."""
        conditions: defaultdict[ResourceKey, list[Condition]] = defaultdict(list)
        for condition in lasting(result.conditions):
            conditions[condition.subject].append(condition)
        undone = _undone(result)
        rendered: dict[ResourceKey, tuple[_Inputs, Document]] = {}
        for resource in resources:
            key = resource.key
            if key in result.elsewhere - result.scheduled:
                continue
            inputs = (
                resource.digest,
                resource.location.path,
                result.applied_digests.get(key),
                tuple(conditions.get(key, ())),
                undone.get(key, ()),
                object_format,
            )
            known = self._rendered.get(key)
            document = known[1] if known and known[0] == inputs else _render(resource, inputs)
            rendered[key] = (inputs, document)
        self._rendered = {**self._rendered, **rendered} if result.elsewhere else rendered
        return {path_of(key): document for key, (_, document) in rendered.items()}


def path_of(key: ResourceKey) -> str:
    return f"{FOLDER}/{key.kind}/{key.name}.yaml"


def _undone(result: PassResult) -> dict[ResourceKey, tuple[tuple[str, Change], ...]]:
    """The changes that were planned and are still to be made, with what became of the attempt."""
    if result.plan is None:
        return {}
    tried = {(system, o.change.object_id): o.result for system, o in result.outcomes}
    found: defaultdict[ResourceKey, list[tuple[str, Change]]] = defaultdict(list)
    for system, change in result.plan.changes():
        outcome = tried.get((system, change.object_id))
        if outcome is not Result.DONE:
            found[change.owner].append((outcome.value if outcome else "pending", change))
    return {owner: tuple(changes) for owner, changes in found.items()}


def _render(resource: AnyResource, inputs: _Inputs) -> Document:
    digest, path, applied, conditions, undone, object_format = inputs
    data: dict[str, Any] = {
        "kind": resource.key.kind,
        "name": resource.key.name,
        "source": path,
        "digest": digest,
        "applied": applied,
        "observed": _observed(conditions, undone),
        "conditions": [condition_data(condition) for condition in conditions],
    }
    if undone:
        data["changes"] = [_change_data(state, change) for state, change in undone]
    return Document.of(dump(data), object_format)


def _observed(conditions: Sequence[Condition], undone: Sequence[tuple[str, Change]]) -> str:
    """`in sync`, `drifted`, `differs`, or `unknown` where nothing was said about it."""
    if undone:
        return "drifted" if any(change.cause == "drift" for _, change in undone) else "differs"
    ready = [condition for condition in conditions if condition.type == "Ready"]
    if not ready:
        return "unknown"
    return {"True": "in sync", "False": "not ready"}.get(ready[0].status.value, "unknown")


def _change_data(state: str, change: Change) -> Mapping[str, Any]:
    data: dict[str, Any] = {
        "object": change.object_id,
        "action": change.action.value,
        "cause": change.cause.value,
        "state": state,
    }
    if change.fields:
        data["fields"] = [
            {"name": field.name, "before": field.before, "after": field.after}
            for field in change.fields[:_MAX_FIELDS]
        ]
    return data
