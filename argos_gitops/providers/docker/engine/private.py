"""A folder that nobody else may look into, for keys that other programs read from files."""

import os
import shutil
import tempfile
from pathlib import Path


class PrivateFolder:
    """Made with mode 0700 when first needed, and removed with all that is in it."""

    def __init__(self) -> None:
        self._path: Path | None = None

    @property
    def path(self) -> Path:
        if self._path is None:
            self._path = Path(tempfile.mkdtemp(prefix="argos-"))
        return self._path

    def write(self, name: str, text: str) -> Path:
        """A file with mode 0600; ssh takes no key whose last line has no end."""
        path = self.path / name
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "w") as file:
            file.write(text if text.endswith("\n") else f"{text}\n")
        return path

    def remove(self) -> None:
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None
