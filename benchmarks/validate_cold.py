"""Cold `validate`, with an empty cache, against `check-jsonschema` over the same files with our schema."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figure import Figure, peak, ratio
from benchmarks.measure import interleaved, run_quietly, seconds
from benchmarks.site import Site

NAME = "validate_cold"
LIMIT = 0.6
SCHEMA = Path(__file__).parents[1] / "schema" / "argos.json"


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site()
    checkout, origin = site.estate.checkout, site.estate.origin
    folder, git, reference = interleaved(
        bench.runs,
        partial(site.program.cold_seconds, "validate", repo=checkout),
        partial(site.program.cold_seconds, "validate", repo=origin),
        partial(seconds, partial(_check_jsonschema, site)),
    )
    yield ratio(NAME, "validate of a folder, empty cache", folder, "check-jsonschema", reference, LIMIT)
    yield ratio(NAME, "validate of a git repository, empty cache", git, "check-jsonschema", reference, LIMIT)
    yield peak(NAME, "peak memory, folder", site.program.cold_megabytes("validate", repo=checkout))
    yield peak(NAME, "peak memory, git repository", site.program.cold_megabytes("validate", repo=origin))


def _check_jsonschema(site: Site) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [str(program), "--schemafile", str(SCHEMA), *map(str, site.estate.files())]
    run_quietly(command, site.program.environment)
