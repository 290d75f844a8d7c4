"""Warm `plan` with nothing to change, in a process of its own, against `caddy adapt` of the same sites."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figure import Figure, peak, ratio
from benchmarks.measure import interleaved, run_quietly, seconds
from benchmarks.site import Site, environment_of_caddy

NAME = "plan_warm"
LIMIT = 0.3


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site()
    origin = site.estate.origin
    site.converge()
    site.program.run("plan", repo=origin)
    adapt = partial(_adapt, site, site.write_caddyfile())
    ours, reference = interleaved(
        bench.runs, partial(site.program.seconds, "plan", repo=origin), partial(seconds, adapt)
    )
    yield ratio(NAME, "plan, nothing to change", ours, "caddy adapt", reference, LIMIT)
    yield peak(NAME, "peak memory", site.program.megabytes("plan", repo=origin))


def _adapt(site: Site, caddyfile: Path) -> None:
    command = site.caddy_command("adapt", "--adapter", "caddyfile", "--config", str(caddyfile))
    run_quietly(command, environment_of_caddy(site.reference))
