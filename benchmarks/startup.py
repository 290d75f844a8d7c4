"""What a command costs before it does anything, over an interpreter that does nothing."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figure import Figure, difference
from benchmarks.measure import interleaved, run_quietly, seconds
from benchmarks.site import Site

NAME = "startup"
EXAMPLE = Path(__file__).parents[1] / "example-config"
_RUNS_FOR_EACH = 3
"""Short measurements are repeated more often."""


def run(bench: Bench) -> Iterator[Figure]:
    site = Site(bench.folder / "startup", 0)  # its environment only: nothing is started
    site.folder.mkdir(exist_ok=True)
    command = partial(_seconds, site)
    help_, validate, cold, bare = interleaved(
        bench.runs * _RUNS_FOR_EACH,
        partial(command, [*site.argos("--help")[:2]]),
        partial(command, site.argos("validate", repo=EXAMPLE)),
        partial(_cold, site),
        partial(command, [sys.executable, "-c", "pass"]),
    )
    yield difference(NAME, "argos-gitops --help", help_, "python -c pass", bare, 0.15)
    yield difference(NAME, "validate of example-config", validate, "python -c pass", bare, 0.5)
    yield difference(NAME, "the same with an empty cache", cold, "python -c pass", bare, 0.5)


def _cold(site: Site) -> float:
    site.forget()
    return _seconds(site, site.argos("validate", repo=EXAMPLE))


def _seconds(site: Site, command: list[str]) -> float:
    return seconds(partial(run_quietly, command, site.environment))
