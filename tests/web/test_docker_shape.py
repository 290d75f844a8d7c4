"""How much of a report is looked at and kept, whatever an agent sends."""

from collections.abc import Mapping
from typing import Any

import pytest

from argos_gitops.ports.reports import IncomingReport
from argos_gitops.web.docker_shape import MOST_ENTRIES, parse_report
from tests.regexes import growth
from tests.web.dockers import container, report


def _shape(**changed: Any) -> Mapping[str, Any]:
    """What is kept of a container that differs from the seed's example in these fields."""
    found = parse_report(report(container(**changed)))
    assert isinstance(found, IncomingReport)
    return found.containers[0]


def test_the_text_of_a_report_is_bounded_and_what_is_cut_is_said() -> None:
    """Text that may hold secrets; what was not looked through is not shown either."""
    long = "--password " + "x" * 100_000
    kept = _shape(
        command=long, env=[{"key": "A", "value": long}, {"key": "B", "value": "b"}], labels={"a": long}
    )
    assert kept["command"] == kept["env"][0]["value"] == kept["labels"]["a"] == "(truncated)"
    assert kept["env"][1] == {"key": "B", "value": "b"}
    assert kept["truncated"] == ["command", "env", "labels"]


def test_the_text_of_all_containers_is_bounded_together() -> None:
    """A packed report of 20 KB is megabytes of it: the first are shown, the others say so."""
    long = "--password " + "x" * 30_000
    found = parse_report(report(*(container(f"c{number}", command=long) for number in range(100))))
    assert isinstance(found, IncomingReport)
    cut = [each.get("truncated", []) for each in found.containers]
    assert cut[:30] == [[]] * 30
    assert cut[-30:] == [["command"]] * 30
    assert all(len(each["command"]) < 100 for each in found.containers)


def test_lists_of_a_container_are_bounded_and_what_is_cut_is_said() -> None:
    kept = _shape(
        mounts=[{"destination": f"/{number}"} for number in range(100_000)],
        labels={f"l{number}": "" for number in range(100_000)},
        security={"capAdd": ["X"] * 100_000},
        unknown=["x"] * 100_000,
    )
    assert len(kept["mounts"]) == len(kept["labels"]) == len(kept["security"]["capAdd"]) == MOST_ENTRIES
    assert kept["truncated"] == ["labels", "mounts", "security"]


def test_a_report_with_all_its_text_is_not_cut() -> None:
    assert "truncated" not in _shape()
    assert "truncated" not in _shape(truncated=["env"]), "an agent does not say what we cut"


@pytest.mark.parametrize("unit", ["eyJ-", "@://", "--apassa ", "password=", "$2y$"])
def test_masking_a_report_takes_as_long_as_the_report_is(unit: str) -> None:
    """Whatever its text is made of: a quarter of it takes about a quarter of the time."""

    def made(size: int) -> Any:
        text = unit * (size // len(unit))
        return report(container(command=text, env=[{"key": f"V{n}", "value": text} for n in range(4)]))

    assert not growth(parse_report, made, 32_768)
