"""An apply that ends at any step: the next one converges, nothing is doubled, nothing of others is lost."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from argos_gitops.model.change import Outcome, Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import TerminalError, TransientError
from tests.components.crowdsec import RealCrowdSec
from tests.providers.crowdsec.edge import BannedEdge, Quiet, country, decision
from tests.providers.crowdsec.killed import SETTINGS, after, before

_ROOT = Path(__file__).parents[3]


def test_fm14_killed_at_every_write(crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path) -> None:
    """Kill -9 with each write in turn sent and unanswered, until a run gets through."""
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7", "--duration", "4h")
    cache, step, code = tmp_path / "cache", 0, -signal.SIGKILL
    with BannedEdge.of(crowdsec, cache, geo=geo_database, settings=SETTINGS) as edge:
        while code == -signal.SIGKILL:
            step += 1
            edge.want(*before()).apply()
            code = _killed_at(step, crowdsec, cache, geo_database)
            edge.want(*after()).apply()
            assert edge.plan() == ()
            assert _doubled(crowdsec) == []
    assert code == 0
    assert step > 6
    assert len(crowdsec.decisions("cscli")) == 1


def _killed_at(step: int, crowdsec: RealCrowdSec, cache: Path, geo: Path) -> int:
    world = {
        "url": crowdsec.lapi_url,
        "password": crowdsec.machine_password,
        "folder": str(cache),
        "geo": str(geo),
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.providers.crowdsec.killed", str(step)],
        cwd=_ROOT,
        env={**os.environ, "KILLED_WORLD": json.dumps(world)},
        check=False,
    ).returncode


def _doubled(crowdsec: RealCrowdSec) -> list[object]:
    rows = Counter((each["origin"], each["value"], each["scenario"]) for each in crowdsec.decisions())
    return [row for row, count in rows.items() if count > 1]


class _StoppingAt(Quiet):
    """Progress that a person interrupts at one of its steps."""

    def __init__(self, step: int) -> None:
        self.left = step

    def advance(self, steps: int = 1) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_fm14_interrupted_after_every_chunk(
    crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path
) -> None:
    """Ctrl-C between two alerts: those that were sent count, the rest follows."""
    wanted = (country("NG"), country("DE"))
    for step in range(1, 10):
        progress = _StoppingAt(step)
        options: dict[str, Any] = {"geo": geo_database, "settings": {"chunkSize": 50}}
        with BannedEdge.of(crowdsec, tmp_path, progress=progress, **options).want(*wanted) as edge:
            edge.provider.notices(edge.wanted)  # the database is read before the count begins
            progress.left = step
            if not edge.plan():
                break
            try:
                edge.apply()
            except KeyboardInterrupt:
                continue
    else:
        pytest.fail("it never got through")
    assert _doubled(crowdsec) == []


class _FailingAt(httpx.HTTPTransport):
    """Answers one of the writes with an error of LAPI's, and passes on all others."""

    def __init__(self, step: int, message: str) -> None:
        super().__init__()
        self.left = step
        self._message = message

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path == "/v1/alerts":
            self.left -= 1
            if not self.left:
                return httpx.Response(500, json={"message": self._message}, request=request)
        return super().handle_request(request)


