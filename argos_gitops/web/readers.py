"""What is kept, asked from a thread: a store that is slow or away never holds up another answer.

Only what the agents of Docker hosts report is written by this room.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from argos_gitops.model.errors import StoreError
from argos_gitops.ports.audit import AuditLog
from argos_gitops.ports.control import Controls
from argos_gitops.ports.health import Replicas
from argos_gitops.ports.host_tokens import HostTokens
from argos_gitops.ports.reports import HostReports, ReportIntake
from argos_gitops.ports.store import StatusStore
from argos_gitops.web.answers import RefusalError

_AT_ONCE = 4
_SECONDS = 5.0

_SHOWN = {
    "StoreGone": ("StoreGone", "its file is gone; put it back, or start the agent again"),
    "StoreDamaged": (
        "StoreDamaged",
        "it is damaged; put back a backup, or remove it and start again",
    ),
    "StoreReadOnly": ("StoreReadOnly", "the agent's account may not write to it"),
    "StoreFull": ("StoreFull", "its disk is full"),
}
"""Reasons that help whoever looks after the agent, and tell strangers nothing: the log names the place."""

AnswerT = TypeVar("AnswerT")


class Readers(Protocol):
    """The ports that are read here. Getting one may open the store: it raises StoreError."""

    @property
    def statuses(self) -> StatusStore: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def controls(self) -> Controls: ...

    @property
    def replicas(self) -> Replicas: ...

    @property
    def reports(self) -> HostReports: ...

    @property
    def intake(self) -> ReportIntake: ...

    @property
    def host_tokens(self) -> HostTokens: ...


class StoreReader:
    """Asks the readers, a few questions at a time and each for a few seconds."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="store")

    async def ask(self, question: Callable[[Readers], AnswerT]) -> AnswerT:
        """The answer; refuses with 503 when there is none in time, or the store is gone or damaged."""
        loop = asyncio.get_running_loop()
        reason = "StoreUnreachable"
        try:
            async with asyncio.timeout(_SECONDS):
                return await loop.run_in_executor(self._threads, question, self._readers)
        except TimeoutError:
            why = f"it does not answer within {_SECONDS:.0f} s"
        except StoreError as error:
            reason, why = _SHOWN.get(error.reason, (reason, "the log says why"))
        raise RefusalError(503, reason, f"the state database cannot be used; {why}")
