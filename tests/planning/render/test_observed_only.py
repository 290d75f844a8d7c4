"""What people read of a target that only reports, and of findings at places in the repository."""

import json
from dataclasses import replace

from argos_gitops.model.change import Cause
from argos_gitops.model.plan import NOT_AS_DESIRED, Failure, Held, Plan, SystemPlan
from argos_gitops.model.problem import Location, Problem
from argos_gitops.planning.render import github, markdown, problems, text
from argos_gitops.planning.render import json as as_json
from argos_gitops.planning.render.lines import plain
from argos_gitops.planning.render.summary import summarize, verdict
from tests.planning.plans import MOVE, NOW, REVISION, assemble
from tests.planning.world import CADDY

PLACE = Location("stacks/wiki/compose.yaml", 3, 5)
WARNING = Problem(PLACE, "PolicyViolation", "service web has no health check")


def observed() -> Plan:
    drifted = replace(MOVE, cause=Cause.DRIFT, since=NOW)
    held = Held(drifted, NOT_AS_DESIRED, "Edge/main only reports", intended=True)
    notice = Failure(WARNING.code, WARNING.message, MOVE.owner, "PolicyCompliant", PLACE)
    return assemble(REVISION, [SystemPlan(CADDY, held=(held,), notices=(notice,), observed_only=True)])


def test_it_is_neither_pending_nor_held_back() -> None:
    plan = observed()
    assert (plan.empty, len(plan.only_told)) == (True, 1)
    assert summarize(plan).sentence() == "1 not as desired"
    assert verdict(plan) == "Nothing blocked."


def test_people_read_where_to_put_it_right() -> None:
    told = plain(text.render(observed(), NOW))
    assert (
        "Not as desired, and nothing is ever written there\n  Edge/main only reports: 1 difference is" in told
    )
    assert "Worth knowing\n  stacks/wiki/compose.yaml:3: PolicyViolation: service web has no health" in told


def test_a_comment_on_a_pull_request_has_both() -> None:
    page = markdown.render(observed(), NOW)
    assert "Not as desired, and nothing is ever written there:\n\n- Edge/main only reports" in page
    assert "Worth knowing:\n\n- stacks/wiki/compose\\.yaml\\:3\\: PolicyViolation" in page
    assert "Not as desired:\n" in page
    assert "will be repaired" not in page


def test_a_finding_stands_beside_its_line() -> None:
    told = github.render(observed(), "edge").splitlines()
    assert told[0].startswith("::warning file=edge/stacks/wiki/compose.yaml,line=3,col=5,title=Plan ")
    assert told[1].startswith("::warning ")
    assert "(NotAsDesired)::Edge/main only reports" in told[1]


def test_programs_read_it_all() -> None:
    (system,) = json.loads(as_json.render(observed()))["systems"]
    assert system["observed_only"] is True
    assert system["notices"] == [
        {
            "reason": "PolicyViolation",
            "message": "service web has no health check",
            "subject": "Host/grafana",
            "condition": "PolicyCompliant",
            "location": {"path": "stacks/wiki/compose.yaml", "line": 3, "column": 5},
        }
    ]


def test_warnings_reject_nothing_and_are_told_all_the_same() -> None:
    assert plain(problems.text([], [WARNING])) == (
        "stacks/wiki/compose.yaml:3:5 PolicyViolation service web has no health check\n\n"
        "1 warning in 1 file.\nNo problems.\n"
    )
    assert json.loads(problems.as_json([], [WARNING]))["valid"] is True
    assert "**1 warning in 1 file.**" in problems.markdown([], [WARNING])
    assert problems.github([], warnings=[WARNING]).startswith(
        "::warning file=stacks/wiki/compose.yaml,line=3"
    )
