"""Passes as the reconciler reports them, made by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from argos_gitops.model.change import Action, Cause, Change, FieldChange, Outcome, Result
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.plan import SystemKey, SystemPlan
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import AnyResource, EagerResources, Resource, ResourceKey
from argos_gitops.model.source import Revision
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import Revisions
from tests.fakes import ThingSpec
from tests.planning.plans import assemble

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SYSTEM = SystemKey(ResourceKey("Box", "main"), "toy")
CANARY = "canary-51cc"


def sha_of(number: int) -> str:
    return f"{number:07x}".ljust(40, "e")


def change(name: str, cause: Cause = Cause.REVISION, *, after: str = "2") -> Change:
    """Its contents hold a secret; the fields, which people see, do not."""
    return Change(
        Action.UPDATE,
        cause,
        f"thing/{name}",
        ResourceKey("Thing", name),
        {"secret": CANARY},
        {"secret": CANARY},
        Location(f"things/{name}.yaml", 3),
        (FieldChange("value", "1", after),),
    )


def a_pass(
    revision: int = 1,
    changes: Sequence[Change] = (),
    *,
    names: Sequence[str] = ("a", "b"),
    minutes: float = 0,
    results: Result | None = Result.DONE,
    blocked: Sequence[str] = (),
) -> PassResult:
    """A whole pass; `results` is what became of every change, None when nothing was tried."""
    at = START + timedelta(minutes=minutes)
    sha = sha_of(revision)
    read = Revision(sha, sha, "main", "move grafana")
    plan = assemble(read, [SystemPlan(SYSTEM, tuple(changes), blocked=tuple(blocked))])
    outcomes = [(SYSTEM, Outcome(one, results)) for one in changes] if results else []
    resources: list[AnyResource] = [
        Resource(
            ResourceKey("Thing", name), ThingSpec(box="main", value="1"), Location(f"things/{name}.yaml"), "d"
        )
        for name in names
    ]
    keys = [SYSTEM.target, *(resource.key for resource in resources)]
    return PassResult(
        at=at,
        result="Applied" if outcomes else "NoChange",
        message="",
        revision=read,
        plan=plan,
        outcomes=outcomes,
        conditions=[Condition(key, "Ready", Truth.TRUE, "Applied", "", START) for key in keys],
        problems=(),
        resources=EagerResources(resources, f"{sha} {names}"),
        applied_digests={resource.key: "d" for resource in resources},
        revisions=Revisions(sha, sha, START, sha),
    )


def failing(change: Change) -> PassResult:
    """A pass whose only change could not be made."""
    result = a_pass(1, [change], results=None)
    outcome = Outcome(change, Result.FAILED, "Rejected", "no such module")
    broken = Condition(change.owner, "Ready", Truth.FALSE, "Rejected", "no such module", START)
    conditions = [broken if c.subject == change.owner else c for c in result.conditions]
    return replace(result, result="Failed", outcomes=[(SYSTEM, outcome)], conditions=conditions)


def blocked(change: Change, reason: str = "5 of 6 would go", *, minutes: float = 0) -> PassResult:
    result = a_pass(2, [change], results=None, blocked=[reason], minutes=minutes)
    return replace(result, result="Blocked", message=reason, blocked=[reason])


def invalid(*, minutes: float = 0) -> PassResult:
    """A revision that was rejected: there is neither a plan nor a set of resources."""
    problem = Problem(
        Location("things/a.yaml", 3, 7), "ARG101", "unknown field 'valeu' (did you mean value?)"
    )
    return replace(
        a_pass(3, minutes=minutes),
        result="InvalidConfiguration",
        message="1 problems",
        plan=None,
        conditions=(),
        problems=[problem],
        resources=None,
        applied_digests={},
        revisions=Revisions(sha_of(3), sha_of(1), START, sha_of(1)),
    )


def unreadable(*, minutes: float = 0) -> PassResult:
    """The repository could not be read: there is no revision either."""
    return replace(
        invalid(minutes=minutes),
        result="SourceError",
        message="https://git.example.com/config: git ls-remote failed: could not resolve host",
        revision=None,
        problems=(),
        revisions=Revisions(sha_of(1), sha_of(1), START, sha_of(1)),
    )
