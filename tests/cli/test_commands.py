"""Commands that need no target: what they print, and how they end."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from argos_gitops.cli import COMMANDS
from tests.real.estate import Finished, document, host


def run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    own = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "ARGOS_INSTANCE": "test",
    }
    done = subprocess.run(
        [sys.executable, "-m", "argos_gitops", *arguments],
        cwd=folder,
        env={**own, **(environment or {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def scaffold(tmp_path: Path) -> Path:
    assert run(tmp_path, "init", "config").code == 0
    return tmp_path / "config"


def test_what_init_writes_is_valid_and_canonical(scaffold: Path) -> None:
    assert run(scaffold, "validate").out.startswith("Valid: 1 Agent, 1 Edge, 1 Host, 1 Service")
    assert run(scaffold, "fmt", "--check").code == 0
    first = (scaffold / "hosts" / "app.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schema/argos.json"
    assert (scaffold / "schema" / "argos.json").is_file()


def test_init_overwrites_nothing(scaffold: Path) -> None:
    (scaffold / "agent.yaml").write_text("mine")
    again = run(scaffold, "init")
    assert again.code == 1
    assert "agent.yaml" in again.err
    assert (scaffold / "agent.yaml").read_text() == "mine"


def test_every_command_has_its_help(tmp_path: Path) -> None:
    """Each command answers --help, and the list of commands says the same of it."""
    listed = run(tmp_path, "--help").out
    for name in COMMANDS:
        assert name in listed
        shown = run(tmp_path, name, "--help")
        assert shown.code == 0, shown.err
        assert shown.out.startswith(f"Usage: argos-gitops {name}")


def test_problems_are_told_at_once_and_exit_3(scaffold: Path) -> None:
    (scaffold / "hosts" / "bad.yaml").write_text(json.dumps(host("bad", "x", domains=3, nmae="x")))
    text = run(scaffold, "validate")
    assert (text.code, text.out) == (3, "")
    assert text.err.count("hosts/bad.yaml") >= 2
    machine = run(scaffold, "validate", "-o", "json")
    assert machine.code == 3
    assert json.loads(machine.out)
    assert run(scaffold, "validate", "-o", "github").out.startswith("::error ")
    assert run(scaffold, "plan").code == 3


def test_an_unreachable_target_exits_5_and_is_named(scaffold: Path) -> None:
    edge = document("Edge", "main", {"caddy": {"adminUrl": "http://127.0.0.1:1"}})
    (scaffold / "edges" / "main.yaml").write_text(json.dumps(edge))
    for command in (["plan"], ["apply", "--auto-approve"], ["drift"], ["render", "Host/app"]):
        done = run(scaffold, *command)
        assert done.code == 5, (command, done.out, done.err)
        assert "127.0.0.1:1" in done.out + done.err
    assert run(scaffold, "doctor").code == 1


def test_apply_asks_nobody_where_nobody_is(scaffold: Path) -> None:
    """Without a terminal and without --auto-approve an empty plan ends well, and nothing is asked."""
    done = run(scaffold, "apply", "--repo", str(scaffold / "schema"))
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain", "Host/ap"], "did you mean Host/app"),
        (["explain", "nonsense"], "KIND/NAME"),
        (["schema", "Nope"], "known are Agent"),
        (["validate", "--repo", "/nowhere"], "/nowhere"),
        (["validate", "--rev", "HEAD"], "name a git repository"),
        (["plan", "--store", "nonsense"], "store"),
        (["nonsense"], "No such command"),
    ],
)
def test_a_mistake_is_one_clear_message(scaffold: Path, arguments: list[str], said: str) -> None:
    done = run(scaffold, *arguments)
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err


def test_status_and_history_before_the_first_pass(scaffold: Path) -> None:
    assert "No pass yet" in run(scaffold, "status").out
    assert "No pass yet" in run(scaffold, "history").out
    assert json.loads(run(scaffold, "status", "-o", "json").out)["revisions"]["applied"] is None


def test_doctor_tells_of_a_geoip_database_that_is_none(scaffold: Path) -> None:
    done = run(scaffold, "doctor", environment={"ARGOS_GEOIP_COUNTRY": "/etc/hostname"})
    assert done.code == 1
    assert "GeoDatabaseMissing" in done.out


def test_schemas_are_written(tmp_path: Path) -> None:
    assert run(tmp_path, "schema", "--out", "schemas").code == 0
    combined = json.loads((tmp_path / "schemas" / "argos.json").read_text())
    assert combined == json.loads(run(tmp_path, "schema").out)
