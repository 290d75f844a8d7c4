"""A plan as workflow commands of GitHub."""

from argos_gitops.planning.render import github
from tests.planning.plans import MOVE, REPAIR, example, many, of_changes, troubled


def test_changes_stand_beside_their_lines_and_drift_comes_first() -> None:
    printed = github.render(of_changes(MOVE, REPAIR), root="edge").splitlines()
    assert printed[0] == (
        "::warning file=edge/hosts/wiki.yaml,line=1,col=1,title=Host/wiki (drift)::"
        "update host/wiki: X-Frame-Options (none) → DENY"
    )
    assert printed[1] == (
        "::notice file=edge/hosts/grafana.yaml,line=9,col=3,title=Host/grafana (revision)::"
        "update host/grafana: upstream 10.0.0.5:3000 → 10.0.0.6:3000"
    )
    assert printed[2].startswith("::notice title=Plan ")


def test_what_blocks_or_fails_is_an_error() -> None:
    plan = troubled()
    errors = [command for command in github.render(plan).splitlines() if command.startswith("::error ")]
    assert len(errors) == 2
    assert "(83%25) would be removed" in errors[0]
    assert f"argos-gitops apply --approve {plan.digest[:12]}" in errors[0]
    assert "Edge/main crowdsec was not observed" in errors[1]


def test_no_more_than_github_keeps_and_the_sum_always_stands() -> None:
    printed = github.render(many(10_000)).splitlines()
    assert len(printed) == github.MAX_ANNOTATIONS
    assert "10,000 to add, 1 to remove. Nothing blocked." in printed[-1]


def test_properties_cannot_be_broken_out_of() -> None:
    command = github.annotation("error", "a,b::c", "100% ::error::x\n::error::y")
    assert command == "::error title=a%2Cb%3A%3Cc::".replace("%3C", "%3A") + "100%25 ::error::x\\n::error::y"


def test_a_removal_has_no_line() -> None:
    assert "::notice title=Decision/old-scanner (revision)::delete decision/old-scanner\n" in github.render(
        example()
    )
