"""A status branch that cannot be written: what apply, plan, status, sync and doctor say, and how they end."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import run
from tests.components.git import Origin
from tests.real.estate import Finished, document


def of(origin: Origin, tmp_path: Path, *arguments: str) -> Finished:
    return run(tmp_path, *arguments, environment={"ARGOS_REPO": origin.url})


def refuse(origin: Origin, obstacle: str) -> None:
    if obstacle == "BranchNameTaken":
        origin.commit({"x": b"1"}, branch="argos")
    else:
        hook = origin.folder / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho status branches are protected here >&2\nexit 1\n")
        hook.chmod(0o755)


def permit(origin: Origin, obstacle: str) -> None:
    if obstacle == "BranchNameTaken":
        origin.git("update-ref", "-d", "refs/heads/argos")
    else:
        (origin.folder / "hooks" / "pre-receive").unlink()


@pytest.mark.parametrize("obstacle", ["BranchNameTaken", "PushRefused"])
def test_a_status_branch_that_cannot_be_written_shows_everywhere(
    origin: Origin, tmp_path: Path, obstacle: str
) -> None:
    agent = document("Agent", "main", {})
    origin.commit({"agent.yaml": json.dumps(agent).encode()})
    assert "All is well" not in of(origin, tmp_path, "doctor").out  # there is no target
    refuse(origin, obstacle)
    before = of(origin, tmp_path, "doctor")
    known = [line for line in before.out.splitlines() if obstacle in line]
    assert bool(known) == (obstacle == "BranchNameTaken"), "a hook does not show before a push"
    applied = of(origin, tmp_path, "apply", "--auto-approve")
    assert applied.code == 1, applied.out
    assert f"status branch  not up to date: {obstacle}: " in applied.out
    for command in ("status", "plan", "doctor"):
        assert f"not up to date: {obstacle}: " in of(origin, tmp_path, command).out
    machine = json.loads(of(origin, tmp_path, "status", "-o", "json").out)
    assert machine["untold"]["status branch"]["reason"] == obstacle
    permit(origin, obstacle)
    again = of(origin, tmp_path, "apply", "--auto-approve")
    assert (again.code, "not up to date" in again.out) == (0, False), again.out
    assert origin.tip("refs/heads/argos/status/test")
    assert "not up to date" not in of(origin, tmp_path, "status").out
    assert json.loads(of(origin, tmp_path, "status", "-o", "json").out)["untold"] == {}
    assert "argos/status/test can be written" in of(origin, tmp_path, "doctor").out
