"""What a pass is made of: everything that the composition hands to the reconciler."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Protocol

from argos_gitops.model.plan import Plan
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.control import Orders
from argos_gitops.ports.lock import Locks
from argos_gitops.ports.provider import Network
from argos_gitops.ports.report import Reporter
from argos_gitops.ports.source import Snapshot, Source
from argos_gitops.ports.store import Inventory, StatusStore
from argos_gitops.reconcile.systems import Systems


class Loaded(Protocol):
    """What loading a snapshot gives: all resources, or all problems."""

    @property
    def resources(self) -> ResourceSet: ...

    @property
    def problems(self) -> Sequence[Problem]: ...


class Log(Protocol):
    """A structured log: an event and its facts, never a secret."""

    def info(self, event: str, **facts: object) -> object: ...

    def warning(self, event: str, **facts: object) -> object: ...


@dataclass(frozen=True, slots=True)
class Documents:
    """How a target's resource is kept in the store and read back."""

    dump: Callable[[AnyResource], bytes]
    parse: Callable[[bytes], AnyResource]


@dataclass(frozen=True, slots=True)
class Parts:
    """The ports of one reconciler. `build` identifies the running code. `digest_key` is secret: the key of
    digests of contents that others read.

    `orders` are what people ask for at a time; `addresses` those that no ban may cover, as they were found.
    """

    source: Source
    load: Callable[[Snapshot], Loaded]
    systems: Systems
    inventory: Inventory
    status: StatusStore
    locks: Locks
    clock: Clock
    documents: Documents
    build: str
    digest_key: Callable[[], bytes]
    log: Log
    try_load: Callable[[Snapshot], Loaded] | None = None
    """Loads what is not in force and may never be; without it, nothing is proposed."""
    reporters: Callable[[], Sequence[Reporter]] = tuple
    orders: Callable[[datetime], Orders] = lambda _: Orders()
    addresses: Callable[[], Sequence[Network]] = tuple
    returning: Callable[[AnyResource], bool] = lambda _: False
    """Whether a resource that fails goes back by itself to how it was healthy."""
    scheduled: Callable[[ResourceSet], Collection[ResourceKey]] = lambda _: ()
    """The resources that ask for jobs: what is true of them is found out by those, not by passes."""
    follow: Callable[[ResourceSet], ResourceSet | None] = lambda resources: resources
    """A set of written resources with what follows from them; None where that would not be valid."""
    turn: Lock = field(default_factory=Lock)
    """Passes are told one at a time, in the order in which they were kept: the last word is the newest."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's answer to one plan. `digest` overrules the guard for exactly that plan."""

    proceed: bool
    digest: str | None = None
    only_this_plan: bool = False
    """Whether a plan that had to be made anew must be refused (a person has seen just this one)."""


Approve = Callable[[Plan], Approval]
