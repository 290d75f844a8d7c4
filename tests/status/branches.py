"""What stands on a status branch."""

from collections.abc import Callable

from argos_gitops.status import StatusBranch
from tests.components.git import Origin

REF = "refs/heads/argos/status/home"
Writer = Callable[..., StatusBranch]


def commits(origin: Origin) -> int:
    return len(origin.log(REF)) if origin.tip(REF) else 0


def paths(origin: Origin) -> list[str]:
    return origin.git("ls-tree", "-r", "--name-only", REF).splitlines()


def plans(origin: Origin) -> list[str]:
    return [path for path in paths(origin) if path.startswith("plans/")]
