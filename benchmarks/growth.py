"""How time and memory grow from 1,000 to 50,000 Hosts: no faster than linearly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import log

from benchmarks.bench import Bench
from benchmarks.figure import Figure, Rule
from benchmarks.measure import Spread, peak_megabytes, run_quietly, seconds
from benchmarks.plan_cold import plan_seconds
from benchmarks.site import Site
from benchmarks.validate_cold import validate, validate_seconds
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
    yield (
        "validate cold",
        _command(
            runs,
            partial(validate_seconds, site, site.estate.origin),
            site,
            validate(site, site.estate.origin),
        ),
    )
    site.forget()
    site.converge()
    yield "plan cold", _command(runs, partial(plan_seconds, site), site, site.argos("plan"))
    site.converge()
    yield "plan warm", _warm_plan(runs, site)
    with WarmProcess(site.environment, site.estate.origin) as warm:
        times = Spread(tuple(seconds(warm.run_pass) for _ in range(runs)))
        with warm.watched() as memory:
            warm.run_pass()
        yield "pass without changes", _Cost(times, memory.megabytes)


def _command(runs: int, once: Callable[[], float], site: Site, command: list[str]) -> _Cost:
    times = Spread(tuple(once() for _ in range(runs)))
    site.forget()
    return _Cost(times, peak_megabytes(command, site.environment))


def _warm_plan(runs: int, site: Site) -> _Cost:
    command = site.argos("plan")
    times = Spread(tuple(seconds(partial(run_quietly, command, site.environment)) for _ in range(runs)))
    return _Cost(times, peak_megabytes(command, site.environment))


def _growth(what: str, unit: str, costs: list[Spread]) -> Figure:
    """The exponent over the last and longest step, where fixed costs hide the least."""
    before, last = costs[-2].median, costs[-1].median
    exponent = log(last / before) / log(SIZES[-1] / SIZES[-2])
    sizes = ", ".join(
        f"{cost.median:.3g} {unit} at {size:,}" for cost, size in zip(costs, SIZES, strict=True)
    )
    return Figure(NAME, f"{what} ({sizes})", unit, costs[-1], "", None, Rule.EXPONENT, exponent, LIMIT)
