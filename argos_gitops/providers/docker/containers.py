"""Containers as the engine lists them, and how each of them is doing. Pure.

Facts: `GET /containers/json` of the Engine API v1.41 and later; the labels are Compose's (v2).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.providers.docker.compose.marks import config_hash_of

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"
_DEPENDS = "com.docker.compose.depends_on"

_UP = ("running", "restarting")
_STATUS = re.compile(r"^(?:Exited|Restarting) \((-?\d+)\)")
_HEALTH = re.compile(r"\((healthy|unhealthy|health: starting)\)")

# The engine tells an age in words; these are those of less than a minute.
_YOUNG = re.compile(r"^Up (?:Less than a second|\d+ seconds?)\b")


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a Compose project.

    `state` is the engine's (`running`, `exited`, `restarting`, `paused`, `created`, `dead`); `exit_code` is
    of its last run, None where it runs; `health` is `healthy`, `unhealthy`, `starting`, or empty without a
    check. `young`: it was started less than a minute ago.
    """

    id: str
    name: str
    project: str
    service: str
    config_hash: str
    state: str
    exit_code: int | None
    health: str
    young: bool
    networks: tuple[str, ...]
    depends_on: tuple[str, ...]
    listed: Mapping[str, Any]

    def finished(self, restart: str) -> bool:
        """Whether it did what it was there for: it ended well, and nobody asked to start it again."""
        return (
            self.state == "exited"
            and self.exit_code == 0
            and restart.partition(":")[0] in ("no", "on-failure")
        )

    def failing(self, restart: str) -> str:
        """What is amiss with its state, as a word or two; empty for one that runs, restarts or is done.

        One that restarts is the engine's to start again: what we could do, the engine does already.
        """
        if self.state in _UP or self.finished(restart):
            return ""
        return f"exited ({self.exit_code})" if self.state == "exited" else self.state

    @property
    def identity(self) -> Sequence[Any]:
        """What tells whether something happened to it; a restart loop changes nothing."""
        state = "up" if self.state in _UP else self.state
        sick = self.health == "unhealthy"
        made_of = (self.id, self.project, self.service, self.config_hash)
        return (*made_of, state, self.exit_code, sick, self.networks)


Services = Mapping[tuple[str, str], tuple[Container, ...]]
"""Containers by project and service."""


def containers_of(listed: Iterable[Mapping[str, Any]]) -> Services:
    """Those that Compose made, without those of `docker compose run`."""
    found: dict[tuple[str, str], list[Container]] = {}
    for container in _containers(listed):
        found.setdefault((container.project, container.service), []).append(container)
    return {key: tuple(sorted(group, key=lambda each: each.name)) for key, group in sorted(found.items())}


def _containers(listed: Iterable[Mapping[str, Any]]) -> Iterator[Container]:
    for each in listed:
        labels = each.get("Labels") or {}
        if labels.get(PROJECT) and labels.get(SERVICE) and labels.get(_ONE_OFF, "False") != "True":
            yield _container(each, labels)


def _container(each: Mapping[str, Any], labels: Mapping[str, str]) -> Container:
    status, state = each.get("Status") or "", each.get("State") or ""
    ended, health = _STATUS.match(status), _HEALTH.search(status)
    depends = (part.partition(":")[0] for part in labels.get(_DEPENDS, "").split(","))
    return Container(
        id=each["Id"],
        name=((each.get("Names") or [each["Id"][:12]])[0]).lstrip("/"),
        project=labels[PROJECT],
        service=labels[SERVICE],
        config_hash=config_hash_of(labels),
        state=state,
        exit_code=int(ended[1]) if ended and state == "exited" else None,
        health=health[1].removeprefix("health: ") if health and state == "running" else "",
        young=_YOUNG.match(status) is not None,
        networks=tuple(sorted((each.get("NetworkSettings") or {}).get("Networks") or ())),
        depends_on=tuple(part for part in depends if part),
        listed=each,
    )
