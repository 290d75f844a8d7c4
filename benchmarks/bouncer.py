"""The forward-auth bouncer with 300,000 ranges of a real LAPI: its decisions, its memory, its answers.

The ranges are every second /24 from 236.0.0.0 on, which nobody has. What decides is measured in this very
process; memory and answers are those of the front's processes, as the agent starts them.
"""

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx

from argos_gitops.app.bouncers import message_of
from argos_gitops.app.front import Front
from argos_gitops.app.verdict_feed import FedBouncer
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.verdict import BouncerConfig
from benchmarks.bench import Bench
from benchmarks.figure import Figure, Rule
from benchmarks.fronts import running_front
from benchmarks.measure import PeakMemory, Spread, percentile
from benchmarks.site import Site
from benchmarks.visitors import Visitors
from benchmarks.warm import WarmProcess
from tests.components.crowdsec import RealCrowdSec
from tests.providers.crowdsec.answering import Answering

NAME = "bouncer"
RANGES = 300_000
_DECISIONS = 200_000
_VISIT_SECONDS = 20.0
_LIMITS = {"front": 150.0, "bouncers": 150.0, "verdicts-0": None}
"""Whose memory is measured, and how many megabytes it may have; all verdict processes share one table."""
_MICROSECOND = 1e6
_MILLISECOND = 1e3


def run(bench: Bench) -> Iterator[Figure]:
    folder = bench.folder / "bouncer"
    folder.mkdir()
    with RealCrowdSec(folder / "crowdsec") as lapi:
        _import(lapi, folder / "ranges.csv")
        yield from _decisions(lapi)
        with running_front(folder) as front, ExitStack() as ends:
            while not _LIMITS.keys() <= front.pids().keys():
                time.sleep(0.01)
            peaks = {name: ends.enter_context(PeakMemory(front.pids()[name])) for name in _LIMITS}
            _load(front, lapi)
            yield from _answers(bench.site(), front)
            _load(front, lapi)  # everything once more, into what is in use
            loaded = {name: peak.megabytes for name, peak in peaks.items()}
    for name, limit in _LIMITS.items():
        yield _figure(f"peak memory of {name} with {RANGES:,} ranges", "MB", (loaded[name],), limit)


def _import(lapi: RealCrowdSec, ranges: Path) -> None:
    first = int(IPv4Address("236.0.0.0"))
    values = (f"{IPv4Address(first + (number << 9))}/24" for number in range(RANGES))
    ranges.write_text("duration,scope,value\n" + "".join(f"168h,Range,{value}\n" for value in values))
    lapi.cscli("decisions", "import", "--input", str(ranges))


def _decisions(lapi: RealCrowdSec) -> Iterator[Figure]:
    """As a verdict process finds it. No answer is kept here, and each address is another one."""
    begun = time.perf_counter()
    bouncer = Answering(_config(lapi))
    try:
        while bouncer.table().health().state != "ok":
            time.sleep(0.01)
        yield _figure(f"loading {RANGES:,} ranges", "s", (time.perf_counter() - begun,))
        took = Spread(tuple(seconds * _MICROSECOND for seconds in _timed(bouncer.table())))
    finally:
        bouncer.close()
    yield _figure("a decision, at the median", "µs", (percentile(took, 50),))
    yield _figure("a decision, at the 99th percentile", "µs", (percentile(took, 99),), 100.0)


def _timed(table: FedBouncer) -> Iterator[float]:
    chance = random.Random(7)  # noqa: S311 # no secret: the same addresses each time
    for _ in range(_DECISIONS):
        address = str(IPv4Address(chance.randrange(int(IPv4Address("236.0.0.0")), 1 << 32)))
        begun = time.perf_counter()
        table.verdict(address)
        yield time.perf_counter() - begun


def _answers(site: Site, front: Front) -> Iterator[Figure]:
    ports = (int(front.address.rpartition(":")[2]), site.reference.http_port)
    site.reference.load(_nothing_but_an_answer(site.reference.http_port))
    yield from _waits("an answer, nothing beside it", ports, None)
    site.converge()
    with WarmProcess(site.program.environment, site.estate.origin) as warm, _again_and_again(warm):
        yield from _waits(f"an answer beside passes over {site.hosts:,} Hosts", ports, 5.0)


def _waits(what: str, ports: tuple[int, int], limit: float | None) -> Iterator[Figure]:
    """Beside what the machine takes for any answer at all: one that Caddy gives without a thought."""
    ours, machine = (Visitors(port, _VISIT_SECONDS).waited() for port in ports)
    for percent, words, bound in ((50, "the median", None), (99, "the 99th percentile", limit)):
        value = percentile(ours, percent) * _MILLISECOND
        reference = Spread((percentile(machine, percent) * _MILLISECOND,))
        yield Figure(
            NAME,
            f"{what}, at {words}",
            "ms",
            Spread((value,)),
            "Caddy's static answer",
            reference,
            Rule.ABSOLUTE,
            value,
            bound,
        )


def _nothing_but_an_answer(port: int) -> dict[str, Any]:
    server = {
        "listen": [f"127.0.0.1:{port}"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [{"handler": "static_response", "status_code": 204}]}],
    }
    return {"apps": {"http": {"servers": {"reference": server}}}}


@contextmanager
def _again_and_again(warm: WarmProcess) -> Iterator[None]:
    """One pass after the other, without a pause, until the end of the block."""
    over = Event()

    def passes() -> None:
        while not over.is_set():
            warm.run_pass()

    thread = Thread(target=passes)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _load(front: Front, lapi: RealCrowdSec) -> None:
    """Tells it a key that it does not know, and waits until it has read everything with it."""
    begun = time.time()
    front.configure({"bouncers": message_of({"main": _config(lapi)})})
    while _last_success(front) < begun:
        time.sleep(0.5)


def _last_success(front: Front) -> float:
    """When its bouncer began the last look that ended well; seconds since 1970."""
    page = httpx.get(f"http://{front.address}/metrics", timeout=60, trust_env=False).text
    begins = 'argos_bouncer_last_success_timestamp_seconds{edge="main"} '
    return next((float(line[len(begins) :]) for line in page.splitlines() if line.startswith(begins)), 0.0)


def _config(lapi: RealCrowdSec) -> BouncerConfig:
    """With a key of its own each time: whoever shares one takes the other's changes."""
    name, key = f"bouncer-{secrets.token_hex(4)}", secrets.token_hex(16)
    lapi.cscli("bouncers", "add", name, "--key", key, "--output", "raw")
    options = {"lapi_url": lapi.lapi_url, "fail_mode": "open", "poll_interval": "3", "away_after": "300"}
    return BouncerConfig("crowdsec", options, SecretValue(key))


def _figure(what: str, unit: str, values: tuple[float, ...], limit: float | None = None) -> Figure:
    spread = Spread(values)
    return Figure(NAME, what, unit, spread, "", None, Rule.ABSOLUTE, spread.median, limit)
