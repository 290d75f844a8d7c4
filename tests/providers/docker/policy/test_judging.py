"""Which policies speak of whom, what they do, and where they do not hold."""

from datetime import date
from typing import Any

import pytest

from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.providers.docker.policy.facts import Facts
from argos_gitops.providers.docker.policy.judging import Finding, Judge, Stack
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.policy.conftest import policy

TODAY = date(2026, 6, 1)
ROOT = Facts(privileged=True)


@pytest.fixture
def stack(around: Surroundings) -> Stack:
    return around.stack({"compose.yaml": "services: {}"})


def judge(*policies: AnyResource, today: date = TODAY) -> Judge:
    return Judge.of(EagerResources(policies, "test"), today)


def found(*policies: AnyResource, stack: Stack, today: date = TODAY) -> list[Finding]:
    return judge(*policies, today=today).on_service(stack, "web", ROOT)


@pytest.mark.parametrize(
    ("spec", "speaks"),
    [
        ({}, True),
        ({"hosts": ["nas"]}, True),
        ({"hosts": ["other"]}, False),
        ({"stacks": ["wiki"]}, True),
        ({"stacks": ["other"]}, False),
        ({"stackLabels": {"tier": "edge"}}, False),
    ],
)
def test_whom_a_policy_speaks_of(stack: Stack, spec: dict[str, Any], speaks: bool) -> None:
    assert bool(found(policy(**spec), stack=stack)) is speaks
    assert judge(policy(**spec)).speaks_of(stack) is speaks


@pytest.mark.parametrize(
    ("spec", "speaks"),
    [({}, True), ({"hosts": ["nas"]}, True), ({"hosts": ["other"]}, False), ({"stacks": ["wiki"]}, False)],
)
def test_containers_in_no_stack(spec: dict[str, Any], speaks: bool) -> None:
    assert bool(judge(policy(**spec)).on_container("nas", "mine", ROOT)) is speaks


def test_a_rule_may_be_stricter_or_softer_than_its_policy(stack: Stack) -> None:
    (soft,) = found(policy(enforce="deny", rules={"privileged": {"enforce": "warn"}}), stack=stack)
    (strict,) = found(policy(enforce="warn", rules={"privileged": {"enforce": "deny"}}), stack=stack)
    assert (soft.denies, strict.denies) == (False, True)
    assert found(policy(rules={"privileged": {"enforce": "off"}}), stack=stack) == []


def test_what_two_policies_find_is_told_once_by_the_stricter(stack: Stack) -> None:
    (finding,) = found(policy("a"), policy("b", enforce="deny"), stack=stack)
    assert finding.sentence == "is privileged (privileged of ContainerPolicy/b)"


def exempt(**more: Any) -> AnyResource:
    exception = {"rules": ["privileged"], "reason": "needs the tape drive", **more}
    return policy(enforce="deny", exceptions=[exception])


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({}, True),
        ({"stacks": ["wiki"], "services": ["web"]}, True),
        ({"stacks": ["other"]}, False),
        ({"services": ["db"]}, False),
        ({"rules": ["nonRoot"]}, False),
        ({"until": "2026-06-01"}, True),
    ],
)
def test_where_a_rule_does_not_hold(stack: Stack, more: dict[str, Any], holds: bool) -> None:
    findings = found(exempt(**more), stack=stack)
    assert [each.denies for each in findings] == ([] if holds else [True])


def test_an_exception_that_ended_warns_and_never_rejects_what_it_let_pass(stack: Stack) -> None:
    """Time alone must not make a revision invalid that is in force."""
    (finding,) = found(exempt(until="2026-05-31"), stack=stack)
    assert not finding.denies
    assert finding.sentence.endswith("; its exception ended on 2026-05-31: needs the tape drive)")
