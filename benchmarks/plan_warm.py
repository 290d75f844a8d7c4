"""Warm `plan` with nothing to change, in a process of its own, against `caddy adapt` of the same sites."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figure import Figure, peak, ratio
from benchmarks.measure import interleaved, peak_megabytes, run_quietly, seconds
from benchmarks.site import Site, environment_of_caddy

NAME = "plan_warm"


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site()
    site.converge()
    run_quietly(site.argos("plan"), site.environment)
    caddyfile = site.write_caddyfile()
    plan, adapt = interleaved(
        bench.runs,
        lambda: seconds(partial(run_quietly, site.argos("plan"), site.environment)),
        lambda: seconds(partial(_adapt, site, caddyfile)),
    )
    yield ratio(NAME, "plan, nothing to change", plan, "caddy adapt", adapt, 0.3)
    yield peak(NAME, "peak memory", peak_megabytes(site.argos("plan"), site.environment))


def _adapt(site: Site, caddyfile: Path) -> None:
    command = site.caddy_command("adapt", "--adapter", "caddyfile", "--config", str(caddyfile))
    run_quietly(command, environment_of_caddy(site.reference))
