"""The agent's metrics, in processes of their own, as prometheus_client knows only one kind a process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from argos_gitops.web.exposition import expose

SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from argos_gitops.app.measuring import measuring
from tests.app.passes import passed, unreachable

with measuring(Path(sys.argv[1])) as (metrics, folder):
    metrics.report(passed())
    metrics.report(unreachable())
    metrics.applied(0.3)
    metrics.queue("notifications", 7)
    metrics.beat(datetime(2026, 5, 1, tzinfo=UTC))
    metrics.suspended(True)
    print(folder, flush=True)
    sys.stdin.read()
"""


def _agent(parent: Path) -> tuple["subprocess.Popen[str]", Path]:
    command = [sys.executable, "-c", SCRIPT, str(parent)]
    agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert agent.stdout is not None
    return agent, Path(agent.stdout.readline().strip())


def test_another_process_shows_what_the_agent_measured(tmp_path: Path) -> None:
    """Every instrument, by the names that docs/http.md gives."""
    agent, folder = _agent(tmp_path)
    with agent:
        page = expose(folder, agent.pid).decode()
        agent.communicate()
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
    ):
        assert line in page, line


def test_the_folder_goes_with_the_agent(tmp_path: Path) -> None:
    agent, folder = _agent(tmp_path)
    with agent:
        assert folder.exists()
        agent.communicate()
    assert not folder.exists()


def test_what_a_killed_agent_left_is_cleaned_up_and_nothing_else(tmp_path: Path) -> None:
    """Two agents may share a state folder; only what nobody holds is old."""
    killed, left = _agent(tmp_path)
    with killed:
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
    assert left.exists()
    one, its_folder = _agent(tmp_path)
    other, its_own = _agent(tmp_path)
    with one, other:
        assert not left.exists()
        assert its_folder.exists()
        assert its_own.exists()
        one.communicate()
        other.communicate()
