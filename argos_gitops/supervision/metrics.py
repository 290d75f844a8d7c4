"""What is supervised, threads or processes, for Prometheus. To be imported where prometheus_client may be."""

from collections.abc import Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge


class State(Protocol):
    """Of one of them."""

    @property
    def name(self) -> str: ...

    @property
    def alive(self) -> bool: ...

    @property
    def restarts(self) -> int:
        """Only ever grows while it is supervised."""
        ...


class SupervisionMetrics:
    """`word` is `thread` or `process`; `registry` shows them. For one thread at a time."""

    def __init__(self, registry: CollectorRegistry, word: str) -> None:
        self._alive = Gauge(
            f"argos_{word}_alive",
            f"1 while a long-lived {word} runs, 0 when it should and does not, NaN once it was told to stop.",
            [word],
            registry=registry,
        )
        self._restarts = Counter(
            f"argos_{word}_restarts",
            f"How often a long-lived {word} ended by itself and was started again.",
            [word],
            registry=registry,
        )
        self._known: dict[str, int] = {}

    def show(self, states: Iterable[State]) -> None:
        """Takes down how they are now."""
        seen: dict[str, int] = {}
        for state in states:
            self._alive.labels(state.name).set(state.alive)
            counter = self._restarts.labels(state.name)
            counter.inc(max(0, state.restarts - self._known.get(state.name, 0)))
            seen[state.name] = state.restarts
        for gone in self._known.keys() - seen.keys():
            self._alive.labels(gone).set(float("nan"))
        self._known = seen
