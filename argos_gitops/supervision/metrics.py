"""The supervised threads of a process, for Prometheus. To be imported where prometheus_client may be."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from argos_gitops.supervision.supervised import ThreadState


class ThreadMetrics:
    """`registry` shows them. For one thread at a time."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._alive = Gauge(
            "argos_thread_alive",
            "1 while a long-lived thread runs, 0 when it should and does not, NaN once it was told to stop.",
            ["thread"],
            registry=registry,
        )
        self._restarts = Counter(
            "argos_thread_restarts",
            "How often a long-lived thread ended by itself and was started again.",
            ["thread"],
            registry=registry,
        )
        self._known: dict[str, int] = {}

    def show(self, states: Iterable[ThreadState]) -> None:
        """Takes down how the threads are now."""
        seen: dict[str, int] = {}
        for state in states:
            self._alive.labels(state.name).set(state.alive)
            counter = self._restarts.labels(state.name)
            counter.inc(max(0, state.restarts - self._known.get(state.name, 0)))
            seen[state.name] = state.restarts
        for gone in self._known.keys() - seen.keys():
            self._alive.labels(gone).set(float("nan"))
        self._known = seen
