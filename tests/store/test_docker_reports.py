"""Reports of Docker hosts as they are kept: the newest, what changed, and no more than that."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from argos_gitops.model.containers import ContainerChange
from argos_gitops.ports.reports import Heartbeat, IncomingReport, Seen
from argos_gitops.store.docker_reports import MOST_CHANGES, SqlHostReports
from argos_gitops.store.tables import docker_history, docker_hosts, docker_reports

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def reports(store: Engine) -> SqlHostReports:
    return SqlHostReports(store, "one")


def container(name: str = "app", **changed: Any) -> dict[str, Any]:
    return {"id": f"id-{name}", "name": name, "image": "nginx", "state": "running"} | changed


def report(*containers: dict[str, Any], host: str = "vm-1", digest: str = "") -> IncomingReport:
    return IncomingReport(host, "docker01", "1", NOW - 5 * SECOND, containers, digest)


def rows(store: Engine) -> dict[str, int]:
    with store.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (docker_hosts, docker_reports, docker_history)
        }


def test_a_report_comes_back(reports: SqlHostReports) -> None:
    reports.keep(report(container(command="ü\0"), digest="d"), NOW)
    latest = reports.latest("vm-1")
    assert latest is not None
    assert list(latest.containers) == [container(command="ü\0")]
    assert (latest.hostname, latest.digest, latest.received_at) == ("docker01", "d", NOW)
    assert latest.clock_skew == -5 * SECOND
    assert reports.seen("vm-1") == Seen(NOW, latest.content)
    (host,) = reports.hosts()
    assert (host.host_id, host.container_count, host.clock_skew) == ("vm-1", 1, -5 * SECOND)


def test_who_never_reported_is_not_known(reports: SqlHostReports) -> None:
    assert reports.latest("vm-1") is None
    assert reports.seen("vm-1") is None
    assert reports.history("vm-1") == []
    assert reports.hosts() == []


def test_instances_do_not_see_each_other(store: Engine, reports: SqlHostReports) -> None:
    other = SqlHostReports(store, "two")
    other.keep(report(), NOW)
    assert reports.hosts() == []
    reports.forget(NOW + SECOND)
    assert len(other.hosts()) == 1


def test_a_host_is_stale_by_our_clock_alone(reports: SqlHostReports) -> None:
    """Its own may be years off."""
    reports.keep(report(), NOW)
    (host,) = reports.hosts()
    assert not host.is_stale(NOW + 90 * SECOND)
    assert host.is_stale(NOW + 91 * SECOND)
    assert not host.is_stale(NOW + 91 * SECOND, after=100 * SECOND)


def test_changes_are_kept_and_snapshots_are_not(store: Engine, reports: SqlHostReports) -> None:
    """What is the same again, but for statistics, leaves no trace; nor does the very first report."""
    for number in range(5):
        reports.keep(report(container(stats={"cpuPercent": number})), NOW + number * SECOND)
    assert rows(store) == {"docker_hosts": 1, "docker_reports": 1, "docker_history": 0}
    reports.keep(report(container(state="exited"), container("new")), NOW + 9 * SECOND)
    at = NOW + 9 * SECOND
    assert reports.history("vm-1") == [
        ContainerChange(at, "new", "id-new", "appeared", "", "running"),
        ContainerChange(at, "app", "id-app", "state", "running", "exited"),
    ]
    assert [each.what for each in reports.history("vm-1", "app")] == ["state"]
    assert [each.what for each in reports.history("vm-1", limit=1)] == ["appeared"]
    latest = reports.latest("vm-1")
    assert latest is not None
    assert len(latest.containers) == 2


def test_a_heartbeat_keeps_only_when(reports: SqlHostReports) -> None:
    reports.keep(report(container(), digest="d"), NOW)
    seen = reports.seen("vm-1")
    assert seen is not None

    def beat(digest: str, host: str = "vm-1") -> bool:
        return reports.still(Heartbeat(host, "docker01", "1", NOW + SECOND, digest), NOW + 3 * SECOND)

    assert not beat("other")
    assert not beat("d", "vm-2")
    assert reports.seen("vm-1") == seen
    assert beat("d")
    assert reports.seen("vm-1") == Seen(NOW + 3 * SECOND, seen.content)
    assert reports.hosts()[0].clock_skew == -2 * SECOND


def test_the_history_of_a_host_is_bounded(store: Engine, reports: SqlHostReports) -> None:
    """A host that invents containers, or restarts them for ever, fills no disk; the newest stay."""
    for number in range(4):
        names = (f"{number}-{each}" for each in range(MOST_CHANGES // 2))
        reports.keep(report(*map(container, names)), NOW + number * SECOND)
    assert rows(store)["docker_history"] == MOST_CHANGES
    newest = reports.history("vm-1", limit=MOST_CHANGES)
    assert {each.at for each in newest} == {NOW + 3 * SECOND}


def test_what_is_old_is_forgotten(store: Engine, reports: SqlHostReports) -> None:
    """Changes by their age; a host with all it said when it was silent for as long."""
    reports.keep(report(container(), host="silent"), NOW)
    reports.keep(report(container(), host="alive"), NOW)
    reports.keep(report(container(state="exited"), host="alive"), NOW + SECOND)
    reports.keep(report(container(state="running"), host="alive"), NOW + 9 * SECOND)
    assert reports.forget(NOW + 5 * SECOND) == 1
    assert [host.host_id for host in reports.hosts()] == ["alive"]
    assert [each.after for each in reports.history("alive")] == ["running"]
    assert rows(store) == {"docker_hosts": 1, "docker_reports": 1, "docker_history": 1}


def test_one_host_is_forgotten(store: Engine, reports: SqlHostReports) -> None:
    reports.keep(report(container()), NOW)
    reports.keep(report(), NOW)
    assert reports.forget_host("vm-1")
    assert not reports.forget_host("vm-1")
    assert set(rows(store).values()) == {0}


def test_reports_of_one_host_at_once_leave_one_chain_of_changes(store: Engine) -> None:
    """Two fronts on one database: each change is told against the report that was kept just before."""
    fronts = [SqlHostReports(store, "one") for _ in range(2)]
    fronts[0].keep(report(container(state="s0")), NOW)

    def send(number: int) -> None:
        fronts[number % 2].keep(report(container(state=f"s{number}")), NOW + number * SECOND)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(send, range(1, 25)))
    changes = list(reversed(fronts[0].history("vm-1")))
    assert len(changes) == 24
    assert all(first.after == second.before for first, second in pairwise(changes))
