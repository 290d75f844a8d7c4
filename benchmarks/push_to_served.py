"""One changed Host, from `git push` until a visitor sees it, in a warm process.

Against a bare `POST /load` of the same JSON, and `caddy reload` of the equivalent Caddyfile, each
until a visitor sees its change. Every run changes another Host, so that no load finds its work done.
"""

from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.equivalence import assert_equivalent, with_release
from benchmarks.figure import Figure, Rule, peak, ratio
from benchmarks.measure import Spread, await_rest, interleaved, run_quietly, seconds
from benchmarks.site import (
    Site,
    await_release,
    environment_of_caddy,
    moved_to,
    post_load,
    read_config,
)
from benchmarks.warm import WarmProcess

NAME = "push_to_served"


def run(bench: Bench) -> Iterator[Figure]:
    site = bench.site()
    site.converge()
    assert_equivalent(site)
    with WarmProcess(site.program.environment, site.estate.origin) as warm:
        _push(site, warm, [])
        whole: list[float] = []
        ours, load, reload = interleaved(
            bench.runs, partial(_push, site, warm, whole), partial(_load, site), partial(_reload, site)
        )
        yield ratio(NAME, "git push to served", ours, "POST /load", load, 1.2)
        yield ratio(NAME, "git push to served", ours, "caddy reload", reload, 0.55)
        passes = Spread(tuple(whole))
        yield Figure(
            NAME, "git push to the end of the pass", "s", passes, "", None, Rule.ABSOLUTE, passes.median, None
        )
        with warm.watched() as memory:
            _push(site, warm, [])
        yield peak(NAME, "peak memory of a pass with one change", memory.megabytes)


def _push(site: Site, warm: WarmProcess, whole: list[float]) -> float:
    """Seconds until it is served; adds the seconds until the pass has ended to `whole`."""
    host, release = site.next_change()
    site.estate.release(host, release)

    def until_served() -> None:
        site.estate.push()
        warm.begin_pass()
        await_release(site.ours, host, release)

    await_rest([*site.pids, warm.pid])
    served = seconds(until_served)
    whole.append(served + seconds(partial(warm.end_pass, "Applied")))
    return served


def _load(site: Site) -> float:
    """What our Caddy holds, with one Host changed, sent to the other Caddy."""
    host, release = site.next_change()
    changed = with_release(moved_to(read_config(site.ours), site.ours, site.reference), host, release)

    def until_served() -> None:
        post_load(site.reference, changed)
        await_release(site.reference, host, release)

    await_rest(site.pids)
    return seconds(until_served)


def _reload(site: Site) -> float:
    host, release = site.next_change()
    caddyfile = site.write_caddyfile({host: release})
    command = site.caddy_command(
        "reload",
        "--adapter",
        "caddyfile",
        "--config",
        str(caddyfile),
        "--address",
        site.reference.admin_address,
    )

    def until_served() -> None:
        run_quietly(command, environment_of_caddy(site.reference))
        await_release(site.reference, host, release)

    await_rest(site.pids)
    return seconds(until_served)
