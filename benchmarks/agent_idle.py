"""A running agent with 1,000 hosts: what it costs when idle, and what a storm of webhooks does to it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.bench import Bench
from benchmarks.figure import Figure, Rule
from benchmarks.measure import Spread, await_rest, percentile, seconds
from benchmarks.running import Running
from benchmarks.served_git import served
from benchmarks.site import Site, await_release

NAME = "agent_idle"
_HOSTS = 1_000
_IDLE_SECONDS = 60.0
_DELIVERIES = 1_000
_STORM_SECONDS = 10.0


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site(_HOSTS)
    site.converge()
    with served(site.estate.origin) as url, Running(site.program.environment, url) as agent:
        await_rest(agent.pids)
        share = agent.cpu_share(_IDLE_SECONDS)
        yield _figure("CPU of one core, idle", "", share, 0.01)
        yield _figure("memory of agent and front, idle", "MB", agent.megabytes(), 150)
        yield from _storm(site, agent)


def _storm(site: Site, agent: Running) -> Iterator[Figure]:
    """1,000 signed deliveries in 10 s, each for itself; the tip must be served after at most two passes."""
    host, release = site.next_change()
    site.estate.release(host, release)
    site.estate.push()
    passes = agent.metric("argos_passes_total")
    began = time.monotonic()

    def send(number: int) -> float:
        time.sleep(max(0.0, began + number * _STORM_SECONDS / _DELIVERIES - time.monotonic()))
        return seconds(lambda: _accepted(agent.deliver(10_000 + number)))

    with ThreadPoolExecutor(16) as pool:
        answers = Spread(tuple(pool.map(send, range(_DELIVERIES))))
    await_release(site.ours, host, release)
    await_rest(agent.pids)
    yield Figure(
        NAME, "answers in a storm of 1,000, p99", "s", answers, "", None, Rule.ABSOLUTE,
        percentile(answers, 99), 0.1,
    )  # fmt: skip
    yield _figure("passes for the storm", "", agent.metric("argos_passes_total") - passes, 2)


def _accepted(status: int) -> None:
    if status != 202:
        raise RuntimeError(f"a delivery was answered with {status}")


def _figure(what: str, unit: str, value: float, limit: float) -> Figure:
    return Figure(NAME, what, unit, Spread((value,)), "", None, Rule.ABSOLUTE, value, limit)
