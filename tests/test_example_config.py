"""example-config/: valid, and in the form that `fmt` gives."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from argos_gitops.cli import cli

EXAMPLE = Path(__file__).parents[1] / "example-config"


def _run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    return done.return_value or 0, done.output


def test_the_example_is_valid(compose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What people copy from has no problem; Compose itself reads the files of its Stacks."""
    monkeypatch.setenv("ARGOS_DOCKER_COMPOSE", str(compose))
    assert _run("validate", "--repo", str(EXAMPLE))[0] == 0


def test_the_example_is_in_canonical_form() -> None:
    """`fmt` would change nothing in it, so it can be taken as a model."""
    code, output = _run("fmt", "--check", str(EXAMPLE))
    assert (code, output) == (0, "")
