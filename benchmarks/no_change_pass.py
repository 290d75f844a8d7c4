"""A whole pass with nothing to do, in a warm process, against fetching and reading Caddy's `/config/`."""

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.estate import git_environment
from benchmarks.figure import Figure, difference, peak
from benchmarks.measure import interleaved, seconds
from benchmarks.site import Site, read_config
from benchmarks.warm import WarmProcess

NAME = "no_change_pass"
LIMIT_SECONDS = 0.150


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site()
    site.converge()
    mirror = _mirror(site)
    with WarmProcess(site.program.environment, site.estate.origin) as warm:
        ours, reference = interleaved(
            bench.runs * 2,
            lambda: seconds(warm.run_pass),
            lambda: seconds(partial(_fetch_and_read, site, mirror)),
        )
        with warm.watched() as memory:
            warm.run_pass()
    yield difference(
        NAME, "a pass without changes", ours, "git fetch + GET /config/", reference, LIMIT_SECONDS
    )
    yield peak(NAME, "peak memory of a pass without changes", memory.megabytes)


def _mirror(site: Site) -> Path:
    mirror = site.folder / "mirror.git"
    if not mirror.exists():
        _git("clone", "--quiet", "--mirror", str(site.estate.origin), str(mirror))
    return mirror


def _fetch_and_read(site: Site, mirror: Path) -> None:
    _git("-C", str(mirror), "fetch", "--quiet", "origin", "main")
    read_config(site.ours)


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], env=git_environment(), check=True, capture_output=True)
