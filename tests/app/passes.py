"""Finished passes over one target."""

from dataclasses import replace
from datetime import UTC, datetime

from argos_gitops.model.change import Action, Cause, Change, Outcome, Result
from argos_gitops.model.plan import Failure, Plan, SystemKey, SystemPlan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.source import Revision
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import Revisions, TargetState

AT = datetime.fromtimestamp(1_777_600_000, UTC)
EDGE = ResourceKey("Edge", "main")
SYSTEM = SystemKey(EDGE, "caddy")


def unreachable() -> PassResult:
    """Nobody answered, so nobody knows."""
    before = passed()
    away = SystemPlan(SYSTEM, failure=Failure("Unreachable", "no answer"))
    plan = Plan(Revision("a" * 40, "b" * 40, "main"), (away,), "digest", "key")
    state = {EDGE: TargetState(result="Unreachable")}
    return replace(before, plan=plan, outcomes=(), targets=state, durations={})


def passed() -> PassResult:
    """A host was created, the repair of another failed."""
    created = Change(Action.CREATE, Cause.REVISION, "a", ResourceKey("Host", "a"), None, {})
    drifted = Change(Action.UPDATE, Cause.DRIFT, "b", ResourceKey("Host", "b"), {}, {})
    revision = Revision("a" * 40, "b" * 40, "main")
    return PassResult(
        at=AT,
        result="Failed",
        message="",
        revision=revision,
        plan=Plan(revision, (SystemPlan(SYSTEM, (created, drifted)),), "digest", "key"),
        outcomes=((SYSTEM, Outcome(created, Result.DONE)), (SYSTEM, Outcome(drifted, Result.FAILED))),
        conditions=(),
        problems=(),
        resources=None,
        applied_digests={},
        revisions=Revisions(),
        target=EDGE,
        targets={EDGE: TargetState(result="Applied")},
        durations={"fetch": 0.2},
    )
