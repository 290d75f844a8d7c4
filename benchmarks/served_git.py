"""A repository behind a git server, so that nobody can see it change without being told or asking."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.estate import git_environment
from tests.components.ports import free_port

_LISTENS_WITHIN_SECONDS = 20.0


@contextmanager
def served(repository: Path) -> Iterator[str]:
    """The URL of a bare repository at a `git daemon` on loopback that lives as long as the block."""
    port = free_port()
    daemon = subprocess.Popen(
        [
            "git",
            "daemon",
            "--listen=127.0.0.1",
            f"--port={port}",
            f"--base-path={repository.parent}",
            "--export-all",
            "--enable=receive-pack",
            "--reuseaddr",
        ],
        env=dict(git_environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # it has children of its own, which end with its group
    )
    try:
        _await_port(port)
        yield f"git://127.0.0.1:{port}/{repository.name}"
    finally:
        _end(daemon)


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _LISTENS_WITHIN_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _end(daemon: "subprocess.Popen[bytes]") -> None:
    os.killpg(daemon.pid, signal.SIGTERM)
    daemon.wait(10)
