"""The demo runs to its end, with and without CrowdSec, and leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components import caddy, crowdsec
from tests.conftest import require_component

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.real


def _run_demo(folder: Path, components: Path | None = None) -> subprocess.CompletedProcess[str]:
    own = {"TMPDIR": str(folder)} | ({"ARGOS_COMPONENTS": str(components)} if components else {})
    return subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=600,
    )


def _nothing_stays(folder: Path) -> bool:
    """No folder, and no process that was started with a path below it."""
    running = [_command_line(path) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return not list(folder.glob("argos-demo-*")) and not any(str(folder).encode() in line for line in running)


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # ended while we looked


def test_the_demo_with_everything(tmp_path: Path) -> None:
    """Change and drift are planned, applied and proved; bans stand in LAPI."""
    require_component("caddy", caddy.HOW_TO_GET)
    require_component("crowdsec", crowdsec.HOW_TO_GET)
    done = _run_demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "argos-decision-scanner" in done.stdout
    assert "grafana-on-its-new-server" in done.stdout
    assert _nothing_stays(tmp_path)


def test_the_demo_with_caddy_alone(tmp_path: Path) -> None:
    """Where CrowdSec cannot be had, it says so and shows the rest."""
    program = require_component("caddy", caddy.HOW_TO_GET)
    (tmp_path / "components" / "bin").mkdir(parents=True)
    (tmp_path / "components" / "bin" / "caddy").symlink_to(program)
    if any((Path(folder) / "crowdsec").exists() for folder in os.get_exec_path()):
        pytest.skip("CrowdSec is installed on this system, so the demo cannot be without it")
    done = _run_demo(tmp_path, tmp_path / "components")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CrowdSec is not here" in done.stdout
    assert "all of it is proved again" in done.stdout
    assert _nothing_stays(tmp_path)
