"""The metrics of the agent and of its front as one page: they are separate processes."""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


def expose(folder: Path, agent: int) -> bytes:
    """What the files in `folder` hold, and memory, CPU time and descriptors of both processes."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call] # the library has no types
    ProcessCollector(namespace="argos_agent", pid=lambda: agent, registry=registry)
    ProcessCollector(namespace="argos_front", pid=os.getpid, registry=registry)
    return generate_latest(registry)
