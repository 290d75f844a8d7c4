"""What is remembered of earlier loads: facts by blob, and whole valid trees. All of it may be lost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import orjson


class ParseCache(Protocol):
    """Keeps bytes by key. It may forget anything at any time; it never fails."""

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The entries that are there."""
        ...

    def put_many(self, entries: Mapping[str, bytes], instead_of: Sequence[str] = ()) -> None:
        """Keeps `entries`, and forgets the keys that they take the place of."""
        ...


class ForgetfulCache:
    """A ParseCache for those who have none."""

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        return {}

    def put_many(self, entries: Mapping[str, bytes], instead_of: Sequence[str] = ()) -> None: ...


class KeptTree(NamedTuple):
    """A valid tree: its fingerprint, and for each kind the number and the encoded list of documents.

    `sealed` and `folders` are what they name beside their own text, as in Attachments.
    """

    fingerprint: str
    counts: dict[str, int]
    documents: dict[str, bytes]
    sealed: dict[str, str]
    folders: dict[str, list[tuple[str, str, int, int]]]


class Remembered:
    """A ParseCache seen through one schema version: what another version kept is not there."""

    def __init__(self, cache: ParseCache, version: str) -> None:
        self._cache = cache
        self._version = version
        self._last_tree: list[str] = []

    def facts(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        prefix = self._blob("")
        found = self._cache.get_many([prefix + blob for blob in blobs])
        return ((key.removeprefix(prefix), encoded) for key, encoded in found.items())

    def keep_facts(self, facts: Iterable[tuple[str, bytes]]) -> None:
        self._cache.put_many({self._blob(blob): encoded for blob, encoded in facts})

    def tree(self, tree: str) -> KeptTree | None:
        """The tree, if it is known whole."""
        encoded = self._cache.get_many([self._tree(tree)]).get(self._tree(tree))
        if encoded is None:
            return None
        fingerprint, counts, sealed, folders = orjson.loads(encoded)
        keys = {kind: self._tree(tree, kind) for kind in counts}
        found = self._cache.get_many(list(keys.values()))
        if len(found) < len(keys):
            return None
        documents = {kind: found[key] for kind, key in keys.items()}
        return KeptTree(fingerprint, counts, documents, sealed, folders)

    def keep_tree(self, tree: str, kept: KeptTree) -> None:
        """Keeps a tree instead of the one that this process kept before."""
        entries = {self._tree(tree, kind): encoded for kind, encoded in kept.documents.items()}
        entries[self._tree(tree)] = orjson.dumps([kept.fingerprint, kept.counts, kept.sealed, kept.folders])
        self._cache.put_many(entries, instead_of=[key for key in self._last_tree if key not in entries])
        self._last_tree = list(entries)

    def _blob(self, blob: str) -> str:
        return f"{self._version}:blob:{blob}"

    def _tree(self, tree: str, kind: str = "") -> str:
        return f"{self._version}:tree:{tree}:{kind}"
