"""Labels in Compose files, and the Hosts, Services or problems that come of them: tests/cases/labels."""

from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.manifests.loader import Loaded
from tests.cases.runner import case_folders, read
from tests.providers.docker.labels.estate import Estate, said


def in_words(loaded: Loaded) -> dict[str, Any]:
    """What came of a case, in the form of its `expected.yaml`."""
    if loaded.problems:
        return {"problems": [str(problem).removeprefix("stacks/") for problem in loaded.problems]}
    warnings = [str(warning).removeprefix("stacks/") for warning in loaded.warnings]
    found = {"hosts": said(loaded, "Host"), "services": said(loaded, "Service")}
    return {**found, "warnings": warnings} if warnings else found


def prepare(estate: Estate, case: Path) -> None:
    """The Stacks of a case: each Compose file is one, and `estate.yaml` says more of them."""
    given = read(case / "estate.yaml")
    for file in sorted(case.glob("*.compose.yaml")):
        name = file.name.removesuffix(".compose.yaml")
        estate.add(name, file.read_text(), **{**given.get("stack", {}), **given.get(name, {})})
    estate.edge = given.get("edge", estate.edge)
    estate.host = given.get("host", estate.host)
    estate.further = given.get("resources", ())


@pytest.mark.parametrize("case", case_folders("labels"), ids=attrgetter("name"))
def test_case(estate: Estate, case: Path) -> None:
    prepare(estate, case)
    assert in_words(estate.load()) == read(case / "expected.yaml")
