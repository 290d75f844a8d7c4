"""Cold `validate`, with an empty cache, against `check-jsonschema` over the same files with our schema."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figure import Figure, peak, ratio
from benchmarks.measure import interleaved, peak_megabytes, run_quietly, seconds
from benchmarks.site import Site

NAME = "validate_cold"
SCHEMA = Path(__file__).parents[1] / "schema" / "argos.json"


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site()
    folder, git, reference = interleaved(
        bench.runs,
        partial(validate_seconds, site, site.estate.checkout),
        partial(validate_seconds, site, site.estate.origin),
        lambda: seconds(partial(run_quietly, _check_jsonschema(site), site.environment)),
    )
    yield ratio(NAME, "validate of a folder, empty cache", folder, "check-jsonschema", reference, 0.6)
    yield ratio(NAME, "validate of a git repository, empty cache", git, "check-jsonschema", reference, 0.6)
    site.forget()
    yield peak(
        NAME, "peak memory, folder", peak_megabytes(validate(site, site.estate.checkout), site.environment)
    )
    site.forget()
    yield peak(NAME, "peak memory, git", peak_megabytes(validate(site, site.estate.origin), site.environment))


def validate(site: Site, repo: Path) -> list[str]:
    return site.argos("validate", repo=repo)


def validate_seconds(site: Site, repo: Path) -> float:
    """One `validate` with nothing cached."""
    site.forget()
    return seconds(partial(run_quietly, validate(site, repo), site.environment))


def _check_jsonschema(site: Site) -> list[str]:
    program = Path(sys.executable).with_name("check-jsonschema")
    return [str(program), "--schemafile", str(SCHEMA), *map(str, site.estate.files())]
