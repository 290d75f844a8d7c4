"""What one process keeps behind the store's URL, each part opened when it is first needed."""

import os
import socket
from functools import cached_property
from typing import TYPE_CHECKING

from argos_gitops.ports.audit import AuditLog
from argos_gitops.ports.control import Controls
from argos_gitops.ports.health import Replicas
from argos_gitops.ports.host_tokens import HostTokens
from argos_gitops.ports.job import JobRuns
from argos_gitops.ports.lease import Leases
from argos_gitops.ports.reports import ReportIntake
from argos_gitops.ports.store import Inventory

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from argos_gitops.store.docker_reports import SqlHostReports
    from argos_gitops.store.inventory import SqlInventory
    from argos_gitops.store.status import SqlStatusStore


class Stores:
    """The implementations of the store's ports for one instance. An import here would cost every command."""

    def __init__(self, url: str, instance: str, *, may_create: bool = True) -> None:
        self._url = url
        self._instance = instance
        self._may_create = may_create

    @cached_property
    def engine(self) -> "Engine":
        from argos_gitops.store.database import open_database

        return open_database(self._url, may_create=self._may_create)

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()

    @cached_property
    def digest_key(self) -> bytes:
        """Secret: the key of digests of contents that others read, the same for all who share the store."""
        from argos_gitops.store.keys import digest_key

        return digest_key(self.engine)

    @property
    def inventory(self) -> Inventory:
        return self._inventory

    @cached_property
    def _inventory(self) -> "SqlInventory":
        from argos_gitops.store.inventory import SqlInventory

        return SqlInventory(self.engine, self._instance)

    @cached_property
    def statuses(self) -> "SqlStatusStore":
        from argos_gitops.store.status import SqlStatusStore

        return SqlStatusStore(self.engine, self._instance)

    @cached_property
    def replica(self) -> str:
        """The name of this process among those that share our instance."""
        return f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"

    @cached_property
    def leases(self) -> Leases:
        from argos_gitops.store.leases import SqlLeases

        return SqlLeases(self.engine, self._instance, self.replica)

    @cached_property
    def replicas(self) -> Replicas:
        from argos_gitops.store.replicas import SqlReplicas

        return SqlReplicas(self.engine, self._instance)

    @cached_property
    def controls(self) -> Controls:
        from argos_gitops.store.controls import SqlControls

        return SqlControls(self.engine, self._instance)

    @cached_property
    def reports(self) -> "SqlHostReports":
        """What the push agents of Docker hosts reported."""
        from argos_gitops.store.docker_reports import SqlHostReports

        return SqlHostReports(self.engine, self._instance)

    @property
    def intake(self) -> ReportIntake:
        """The same, for whoever takes reports in."""
        return self.reports

    @cached_property
    def host_tokens(self) -> HostTokens:
        from argos_gitops.store.docker_tokens import SqlHostTokens

        return SqlHostTokens(self.engine, self._instance)

    @cached_property
    def job_runs(self) -> JobRuns:
        from argos_gitops.store.job_runs import SqlJobRuns

        return SqlJobRuns(self.engine, self._instance)

    @cached_property
    def audit(self) -> AuditLog:
        from argos_gitops.store.audit import SqlAuditLog

        return SqlAuditLog(self.engine, self._instance)
