"""100,000 ranges into a real LAPI, and a change of 100 of them, against `cscli decisions import`.

The ranges are a country's: its GeoIP database is made for the purpose, out of addresses that nobody has
(240.0.0.0/4), so that no two ranges can be joined. One LAPI serves a pair: both sides bring the same
ranges into it, in turning order.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from argos_gitops.app.application import Application, open_application
from argos_gitops.app.build import build_fingerprint
from argos_gitops.cli.progress import progress_for_people
from argos_gitops.model.change import Result
from argos_gitops.ports.provider import DesiredState
from argos_gitops.reconcile.look import Desired, Look, look_at
from argos_gitops.reconcile.systems import System, Systems
from benchmarks.bench import Bench
from benchmarks.figure import Figure, Rule, ratio
from benchmarks.measure import Spread, seconds
from tests.components.crowdsec import RealCrowdSec
from tests.components.geo import write_country_database

NAME = "lapi_import"
RANGES = 100_000
CHANGED = 100
_COUNTRY = "NG"


@dataclass
class _Times:
    """Seconds of each run."""

    imported: list[float]
    confirmed: list[float]
    changed: list[float]
    change_seen: list[float]
    cscli: list[float]


def run(bench: Bench) -> Iterator[Figure]:
    folder = bench.folder / "lapi"
    folder.mkdir()
    before, after = _databases(folder)
    times = _Times([], [], [], [], [])
    for number in range(max(2, bench.runs // 2 * 2)):
        with RealCrowdSec(_fresh(folder / "crowdsec")) as lapi:
            _pair(folder, lapi, (before, after), times, ours_first=number % 2 == 0)
    ours, changed, cscli = (Spread(tuple(found)) for found in (times.imported, times.changed, times.cscli))
    yield ratio(NAME, f"{RANGES:,} ranges written", ours, "cscli decisions import", cscli, 1.05)
    yield ratio(NAME, f"{CHANGED} of them changed", changed, "cscli decisions import", cscli, 0.05)
    yield _for_information("reading all of them back, in the look that follows", times.confirmed)
    yield _for_information("seeing that change (observe, expand, diff)", times.change_seen)


def _for_information(what: str, found: Sequence[float]) -> Figure:
    spread = Spread(tuple(found))
    return Figure(NAME, what, "s", spread, "", None, Rule.ABSOLUTE, spread.median, None)


def _pair(
    folder: Path, lapi: RealCrowdSec, databases: tuple[Path, Path], times: _Times, *, ours_first: bool
) -> None:
    before, after = databases
    database = folder / "country.mmdb"
    shutil.copy(before, database)
    cscli = partial(_import_with_cscli, lapi, folder / "ranges.csv")
    if not ours_first:
        times.cscli.append(seconds(cscli))
    with ExitStack() as stack:
        edge = _Edge(stack, folder, lapi, database)
        look = edge.look()
        times.imported.append(seconds(partial(edge.apply, look)))
        times.confirmed.append(seconds(edge.look))
        if ours_first:
            times.cscli.append(seconds(cscli))
        _replace(after, database)
        looks: list[Look] = []
        times.change_seen.append(seconds(lambda: looks.append(edge.look())))
        times.changed.append(seconds(partial(edge.apply, looks[0])))
        if edge.look().plan.changes:
            raise RuntimeError("LAPI does not hold what was written")


class _Edge:
    """One Edge with a CrowdSec of its own, in a process that stays warm."""

    def __init__(self, stack: ExitStack, folder: Path, lapi: RealCrowdSec, database: Path) -> None:
        config = _config(folder / "config", lapi)
        environment = _environment(folder, lapi, database)
        self._application: Application = stack.enter_context(
            open_application({"repo": str(config)}, environment, folder, progress_for_people())
        )
        systems = Systems(self._application.specs, self._application.provider_context)
        stack.callback(systems.close)
        self._desired = self._load()
        self._system: System = next(
            system
            for system in systems.of(self._desired.state.resources, {})
            if system.key.provider == "crowdsec"
        )

    def look(self) -> Look:
        return look_at(self._system, self._desired, self._application.inventory)

    def apply(self, look: Look) -> None:
        """Writes what the look found; RuntimeError when a part of it failed."""
        assert look.live is not None, look.plan.failure
        for outcome in self._system.provider.apply(look.live, look.plan.changes):
            if outcome.result is not Result.DONE:
                raise RuntimeError(f"{outcome.reason}: {outcome.message}")

    def _load(self) -> Desired:
        snapshot = self._application.source.fetch()
        loaded = self._application.load(snapshot)
        assert not loaded.problems, loaded.problems
        return Desired(
            snapshot.revision,
            DesiredState(loaded.resources),
            build_fingerprint(),
            self._application.now(),
            exceptions=tuple,
            key=self._application.digest_key,
        )


def _import_with_cscli(lapi: RealCrowdSec, ranges: Path) -> None:
    lapi.cscli("decisions", "import", "--input", str(ranges))


def _databases(folder: Path) -> tuple[Path, Path]:
    """The country before and after the change; also writes the former for cscli."""
    before = _ranges(range(RANGES))
    after = _ranges(range(CHANGED, RANGES + CHANGED))
    (folder / "ranges.csv").write_text(
        "duration,scope,value\n" + "".join(f"168h,Range,{value}\n" for value in before)
    )
    return (
        write_country_database(folder / "before.mmdb", {_COUNTRY: before}),
        write_country_database(folder / "after.mmdb", {_COUNTRY: after}),
    )


def _ranges(numbers: range) -> Sequence[str]:
    """Every second /24 of 240.0.0.0/4: none can be joined with another."""
    first = int(IPv4Address("240.0.0.0"))
    return [f"{IPv4Address(first + (number << 9))}/24" for number in numbers]


def _replace(source: Path, target: Path) -> None:
    """As an update of the database does: another file under the same name."""
    staged = target.with_suffix(".new")
    shutil.copy(source, staged)
    staged.replace(target)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _config(folder: Path, lapi: RealCrowdSec) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "edge.yaml").write_text(_EDGE.format(url=lapi.lapi_url, machine=lapi.machine_id))
    (folder / "ban.yaml").write_text(_BAN.format(country=_COUNTRY))
    return folder


def _environment(folder: Path, lapi: RealCrowdSec, database: Path) -> Mapping[str, str]:
    _fresh(folder / "state")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LAPI_PASSWORD": lapi.machine_password,
        "LAPI_KEY": lapi.bouncer_key,
        "ARGOS_INSTANCE": "benchmark",
        "ARGOS_STATE_DIR": str(folder / "state"),
        "ARGOS_CACHE_DIR": str(folder / "cache"),
        "ARGOS_GEOIP_COUNTRY": str(database),
    }


_EDGE = """\
apiVersion: argos.dev/v1
kind: Edge
metadata:
  name: main
spec:
  crowdsec:
    lapiUrl: {url}
    machine: {{id: {machine}, password: {{env: LAPI_PASSWORD}}}}
    bouncer: {{mode: forward-auth, key: {{env: LAPI_KEY}}}}
"""

_BAN = """\
apiVersion: argos.dev/v1
kind: CountryBan
metadata:
  name: ng
spec:
  edge: main
  country: {country}
  reason: policy
"""
