"""A flood of one banned address: what a front answers when it is asked directly, and who passes a real Caddy.

The reference is the front of another checkout, which `ARGOS_BENCHMARK_BEFORE` names; else there is none.
Two processes keep the processors busy all the while.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any

from benchmarks.bench import Bench
from benchmarks.crowd import Answers, Crowd
from benchmarks.figure import Figure, Rule
from benchmarks.measure import Pairs, Spread, percentile
from tests.components.caddy import RealCaddy

NAME = "flood"
BEFORE = "ARGOS_BENCHMARK_BEFORE"
_FLOODER, _INNOCENT = "127.0.0.2", "127.0.0.3"
_FLOOD = 800
_DIRECTLY = 50
_INNOCENTS = 8
_INNOCENT_PAUSE = 0.05
_SECONDS = 8.0
_HERE = Path(__file__).parents[1]
_BAN = {
    "id": 1,
    "value": _FLOODER,
    "scope": "Ip",
    "type": "ban",
    "origin": "cscli",
    "duration": "4h0m0s",
    "scenario": "flood",
}


@dataclass(frozen=True, slots=True)
class _Flooded:
    """What the flooder and the others got."""

    flooder: Answers
    innocent: Answers

    @property
    def passed(self) -> int:
        return self.flooder.statuses.get(200, 0)

    @property
    def refused(self) -> int:
        return self.innocent.count - self.innocent.statuses.get(200, 0)


def run(bench: Bench) -> Iterator[Figure]:
    sides = {"now": _HERE}
    if os.environ.get(BEFORE):
        sides["before"] = Path(os.environ[BEFORE])
    folder = bench.folder / NAME
    folder.mkdir()
    with _lapi() as lapi, _busy():
        yield from _directly(folder, lapi, sides, bench.runs)
        for fail_mode in ("open", "closed"):
            yield from _through_caddy(folder, lapi, sides, fail_mode, bench.runs)


def _directly(folder: Path, lapi: str, sides: Mapping[str, Path], runs: int) -> Iterator[Figure]:
    rates: dict[str, list[float]] = {side: [] for side in sides}
    with ExitStack() as fronts:
        ports = {
            side: _port(fronts.enter_context(_front(folder / f"direct-{side}", checkout, lapi, "open")))
            for side, checkout in sides.items()
        }
        for number in range(runs):
            for side in _in_turn(sides, number):
                path = f"/auth/forward/main?client={_FLOODER}&remote={_FLOODER}"
                answers = Crowd(ports[side], "127.0.0.1", _DIRECTLY, _SECONDS / 2, path).answers()
                if set(answers.statuses) != {403}:
                    raise RuntimeError(f"asked directly, {side} answered {dict(answers.statuses)}")
                rates[side].append(answers.count / (_SECONDS / 2))
    ours = Spread(tuple(rates["now"]))
    what = f"answers asked directly over {_DIRECTLY} connections, both processors busy"
    if "before" not in rates:
        yield Figure(NAME, what, "1/s", ours, "", None, Rule.ABSOLUTE, ours.median, None)
        return
    before = Spread(tuple(rates["before"]))
    slower = Pairs(before, ours).ratio
    yield Figure(NAME, what, "1/s", ours, "before", before, Rule.RATIO, slower, 1 / 3)


def _through_caddy(
    folder: Path, lapi: str, sides: Mapping[str, Path], fail_mode: str, runs: int
) -> Iterator[Figure]:
    found: dict[str, list[_Flooded]] = {side: [] for side in sides}
    for number in range(runs):
        for side in _in_turn(sides, number):
            place = folder / f"{fail_mode}-{side}-{number}"
            with _front(place, sides[side], lapi, fail_mode) as front, RealCaddy(place / "caddy") as caddy:
                found[side].append(_flooded(caddy, front["handler"]))
    yield from _figures(f"{fail_mode}, {_FLOOD} connections", found)


def _figures(what: str, found: Mapping[str, list[_Flooded]]) -> Iterator[Figure]:
    def figure(words: str, unit: str, sides: Mapping[str, list[float]], limit: float | None) -> Figure:
        before = Spread(tuple(sides["before"])) if "before" in sides else None
        ours = Spread(tuple(sides["now"]))
        worst = ours.high if limit is not None else ours.median
        against = "before" if before else ""
        return Figure(NAME, f"{what}: {words}", unit, ours, against, before, Rule.ABSOLUTE, worst, limit)

    def of(measured: Any) -> dict[str, list[float]]:
        return {side: [float(measured(each)) for each in several] for side, several in found.items()}

    yield figure("banned requests that passed", "", of(lambda each: each.passed), 0.0)
    yield figure("innocent requests refused", "", of(lambda each: each.refused), 0.0)
    yield figure("answers to the flooder", "1/s", of(lambda each: each.flooder.count / _SECONDS), None)
    yield figure("answers to the innocent", "1/s", of(lambda each: each.innocent.count / _SECONDS), None)
    yield figure("their wait", "s", of(lambda each: median(each.innocent.waited.values)), None)
    yield figure(
        "their wait, 99th percentile", "s", of(lambda each: percentile(each.innocent.waited, 99)), None
    )


def _flooded(caddy: RealCaddy, question: Mapping[str, Any]) -> _Flooded:
    served = {"handler": "static_response", "status_code": 200, "body": "here"}
    server = {
        "listen": [f"127.0.0.1:{caddy.http_port}"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [question, served]}],
    }
    caddy.load({"apps": {"http": {"servers": {"flooded": server}}}})
    flooder = Crowd(caddy.http_port, _FLOODER, _FLOOD, _SECONDS)
    innocent = Crowd(caddy.http_port, _INNOCENT, _INNOCENTS, _SECONDS, pause=_INNOCENT_PAUSE)
    return _Flooded(flooder.answers(), innocent.answers())


def _in_turn(sides: Mapping[str, Path], number: int) -> list[str]:
    """Every second round goes backwards."""
    return list(sides) if number % 2 == 0 else list(sides)[::-1]


@contextmanager
def _front(folder: Path, checkout: Path, lapi: str, fail_mode: str) -> Iterator[dict[str, Any]]:
    """A front of that checkout: where it listens, and how its Caddy asks."""
    folder.mkdir()
    script = str(Path(__file__).with_name("asked_front.py"))
    process = subprocess.Popen(
        [sys.executable, "-P", script, str(folder), lapi, fail_mode],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        front: dict[str, Any] = json.loads(process.stdout.readline())
        yield front
    finally:
        process.communicate()


def _port(front: Mapping[str, Any]) -> int:
    return int(str(front["address"]).rpartition(":")[2])


@contextmanager
def _lapi() -> Iterator[str]:
    """What a LAPI with one ban says to bouncers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Lapi)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Lapi(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # http.server chooses the name
        rows = [_BAN] if "startup=true" in self.path else []
        body = json.dumps({"new": rows, "deleted": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@contextmanager
def _busy() -> Iterator[None]:
    """Every processor has something else to do."""
    count = len(os.sched_getaffinity(0))
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()
