"""Containers that are restarted again and again: noticed when their count rises between two looks."""

from collections.abc import Callable, Iterable

from argos_gitops.providers.docker.containers import Container
from argos_gitops.providers.docker.engine.client import EngineClient
from argos_gitops.providers.docker.health import LOOP_RESTARTS, restarts_of


class LoopWatch:
    """Asks only about containers that were started less than a minute ago, or wait to be started again."""

    def __init__(self, client: Callable[[], EngineClient]) -> None:
        self._client = client
        self._counts: dict[str, int] = {}
        self._looping: frozenset[str] = frozenset()

    def look(self, containers: Iterable[Container]) -> frozenset[str]:
        """The ids of those that loop: since their count rose, until one of them runs for a minute."""
        suspects = [each for each in containers if each.state == "restarting" or each.young]
        counts = {each.id: restarts_of(self._client().container(each.id)) for each in suspects}
        looping = {each.id for each in suspects if self._loops(each, counts[each.id])}
        self._counts = counts
        self._looping = frozenset(looping)
        return self._looping

    def _loops(self, container: Container, count: int) -> bool:
        if container.id in self._looping:
            return True
        before = self._counts.get(container.id)
        if before is None:
            return container.state == "restarting" and count >= LOOP_RESTARTS
        return count > before
