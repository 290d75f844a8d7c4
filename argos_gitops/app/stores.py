"""What one process keeps behind the store's URL, each part opened when it is first needed."""

import os
import socket
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from argos_gitops.app.settings import Settings
from argos_gitops.ports.audit import AuditLog
from argos_gitops.ports.control import Controls
from argos_gitops.ports.health import Replicas
from argos_gitops.ports.job import JobRuns
from argos_gitops.ports.lease import Leases
from argos_gitops.ports.lock import Locks

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from argos_gitops.store.docker_reports import SqlHostReports
    from argos_gitops.store.inventory import SqlInventory
    from argos_gitops.store.status import SqlStatusStore


class Stores:
    """The implementations of the store's ports for one instance. An import here would cost every command."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._closers: list[Callable[[], None]] = []

    @cached_property
    def engine(self) -> "Engine":
        from argos_gitops.store.database import open_database

        engine = open_database(self.settings.store)
        self._closers.append(engine.dispose)
        return engine

    @cached_property
    def inventory(self) -> "SqlInventory":
        from argos_gitops.store.inventory import SqlInventory

        return SqlInventory(self.engine, self.settings.instance)

    @cached_property
    def statuses(self) -> "SqlStatusStore":
        from argos_gitops.store.status import SqlStatusStore

        return SqlStatusStore(self.engine, self.settings.instance)

    @cached_property
    def replica(self) -> str:
        """The name of this process among those that share our instance."""
        return f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"

    @cached_property
    def locks(self) -> Locks:
        from argos_gitops.store.locks import open_locks

        folder = self.settings.state_dir / "locks"
        return open_locks(self.engine, self.settings.instance, self.replica, folder)

    @cached_property
    def leases(self) -> Leases:
        from argos_gitops.store.leases import SqlLeases

        return SqlLeases(self.engine, self.settings.instance, self.replica)

    @cached_property
    def replicas(self) -> Replicas:
        from argos_gitops.store.replicas import SqlReplicas

        return SqlReplicas(self.engine, self.settings.instance)

    @cached_property
    def controls(self) -> Controls:
        from argos_gitops.store.controls import SqlControls

        return SqlControls(self.engine, self.settings.instance)

    @cached_property
    def reports(self) -> "SqlHostReports":
        """What the push agents of Docker hosts reported."""
        from argos_gitops.store.docker_reports import SqlHostReports

        return SqlHostReports(self.engine, self.settings.instance)

    @cached_property
    def job_runs(self) -> JobRuns:
        from argos_gitops.store.job_runs import SqlJobRuns

        return SqlJobRuns(self.engine, self.settings.instance)

    @cached_property
    def audit(self) -> AuditLog:
        from argos_gitops.store.audit import SqlAuditLog

        return SqlAuditLog(self.engine, self.settings.instance)
