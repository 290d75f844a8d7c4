"""What a pass amounts to, in the form of `status.yaml`; the pages are written from it."""

from collections.abc import Iterable, Mapping
from typing import Any

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.control import Orders, Override, Pin, Suspension
from argos_gitops.ports.report import DONE, PassResult
from argos_gitops.status import times
from argos_gitops.status.memory import Memory, as_data

MAX_LISTED = 100
"""Conditions and problems that are listed; more are counted."""


def lasting(conditions: Iterable[Condition]) -> list[Condition]:
    """The conditions that are still true after the pass: a drift that was repaired is not."""
    return [c for c in conditions if not (c.type == "Drifted" and c.reason == "Repaired")]


def condition_data(condition: Condition) -> dict[str, Any]:
    data: dict[str, Any] = {
        "type": condition.type,
        "status": condition.status.value,
        "reason": condition.reason,
    }
    if condition.message:
        data["message"] = condition.message
    if condition.since is not None:
        data["since"] = times.for_programs(condition.since)
    return data


def overview(instance: str, result: PassResult, memory: Memory) -> dict[str, Any]:
    """`memory` is what the branch remembers, this pass included."""
    data: dict[str, Any] = {"instance": instance, "state": result.state}
    if result.result not in DONE and result.message:
        data["message"] = result.message
    data["revisions"] = _revisions(result)
    data |= _carried(_revision(result), memory.carried, "revision")
    data |= _carried(_resources(result), memory.carried, "resources")
    data |= _carried(_conditions(result), memory.carried, "conditions", "furtherConditions")
    data |= _orders(result.orders)
    data |= _refusals(result)
    return data | as_data(memory)


def _carried(found: dict[str, Any], carried: Mapping[str, Any], *sections: str) -> dict[str, Any]:
    """`found`, or where this pass could not tell, the sections as they were."""
    return found or {name: carried[name] for name in sections if name in carried}


def _revisions(result: PassResult) -> dict[str, Any]:
    known = result.revisions
    data: dict[str, Any] = {
        "attempted": known.attempted,
        "applied": known.applied,
        "healthy": known.healthy,
    }
    if known.applied_at is not None:
        data["appliedAt"] = times.for_programs(known.applied_at)
    return data


def _revision(result: PassResult) -> dict[str, Any]:
    revision = result.revision
    if revision is None:
        return {}
    return {"revision": {"sha": revision.sha, "ref": revision.ref, "subject": revision.subject}}


def _resources(result: PassResult) -> dict[str, Any]:
    """Counted as the command line does: what has a Ready condition."""
    if result.resources is None or not result.conditions:
        return {}
    counts = result.readiness
    return {"resources": {"total": counts.total, "ready": counts.ready, "notReady": len(counts.unready)}}


def _conditions(result: PassResult) -> dict[str, Any]:
    """Those of targets, and whatever is not simply ready."""
    if not result.conditions:
        return {}
    targets = _targets(result)
    told = [c for c in lasting(result.conditions) if c.subject in targets or not _fine(c)]
    data: dict[str, Any] = {
        "conditions": [{"subject": str(c.subject)} | condition_data(c) for c in told[:MAX_LISTED]]
    }
    if len(told) > MAX_LISTED:
        data["furtherConditions"] = len(told) - MAX_LISTED
    return data


def _fine(condition: Condition) -> bool:
    return condition.type == "Ready" and condition.status is Truth.TRUE


def _targets(result: PassResult) -> set[ResourceKey]:
    planned = {part.system.target for part in result.plan.systems} if result.plan is not None else set()
    return planned | set(result.targets)


def _orders(orders: Orders) -> dict[str, Any]:
    """What people ask for besides git, as it was followed."""
    found: dict[str, Any] = {}
    if orders.suspensions:
        found["suspended"] = [{"subject": each.subject} | _order(each) for each in orders.suspensions]
    if orders.pin is not None:
        found["pinned"] = {"revision": orders.pin.revision} | _order(orders.pin)
    if orders.override is not None:
        until = times.for_programs(orders.override.until)
        found["windowsOverridden"] = {"until": until} | _order(orders.override)
    return {"orders": found} if found else {}


def _order(order: Suspension | Pin | Override) -> dict[str, str]:
    return {"by": order.by, "since": times.for_programs(order.since), "reason": order.reason}


def _refusals(result: PassResult) -> dict[str, Any]:
    """Why nothing was done: the problems of a revision, the reasons of the guard."""
    data: dict[str, Any] = {}
    if result.problems:
        data["problems"] = [str(problem) for problem in result.problems[:MAX_LISTED]]
    if len(result.problems) > MAX_LISTED:
        data["furtherProblems"] = len(result.problems) - MAX_LISTED
    if result.blocked:
        data["blocked"] = list(result.blocked)
    return data
