"""Git's names for bytes, computed without git. Pure.

Source of the formats: gitformat-loose (`<type> <size>\\0` before the bytes) and `git mktree`.
"""

from collections.abc import Iterable
from hashlib import new, sha1
from typing import BinaryIO

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
NO_OBJECT = "0" * 40

TREE_MODE = 0o040000
FILE_MODE = 0o100644
EXECUTABLE_MODE = 0o100755
SYMLINK_MODE = 0o120000
SUBMODULE_MODE = 0o160000

_CHUNK = 1024 * 1024

Entry = tuple[str, int, str]
"""Path, mode, object id (40 hex digits)."""


def blob_id(content: bytes, object_format: str = "sha1") -> str:
    """The id that a git repository of this object format gives to a file with these bytes."""
    digest = new(object_format, b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def file_id(file: BinaryIO, size: int) -> str:
    """The same for an open file of `size` bytes, in little memory; wrong if the file has another size."""
    digest = sha1(b"blob %d\0" % size, usedforsecurity=False)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def tree_id(entries: Iterable[Entry]) -> str:
    """The id of the tree that holds these files; `EMPTY_TREE` without any."""
    return _tree([(path.split("/"), mode, oid) for path, mode, oid in entries])


def _tree(entries: list[tuple[list[str], int, str]]) -> str:
    files: list[tuple[bytes, int, str]] = []
    folders: dict[str, list[tuple[list[str], int, str]]] = {}
    for (first, *rest), mode, oid in entries:
        if rest:
            folders.setdefault(first, []).append((rest, mode, oid))
        else:
            files.append((first.encode("utf-8", "surrogateescape"), mode, oid))
    for name, inner in folders.items():
        files.append((name.encode("utf-8", "surrogateescape"), TREE_MODE, _tree(inner)))
    files.sort(key=lambda entry: entry[0] + b"/" if entry[1] == TREE_MODE else entry[0])
    content = b"".join(b"%o %s\0%s" % (mode, name, bytes.fromhex(oid)) for name, mode, oid in files)
    return sha1(b"tree %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
