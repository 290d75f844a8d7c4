"""The command line of a confined command, and what is told when this machine cannot confine it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from argos_gitops.model.errors import TerminalError
from argos_gitops.providers.docker.compose.confined.kernel import UNCONFINED_CODE
from argos_gitops.providers.docker.compose.errors import ComposeCode

_LAUNCHER = Path(__file__).with_name("launcher.py")


class UnconfinedError(TerminalError):
    """This machine has no means to keep Compose away from the agent's files and the network."""

    reason = ComposeCode.UNCONFINED


@dataclass(frozen=True, slots=True)
class View:
    """What a command may see of this machine: absolute paths, each with all that lies below it.

    Without `network`, there are no sockets, no other paths and no other processes for it at all, and the
    first of `read` must hold an empty folder `.argos/root`. With it, only files are kept away, as far
    as this machine can do that. What is not there is left out.
    """

    read: Sequence[Path]
    write: Sequence[Path] = ()
    network: bool = False


def confined(arguments: Sequence[str], view: View) -> list[str]:
    """The same command, confined: the launcher becomes it, so that process and exit code are its own."""
    options = ["--network"] if view.network else []
    options += [word for path in view.read for word in ("--read", str(path))]
    options += [word for path in view.write for word in ("--write", str(path))]
    return [sys.executable, "-I", "-S", str(_LAUNCHER), *options, "--", *arguments]


def refusal_of(code: int, errors: str) -> UnconfinedError | None:
    """The error for a command that was not started as nothing here could confine it."""
    if code != UNCONFINED_CODE:
        return None
    said = errors.strip().splitlines()[-1] if errors.strip() else "nothing was said"
    return UnconfinedError(
        f"docker compose was not started, since this machine cannot keep it away from the agent's files and "
        f"the network ({said}); use Linux 5.13 or newer with Landlock (`landlock` in "
        "/sys/kernel/security/lsm), or allow user namespaces to the agent (sysctl user.max_user_namespaces, "
        "kernel.apparmor_restrict_unprivileged_userns)"
    )
