"""Programs that write down the environment that they get, and then are the real ones."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Recorder:
    """Puts recording programs in front of the real ones. `path` is a folder for the beginning of PATH."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bin"
        self._seen = folder / "seen"
        self.path.mkdir(parents=True)
        self._seen.mkdir()

    def program(self, name: str, real: str | None = None) -> None:
        found = real or shutil.which(name)
        assert found is not None, name
        self._script(self.path / name, name, found)

    def git_helpers(self, *names: str) -> Path:
        """A folder for GIT_EXEC_PATH: git's own programs, of which `names` record."""
        done = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
        real, folder = Path(done.stdout.strip()), self.path.parent / "git-core"
        folder.mkdir()
        for program in real.iterdir():
            if program.name not in names:
                (folder / program.name).symlink_to(program)
        for name in names:
            self._script(folder / name, name, str(real / name))
        return folder

    def environments(self, name: str) -> Sequence[Mapping[str, str]]:
        """Those of every run of a program."""
        return [_parsed(file) for file in sorted(self._seen.glob(f"{name}.*"))]

    def _script(self, path: Path, name: str, real: str) -> None:
        path.write_text(f'#!/bin/sh\ncat /proc/$$/environ > "{self._seen}/{name}.$$"\nexec "{real}" "$@"\n')
        path.chmod(0o755)


def _parsed(file: Path) -> dict[str, str]:
    entries = file.read_bytes().decode("utf-8", "surrogateescape").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def path_with(folder: Path) -> str:
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
