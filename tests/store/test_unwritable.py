"""A database that cannot be written to, or whose disk is full: one clear error with the cure; it heals.

The database is used by a process of its own that may not override rights, as root otherwise does.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

_MEMBER = """
import sys
from sqlalchemy import text
from argos_gitops.model.errors import StoreError
from argos_gitops.store.database import open_database, store_errors
url, engine = sys.argv[1], None
for _ in sys.stdin:
    try:
        engine = engine or open_database(url)
        with store_errors(engine), engine.begin() as connection:
            connection.execute(text("DELETE FROM passes"))
        print("written", flush=True)
    except StoreError as error:
        print(error.reason, " ".join(str(error).split()), flush=True)
"""
_WITHOUT_RIGHTS = (
    "setpriv",
    "--bounding-set",
    "-dac_override,-dac_read_search",
    "--inh-caps",
    "-dac_override",
)


class Member:
    """Writes to the database when it is asked to."""

    def __init__(self, path: Path) -> None:
        prefix = _WITHOUT_RIGHTS if os.geteuid() == 0 else ()
        command = [*prefix, sys.executable, "-c", _MEMBER, f"sqlite:///{path}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def writes(self) -> str:
        """`written`, or the error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        return self._process.stdout.readline().rstrip()

    def end(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture
def members() -> Iterator[ExitStack]:
    with ExitStack() as ends:
        yield ends


def member(members: ExitStack, path: Path) -> Member:
    made = Member(path)
    members.callback(made.end)
    return made


@contextmanager
def unwritable(*paths: Path) -> Iterator[None]:
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.mark.parametrize("what", ["file", "folder", "both"])
def test_a_store_that_cannot_be_written_to(tmp_path: Path, members: ExitStack, what: str) -> None:
    """Whoever opens it is told at once, and goes on when it may."""
    path = tmp_path / "state" / "argos.db"
    first = member(members, path)
    assert first.writes() == "written"
    first.end()
    paths = {"file": [path], "folder": [path.parent], "both": [path, path.parent]}[what]
    late = member(members, path)
    with unwritable(*paths):
        error = late.writes()
        assert error.startswith("StoreReadOnly ")
        assert str(path) in error
        assert "let the agent's account write to it and to its folder" in error
        assert late.writes() == error
    assert late.writes() == "written"


def test_a_store_whose_disk_is_full(tmp_path: Path, members: ExitStack) -> None:
    """For a process that has it open, and for one that opens it: SQLite names it in different words."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount: {mounted.stderr.strip()}")
    members.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
    path, ballast = folder / "argos.db", folder / "ballast"
    first, late = member(members, path), member(members, path)
    assert first.writes() == "written"
    with ballast.open("wb", buffering=0) as filling, suppress(OSError):
        while filling.write(bytes(1024)):
            continue
    for each in (first, late):
        error = each.writes()
        assert error.startswith("StoreFull ")
        assert str(path) in error
        assert "make room on its disk" in error
    ballast.unlink()
    assert [first.writes(), late.writes()] == ["written", "written"]
