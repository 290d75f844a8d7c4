"""What may go from a Docker host: what nothing runs in, nothing stands on, and no Stack of ours names. Pure.

Facts: `GET /system/df`, `/images/json` and `/networks` of the Engine API v1.41 and later.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from argos_gitops.providers.docker.containers import PROJECT
from argos_gitops.providers.docker.images.references import InvalidReference, parse_reference
from argos_gitops.providers.docker.schedules import KEEP_LABEL, CleanUp

Document = Mapping[str, Any]

_STOPPED = frozenset({"exited", "dead", "created"})
_PREDEFINED = frozenset({"bridge", "host", "none", "podman"})
_NO_NAME = "<none>"
_SHORT_ID = 12
_DIGEST_SHOWN = len("sha256:") + _SHORT_ID


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an engine holds. `ended` says when containers stopped, by id."""

    containers: Sequence[Document] = ()
    images: Sequence[Document] = ()
    networks: Sequence[Document] = ()
    volumes: Sequence[Document] = ()
    build_cache: Sequence[Document] = ()
    ended: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """What Stacks and Networks name on the host: projects, networks and volumes as the engine calls them,
    images in full."""

    projects: Collection[str] = frozenset()
    networks: Collection[str] = frozenset()
    volumes: Collection[str] = frozenset()
    images: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Surplus:
    """One thing that may go. `handles` are what the engine has to be told, `size` is in bytes."""

    kind: str
    name: str
    handles: tuple[str, ...]
    size: int = 0


def stopped(container: Document) -> bool:
    """Whether it neither runs nor is about to."""
    return container.get("State") in _STOPPED


def surplus_of(wanted: CleanUp, holdings: Holdings, named: Named, now: datetime) -> list[Surplus]:
    """All that `wanted` lets go, containers first, as they stand on the rest."""
    judge = _Judge(wanted, holdings, named, now)
    parts = (judge.containers, judge.networks, judge.images, judge.volumes, judge.build_cache)
    return list(chain.from_iterable(sorted(part(), key=lambda each: each.name) for part in parts))


def canonical(image: str) -> str | None:
    """A name of an image in full, with its digest or else its tag; None for what is none."""
    try:
        found = parse_reference(image)
    except InvalidReference:
        return None
    return f"{found.name}@{found.digest}" if found.digest else f"{found.name}:{found.tag_or_latest}"


@dataclass(frozen=True, slots=True)
class _Judge:
    wanted: CleanUp
    held: Holdings
    named: Named
    now: datetime

    def containers(self) -> Iterator[Surplus]:
        age = self.wanted.stopped_containers
        if age is None:
            return
        for each in self.held.containers:
            ended = self.held.ended.get(each["Id"])
            if stopped(each) and not self._kept(each) and ended is not None and ended <= self.now - age:
                name = (each.get("Names") or [each["Id"][:_SHORT_ID]])[0].lstrip("/")
                yield Surplus("container", name, (each["Id"],), each.get("SizeRw") or 0)

    def networks(self) -> Iterator[Surplus]:
        """A stopped container needs its networks to start again."""
        if not self.wanted.networks:
            return
        used = {name for each in self.held.containers for name in _networks_of(each)}
        for each in self.held.networks:
            own = {each["Name"], each["Id"]}
            theirs = own & (_PREDEFINED | used | {*self.named.networks}) or _of_a_swarm(each)
            if not theirs and not self._kept(each) and self._old(moment_of(each.get("Created"))):
                yield Surplus("network", each["Name"], (each["Id"],))

    def images(self) -> Iterator[Surplus]:
        used = {each.get("ImageID") for each in self.held.containers}
        for each in self.held.images:
            names = _names(each, "RepoTags")
            may_go = {"none": False, "dangling": not names, "unused": True}[self.wanted.images]
            theirs = {canonical(name) for name in (*names, *_names(each, "RepoDigests"))}
            if not may_go or each["Id"] in used or theirs & {*self.named.images}:
                continue
            if not self._kept(each) and self._old(datetime.fromtimestamp(each.get("Created") or 0, UTC)):
                shown = ", ".join(names) or _shown(each)
                yield Surplus("image", shown, names or (each["Id"],), each.get("Size") or 0)

    def volumes(self) -> Iterator[Surplus]:
        """Those named one by one, and of them none that a Stack or a container has."""
        mounts = [mount for each in self.held.containers for mount in each.get("Mounts") or ()]
        used = {mount.get("Name") for mount in mounts} | {*self.named.volumes}
        for each in self.held.volumes:
            if each["Name"] in self.wanted.volumes and each["Name"] not in used and not self._kept(each):
                size = (each.get("UsageData") or {}).get("Size") or 0
                yield Surplus("volume", each["Name"], (each["Name"],), max(0, size))

    def build_cache(self) -> Iterator[Surplus]:
        age = self.wanted.build_cache
        if age is None:
            return
        for each in self.held.build_cache:
            used = moment_of(each.get("LastUsedAt")) or moment_of(each.get("CreatedAt"))
            if not each.get("InUse") and used is not None and used <= self.now - age:
                yield Surplus("build cache", each["ID"][:_SHORT_ID], (each["ID"],), each.get("Size") or 0)

    def _kept(self, each: Document) -> bool:
        labels = each.get("Labels") or {}
        return labels.get(KEEP_LABEL) == "true" or labels.get(PROJECT) in self.named.projects

    def _old(self, made: datetime | None) -> bool:
        return made is not None and made <= self.now - self.wanted.minimum_age


def _networks_of(container: Document) -> Iterator[str]:
    settings = container.get("NetworkSettings") or {}
    for name, endpoint in (settings.get("Networks") or {}).items():
        yield name
        yield (endpoint or {}).get("NetworkID") or name


def _of_a_swarm(network: Document) -> bool:
    return bool(network.get("Scope") != "local" or network.get("Ingress") or network.get("ConfigOnly"))


def _names(image: Document, field: str) -> tuple[str, ...]:
    return tuple(name for name in image.get(field) or () if not name.startswith(_NO_NAME))


def _shown(image: Document) -> str:
    repository = next((name.partition("@")[0] for name in _names(image, "RepoDigests")), "")
    return f"{repository} {image['Id'][:_DIGEST_SHOWN]}".strip()


def moment_of(text: str | None) -> datetime | None:
    """The engine writes nanoseconds, and the year 1 for never."""
    if not text or text.startswith("0001-"):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
