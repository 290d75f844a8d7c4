"""Containers as push agents report them: what identifies their state, and what differs between two reports.

The shape of a container is that of the report (docs/docker-hosts.md): plain mappings, camelCase names.
A field that is absent was not reported, which is no statement about the container.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal

import orjson

STALE_AFTER = timedelta(seconds=90)
"""How old a report may be, by our own clock, unless somebody chose otherwise."""

HASH_LABEL = "com.docker.compose.config-hash"
"""Compose's hash of all that a service is made of, values of its environment too."""

CONTENT_LABEL = "argos.dev/content"
"""Which content a service mounts or is built of: files of the repository by their blobs, and `configs` and
`secrets`.

Compose takes no notice of what is in such a file, so that this is what makes a service with a changed
file another one. A service that sets the label itself, to whatever, is left as it is.
"""

CONFIG_LABEL = "argos.dev/config-hash"
"""The config hash of a service that shares a namespace or volumes with another service.

Compose's own label then covers the id of the other's container, so that nobody could know it before.
"""

DIGEST_LABELS = frozenset({HASH_LABEL, CONTENT_LABEL, CONFIG_LABEL})
"""They cover secrets, and Compose takes no key: whoever reads one can try values until the hash is equal."""

Container = Mapping[str, Any]
What = Literal["appeared", "gone", "recreated", "state", "health", "image", "restarts"]

_PASSING = frozenset({"stats", "status"})
_ID_SHOWN = 12
_PLAIN: tuple[tuple[What, str], ...] = (
    ("state", "state"),
    ("health", "health"),
    ("restarts", "restartCount"),
)


@dataclass(frozen=True, slots=True)
class ContainerChange:
    """One thing that differed between two reports in a row; `at` is when the later one came.

    `before` and `after` are texts, empty where there was nothing: a state (`running`; also of what
    appeared or went), a health, an image, how often it was restarted, or a short id where it was made anew.
    """

    at: datetime
    container: str
    container_id: str
    what: What
    before: str
    after: str


def content_of(containers: Sequence[Container]) -> str:
    """An identity of all that was reported but statistics and wording (`Up 3 hours`), whatever the order."""
    lasting = [{name: each[name] for name in each.keys() - _PASSING} for each in containers]
    lasting.sort(key=lambda each: str(each["id"]))
    return blake2b(orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def changes_between(
    before: Sequence[Container], after: Sequence[Container], at: datetime
) -> Iterator[ContainerChange]:
    """Container by container, by their names: what appeared, went, or is otherwise than before."""
    known = {each["name"]: each for each in before}
    for container in after:
        earlier = known.pop(container["name"], None)
        if earlier is None:
            yield _change(container, "appeared", "", _text(container, "state"), at)
        else:
            yield from _differences(earlier, container, at)
    for container in known.values():
        yield _change(container, "gone", _text(container, "state"), "", at)


def _differences(before: Container, after: Container, at: datetime) -> Iterator[ContainerChange]:
    if before["id"] != after["id"]:
        yield _change(after, "recreated", _short(before["id"]), _short(after["id"]), at)
    if (images := _images(before, after)) is not None:
        yield _change(after, "image", *images, at)
    for what, field in _PLAIN:
        if field not in before or field not in after or before[field] == after[field]:
            continue
        if what == "restarts" and before["id"] != after["id"]:
            continue  # a new container counts from nothing
        yield _change(after, what, _text(before, field), _text(after, field), at)


def _images(before: Container, after: Container) -> tuple[str, str] | None:
    """Names where these differ; else, where only what they stand for does, with its id."""
    first, second = _text(before, "image"), _text(after, "image")
    if first != second:
        return first, second
    old, new = before.get("imageId"), after.get("imageId")
    if old is None or new is None or old == new:
        return None
    return f"{first} {_short(old)}", f"{second} {_short(new)}"


def _short(identity: str) -> str:
    return identity.removeprefix("sha256:")[:_ID_SHOWN]


def _change(container: Container, what: What, before: str, after: str, at: datetime) -> ContainerChange:
    return ContainerChange(at, container["name"], container["id"], what, before, after)


def _text(container: Container, field: str) -> str:
    return str(container.get(field, ""))
