"""argos-gitops as it is installed beside the interpreter that measures it."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.estate import git_environment
from benchmarks.measure import peak_megabytes, run_quietly, seconds


@dataclass(frozen=True, slots=True)
class Program:
    """Runs commands with a state and a cache of their own in `folder`, and nothing of the person's."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        inherited = {
            name: value for name, value in git_environment().items() if not name.startswith("ARGOS_")
        }
        return {
            **inherited,
            "HOME": str(self.folder),
            "ARGOS_INSTANCE": "benchmark",
            "ARGOS_STATE_DIR": str(self.folder / "state"),
            "ARGOS_CACHE_DIR": str(self.folder / "cache"),
        }

    def forget(self) -> None:
        """An empty cache and an empty store, as on the first day."""
        for name in ("state", "cache"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def run(self, *arguments: str, repo: Path | None = None) -> None:
        """One command; CalledProcessError when it fails."""
        run_quietly(self._command(arguments, repo), self.environment)

    def seconds(self, *arguments: str, repo: Path | None = None) -> float:
        return seconds(lambda: self.run(*arguments, repo=repo))

    def cold_seconds(self, *arguments: str, repo: Path | None = None) -> float:
        """The same with nothing cached and nothing remembered."""
        self.forget()
        return self.seconds(*arguments, repo=repo)

    def megabytes(self, *arguments: str, repo: Path | None = None) -> float:
        """Peak memory of one command with all its processes, in MB."""
        return peak_megabytes(self._command(arguments, repo), self.environment)

    def cold_megabytes(self, *arguments: str, repo: Path | None = None) -> float:
        self.forget()
        return self.megabytes(*arguments, repo=repo)

    @staticmethod
    def _command(arguments: tuple[str, ...], repo: Path | None) -> list[str]:
        program = Path(sys.executable).with_name("argos-gitops")
        return [str(program), *arguments, *(["--repo", str(repo)] if repo else [])]
