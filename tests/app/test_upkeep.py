"""Upkeep: what is old is forgotten, what is not stays."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.app.application import Application, open_application
from argos_gitops.app.upkeep import forget, timetable_of
from argos_gitops.cli.progress import progress_for_people
from argos_gitops.model.agent import RetentionSpec
from argos_gitops.ports.audit import AuditEntry, AuditQuery
from argos_gitops.ports.reports import IncomingReport
from tests.fakes import QuietLog


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ARGOS_")},
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "ARGOS_PUBLIC_IP_URL": "http://127.0.0.1:9/",
    }
    with open_application({"instance": "test"}, environment, tmp_path, progress_for_people()) as application:
        yield application


def test_the_audit_log_is_kept_as_long_as_the_agent_says(application: Application) -> None:
    now = application.now()
    old, new = (
        AuditEntry(now - timedelta(days=days), "user/ann@desk", "suspend", "done") for days in (31, 29)
    )
    application.audit.append([old, new])
    forget(application, RetentionSpec())
    assert [entry.at for entry in application.audit.entries(AuditQuery())] == [new.at]


def test_docker_hosts_that_fell_silent_are_forgotten(application: Application) -> None:
    now = application.now()
    for host, days in (("silent", 8), ("alive", 1)):
        report = IncomingReport(host, "", "", now, ())
        application.reports.keep(report, now - timedelta(days=days))
    forget(application, RetentionSpec(reports=timedelta(days=7)))
    assert [host.host_id for host in application.reports.hosts()] == ["alive"]


def test_the_agent_s_timetable_has_its_jobs(application: Application) -> None:
    timetable = timetable_of(application, RetentionSpec, QuietLog())
    timetable.start()
    assert set(timetable.next_runs()) == {"public-address", "retention"}
    timetable.stop()
