"""Passes over a commit of a forge."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from argos_gitops.model.agent import AgentSpec, StatusBranchSpec
from argos_gitops.model.change import Cause, Change
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.resource import EagerResources, ResourceKey
from argos_gitops.model.secret import SecretRef
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import Revisions, TargetState
from tests.fakes import resource
from tests.status import passes

ONE, TWO = ResourceKey("Box", "main"), ResourceKey("Box", "other")
Kind = Literal["github", "gitlab", "gitea", "forgejo"]


def agent(spec: ForgeSpec | None, *, status: bool = True) -> EagerResources:
    """A revision that holds an Agent and nothing else."""
    spec_of_agent = AgentSpec(forge=spec, status=StatusBranchSpec(enabled=status))
    return EagerResources([resource("Agent", "agent", spec_of_agent)], f"{spec} {status}")


def spec_for(kind: Kind = "github") -> ForgeSpec:
    return ForgeSpec(type=kind, token=SecretRef(env="FORGE_TOKEN"))


def on(sha: str, result: PassResult, spec: ForgeSpec | None) -> PassResult:
    """The same pass over the commit `sha`; a rejected revision keeps having no resources."""
    assert result.revision is not None
    revision = replace(result.revision, sha=sha)
    good = result.result in ("Applied", "NoChange")
    return replace(
        result,
        revision=revision,
        plan=replace(result.plan, revision=revision) if result.plan is not None else None,
        resources=agent(spec) if result.resources is not None else None,
        revisions=Revisions(sha, sha if good else None, result.at, sha if good else None),
    )


def applied(sha: str, changes: Sequence[Change], spec: ForgeSpec | None, *, minutes: float = 0) -> PassResult:
    return on(sha, passes.a_pass(1, changes, minutes=minutes), spec)


def over(result: PassResult, target: ResourceKey, states: Mapping[ResourceKey, TargetState]) -> PassResult:
    """The same as a pass over one target of several."""
    return replace(result, target=target, targets=states)


def state(sha: str, result: str = "Applied", message: str = "") -> TargetState:
    """Of a target that tried `sha`, and has it where that went well."""
    well = sha if result in ("Applied", "NoChange") else None
    return TargetState(sha, well, None, well, None, result, message)


def drift(name: str) -> Change:
    return passes.change(name, Cause.DRIFT)


def not_ready(key: ResourceKey, truth: Truth = Truth.FALSE, message: str = "no answer") -> Condition:
    return Condition(key, "Ready", truth, "ProbeFailed", message)
