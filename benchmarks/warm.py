"""A warm process: one application that runs a pass for each line it is given, and tells what came of it.

`python -m benchmarks.warm` reads its settings from the environment, as the command line does. The
first pass, which warms it up, is run before it says `ready`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.measure import PeakMemory


class WarmProcess:
    """The other side of the pipe. Each pass must end with the result that the caller expects."""

    def __init__(self, environment: Mapping[str, str], repository: Path) -> None:
        self._environment = {**environment, "ARGOS_REPO": str(repository)}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.warm"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._answer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin_pass(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("pass\n")

    def end_pass(self, expected: str) -> None:
        """Waits for the pass that was begun; RuntimeError when it came to another result."""
        result = self._answer()["result"]
        if result != expected:
            raise RuntimeError(f"the pass ended with {result}, expected {expected}")

    def run_pass(self, expected: str = "NoChange") -> None:
        self.begin_pass()
        self.end_pass(expected)

    def watched(self) -> PeakMemory:
        """Watches the memory of the process and its children, inside a `with` block."""
        return PeakMemory(self.pid)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the warm process ended with exit code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _serve() -> None:
    from argos_gitops.app.application import open_application
    from argos_gitops.cli.progress import progress_for_people
    from argos_gitops.reconcile.parts import Approval
    from argos_gitops.supervision.priority import give_way

    give_way()  # as the threads of an agent that pass do
    with open_application({}, os.environ, Path.cwd(), progress_for_people()) as application:
        _tell(application.apply(lambda plan: Approval(True)).result)
        for _ in sys.stdin:
            _tell(application.apply(lambda plan: Approval(True)).result)


def _tell(result: str) -> None:
    print(json.dumps({"result": result}), flush=True)


if __name__ == "__main__":
    _serve()
