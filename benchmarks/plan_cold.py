"""Cold `plan`, with an empty cache and an empty store, against cold `validate` of the same repository."""

from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.figure import Figure, peak, ratio
from benchmarks.measure import interleaved, peak_megabytes, run_quietly, seconds
from benchmarks.site import Site
from benchmarks.validate_cold import validate_seconds

NAME = "plan_cold"
LIMIT = 1.3


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site()
    site.ours.restart()
    yield from _against_validate(bench, site, "everything to create")
    site.forget()
    site.converge()
    yield from _against_validate(bench, site, "nothing to change")


def plan_seconds(site: Site) -> float:
    """One `plan` with nothing cached and nothing remembered."""
    site.forget()
    return seconds(partial(run_quietly, site.argos("plan"), site.environment))


def _against_validate(bench: Bench, site: Site, state: str) -> Iterator[Figure]:
    plan, validate = interleaved(
        bench.runs, partial(plan_seconds, site), partial(validate_seconds, site, site.estate.origin)
    )
    yield ratio(NAME, f"plan, empty cache and store, {state}", plan, "cold validate", validate, LIMIT)
    site.forget()
    yield peak(NAME, f"peak memory, {state}", peak_megabytes(site.argos("plan"), site.environment))
