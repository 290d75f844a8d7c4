"""The pages about the guard and the plan's JSON say what the code does."""

import json
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from argos_gitops.model.agent import AgentSpec, GuardSpec
from argos_gitops.planning.guard import ALWAYS_UPDATES, APPROVAL_DIGITS
from argos_gitops.planning.render.json import document
from tests.cases.runner import case_folders, expected
from tests.planning.plans import example, troubled

DOCS = Path(__file__).parents[2] / "docs"
GUARD = (DOCS / "guard.md").read_text()
PLAN_JSON = (DOCS / "reference" / "plan-json.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_every_reason_that_the_guard_page_quotes_is_one_of_a_planner_case() -> None:
    given = {reason for case in case_folders("planning") for reason in expected(case).get("blocked", [])}
    (quoted,) = blocks(GUARD, "text")
    assert set(quoted.splitlines()) == given


def test_the_guard_page_tells_every_limit_with_its_default() -> None:
    manifest = blocks(GUARD, "yaml")[-1]
    limits = GuardSpec.model_validate(YAML(typ="safe").load(manifest)["spec"]["guard"])
    assert limits == GuardSpec(protected_addresses=limits.protected_addresses)
    for field in GuardSpec.model_fields.values():
        assert f"`{field.alias}`" in GUARD
    assert f"At least {APPROVAL_DIGITS} of its 32 digits" in GUARD
    assert ALWAYS_UPDATES == 5
    assert "five always may" in GUARD


def test_the_windows_of_the_guard_page_are_windows() -> None:
    spec = YAML(typ="safe").load(blocks(GUARD, "yaml")[0])["spec"]
    windows = AgentSpec.model_validate(spec).windows
    assert {window.kind_ for window in windows} == {"allow", "deny"}


def test_the_example_of_the_json_page_is_what_the_code_renders() -> None:
    (shown,) = blocks(PLAN_JSON, "json")
    assert json.loads(shown) == document(troubled())


def test_the_json_page_tells_every_field() -> None:
    for name in _names(document(troubled())) | _names(document(example())):
        assert f"`{name}`" in PLAN_JSON


def _names(value: Any) -> set[str]:
    """The field names of a document; `existing` is keyed by kinds, which are no fields."""
    if isinstance(value, list):
        return {name for each in value for name in _names(each)}
    if isinstance(value, dict):
        return set(value) | {
            name for key, each in value.items() if key != "existing" for name in _names(each)
        }
    return set()
