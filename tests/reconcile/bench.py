"""A reconciler over a toy world, with the real store and the real locks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from argos_gitops.app.documents import dump_resource, parse_resource
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.model.plan import Plan
from argos_gitops.model.spec import SpecModel
from argos_gitops.ports.provider import ProviderContext, ProviderSpec
from argos_gitops.ports.report import PassResult
from argos_gitops.reconcile.parts import Approval, Approve, Documents, Parts
from argos_gitops.reconcile.reconciler import Reconciler
from argos_gitops.reconcile.systems import Systems
from argos_gitops.store.database import open_database
from argos_gitops.store.inventory import SqlInventory
from argos_gitops.store.keys import digest_key
from argos_gitops.store.locks import FileLocks
from argos_gitops.store.status import SqlStatusStore
from tests.fakes import (
    BoxSpec,
    FakeSource,
    Listener,
    NoSealedFiles,
    QuietLog,
    SteppingClock,
    ThingSpec,
    World,
    load,
    toy_spec,
)


class NoSecrets(NoSealedFiles):
    def resolve(self, ref: object) -> object:
        raise AssertionError("no secret is asked for here")


@dataclass
class Bench:
    """One agent: its source, its worlds, and what it reported."""

    folder: Path
    source: FakeSource
    worlds: dict[str, World]
    listener: Listener
    reconciler: Reconciler
    inventory: SqlInventory
    statuses: SqlStatusStore
    returning: frozenset[str] = frozenset()

    def apply(self, approve: Approve | None = None) -> PassResult:
        return self.reconciler.apply(approve or (lambda plan: Approval(True)))

    def approve(self, plan_digest: str) -> PassResult:
        return self.apply(lambda plan: Approval(True, plan_digest))

    def plan(self) -> Plan:
        return self.reconciler.plan().plan

    @property
    def world(self) -> World:
        return self.worlds["a"]

    @property
    def writes(self) -> int:
        return sum(world.writes for world in self.worlds.values())

    def restarted(self) -> "Bench":
        """The same agent as a new process would be: same store, same worlds."""
        return make_bench(self.folder, self.source, self.worlds, self.returning)


def make_bench(
    folder: Path,
    source: FakeSource | None = None,
    worlds: dict[str, World] | None = None,
    returning: frozenset[str] = frozenset(),
    **parts_of: Any,
) -> Bench:
    """Resources of the kinds in `returning` go back alone when they fail; `parts_of` are fields of Parts."""
    source = source or FakeSource()
    worlds = worlds if worlds is not None else {"a": World()}
    engine = open_database(f"sqlite:///{folder / 'state.db'}")
    inventory, statuses = SqlInventory(engine, "test"), SqlStatusStore(engine, "test")
    kinds: Mapping[str, type[SpecModel]] = {"Box": BoxSpec, "Thing": ThingSpec}
    listener = Listener()

    def context(spec: ProviderSpec) -> ProviderContext:
        return ProviderContext(NoSecrets(), SteppingClock(), None, folder)  # type: ignore[arg-type] # never used

    parts = Parts(
        source=source,
        load=load,  # type: ignore[arg-type] # the fake source makes fake snapshots only
        systems=Systems([toy_spec(worlds)], context),
        inventory=inventory,
        status=statuses,
        locks=FileLocks(folder / "locks", wait=timedelta(milliseconds=200)),
        clock=SteppingClock(),
        documents=Documents(dump_resource, lambda text: parse_resource(text, KindRegistry(kinds))),
        build="test",
        digest_key=lambda: digest_key(engine),
        log=QuietLog(),
        reporters=lambda: (listener,),
        returning=lambda resource: resource.key.kind in returning,
        **parts_of,
    )
    return Bench(folder, source, worlds, listener, Reconciler(parts), inventory, statuses, returning)
