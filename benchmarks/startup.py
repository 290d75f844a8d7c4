"""What a command costs before it does anything, over an interpreter that does nothing.

Without the Stacks of the example: reading those with an empty cache is Compose's time.
"""

import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figure import Figure, difference
from benchmarks.measure import interleaved, run_quietly, seconds
from benchmarks.program import Program

NAME = "startup"
EXAMPLE = Path(__file__).parents[1] / "example-config"
_RUNS_FOR_EACH = 3
"""Short measurements are repeated more often."""


def run(bench: Bench) -> Iterator[Figure]:
    program = Program(bench.folder / "startup")
    program.forget()
    edge = bench.folder / "edge"
    shutil.copytree(EXAMPLE, edge, ignore=shutil.ignore_patterns("docker", "stacks"))
    bare = partial(run_quietly, [sys.executable, "-c", "pass"], program.environment)
    help_, validate, cold, nothing = interleaved(
        bench.runs * _RUNS_FOR_EACH,
        partial(program.seconds, "--help"),
        partial(program.seconds, "validate", repo=edge),
        partial(program.cold_seconds, "validate", repo=edge),
        partial(seconds, bare),
    )
    yield difference(NAME, "argos-gitops --help", help_, "python -c pass", nothing, 0.15)
    yield difference(NAME, "validate of the edge in example-config", validate, "python -c pass", nothing, 0.5)
    yield difference(NAME, "the same with an empty cache", cold, "python -c pass", nothing, 0.5)
