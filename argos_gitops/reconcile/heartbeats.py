"""Telling systems that we are alive, also while nothing happens and while a pass takes long."""

from collections.abc import Iterable

from argos_gitops.model.plan import Failure, SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.provider import KeepsAlive
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.crew import Crew
from argos_gitops.reconcile.parallel import side_by_side


class Heartbeats:
    """One for each system that wants to hear from us; seen in health as `heartbeat TARGET PROVIDER`."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._failed: dict[SystemKey, Failure] = {}
        self._known: set[SystemKey] = set()

    def beat(self, targets: Iterable[ResourceKey]) -> None:
        """Tells all systems of `targets` that a pass has been over, side by side."""
        found = [each for target in targets for each in self._crew.reconciler.keepers_alive(target)]
        side_by_side(self._beat, found)
        for gone in self._known - {key for key, _ in found}:
            self._failed.pop(gone, None)
            self._crew.pulse.forget(_name(gone))
        self._known = {key for key, _ in found}

    def _beat(self, system: tuple[SystemKey, KeepsAlive]) -> None:
        key, provider = system
        failure = contained(provider.keep_alive)
        if not isinstance(failure, Failure):
            self._failed.pop(key, None)
            self._crew.pulse.went_well(_name(key))
            return
        if key not in self._failed:  # told once, however long it lasts
            facts = {"system": str(key), "reason": failure.reason, "message": failure.message}
            self._crew.log.warning("heartbeat_failed", **facts)
        self._failed[key] = failure
        self._crew.pulse.failed(_name(key), f"{failure.reason}: {failure.message}")


def _name(key: SystemKey) -> str:
    return f"heartbeat {key}"
