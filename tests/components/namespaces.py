"""Engines live in a process and a mount namespace of their own: with its first process all in it ends."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.components.lookup import MissingComponentError

OWN_NAMESPACES = ("unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc")
_HOW_TO_RUN = "sudo scripts/test (it needs root and namespaces; in a container: --privileged)"


def require_engine() -> None:
    """Raises MissingComponentError where no engine of containers can run, whatever is installed."""
    if os.geteuid() != 0 or subprocess.run([*OWN_NAMESPACES, "true"], capture_output=True).returncode:
        raise MissingComponentError(f"no engine of containers can run here; get it with: {_HOW_TO_RUN}")


def first_process(unshare: "subprocess.Popen[bytes]") -> int | None:
    """Its id out here; None once it is gone."""
    with suppress(FileNotFoundError):
        children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split()
        return int(children[0]) if children else None
    return None


def signal_namespace(unshare: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(first_process(unshare) or unshare.pid, number)
