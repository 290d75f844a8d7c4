"""Differences between desired and live, and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from argos_gitops.model.objects import Content
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import ResourceKey


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Cause(StrEnum):
    """Why a change is needed: git moved, the world moved, or time passed."""

    REVISION = "revision"
    DRIFT = "drift"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field for people: None before is an addition, None after a removal. Already masked."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a plan. `before` and `after` are contents in the provider's normal form.

    They may hold what must not be shown; only `fields` and `note` are for people. `since` is when a
    drift was first seen.
    """

    action: Action
    cause: Cause
    object_id: str
    owner: ResourceKey
    before: Content
    after: Content
    location: Location | None = None
    fields: tuple[FieldChange, ...] = ()
    note: str = ""
    since: datetime | None = None


class Result(StrEnum):
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one Change. `message` is for people and holds no secret.

    `passing`: what made it fail may be gone by itself (a registry that does not answer), so that it says
    nothing of the revision.
    """

    change: Change
    result: Result
    reason: str = ""
    message: str = ""
    passing: bool = False
