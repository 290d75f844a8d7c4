"""How the Docker hosts are that report: as health and metrics tell it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argos_gitops.app.docker_agents import DockerAgents
from argos_gitops.ports.reports import IncomingReport
from argos_gitops.store.database import open_database
from argos_gitops.store.docker_reports import SqlHostReports

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REPORT = IncomingReport("vm-1", "docker01", "1", NOW, ())


@pytest.fixture
def reports(tmp_path: Path) -> Iterator[SqlHostReports]:
    engine = open_database(f"sqlite:///{tmp_path / 'argos.db'}")
    yield SqlHostReports(engine, "one")
    engine.dispose()


def test_stale_hosts_are_counted_and_named(reports: SqlHostReports) -> None:
    """A host that is silent is no fault of ours: the state stays ok."""
    agents = DockerAgents(reports, lambda: timedelta(seconds=90))
    agents.look(NOW)
    assert agents.subsystem() is None
    for number in range(7):
        reports.keep(replace(REPORT, host_id=f"old-{number}"), NOW - timedelta(minutes=5))
    reports.keep(REPORT, NOW)
    agents.look(NOW + timedelta(minutes=1))
    assert agents.counts == {"reporting": 1, "stale": 7}
    subsystem = agents.subsystem()
    assert subsystem is not None
    assert subsystem.state == "ok"
    assert subsystem.detail == "8 hosts, 7 stale: old-0, old-1, old-2, old-3, old-4, …"


def test_the_store_is_not_asked_with_each_beat(reports: SqlHostReports) -> None:
    agents = DockerAgents(reports, lambda: timedelta(seconds=90))
    agents.look(NOW)
    reports.keep(REPORT, NOW)
    agents.look(NOW + timedelta(seconds=3))
    assert agents.counts["reporting"] == 0
    agents.look(NOW + timedelta(seconds=20))
    assert agents.counts["reporting"] == 1
