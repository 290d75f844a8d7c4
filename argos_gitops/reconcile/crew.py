"""What the keeper and the workers of an agent share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.control import Controls
from argos_gitops.ports.health import Replicas
from argos_gitops.ports.lease import Leases
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import StatusStore
from argos_gitops.reconcile.look import Desired
from argos_gitops.reconcile.parts import Log
from argos_gitops.reconcile.pulse import Pulse
from argos_gitops.reconcile.reconciler import Reconciler


def _nothing(*_: object) -> None:
    return None


def is_ours(target: ResourceKey, only: Sequence[str]) -> bool:
    """Whether an agent that is limited to targets of these patterns (none: to nothing) may work on one."""
    return not only or any(fnmatchcase(str(target), pattern) for pattern in only)


@dataclass(frozen=True)
class Crew:
    """The ports of one running agent.

    `replica` is the name of this process among those that share the instance; `only` are patterns of the
    targets that it may work on, none meaning all. `in_force` is told of each revision that becomes the one
    in force, `applied` of the seconds from hearing of a revision to having applied it, `passed` of every
    pass, and `went_back` of a target, the older revision that it went back to, and why; `beat` is called
    as long as the agent keeps house.
    """

    reconciler: Reconciler
    status: StatusStore
    controls: Controls
    replicas: Replicas
    leases: Leases
    clock: Clock
    pulse: Pulse
    log: Log
    replica: str
    version: str
    only: Sequence[str] = ()
    in_force: Callable[[Desired], None] = _nothing
    applied: Callable[[float], None] = _nothing
    passed: Callable[[PassResult], None] = _nothing
    went_back: Callable[[ResourceKey, str, str], None] = _nothing
    beat: Callable[[], None] = _nothing
