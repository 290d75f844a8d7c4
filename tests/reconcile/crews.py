"""A whole agent over toy worlds, with the real store; quick to look, and watched by polling."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from argos_gitops.app.clock import SystemClock
from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.resource import AnyResource, ResourceKey
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import TargetState
from argos_gitops.reconcile.agent import Agent
from argos_gitops.reconcile.crew import Crew
from argos_gitops.reconcile.pulse import Pulse
from argos_gitops.store.controls import SqlControls
from argos_gitops.store.database import open_database
from argos_gitops.store.leases import SqlLeases
from argos_gitops.store.replicas import SqlReplicas
from tests.fakes import QuietLog, resource
from tests.reconcile.bench import Bench

A, B = ResourceKey("Box", "a"), ResourceKey("Box", "b")
_PATIENCE = 30.0


@dataclass
class Running:
    """An agent that runs, and what it told."""

    agent: Agent
    bench: Bench
    controls: SqlControls
    pulse: Pulse
    passed: list[PassResult] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    def push(self, *resources: AnyResource) -> str:
        self.bench.source.commit(*resources)
        self.agent.look()
        return f"{self.bench.source.number:040x}"

    def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Waits until `holds`; a slow machine only makes it slower."""
        deadline = time.monotonic() + _PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"never happened: {what or holds}"
            time.sleep(0.01)

    def state_of(self, target: ResourceKey) -> TargetState:
        return self.bench.statuses.targets().get(target, TargetState())

    def result(self, target: ResourceKey) -> str:
        """How the last pass over a target ended; empty before there was one."""
        return self.state_of(target).result

    def state(self, name: str) -> str:
        found = {part.name: part.state for part in self.pulse.parts()}
        return found.get(name, "")


@contextmanager
def running(bench: Bench, folder: Path, **options: object) -> Iterator[Running]:
    """Ends within the block's end; `options` are further fields of Crew."""
    engine = open_database(f"sqlite:///{folder / 'state.db'}")
    controls, clock = SqlControls(engine, "test"), SystemClock()
    pulse = Pulse(clock)
    passed: list[PassResult] = []
    lags: list[float] = []
    crew = Crew(
        reconciler=bench.reconciler,
        status=bench.statuses,
        controls=controls,
        replicas=SqlReplicas(engine, "test"),
        leases=SqlLeases(engine, "test", "one"),
        clock=clock,
        pulse=pulse,
        log=QuietLog(),
        replica="one",
        version="test",
        applied=lags.append,
        passed=passed.append,
        **options,  # type: ignore[arg-type] # whatever a test sets
    )
    agent = Agent(crew)
    agent.start()
    try:
        yield Running(agent, bench, controls, pulse, passed, lags)
    finally:
        assert agent.stop(time.monotonic() + 20), "the agent did not end"


def agent_spec(**spec: object) -> AnyResource:
    return resource("Agent", "agent", AgentSpec.model_validate({"interval": "1h", "jitter": 0, **spec}))
