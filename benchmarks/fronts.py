"""The front process as benchmarks see it: as the agent starts it, but without an agent."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from argos_gitops.app.front import Front
from argos_gitops.app.log import Log
from argos_gitops.app.settings import load_settings


@contextmanager
def running_front(folder: Path, **flags: str) -> Iterator[Front]:
    """One that listens on a free port of loopback until the end of the block; `flags` are settings."""
    environment = {"HOME": str(folder)}
    settings = load_settings(
        {"listen": "127.0.0.1:0", "state_dir": str(folder), **flags}, environment, folder
    )
    front = Front(settings, environment, lambda why: None, Log())
    with ExitStack() as ends:
        front.start()
        ends.callback(front.stop, 5.0)
        while front.pid is None:
            time.sleep(0.01)
        yield front
