"""Policies over the facts of a revision: which of them speak of a container, and what they find. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from argos_gitops.model.resource import Resource, ResourceSet
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.policy.facts import Facts
from argos_gitops.providers.docker.policy.kinds import ContainerPolicySpec, PolicyException, Rule
from argos_gitops.providers.docker.policy.rules import RULES, Path

Policy = Resource[ContainerPolicySpec]
Stack = Resource[StackSpec]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that is broken. `denies`: it rejects a revision; `note` says more about that."""

    policy: Policy
    rule: str
    message: str
    path: Path
    denies: bool
    note: str = ""

    @property
    def sentence(self) -> str:
        """Goes on after whoever breaks the rule."""
        return f"{self.message} ({self.rule} of {self.policy.key}{self.note})"


@dataclass(frozen=True, slots=True)
class Judge:
    """All policies of a revision, on one day."""

    policies: tuple[Policy, ...]
    today: date

    @classmethod
    def of(cls, resources: ResourceSet, today: date) -> "Judge":
        return cls(tuple(resources.of(ContainerPolicySpec).values()), today)

    def speaks_of(self, stack: Stack) -> bool:
        return any(_selects(policy.spec, stack) for policy in self.policies)

    def on_service(self, stack: Stack, service: str, facts: Facts) -> list[Finding]:
        """What is wrong with a service of a Stack, in its file or on its host."""
        policies = [policy for policy in self.policies if _selects(policy.spec, stack)]
        return self._strictest(policies, facts, stack.name, service)

    def on_container(self, host: str, name: str, facts: Facts) -> list[Finding]:
        """What is wrong with a container that is in no Stack."""
        policies = [policy for policy in self.policies if _selects_host(policy.spec, host)]
        return self._strictest(policies, facts, "", name)

    def _strictest(self, policies: Iterable[Policy], facts: Facts, stack: str, service: str) -> list[Finding]:
        """What several policies find alike is told by the one that denies it, or else by the first."""
        found: dict[tuple[str, str], Finding] = {}
        for policy in policies:
            for finding in self._findings(policy, facts, stack, service):
                identity = finding.rule, finding.message
                if identity not in found or (finding.denies and not found[identity].denies):
                    found[identity] = finding
        return list(found.values())

    def _findings(self, policy: Policy, facts: Facts, stack: str, service: str) -> Iterator[Finding]:
        for name, rule in rules_of(policy.spec).items():
            enforce = rule.enforce or policy.spec.enforce
            exception = _exception(policy.spec.exceptions, name, stack, service)
            if enforce == "off" or (exception is not None and self._holds(exception)):
                continue
            for violation in RULES[name](rule, facts):
                denies, note = enforce == "deny" and exception is None, ""
                if exception is not None:
                    note = f"; its exception ended on {exception.until}: {exception.reason}"
                yield Finding(policy, name, violation.message, violation.path, denies, note)

    def _holds(self, exception: PolicyException) -> bool:
        return exception.until is None or self.today <= exception.until


def rules_of(spec: ContainerPolicySpec) -> Mapping[str, Rule]:
    """By the names that people know them by."""
    fields = type(spec.rules).model_fields
    return {str(field.alias): getattr(spec.rules, name) for name, field in fields.items()}


def _selects(spec: ContainerPolicySpec, stack: Stack) -> bool:
    return (
        _any_or_one_of(spec.hosts, stack.spec.host)
        and _any_or_one_of(spec.stacks, stack.name)
        and spec.stack_labels.items() <= stack.labels.items()
    )


def _selects_host(spec: ContainerPolicySpec, host: str) -> bool:
    """Where a policy is about certain Stacks, a container in none is not meant."""
    return _any_or_one_of(spec.hosts, host) and not spec.stacks and not spec.stack_labels


def _any_or_one_of(names: Collection[str], name: str) -> bool:
    return not names or name in names


def _exception(
    exceptions: Iterable[PolicyException], rule: str, stack: str, service: str
) -> PolicyException | None:
    """The one that lasts longest."""
    meant = [
        each
        for each in exceptions
        if rule in each.rules
        and _any_or_one_of(each.stacks, stack)
        and _any_or_one_of(each.services, service)
    ]
    return max(meant, key=lambda each: each.until or date.max, default=None)
