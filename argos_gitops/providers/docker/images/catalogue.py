"""What registries hold, each image asked for once: which version another one should give way to."""

from collections.abc import Callable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Self

from argos_gitops.model.errors import ProviderError, TransientError
from argos_gitops.ports.secrets import Secrets
from argos_gitops.providers.docker.images.references import DOCKER_HUB, ImageReference
from argos_gitops.providers.docker.images.registry import Login, Registry
from argos_gitops.providers.docker.images.versions import newer_tags
from argos_gitops.providers.docker.schedules import ImageRule, RegistryAccess

_MOST_TRIED = 10
"""So many of the newest tags are asked for their age; behind them none will be old enough."""

_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


def rule_for(image: ImageReference, rules: Sequence[ImageRule]) -> ImageRule | None:
    """The first rule that names the image, as people or as Docker write it."""
    for rule in rules:
        if any(fnmatchcase(name, pattern) for pattern in rule.images for name in (image.short, image.name)):
            return rule
    return None


class Catalogue:
    """For one run, in one thread. A registry that wants to be left alone is, for the rest of it."""

    def __init__(self, accesses: Sequence[RegistryAccess], secrets: Secrets, now: datetime) -> None:
        self._accesses = {_host(access.registry): access for access in accesses}
        self._secrets = secrets
        self._now = now
        self._registries: dict[str, Registry] = {}
        self._tags: dict[str, list[str]] = {}
        self._digests: dict[str, str] = {}
        self._broken: dict[str, ProviderError] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for registry in self._registries.values():
            registry.close()

    def newer(self, image: ImageReference, rule: ImageRule) -> ImageReference | None:
        """What the rule would put in the image's place; None where it is right as it is.

        Raises ProviderError, and SettingsError for a secret that is missing.
        """
        return self._asked(image.registry, lambda: self._newer(image, rule))

    def _asked(self, host: str, ask: Callable[[], ImageReference | None]) -> ImageReference | None:
        if host in self._broken:
            raise self._broken[host]
        try:
            return ask()
        except TransientError as error:
            self._broken[host] = error
            raise

    def _newer(self, image: ImageReference, rule: ImageRule) -> ImageReference | None:
        if rule.digest:
            found = image.at(image.tag, self._digest(image, image.tag_or_latest))
            return found if found != image else None
        if image.tag is None:
            return None
        tag = self._old_enough(image, newer_tags(image.tag, self._tags_of(image), rule), rule)
        if tag is None:
            return None
        pinned = rule.pin_digest or image.digest is not None
        return image.at(tag, self._digest(image, tag) if pinned else None)

    def _old_enough(self, image: ImageReference, tags: Sequence[str], rule: ImageRule) -> str | None:
        if not rule.minimum_age:
            return tags[0] if tags else None
        registry = self._registry(image.registry)
        for tag in tags[:_MOST_TRIED]:
            built = registry.created(image.repository, tag)
            if built is not None and built <= self._now - rule.minimum_age:
                return tag
        return None

    def _tags_of(self, image: ImageReference) -> list[str]:
        if image.name not in self._tags:
            self._tags[image.name] = self._registry(image.registry).tags(image.repository)
        return self._tags[image.name]

    def _digest(self, image: ImageReference, tag: str) -> str:
        name = f"{image.name}:{tag}"
        if name not in self._digests:
            self._digests[name] = self._registry(image.registry).digest(image.repository, tag)
        return self._digests[name]

    def _registry(self, host: str) -> Registry:
        if host not in self._registries:
            access = self._accesses.get(host)
            self._registries[host] = Registry(host) if access is None else self._opened(host, access)
        return self._registries[host]

    def _opened(self, host: str, access: RegistryAccess) -> Registry:
        login = None
        if access.username is not None and access.password is not None:
            login = Login(access.username, self._secrets.resolve(access.password))
        ca = self._secrets.resolve(access.ca).reveal() if access.ca is not None else None
        return Registry(host, login, ca)


def _host(registry: str) -> str:
    return DOCKER_HUB if registry in _HUB_NAMES else registry
