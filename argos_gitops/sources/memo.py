"""Remembers the blob ids of files that have not changed, as git's index does."""

import os
import time
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import orjson

_SETTLED_NS = 2_000_000_000
"""A file younger than this may change again without its times showing it (nanoseconds)."""

_Stamp = tuple[int, int, int, int]


class BlobMemo:
    """Blob ids by path, valid while size, inode and both times of a file stay the same.

    The file behind it is a cache: losing or damaging it costs time alone.
    """

    def __init__(self, root: Path, folder: Path | None) -> None:
        name = f"blobs-{blake2b(os.fsencode(root), digest_size=8).hexdigest()}.json"
        self._file = folder / name if folder else None
        self._known: dict[str, tuple[_Stamp, str]] | None = None
        self._changed = False

    def get(self, path: str, status: os.stat_result) -> str | None:
        known = self._entries().get(path)
        return known[1] if known and known[0] == _stamp(status) else None

    def put(self, path: str, status: os.stat_result, blob: str) -> None:
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
            self._entries()[path] = (_stamp(status), blob)
            self._changed = True

    def keep(self, paths: Iterable[str]) -> None:
        """Forgets every other path, and writes down what is new."""
        entries = self._entries()
        for gone in entries.keys() - set(paths):
            del entries[gone]
            self._changed = True
        if self._changed and self._file:
            self._save(self._file, entries)
        self._changed = False

    def _entries(self) -> dict[str, tuple[_Stamp, str]]:
        if self._known is None:
            self._known = _load(self._file) if self._file else {}
        return self._known

    def _save(self, file: Path, entries: dict[str, tuple[_Stamp, str]]) -> None:
        draft = file.with_suffix(f".{os.getpid()}.tmp")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(orjson.dumps(entries))
            draft.replace(file)
        except OSError:
            return  # a cache that cannot be written is no reason to fail


def _stamp(status: os.stat_result) -> _Stamp:
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _load(file: Path) -> dict[str, tuple[_Stamp, str]]:
    try:
        content = orjson.loads(file.read_bytes())
        return {path: (tuple(stamp), blob) for path, (stamp, blob) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
