"""What one Caddy holds now."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from argos_gitops.model.claim import Claim
from argos_gitops.model.errors import TerminalError
from argos_gitops.model.objects import LiveObject
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.caddy.bulk import collector_paused
from argos_gitops.providers.caddy.catalogue import Catalogue, Item
from argos_gitops.providers.caddy.claiming import claim_in
from argos_gitops.providers.caddy.client import RawConfig
from argos_gitops.providers.caddy.layout import Layout, take_apart
from argos_gitops.providers.caddy.shape import check_configuration

_STRANGE = (ValueError, AttributeError, TypeError, LookupError, RecursionError)
"""What a configuration leads to that is none; JSON that cannot be parsed is a ValueError."""

Known = Callable[[str], Any]
"""The content that was last compiled for an object id, None where there is none."""


class CaddyLive:
    """One configuration as it was read; parsed when it is first asked for its objects."""

    def __init__(
        self,
        raw: RawConfig,
        target: ResourceKey,
        catalogue: Catalogue,
        known: Known,
        notices: Sequence[Failure] = (),
        previous: Mapping[str, LiveObject] | None = None,
    ) -> None:
        self.raw = raw
        self.notices = notices
        self.fingerprint = hashlib.blake2b(raw.body, digest_size=16).hexdigest()
        self._target = target
        self._catalogue = catalogue
        self._known = known
        self._previous = previous or {}

    @cached_property
    def claim(self) -> Claim | None:
        """Who writes to this Caddy."""
        return claim_in(self.raw.body)

    @property
    def tree(self) -> Any:
        """The whole configuration, parsed anew: who asks for it is rare, and it is large."""
        with collector_paused():
            return orjson.loads(self.raw.body) or {}

    @cached_property
    def layout(self) -> Layout:
        """Raises TerminalError when the answer is no configuration."""
        try:
            with collector_paused():
                tree = orjson.loads(self.raw.body)
                check_configuration(tree)
                return take_apart(tree)
        except _STRANGE as error:
            raise self._not_caddy(error) from error

    def _not_caddy(self, error: Exception) -> TerminalError:
        """The words of a wrong shape hold no content; those of the JSON parser would."""
        words = "no JSON" if isinstance(error, orjson.JSONDecodeError) else str(error)
        return TerminalError(
            f"what answers for Caddy of {self._target} gave as its configuration is none: {words}; "
            "is caddy.adminUrl right?",
            reason="NotCaddy",
        )

    @property
    def known_objects(self) -> Mapping[str, LiveObject] | None:
        """The objects if somebody asked for them already."""
        found: Mapping[str, LiveObject] | None = self.__dict__.get("objects")
        return found

    @cached_property
    def objects(self) -> Mapping[str, LiveObject]:
        """Objects that are as they were the last time are the same objects in memory."""
        layout = self.layout
        try:
            with collector_paused():
                found = {item.id: self._object(item) for item in self._catalogue.items(layout)}
        except _STRANGE as error:
            raise self._not_caddy(error) from error
        self._previous = {}
        return found

    def _object(self, item: Item) -> LiveObject:
        """Content that equals what was compiled becomes the same object, so that memory holds it once."""
        previous = self._previous.get(item.id)
        if previous is not None and previous.content == item.content:
            return previous
        known = self._known(item.id) if item.host is not None else None
        content = known if known is not None and known == item.content else item.content
        return LiveObject(item.id, content, owned=True, owner=self._owner(item))

    def _owner(self, item: Item) -> ResourceKey | None:
        if item.host is not None:
            return ResourceKey("Host", item.host)
        return self._target if item.ours else None
