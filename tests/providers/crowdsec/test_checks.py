"""Rules between resources: each problem has a code, a place, and the other resource by name."""

from collections.abc import Sequence

import pytest

from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.providers.crowdsec.checks import CHECKS
from tests.fakes import resource
from tests.providers.crowdsec.edge import EdgeSpec, allowlist, country, decision, edge

_MAIN = edge("main", "http://127.0.0.1:8081")


def _problems(*resources: AnyResource) -> Sequence[Problem]:
    revision = EagerResources((_MAIN, *resources), "test")
    return [problem for check in CHECKS for problem in check(revision)]


def _codes(*resources: AnyResource) -> Sequence[str]:
    return [problem.code for problem in _problems(*resources)]


def test_a_value_is_decided_on_once_for_each_edge() -> None:
    """However it is spelled; a /32 is its address. On another Edge it is another matter."""
    first, second = decision("a", "203.0.113.7"), decision("b", "203.0.113.7/32", type="captcha")
    [problem] = _problems(first, second)
    assert problem.code == "DuplicateDecision"
    assert problem.location == second.location
    assert "Decision/a" in problem.message
    other = edge("other", "http://127.0.0.1:8082")
    assert _codes(first, decision("b", "203.0.113.7", edge="other"), other) == []


def test_a_decision_inside_the_range_of_another_is_fine() -> None:
    assert _codes(decision("a", "203.0.113.0/24"), decision("b", "203.0.113.7", type="captcha")) == []


@pytest.mark.parametrize(
    ("listed", "codes"), [("203.0.113.0/24", ["DecisionAllowlisted"]), ("203.0.113.64/26", [])]
)
def test_a_decision_that_an_allowlist_takes_out_whole_is_a_contradiction(
    listed: str, codes: list[str]
) -> None:
    """Losing a part of its range is what Allowlists are for."""
    assert _codes(decision("a", "203.0.113.0/25"), allowlist("us", listed)) == codes


def test_an_allowlist_counts_only_where_it_holds() -> None:
    listed = allowlist("us", "203.0.113.0/24", edges=["other"])
    assert _codes(decision("a", "203.0.113.7"), listed, edge("other", "http://127.0.0.1:8082")) == []


def test_a_country_is_banned_once_for_each_edge() -> None:
    second = resource("CountryBan", "again", country("NG").spec)
    assert _codes(country("NG"), second, country("IR")) == ["DuplicateCountry"]


def test_an_edge_needs_a_crowdsec_section() -> None:
    """For whatever is meant for it; a missing Edge is the business of references."""
    bare = resource("Edge", "bare", EdgeSpec())
    uses = (decision("a", "203.0.113.7", edge="bare"), country("NG", edge="bare"))
    assert _codes(*uses, allowlist("us", "192.0.2.1", edges=["bare"]), bare) == ["EdgeWithoutCrowdSec"] * 3
    assert _codes(*uses) == []
