"""What a pass means for the commit that it was about. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from argos_gitops.model.change import Action, Cause, Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.plan import Plan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.render.lines import shorten
from argos_gitops.ports.report import WELL, PassResult
from argos_gitops.ports.store import TargetState
from argos_gitops.status.forge.forge import MAX_DESCRIPTION, State

_WELL = WELL | {""}
_AGAIN = frozenset({"Declined", "Locked", "StalePlan"})
"""Somebody else was at work, or said no: the next pass tells more."""

_VERBS = {Action.CREATE: "added", Action.UPDATE: "changed", Action.DELETE: "removed"}
Counts = Counter[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """On the commit `sha`. `description` is one short line."""

    sha: str
    state: State
    description: str


def judge(result: PassResult, done: Counts) -> Verdict | None:
    """None where nothing can be said about a commit: a plain folder, or a source that did not answer.

    `done` counts what was changed because of that commit, by all passes so far. Trouble that comes after
    the commit was applied and healthy everywhere is the world's, unless a pass fails because of it.
    """
    sha = judged_commit(result)
    if sha is None:
        return None
    if result.targets and not _rejected(result):
        return Verdict(sha, *_of_targets(sha, result, done))
    own = result.own_result or result.result
    if own in _AGAIN:
        return None
    if own not in _WELL:
        return Verdict(sha, State.FAILURE, _failure(own, result.message, result.plan))
    if result.revisions.healthy == sha:
        return Verdict(sha, State.SUCCESS, _applied(done))
    return Verdict(sha, State.PENDING, _waiting(result, "not healthy yet"))


def of_its_target(result: PassResult) -> PassResult:
    """The pass as if there were no other target."""
    if result.target is None or result.target not in result.targets:
        return result
    here = [c for c in result.conditions if c.subject not in result.elsewhere]
    return replace(result, targets={result.target: result.targets[result.target]}, conditions=here)


def judged_commit(result: PassResult) -> str | None:
    """The commit that was tried: after a rollback not the one that stands."""
    revision = result.revision
    if revision is None or not revision.is_commit:
        return None
    state = result.targets.get(result.target) if result.target is not None else None
    return (state.attempted if state is not None else None) or revision.sha


def count(result: PassResult) -> Counts:
    """What a pass changed because git moved."""
    return Counter(
        _VERBS[outcome.change.action]
        for _, outcome in result.outcomes
        if outcome.result is Result.DONE and outcome.change.cause is Cause.REVISION
    )


def _rejected(result: PassResult) -> bool:
    return result.target is None and result.resources is None


def _of_targets(sha: str, result: PassResult, done: Counts) -> tuple[State, str]:
    targets = result.targets
    failing = {key: state for key, state in targets.items() if _fails(state, sha)}
    if failing:
        return State.FAILURE, _worst(failing, result)
    applied = sum(state.applied == sha for state in targets.values())
    if applied < len(targets):
        return State.PENDING, _waiting(result, f"applied to {applied} of {len(targets)} targets")
    if all(state.healthy == sha for state in targets.values()):
        return State.SUCCESS, _applied(done)
    unready = [str(c.subject) for c in result.conditions if c.type == "Ready" and c.status is Truth.FALSE]
    if unready:
        return State.FAILURE, shorten(f"applied, but not ready: {', '.join(unready)}", MAX_DESCRIPTION)
    return State.PENDING, _waiting(result, "applied, but not healthy yet")


def _fails(state: TargetState, sha: str) -> bool:
    if state.attempted != sha or state.result in _WELL or state.result in _AGAIN:
        return False
    return state.result != "Unreachable" or state.healthy != sha


def _worst(failing: Mapping[ResourceKey, TargetState], result: PassResult) -> str:
    """That of the pass itself before those of other targets."""
    own = result.target if result.target in failing else None
    key = own or min(failing)
    plan = result.plan if own is not None or result.target is None else None
    return _failure(failing[key].result, failing[key].message, plan, str(key))


def _failure(reason: str, message: str, plan: Plan | None, target: str = "") -> str:
    """`blocked: 12 of 20 Hosts would be removed; approve 7d41c0…`"""
    lines = message.splitlines() or [""]
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    approve = f"; approve {plan.short}…" if plan is not None and reason == "Blocked" else ""
    said = lines[0] if not target or lines[0].startswith(target) else f"{target}: {lines[0]}"
    words = "".join(f" {char.lower()}" if char.isupper() else char for char in reason).strip()
    return shorten(f"{words}: {said}", MAX_DESCRIPTION - len(more) - len(approve)) + more + approve


def _applied(done: Counts) -> str:
    told = [f"{done[verb]:,} {verb}" for verb in _VERBS.values() if done[verb]]
    return f"applied: {', '.join(told)}" if told else "applied and healthy"


def _waiting(result: PassResult, otherwise: str) -> str:
    """What it waits for: a window, somebody who resumes."""
    held = [c for c in result.conditions if c.type == "Ready" and c.status is Truth.UNKNOWN and c.message]
    return shorten(f"{held[0].subject}: {held[0].message}" if held else otherwise, MAX_DESCRIPTION)
