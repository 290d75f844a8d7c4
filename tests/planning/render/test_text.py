"""A plan as people read it."""

from dataclasses import replace

from argos_gitops.model.change import Action, Cause, Change, FieldChange
from argos_gitops.model.plan import REPORTED, Failure, Held, Plan, SystemKey, SystemPlan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.render import text
from argos_gitops.planning.render.lines import plain
from tests.planning.plans import (
    BAN,
    MOVE,
    NOW,
    REMOVAL,
    RENEWAL,
    REPAIR,
    REVISION,
    assemble,
    example,
    many,
    of_changes,
    troubled,
)
from tests.planning.world import CADDY


def shown(plan: Plan) -> str:
    return plain(text.render(plan, NOW))


def test_the_example_of_the_design() -> None:
    plan = example()
    assert (
        shown(plan)
        == f"""\
Revision 3f2a9c1 "move grafana" (main) · applied 81bd00e 2 h ago · Edge/main

  ~ Host/grafana          hosts/grafana.yaml:9
      upstream            10.0.0.5:3000 → 10.0.0.6:3000
  ! Host/wiki             drift since 14:02, not from git; will be repaired
      X-Frame-Options     DENY → (gone on the edge)
  + CountryBan/ng         bans/countries.yaml:1
      ranges              1,248 (877 IPv4, 371 IPv6), 3 taken out by Allowlist/partners
  - Decision/old-scanner  removed in 3f2a9c1

Plan {plan.short}: 1 to add, 1 to change, 1 to remove, 1 drifted. Nothing blocked.
"""
    )


def test_a_plan_in_trouble_says_what_to_do() -> None:
    plan = troubled()
    told = shown(plan)
    assert "Held back\n  Host/blog is suspended (argos.dev/suspend): the update of host/blog waits\n" in told
    assert "\n  ~ Host/blog             hosts/blog.yaml:1\n" in told
    assert "Worth knowing\n  Edge/main caddy: CaddyTooOld: Caddy 2.6.2 lacks trusted_proxies" in told
    assert "Not observed, and left alone until it answers\n  Edge/main crowdsec: Unreachable: http" in told
    assert "Blocked\n  Edge/main caddy: 5 of 6 Host objects (83%) would be removed" in told
    assert f"To apply this plan all the same: argos-gitops apply --approve {plan.digest[:12]}\n" in told
    assert told.endswith(": 1 to change. 1 system not observed. 1 change held back. Blocked for 1 reason.\n")


def test_nothing_to_do_is_said_in_two_lines() -> None:
    plan = assemble(REVISION, [SystemPlan(CADDY)], applied_revision=REVISION.sha, applied_at=NOW)
    assert shown(plan) == (
        'Revision 3f2a9c1 "move grafana" (main) · applied just now · Edge/main\n\n'
        f"Plan {plan.short}: nothing to change. Nothing blocked.\n"
    )


def test_a_directory_is_called_one_and_a_first_apply_says_so() -> None:
    plan = assemble(replace(REVISION, is_commit=False, ref="", subject=""), [])
    assert shown(plan).startswith("Directory 3f2a9c1 · nothing applied yet\n")


def test_each_way_of_drifting_is_told() -> None:
    gone = replace(REPAIR, action=Action.CREATE)
    extra = replace(REPAIR, action=Action.DELETE, fields=(FieldChange("path", "/admin", None),))
    assert "drift since 14:02, gone on the edge; will be made again" in shown(of_changes(gone))
    told = shown(of_changes(extra))
    assert "drift since 14:02, not in git; will be removed" in told
    assert "      path                /admin\n" in told


def test_drift_that_stays_promises_no_repair() -> None:
    held = Held(replace(REPAIR, note="changed through Caddy's admin API"), REPORTED, "drift is reported")
    told = shown(assemble(REVISION, [SystemPlan(CADDY, held=(held,))]))
    assert "drift is reported: the update of host/wiki waits" in told
    assert "drift since 14:02, not from git\n" in told
    assert "changed through Caddy's admin API" in told


