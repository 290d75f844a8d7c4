"""How time and memory grow from 1,000 to 50,000 Hosts: no faster than linearly."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figure import Figure, Rule
from benchmarks.measure import Spread, seconds
from benchmarks.program import Program
from benchmarks.site import Site
from benchmarks.warm import WarmProcess

NAME = "growth"
SIZES = (1_000, 10_000, 50_000)
LIMIT = 1.05
"""The exponent of linear growth is 1; the rest is what repeated runs differ by."""


@dataclass(frozen=True, slots=True)
class _Cost:
    """What one size took: repeated seconds, and megabytes."""

    seconds: Spread
    megabytes: float


def run(bench: Bench) -> Iterator[Figure]:
    costs: dict[str, list[_Cost]] = {}
    for size in SIZES:
        for what, cost in _measure(bench.site(size), max(3, bench.runs // 2)):
            costs.setdefault(what, []).append(cost)
    for what, by_size in costs.items():
        yield _growth(f"{what}, time", "s", [cost.seconds for cost in by_size])
        yield _growth(f"{what}, memory", "MB", [Spread((cost.megabytes,)) for cost in by_size])


def _measure(site: Site, runs: int) -> Iterator[tuple[str, _Cost]]:
    program, origin = site.program, site.estate.origin
    yield "validate cold", _cold(program, "validate", origin, runs)
    site.converge()
    yield "plan cold", _cold(program, "plan", origin, runs)
    site.converge()
    warm_plan = Spread(tuple(program.seconds("plan", repo=origin) for _ in range(runs)))
    yield "plan warm", _Cost(warm_plan, program.megabytes("plan", repo=origin))
    with WarmProcess(program.environment, origin) as warm:
        passes = Spread(tuple(seconds(warm.run_pass) for _ in range(runs)))
        with warm.watched() as memory:
            warm.run_pass()
        yield "pass without changes", _Cost(passes, memory.megabytes)


def _cold(program: Program, command: str, origin: Path, runs: int) -> _Cost:
    times = Spread(tuple(program.cold_seconds(command, repo=origin) for _ in range(runs)))
    return _Cost(times, program.cold_megabytes(command, repo=origin))


def _growth(what: str, unit: str, costs: list[Spread]) -> Figure:
    """The exponent over the last and longest step, where fixed costs hide the least."""
    before, last = costs[-2].median, costs[-1].median
    exponent = log(last / before) / log(SIZES[-1] / SIZES[-2])
    sizes = ", ".join(
        f"{cost.median:.3g} {unit} at {size:,}" for cost, size in zip(costs, SIZES, strict=True)
    )
    return Figure(NAME, f"{what} ({sizes})", unit, costs[-1], "", None, Rule.EXPONENT, exponent, LIMIT)
