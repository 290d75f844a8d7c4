"""Names of images, read as Docker reads them (distribution/reference, docs/reference of the registry)."""

import re
from dataclasses import dataclass, replace

DOCKER_HUB = "docker.io"
_HUB_ALIASES = frozenset({"index.docker.io", "registry-1.docker.io"})
_OFFICIAL = "library/"
_LATEST = "latest"
_MOST_CHARACTERS = 255

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
_DOMAIN = re.compile(rf"{_HOST}(?::[0-9]{{1,5}})?")
_STEP = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_STEP}(?:/{_STEP})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


class InvalidReference(ValueError):  # noqa: N818 - it says what was found
    """The text names no image."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One image: `registry` with its port, `repository` in it, and a tag, a digest, both or neither."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """In full, without tag and digest: `docker.io/library/nginx`."""
        return f"{self.registry}/{self.repository}"

    @property
    def short(self) -> str:
        """The same as people write it: `nginx`, `grafana/grafana`, `ghcr.io/acme/app`."""
        official = self.repository.startswith(_OFFICIAL) and self.repository.count("/") == 1
        bare = self.repository.removeprefix(_OFFICIAL) if official else self.repository
        return bare if _split(bare) == (self.registry, self.repository) else self.name

    @property
    def tag_or_latest(self) -> str:
        """The tag that Docker takes where none is named."""
        return self.tag or _LATEST

    @property
    def version(self) -> str:
        """Tag and digest as they stand behind the name: `:1.27@sha256:…`, or nothing."""
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def at(self, tag: str | None, digest: str | None) -> "ImageReference":
        """The same image in another version."""
        return replace(self, tag=tag, digest=digest)

    def __str__(self) -> str:
        return self.short + self.version


def parse_reference(text: str) -> ImageReference:
    """`nginx`, `ghcr.io/acme/app:1.2@sha256:…`, `localhost:5000/app`; raises InvalidReference."""
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise InvalidReference(f"{text!r} does not end in a digest such as sha256:…")
    head, colon, last = rest.rpartition(":")
    name, tag = (head, last) if colon and "/" not in last else (rest, None)
    if tag is not None and not _TAG.fullmatch(tag):
        raise InvalidReference(f"{text!r} does not have a valid tag")
    registry, repository = _split(name)
    if not _DOMAIN.fullmatch(registry) or not _PATH.fullmatch(repository):
        raise InvalidReference(f"{text!r} is no name of an image, such as ghcr.io/acme/app:1.2")
    if len(registry) + len(repository) + 1 > _MOST_CHARACTERS:
        raise InvalidReference(f"the name in {text[:40]!r}… is longer than {_MOST_CHARACTERS} characters")
    return ImageReference(registry, repository, tag, digest or None)


def _split(name: str) -> tuple[str, str]:
    """Registry and repository: the first part is a registry only if it cannot be a user of Docker Hub."""
    first, slash, rest = name.partition("/")
    is_registry = slash and (any(c in first for c in ".:[") or first == "localhost" or first != first.lower())
    registry, repository = (first, rest) if is_registry else (DOCKER_HUB, name)
    if registry in _HUB_ALIASES:
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in repository:
        repository = _OFFICIAL + repository
    return registry, repository
