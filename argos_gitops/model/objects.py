"""What a provider compiles from resources, and what it finds on the live system.

Both sides are given in one normal form: two `content`s are equal exactly when there is nothing to do.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from argos_gitops.model.problem import Location
from argos_gitops.model.resource import ResourceKey

Content = Any
"""JSON-able: dicts with string keys, lists or tuples, strings, numbers, booleans, None."""


def digest_of(content: Content, key: bytes = b"") -> str:
    """32 hex digits that identify a JSON-able value, whatever the order of its keys.

    A digest that leaves the agent (plans, status pages, the API) and covers contents, in which secrets may
    stand, needs a `key` of up to 64 bytes: without one, whoever reads the digest and knows the rest of the
    content can try values of the secret until one fits. See docs/decisions/0046.
    """
    encoded = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(encoded, digest_size=16, key=key).hexdigest()


def key_id_of(key: bytes) -> str:
    """12 hex digits that tell one random key from another, and nothing more about it."""
    return digest_of("argos-gitops digest key", key)[:12]


@dataclass(frozen=True, slots=True)
class ManagedObject:
    """One thing that should exist on a target.

    `id` is stable and unique within one provider of one target (`host/grafana`, `country/NG`).
    `renew_at` is the time from which it must be written again although its content is right, and `renewal`
    says why, where that is not plainly its age. Whoever keeps objects between passes keeps their digests too.
    """

    id: str
    owner: ResourceKey
    content: Content
    location: Location | None = None
    protected: bool = False
    renew_at: datetime | None = None
    renewal: str = ""
    _digest: str = field(default="", init=False, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Of the content; computed once."""
        if not self._digest:
            object.__setattr__(self, "_digest", digest_of(self.content))
        return self._digest


@dataclass(frozen=True, slots=True)
class LiveObject:
    """One thing that exists. `owned`: it carries our mark (an `@id`, an origin of ours)."""

    id: str
    content: Content
    owned: bool
    owner: ResourceKey | None = None


ObjectSet = Mapping[str, ManagedObject]


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """What we last applied for one object: enough to tell drift from a pending change."""

    object_id: str
    owner: ResourceKey
    digest: str
    protected: bool
    revision: str
    applied_at: datetime
