"""The metrics of the agent, its front and the processes that answer verdicts, as one page."""

import os
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest


class Exposition:
    """What the front shows at `/metrics`: its own `registry`, and what other processes told it."""

    def __init__(self, registry: CollectorRegistry, agent: int) -> None:
        self._registry = registry
        ProcessCollector(namespace="argos_agent", pid=lambda: agent, registry=registry)
        ProcessCollector(namespace="argos_front", pid=os.getpid, registry=registry)
        self._current = Gauge(
            "argos_metrics_current",
            "1 where the numbers of a process are of now; 0 where it does not answer, and they are older.",
            ["process"],
            registry=registry,
        )
        self._known: dict[str, str] = {}

    def page(self, told: Mapping[str, str | None]) -> bytes:
        """`told` is the text of each other process; None for one that does not answer now."""
        for process, text in told.items():
            self._current.labels(process).set(text is not None)
            if text is not None:
                self._known[process] = text
        return generate_latest(self._registry) + "".join(self._known.values()).encode()
