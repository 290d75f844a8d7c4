"""Cold `plan`, with an empty cache and an empty store, against cold `validate` of the same repository."""

from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.figure import Figure, peak, ratio
from benchmarks.measure import interleaved
from benchmarks.site import Site

NAME = "plan_cold"
LIMIT = 1.3


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site()
    site.ours.restart()  # it boots with an empty configuration
    yield from _against_validate(bench, site, "everything to create")
    site.program.forget()
    site.converge()
    yield from _against_validate(bench, site, "nothing to change")


def _against_validate(bench: Bench, site: Site, state: str) -> Iterator[Figure]:
    origin = site.estate.origin
    plan, validate = interleaved(
        bench.runs,
        partial(site.program.cold_seconds, "plan", repo=origin),
        partial(site.program.cold_seconds, "validate", repo=origin),
    )
    yield ratio(NAME, f"plan, empty cache and store, {state}", plan, "cold validate", validate, LIMIT)
    yield peak(NAME, f"peak memory, {state}", site.program.cold_megabytes("plan", repo=origin))