def test_fm14_a_failed_chunk_leaves_the_others_done(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """Changes whose rows are all written are done; the error names what stopped the rest."""
    wanted = [decision(f"d{number}", f"203.0.113.{number}") for number in range(10, 40)]
    transport = _FailingAt(2, "unable to insert")
    with BannedEdge.of(crowdsec, tmp_path, settings={"chunkSize": 10}, transport=transport) as edge:
        live, found = edge.want(*wanted).look()
        done: list[Outcome] = []
        with pytest.raises(TransientError, match="unable to insert"):
            done.extend(edge.provider.apply(live, found.changes))
        assert [outcome.change.object_id for outcome in done] == [f"decision/d{n}" for n in range(10, 20)]
        assert {outcome.result for outcome in done} == {Result.DONE}
        assert edge.apply()
        assert edge.plan() == ()
    assert _doubled(crowdsec) == []


def test_two_edges_on_one_lapi_write_at_the_same_time(
    crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path
) -> None:
    """SQLite takes one writer: without turns, CrowdSec 1.4.6 keeps parts of alerts that it refuses."""
    names = ("main", "other")
    options: dict[str, Any] = {"geo": geo_database, "settings": {"chunkSize": 5}}
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        edges = [stack.enter_context(BannedEdge.of(crowdsec, tmp_path, name, **options)) for name in names]
        for edge, name in zip(edges, names, strict=True):
            edge.want(country("NG", edge=name), country("DE", edge=name))
        assert [len(done) for done in threads.map(BannedEdge.apply, edges)] == [2, 2]
        assert [edge.plan() for edge in edges] == [(), ()]
    assert _doubled(crowdsec) == []


class _Dropping(httpx.HTTPTransport):
    """Drops the last decision of each alert and answers 201, as CrowdSec 1.7 may."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST" or request.url.path != "/v1/alerts":
            return super().handle_request(request)
        body = json.loads(request.read())
        body[0]["decisions"].pop()
        headers = {name: request.headers[name] for name in ("authorization", "user-agent")}
        return super().handle_request(httpx.Request("POST", request.url, json=body, headers=headers))


def test_what_replaces_something_is_seen_before_the_old_goes(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """LAPI accepts the new row and loses it: the error names it, and the old row stays."""
    with BannedEdge.of(crowdsec, tmp_path).want(decision("x", "203.0.113.7")) as edge:
        edge.apply()
    changed = (decision("x", "203.0.113.7", type="captcha"),)
    with BannedEdge.of(crowdsec, tmp_path, transport=_Dropping()).want(*changed) as edge:
        with pytest.raises(TerminalError, match=r"missing are 203\.0\.113\.7") as lost:
            edge.apply()
        assert lost.value.reason == "BansLost"
        assert edge.plan() != ()
    assert [each["type"] for each in crowdsec.decisions()] == ["ban"]


def test_a_large_addition_that_lost_bans_is_not_called_applied(
    crowdsec: RealCrowdSec, tmp_path: Path
) -> None:
    """Its later alerts are read back by the look that ends the pass: the plan is not empty then."""

    class _DroppingLater(_Dropping):
        alerts = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            self.alerts += request.method == "POST" and request.url.path == "/v1/alerts"
            if self.alerts == 2:
                return super().handle_request(request)
            return httpx.HTTPTransport.handle_request(self, request)

    wanted = [decision(f"d{number}", f"203.0.113.{number}") for number in range(10, 30)]
    options: dict[str, Any] = {"transport": _DroppingLater(), "settings": {"chunkSize": 5}}
    with BannedEdge.of(crowdsec, tmp_path, **options).want(*wanted) as edge:
        live, found = edge.look()
        list(edge.provider.apply(live, found.changes))
        assert [change.object_id for change in edge.plan()] == ["decision/d19"]
        conditions = {c.subject.name: c.status for c in edge.provider.verify(edge.wanted, found.changes)}
    assert [name for name, status in conditions.items() if status is not Truth.TRUE] == ["d19"]


def test_a_busy_database_gets_only_what_is_missing(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """CrowdSec 1.4.6 answers `database is locked` although it has kept a part: that is not sent again."""

    class _BusyAfterWriting(httpx.HTTPTransport):
        """The first alert is written without its last decision, and answered as if it was not at all."""

        tries = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and request.url.path == "/v1/alerts":
                self.tries += 1
                if self.tries == 1:
                    self._write_a_part(request)
                    message = "error while updating decisions: database is locked"
                    return httpx.Response(500, json={"message": message}, request=request)
            return super().handle_request(request)

        def _write_a_part(self, request: httpx.Request) -> None:
            body = json.loads(request.read())
            body[0]["decisions"].pop()
            headers = {name: request.headers[name] for name in ("authorization", "user-agent")}
            httpx.post(str(request.url), json=body, headers=headers).raise_for_status()

    transport = _BusyAfterWriting()
    wanted = [decision(f"d{number}", f"203.0.113.{number}") for number in range(10)]
    with BannedEdge.of(crowdsec, tmp_path, transport=transport).want(*wanted) as edge:
        assert len(edge.apply()) == 10
        assert edge.plan() == ()
    assert transport.tries == 2
    assert _doubled(crowdsec) == []
