"""Small files by digest, the newest of them; they may be lost at any time."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_MOST = 1024


class Cache:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        """None for what is not there, or cannot be read."""
        try:
            return self._path(key).read_bytes()
        except OSError:
            return None

    def put(self, key: str, content: bytes) -> None:
        """Whole or not at all; a cache that cannot be written is none."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
                file.write(content)
            Path(file.name).replace(self._path(key))
            self._tidy()

    def _path(self, key: str) -> Path:
        return self._folder / key

    def _tidy(self) -> None:
        """Now and then half of it goes, the oldest first."""
        found = list(os.scandir(self._folder))
        if len(found) > _MOST:
            by_age = sorted(found, key=lambda entry: entry.stat().st_mtime)
            for entry in by_age[: len(found) // 2]:
                Path(entry.path).unlink(missing_ok=True)
