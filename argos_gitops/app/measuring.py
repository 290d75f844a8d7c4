"""The instruments of the agent."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argos_gitops.app.metrics import AgentMetrics

_VARIABLES = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")


def agent_metrics(left: Path) -> "AgentMetrics":
    """The instruments, in the memory of this process. `left` is where older versions kept files for them.

    prometheus_client decides at its import, by a variable that whoever started us may have set for another
    program, to keep numbers in files; a full disk would then end this process.
    """
    for variable in _VARIABLES:
        os.environ.pop(variable, None)
    shutil.rmtree(left, ignore_errors=True)
    from argos_gitops.app.metrics import AgentMetrics

    return AgentMetrics()
