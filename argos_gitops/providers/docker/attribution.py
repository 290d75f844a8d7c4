"""What the engine knows of how a drift came about: when containers ended or were made, and how."""

from collections.abc import Iterator, Mapping, Sequence

from argos_gitops.model.change import Change
from argos_gitops.providers.docker.engine.client import Document, EngineClient
from argos_gitops.providers.docker.health import ending_of
from argos_gitops.providers.docker.observe import PREFIX, UP, DockerLive, named_by


def notes_of(client: EngineClient, live: DockerLive, changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """By object id, a sentence for each drift of which something is known."""
    for change in changes:
        if change.object_id.startswith(PREFIX):
            note = _note(client, live, change)
            if note:
                yield change.object_id, note


def _note(client: EngineClient, live: DockerLive, change: Change) -> str:
    before, after = change.before, change.after
    if before is None:
        return "its containers were removed"
    for container in live.group(*named_by(change.object_id)):
        document = client.container(container.id)
        if document is None:
            continue
        if container.failing(before["restart"]) and before["state"] != UP:
            return f"{ending_of(container, document)}{_at(document, 'FinishedAt')}"
        if after is not None and container.config_hash != after["hash"]:
            return f"{container.name} was made by somebody else at {_time(document.get('Created'))}"
    return ""


def _at(document: Document, what: str) -> str:
    told: Mapping[str, str] = document.get("State") or {}
    time = _time(told.get(what))
    return f" at {time}" if time else ""


def _time(told: str | None) -> str:
    """By the engine's clock; year one stands for never."""
    if not told or told.startswith("0001"):
        return ""
    return f"{told[:10]} {told[11:19]} UTC" if told.endswith("Z") else told[:19].replace("T", " ")
