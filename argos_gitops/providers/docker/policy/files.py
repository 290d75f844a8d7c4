"""Compose files held against the policies: what rejects a revision, and what it is only warned of."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from argos_gitops.model.plan import Failure
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import ResourceSet
from argos_gitops.ports.provider import Expansion
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.policy.facts import of_service
from argos_gitops.providers.docker.policy.judging import Finding, Judge, Stack

COMPLIANT = "PolicyCompliant"


class PolicyCode(StrEnum):
    """What a policy finds; explained in docs/reference/problems.md."""

    VIOLATION = "PolicyViolation"


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What a policy finds in a Compose file."""

    stack: Stack
    service: str
    finding: Finding
    location: Location

    @property
    def message(self) -> str:
        return f"service {self.service} of {self.stack.key} {self.finding.sentence}"

    @property
    def problem(self) -> Problem:
        return Problem(self.location, PolicyCode.VIOLATION, self.message)

    @property
    def notice(self) -> Failure:
        return Failure(PolicyCode.VIOLATION, self.message, self.stack.key, COMPLIANT, self.location)


def policies_expanded(resources: ResourceSet, renderer: ComposeRenderer, judge: Judge) -> Expansion:
    """Problems for what is denied, warnings for the rest. What Compose refuses is told elsewhere."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for stack in resources.of(StackSpec).values():
        if not judge.speaks_of(stack):
            continue
        try:
            found = list(findings_in(stack, renderer.render(stack), judge))
        except ComposeError:
            continue
        problems += [each.problem for each in found if each.finding.denies]
        warnings += [each.problem for each in found if not each.finding.denies]
    return Expansion(problems=problems, warnings=warnings)


def findings_in(stack: Stack, rendered: Rendered, judge: Judge) -> Iterator[FileFinding]:
    """Service by service, each at the line that is to be changed."""
    for name, service in rendered.services.items():
        for finding in judge.on_service(stack, name, of_service(service)):
            location = rendered.place("services", name, *finding.path)
            yield FileFinding(stack, name, finding, location)
