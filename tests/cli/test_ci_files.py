"""The CI files for a config repository: what they run is run here, and finds what it should."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from argos_gitops.cli.init import CI_FILES
from tests.cli.test_commands import run

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example-config"
FORGES = sorted(CI_FILES)


def parsed(forge: str) -> Mapping[str, Any]:
    return dict(YAML(typ="safe").load((EXAMPLE / CI_FILES[forge][0]).read_text()))


def scripts(forge: str) -> Iterator[str]:
    """The shell lines of a file in order, but for the installation."""
    if forge == "gitlab":
        jobs = [job for name, job in parsed(forge).items() if not name.startswith(".") and "script" in job]
        yield from (line for job in jobs for line in job["script"])
        return
    steps = parsed(forge)["jobs"]["check"]["steps"]
    yield from (step["run"] for step in steps if "run" in step and step["name"] != "Install")


def shell(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """As a runner does it: in a checkout, with the installed program on PATH."""
    home = folder.parent
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home)}
    return subprocess.run(
        ["bash", "-e", "-c", line], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture
def checkout(tmp_path: Path, compose: Path) -> Path:
    """The example on a runner that has Docker's Compose plugin."""
    folder, plugins = tmp_path / "checkout", tmp_path / ".docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(compose)
    shutil.copytree(EXAMPLE, folder)
    for command in ("git init --quiet", "git add --all", "git commit --quiet --message example"):
        subprocess.run(command.split(), cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("forge", FORGES)
def test_a_good_repository_passes(forge: str, checkout: Path) -> None:
    """Every step of the file, in the example as it stands, hidden files of other forges included."""
    lines = list(scripts(forge))
    assert len(lines) == 2
    for line in lines:
        done = shell(line, checkout)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("forge", FORGES)
def test_a_bad_change_is_found(forge: str, checkout: Path) -> None:
    """By its own step: one for what is invalid, another for what is only untidy."""
    host = checkout / "hosts" / "wiki.yaml"
    good = host.read_text()
    host.write_text(good.replace("service:", "serviec:"))
    found = [shell(line, checkout) for line in scripts(forge)]
    assert any(done.returncode == 3 and "hosts/wiki.yaml" in done.stdout + done.stderr for done in found)
    host.write_text(good.replace("spec:\n", "spec:   \n\n"))
    assert [shell(line, checkout).returncode for line in scripts(forge)].count(1) == 1


def test_github_shows_problems_beside_the_lines(checkout: Path) -> None:
    """As annotations."""
    host = checkout / "hosts" / "wiki.yaml"
    host.write_text(host.read_text().replace("service:", "serviec:"))
    outputs = [shell(line, checkout).stdout for line in scripts("github")]
    assert any("::error file=hosts/wiki.yaml,line=" in output for output in outputs)


@pytest.mark.parametrize("forge", FORGES)
def test_nothing_secret_is_asked_for(forge: str) -> None:
    """So that a stranger's pull request may be checked."""
    text = (EXAMPLE / CI_FILES[forge][0]).read_text()
    assert "secrets." not in text
    assert "pull_request_target" not in text
    if forge == "github":
        assert parsed(forge)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("forge", FORGES)
def test_init_writes_the_one_of_a_forge(forge: str, tmp_path: Path) -> None:
    """The same as in the example, and no other."""
    assert run(tmp_path, "init", "config", "--ci", forge).code == 0
    path = CI_FILES[forge][0]
    assert (tmp_path / "config" / path).read_text() == (EXAMPLE / path).read_text()
    hidden = [each for each in (tmp_path / "config").rglob("*") if each.name.startswith(".")]
    assert [str(each.relative_to(tmp_path / "config")) for each in hidden] == [path.partition("/")[0]]
