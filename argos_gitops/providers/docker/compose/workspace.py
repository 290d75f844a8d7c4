"""A private folder that lives as long as one run of Compose, in memory where the machine has such a place.

What a killed process left is removed by the next one.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "argos-compose-"
_NAME = re.compile(rf"^{_PREFIX}(\d+)-")
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is private
_DEPTH = 40


@contextmanager
def workspace() -> Iterator[Path]:
    """Nobody else can read it; gone afterwards."""
    home = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    _sweep(home)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_files(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Writes files into a folder deep below: what leads some steps up still finds nothing. That folder."""
    root = folder.joinpath(*["d"] * _DEPTH)
    root.mkdir(parents=True)
    for path, data in contents.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return root


def _sweep(home: Path) -> None:
    for entry in os.scandir(home):
        match = _NAME.match(entry.name)
        if match and not _lives(int(match[1])) and entry.stat(follow_symlinks=False).st_uid == os.getuid():
            shutil.rmtree(entry.path, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
