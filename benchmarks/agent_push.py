"""One changed Host of 500 behind a running agent: from its webhook until a visitor sees it.

Against what nobody can do without: a bare `git fetch` of the same commit and a `POST /load` of the same
JSON. The agent's own metric of its lag is checked against the time that is measured from outside.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.equivalence import with_release
from benchmarks.estate import git_environment
from benchmarks.figure import Figure, Rule
from benchmarks.measure import Spread, await_rest, interleaved, percentile, run_quietly, seconds
from benchmarks.running import Running
from benchmarks.served_git import served
from benchmarks.site import Site, await_release, moved_to, post_load, read_config

NAME = "agent_push"
_HOSTS = 500
_PUSHES = 40


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site(_HOSTS)
    site.converge()
    clone = site.folder / "bare-fetch"
    with served(site.estate.origin) as url, Running(site.program.environment, url) as agent:
        run_quietly(["git", "clone", "--quiet", "--bare", url, str(clone)], git_environment())
        _push(site, agent)
        told = agent.metric("argos_push_to_applied_seconds_sum")
        ours, bare = interleaved(_PUSHES, partial(_push, site, agent), partial(_bare, site, clone))
        told = (agent.metric("argos_push_to_applied_seconds_sum") - told) / _PUSHES
    late = Spread(tuple(a - b for a, b in zip(ours.values, bare.values, strict=True)))
    yield Figure(
        NAME,
        "webhook to served, p95",
        "s",
        ours,
        "git fetch + POST /load",
        bare,
        Rule.DIFFERENCE,
        percentile(late, 95),
        1.0,
    )
    mean = sum(ours.values) / len(ours.values)
    yield Figure(
        NAME, "lag by the agent's own metric, mean", "s", Spread((told,)), "from outside", Spread((mean,)),
        Rule.DIFFERENCE, told - mean, None,
    )  # fmt: skip


def _push(site: Site, agent: Running) -> float:
    host, release = site.next_change()
    site.estate.release(host, release)
    site.estate.push()
    await_rest([*site.pids, *agent.pids])

    def until_served() -> None:
        agent.deliver(int(release.rpartition("-")[2]))
        await_release(site.ours, host, release)

    return seconds(until_served)


def _bare(site: Site, clone: Path) -> float:
    """What our Caddy holds, with one Host changed, fetched and sent to the other Caddy."""
    host, release = site.next_change()
    changed = with_release(moved_to(read_config(site.ours), site.ours, site.reference), host, release)

    def until_served() -> None:
        run_quietly(["git", "-C", str(clone), "fetch", "--quiet", "origin", "main"], git_environment())
        post_load(site.reference, changed)
        await_release(site.reference, host, release)

    await_rest(site.pids)
    return seconds(until_served)
