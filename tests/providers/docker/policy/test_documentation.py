"""docs/container-policy.md says what the code does."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from argos_gitops.providers.docker.policy.kinds import ContainerPolicySpec
from argos_gitops.providers.docker.policy.rules import RULES

PAGE = (Path(__file__).parents[4] / "docs" / "container-policy.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_told_with_what_can_be_chosen(rule: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if re.match(rf"\|.*`{rule}`.*\|", line)]
    fields = type(getattr(ContainerPolicySpec().rules, re.sub("([A-Z])", r"_\1", rule).lower())).model_fields
    assert [
        field.alias for field in fields.values() if field.alias != "enforce" and str(field.alias) not in row
    ] == []


@pytest.mark.parametrize("text", EXAMPLES)
def test_each_example_is_a_policy(text: str) -> None:
    document = YAML(typ="safe", pure=True).load(text)
    assert document["kind"] == "ContainerPolicy"
    ContainerPolicySpec.model_validate(document["spec"])


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3