def test_a_drift_of_another_day_has_a_date() -> None:
    old = replace(REPAIR, since=NOW.replace(day=1, month=5))
    assert "drift since 2026-05-01 15:30" in shown(of_changes(old))


def test_a_renewal_and_a_note_are_told() -> None:
    told = shown(of_changes(RENEWAL, replace(MOVE, note="was also changed on the target")))
    assert "↻ Decision/scanner      to be renewed since 2026-06-01 15:00 UTC\n" in told
    assert "      was also changed on the target\n" in told
    assert "1 to change, 1 to renew" in told


def test_a_change_without_visible_fields_says_that_it_is_one() -> None:
    assert "differs in what is not shown" in shown(of_changes(replace(MOVE, fields=())))


def test_long_lists_are_folded_and_removals_are_never_folded_away() -> None:
    told = shown(many(10_000))
    assert "+ Host/h00049" in told
    assert "+ Host/h00050" not in told
    assert "+ … and 9,950 more Host objects (see -o json)" in told
    assert "- Decision/old-scanner" in told
    assert told.count("\n") < 70


def test_many_fields_are_folded() -> None:
    fields = tuple(FieldChange(f"field {number}", "a", "b") for number in range(100))
    told = shown(of_changes(replace(MOVE, fields=fields)))
    assert "… and 92 more fields" in told


def test_many_sentences_are_folded() -> None:
    notices = tuple(Failure("Odd", f"odd {number}") for number in range(100))
    plan = assemble(REVISION, [SystemPlan(CADDY, notices=notices)])
    assert "… and 80 more" in shown(plan)


def test_long_values_are_shortened_where_they_differ() -> None:
    before, after = "x" * 100 + "old" + "y" * 100, "x" * 100 + "new" + "y" * 100
    told = shown(of_changes(replace(MOVE, fields=(FieldChange("value", before, after),))))
    assert "…xxxxxxxxxxxxoldyyy" in told
    assert "…xxxxxxxxxxxxnewyyy" in told
    assert max(map(len, told.splitlines())) < 170


def test_several_targets_are_named_above_their_changes() -> None:
    second = SystemKey(ResourceKey("DockerHost", "nas"), "docker")
    gone = replace(REPAIR, action=Action.CREATE)
    told = shown(assemble(REVISION, [SystemPlan(CADDY, (MOVE,)), SystemPlan(second, (gone,))]))
    assert "· DockerHost/nas, Edge/main\n" in told
    assert "DockerHost/nas\n  ! Host/wiki" in told
    assert "gone on the docker host" in told
    assert "Edge/main\n  ~ Host/grafana" in told


def test_objects_of_one_owner_are_told_apart() -> None:
    told = shown(of_changes(MOVE, replace(MOVE, object_id="tls/grafana")))
    assert "~ Host/grafana host/grafana" in told
    assert "~ Host/grafana tls/grafana" in told


def test_columns_hold_for_wide_characters() -> None:
    fields = (FieldChange("名前", "a", "b"), FieldChange("name", "a", "b"))
    told = shown(of_changes(replace(MOVE, fields=fields))).splitlines()
    assert "      名前                a → b" in told
    assert "      name                a → b" in told


def test_a_failed_system_stands_with_its_reason() -> None:
    plan = assemble(REVISION, [SystemPlan(CADDY, failure=Failure("Rejected", "403 host not allowed"))])
    assert "Edge/main caddy: Rejected: 403 host not allowed" in shown(plan)
    assert "1 system not observed." in shown(plan)


def test_what_is_added_lists_its_fields_until_there_are_too_many() -> None:
    assert "domains" in shown(many(3))
    assert "domains" not in shown(many(30))
    removal: Change = replace(REMOVAL, cause=Cause.REVISION)
    assert "203.0.113.7" not in shown(of_changes(removal, BAN))
