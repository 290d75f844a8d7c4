"""What a confined process can see and do, tried by programs that look for everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from argos_gitops.providers.docker.compose.confined import View, confined, kernel
from argos_gitops.providers.docker.compose.confined.launcher import needs_system
from tests.providers.docker.compose.watching import listeners, opened


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """A folder that may be seen."""
    folder = tmp_path / "seen"
    (folder / ".argos" / "root").mkdir(parents=True)
    (folder / "mine").write_text("mine\n")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "file").write_text("canary\n")
    return folder


def ran(view: View, script: str, folder: Path) -> str:
    done = subprocess.run(
        confined(["/bin/sh", "-c", script], view),
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_confined_process_sees_its_folder_alone(seen: Path, out: Path) -> None:
    script = f"""
        cat mine; cat {out}/file; cat ../out/file; cat /proc/{os.getpid()}/environ; cat /proc/self/environ
        cat /etc/passwd; cat {seen}/../out/file; ls {out}; echo x > {seen}/new; echo x > {out}/new
        ln -s {out}/file {seen}/link; kill -0 {os.getpid()} && echo killed
    """
    (seen / "link-out").symlink_to(out / "file")
    with opened(out) as watching:
        said = ran(View([seen]), script + "cat link-out", seen)
        assert watching.seen() == set()
    assert said.startswith("mine\n")
    assert "canary" not in said
    assert "root:" not in said
    assert "PATH=" not in said
    assert sorted(path.name for path in seen.iterdir()) == [".argos", "link-out", "mine"]


def test_a_command_with_network_opens_what_it_was_given(seen: Path, out: Path) -> None:
    """It reaches the engine, and no file of the agent."""
    if not kernel.landlock_abi():
        pytest.skip("this kernel has no Landlock, and such commands are then limited by their model alone")
    script = f"""
        cat mine; echo x > new; cat {out}/file; cat /proc/{os.getpid()}/environ; cat /root/.profile
        cat link-out; cat /etc/shadow; ls {out}
    """
    (seen / "link-out").symlink_to(out / "file")
    with opened(out) as watching:
        said = ran(View([], [seen], network=True), script, seen)
        assert watching.seen() == set()
    assert said.startswith("mine\n")
    assert (seen / "new").read_text() == "x\n"
    assert "canary" not in said
    assert said.lower().count("denied") + said.lower().count("cannot") >= 5


def test_no_socket_can_be_made(tmp_path: Path) -> None:
    """Of no family, and by no other way."""
    with listeners(tmp_path) as listening:
        tries = (
            "import socket, sys\n"
            f"sys.path.insert(0, {str(Path(kernel.__file__).parent)!r})\n"
            "import kernel\n"
            "kernel.keep_privileges_down()\n"
            "assert kernel.refuse_sockets()\n"
            "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):\n"
            "    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):\n"
            "        try:\n"
            "            socket.socket(family, kind)\n"
            "        except PermissionError:\n"
            "            print('refused')\n"
        )
        done = subprocess.run([sys.executable, "-c", tries], capture_output=True, text=True, check=False)
        assert done.stdout.count("refused") == 12, done.stderr
        assert listening.called() == []


def test_only_a_program_of_its_own_does_without_the_system(compose: Path, tmp_path: Path) -> None:
    """A static program needs nothing; a script and a linked program need the folders of the system."""
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert needs_system(str(script))
    assert needs_system(os.path.realpath("/bin/sh"))
    assert not needs_system(os.path.realpath(compose))
