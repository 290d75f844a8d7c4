"""The agent's metrics: in memory, and in no file, whatever the environment says."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from argos_gitops.web.exposition import Exposition

SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from argos_gitops.app.measuring import agent_metrics
from tests.app.passes import passed, unreachable

metrics = agent_metrics(Path(sys.argv[1]))
metrics.report(passed())
metrics.report(unreachable())
metrics.applied(0.3)
metrics.queue("notifications", 7)
metrics.beat(datetime(2026, 5, 1, tzinfo=UTC))
metrics.suspended(True)
print(metrics.exposition())
"""


def _measured(left: Path, **environment: str) -> str:
    """In a process of its own, as prometheus_client knows only one kind a process."""
    command = [sys.executable, "-c", SCRIPT, str(left)]
    return subprocess.run(
        command, env={**os.environ, **environment}, check=True, capture_output=True, text=True
    ).stdout


def test_another_process_shows_what_the_agent_measured(tmp_path: Path) -> None:
    """Every instrument, by the names that docs/http.md gives."""
    told = _measured(tmp_path / "left")
    page = Exposition(CollectorRegistry(), os.getpid()).page({"agent": told}).decode()
    for line in (
        'argos_passes_total{result="Applied",target="Edge/main"} 1.0',
        'argos_passes_total{result="Unreachable",target="Edge/main"} 1.0',
        'argos_pass_seconds_bucket{le="0.25",phase="fetch"} 1.0',
        'argos_pass_seconds_sum{phase="fetch"} 0.2',
        'argos_changes_total{action="create",cause="revision",kind="Host",result="done"} 1.0',
        'argos_changes_total{action="update",cause="drift",kind="Host",result="failed"} 1.0',
        'argos_drifted{target="Edge/main"} 1.0',
        'argos_queue_depth{queue="notifications"} 7.0',
        'argos_push_to_applied_seconds_bucket{le="0.5"} 1.0',
        'argos_last_success_timestamp_seconds{target="Edge/main"} 1.7776e+09',
        "argos_heartbeat_timestamp_seconds 1.7775936e+09",
        "argos_suspended 1.0",
        'argos_metrics_current{process="agent"} 1.0',
    ):
        assert line in page, line
    assert "_created" not in told


def test_numbers_lie_in_no_file(tmp_path: Path) -> None:
    """Mapped into memory, as prometheus_client offers, they would end the process once the disk is full."""
    folder = tmp_path / "mapped"
    folder.mkdir()
    told = _measured(tmp_path / "left", PROMETHEUS_MULTIPROC_DIR=str(folder))
    assert "argos_suspended 1.0" in told
    assert list(folder.iterdir()) == []


def test_what_an_older_version_kept_goes(tmp_path: Path) -> None:
    left = tmp_path / "metrics"
    (left / "some-agent").mkdir(parents=True)
    (left / "some-agent" / "counter_1.db").write_bytes(b"x")
    _measured(left)
    assert not left.exists()


def test_an_agent_that_does_not_answer_is_shown_as_it_was(tmp_path: Path) -> None:
    exposition = Exposition(CollectorRegistry(), os.getpid())
    exposition.page({"agent": "argos_suspended 1.0\n"})
    page = exposition.page({"agent": None}).decode()
    assert "argos_suspended 1.0" in page
    assert 'argos_metrics_current{process="agent"} 0.0' in page
