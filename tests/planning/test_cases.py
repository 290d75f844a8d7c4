"""The planner's own cases: what is desired, live and in the inventory, and the plan that comes out."""

from operator import attrgetter
from pathlib import Path

import pytest

from tests.cases.runner import Reading, case_folders, expected, planned

CASES = case_folders("planning")


@pytest.mark.parametrize("case", CASES, ids=attrgetter("name"))
def test_a_case_gives_its_plan(case: Path) -> None:
    assert planned(case, Reading()) == expected(case)


def test_one_case_is_a_no_op() -> None:
    assert any(expected(case) == {"changes": []} for case in CASES)
