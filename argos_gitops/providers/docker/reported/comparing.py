"""A report held against an expectation: each field as it is, or as it should be where that comes to the same.

Pure. What a source does not report, or says in other words, is taken as it should be: never a difference.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from argos_gitops.model.containers import Container
from argos_gitops.providers.docker.images.references import ImageReference, InvalidReference, parse_reference
from argos_gitops.providers.docker.reported import containers as reported
from argos_gitops.providers.docker.reported.expectation import ANY_PORT, ELSEWHERE, HEALTHY, UP, Content

_WELL = ("starting", HEALTHY)
_ANONYMOUS = "volume"


def beside(wanted: Content, group: Sequence[Container], looping: frozenset[str]) -> Content:
    """The content of a service as reported; of several containers, what differs of any."""
    seen = {**wanted, "replicas": _replicas(wanted, group, looping)}
    for container in group:
        for name, value in _told(wanted, container, looping).items():
            if value != wanted.get(name) and seen.get(name) == wanted.get(name):
                seen[name] = value
    return wanted if seen == wanted else seen


def _replicas(wanted: Content, group: Sequence[Container], looping: frozenset[str]) -> int:
    """Jobs that are done count whatever their number."""
    done = all(each["state"] == "exited" and reported.state_of(each, looping) == UP for each in group)
    return int(wanted["replicas"]) if done else len(group)


def _told(wanted: Content, container: Container, looping: frozenset[str]) -> Mapping[str, Any]:
    security = reported.security(container)
    found = {
        "state": reported.state_of(container, looping),
        "restart": _restart(wanted["restart"], reported.restart(container)),
        "ports": _ports(wanted["ports"], reported.published(container)),
        "mounts": _mounts(wanted["mounts"], reported.mounted(container), wanted["put"]),
        "networks": reported.networks(container),
        "env": _env(wanted["env"], reported.env(container)),
        "limits": _limits(wanted["limits"], reported.limits(container)),
        "readOnly": security.get("readOnlyRootfs"),
        "privileged": security.get("privileged"),
        "capabilities": reported.added_and_dropped(container),
        "health": _health(wanted.get("health"), container),
        **_image(wanted, container),
    }
    if "user" in wanted:
        found["user"] = security.get("user")
    return {name: value for name, value in found.items() if value is not None}


def _image(wanted: Content, container: Container) -> Mapping[str, Any]:
    """Names are compared as Docker reads them; an id instead of a name tells nothing."""
    known, found = _reference(wanted.get("image")), _reference(container["image"])
    if known is None or found is None:
        return {}
    same = (known.name, known.tag_or_latest) == (found.name, found.tag_or_latest)
    if known.digest is not None and known.name == found.name:
        same = known.tag is None or found.tag in (None, known.tag)
    told: dict[str, Any] = {} if same else {"image": container["image"]}
    digests = reported.digests(container) or ([found.digest] if found.digest else [])
    if known.digest is not None and digests and known.digest not in digests:
        told["digest"] = ", ".join(digests)
    return told


def _reference(image: str | None) -> ImageReference | None:
    try:
        return parse_reference(image) if image and not image.startswith("sha256:") else None
    except InvalidReference:
        return None


def _health(wanted: str | None, container: Container) -> str | None:
    """What just starts, or does not run, is not sick; without a check of its own the image's counts."""
    found = reported.health(container)
    if found is None or found in _WELL or container["state"] != "running":
        return None
    return None if wanted is None and found != "unhealthy" else found


def _restart(wanted: str, found: str | None) -> str | None:
    """Some agents leave out how often `on-failure` tries."""
    return None if found is None or wanted.startswith(f"{found}:") else found


def _ports(wanted: Sequence[str], found: Sequence[str] | None) -> list[str] | None:
    """A port that the engine was free to choose is right wherever it is."""
    if found is None:
        return None
    left, seen = list(found), []
    for port in wanted:
        match = port if port in left else next((each for each in left if _chosen(port, each)), None)
        if match is not None:
            left.remove(match)
            seen.append(port)
    return sorted([*seen, *left])


def _chosen(wanted: str, found: str) -> bool:
    place, target = wanted.rsplit("→", 1)
    address, _, number = place.rpartition(":")
    if not found.endswith(f"→{target}") or not (number == ANY_PORT or "-" in number):
        return False
    other, _, port = found.rsplit("→", 1)[0].rpartition(":")
    first, _, last = number.partition("-")
    return address == other and (number == ANY_PORT or int(first) <= int(port) <= int(last))


def _mounts(
    wanted: Mapping[str, str], found: Mapping[str, str] | None, put: Sequence[str]
) -> dict[str, str] | None:
    """What Compose puts there unsaid (`put`), and volumes that nobody named, are no mounts of anybody."""
    if found is None:
        return None
    seen = {}
    for target, text in found.items():
        if target in wanted:
            seen[target] = wanted[target] if _same_mount(wanted[target], text) else text
        elif target not in put and not text.startswith(_ANONYMOUS + " (") and text != _ANONYMOUS:
            seen[target] = text
    unseen = {
        target: text for target, text in wanted.items() if text.startswith("tmpfs") and target not in seen
    }
    return dict(sorted({**seen, **unseen}.items()))


def _same_mount(wanted: str, found: str) -> bool:
    """Where a Stack's own files lie on the host is not known; whether they may be written is."""
    if not wanted.startswith(ELSEWHERE):
        return wanted == found
    return found.startswith("/") and wanted.endswith(" (ro)") == found.endswith(" (ro)")


def _env(wanted: Sequence[str], found: Sequence[str] | None) -> list[str] | None:
    """An image brings variables of its own, so that only what is missing can be told."""
    return None if found is None else [name for name in wanted if name in found]


def _limits(wanted: Mapping[str, float], found: Mapping[str, float] | None) -> dict[str, float] | None:
    if found is None:
        return None
    told = {**wanted, **{name: value for name, value in found.items() if name != "pids" or name in wanted}}
    return {name: value for name, value in told.items() if value}
