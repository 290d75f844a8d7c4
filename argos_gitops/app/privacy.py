"""What we write is for us alone: whatever the umask says, and also what an older version wrote.

Files that others must read (those of Stacks, for their containers) are given their modes where they are
written; they lie in a folder that nobody else enters.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from argos_gitops.model.errors import SettingsError

_OTHERS = 0o077
_FOR_CONTAINERS = ("docker", "stacks")


@contextmanager
def private_files() -> Iterator[None]:
    """Files and folders of this process and of its children are 0600 and 0700 until the end of the block."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def check_folder(folder: Path, setting: str) -> None:
    """SettingsError when a folder of ours is something else, or lies below something else."""
    for path in (folder, *folder.parents):
        if path.is_dir():
            return
        if path.exists():
            raise SettingsError(
                f"{setting}: {path} is a file, expected a folder; remove it, or set {setting} to another"
            )


def tighten(folder: Path) -> None:
    """Takes from everybody else what a folder of ours holds; at once where that was done before.

    The folder comes last, so that what was interrupted is done again. What belongs to somebody else, and a
    folder that is shared on purpose (sticky, as /tmp is), stays as it is.
    """
    with suppress(OSError):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
            return
        if not found.st_mode & _OTHERS:
            return
        _tighten_inside(folder)
        folder.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def _tighten_inside(root: Path) -> None:
    for path, folders, files in os.walk(root):
        here = Path(path)
        folders[:] = [name for name in folders if (here.name, name) != _FOR_CONTAINERS]
        for name in (*folders, *files):
            _close(here / name)


def _close(path: Path) -> None:
    with suppress(OSError):
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            return
        if found.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
