"""Programs of components: found, waited for, and whole."""

import fcntl
import os
import subprocess
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from tests import conftest
from tests.components.lookup import MissingComponentError, component_cache, find_program

PROGRAM = "argos-program-of-this-test"
# Those that come as packages of Debian, unpacked.
UNPACKED = {
    "sshd": "sshd",
    "dockerd": "docker",
    "docker": "docker",
    "runc": "docker",
    "podman": "podman",
    "crowdsec": "crowdsec",
    "cscli": "crowdsec",
    "docker-registry": "registry",
    "jq": "jq",
    "ssh": "ssh",
    "ssh-keygen": "ssh",
    "gpg": "gpg",
}


@pytest.mark.real
@pytest.mark.parametrize("program", UNPACKED)
def test_an_unpacked_program_finds_all_its_libraries(program: str) -> None:
    """And so does whatever else came with it, without a variable that leads there."""
    path = conftest.require_component(program, f"scripts/components {UNPACKED[program]}")
    everything = _programs_beside(path) if path.is_relative_to(component_cache()) else [path]
    for each in everything:
        told = subprocess.run(
            ["ldd", str(each)], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True
        ).stdout
        assert "not found" not in told, f"{each}:\n{told}"


def _programs_beside(program: Path) -> list[Path]:
    """Its own folder in the cache, as deep as it goes."""
    top = component_cache().resolve()
    root = top / program.resolve().relative_to(top).parts[0]
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if os.access(path, os.X_OK) and path.read_bytes()[:4] == b"\x7fELF"]


def test_a_component_that_is_still_built_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock is held until it is there: scripts/test builds some of them beside the tests."""
    monkeypatch.setenv("ARGOS_COMPONENTS", str(tmp_path))
    (tmp_path / "bin").mkdir()
    found: list[Path] = []
    waiting = threading.Thread(target=lambda: found.append(find_program(PROGRAM, "scripts/components slow")))
    program = tmp_path / "bin" / PROGRAM
    with (tmp_path / ".slow.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        assert not found
        program.touch(mode=0o755)
    waiting.join(60)
    assert found == [program]


def test_a_build_that_ended_without_a_program_is_a_missing_component(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it for ever, and the text says how to get it."""
    monkeypatch.setenv("ARGOS_COMPONENTS", str(tmp_path))
    (tmp_path / ".slow.lock").touch()
    with pytest.raises(MissingComponentError, match="get it with: scripts/components slow"):
        find_program(PROGRAM, "scripts/components slow")


def test_tests_of_what_is_built_come_last() -> None:
    """The others keep their order, and fill the minutes of the build."""

    class Item:
        def __init__(self, name: str, *fixtures: str) -> None:
            self.name, self.fixturenames = name, fixtures

        def add_marker(self, _: object) -> None:
            """Every real component marks its test."""

    items = [Item("a", "compose"), Item("b"), Item("c", "gitea", "tmp_path"), Item("d", "caddy"), Item("e")]
    conftest.pytest_collection_modifyitems(cast(list[Any], items))
    assert [item.name for item in items] == ["b", "d", "e", "a", "c"]
