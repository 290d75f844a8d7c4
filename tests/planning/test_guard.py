"""The guard: what is blocked, what is not, and what an approval is worth."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.agent import GuardSpec
from argos_gitops.model.errors import StalePlanError, UnsafePlanError
from argos_gitops.model.objects import ManagedObject
from argos_gitops.model.plan import Plan, SystemPlan
from argos_gitops.model.source import Revision
from argos_gitops.planning.guard import APPROVAL_DIGITS, enforce, review
from tests.planning.plans import assemble
from tests.planning.world import CADDY, World, desires, entry, managed, worlds

REVISION = Revision("3f2a9c1" + "0" * 33, "t" * 40, "main", "move grafana")
LENIENT = GuardSpec(max_deletes=10_000, max_delete_share=1, max_updates=10_000, max_update_share=1)


def hosts(numbers: Iterable[int], version: int = 1) -> dict[str, ManagedObject]:
    return {f"host/h{number}": managed(f"host/h{number}", {"version": version}) for number in numbers}


def reasons(
    before: dict[str, ManagedObject], after: dict[str, ManagedObject], limits: GuardSpec | None = None
) -> tuple[str, ...]:
    """What the guard says to going from `before`, applied and untouched since, to `after`."""
    return review(CADDY, applied(before).difference(after), limits or GuardSpec())


def applied(before: dict[str, ManagedObject]) -> World:
    return World(
        {each: wanted.content for each, wanted in before.items()},
        inventory={each: entry(wanted) for each, wanted in before.items()},
    )


def removing(before: dict[str, ManagedObject], after: dict[str, ManagedObject]) -> Plan:
    difference = applied(before).difference(after)
    blocked = review(CADDY, difference, GuardSpec())
    return assemble(REVISION, [SystemPlan(CADDY, difference.changes, "f1", blocked=blocked)])


def test_fm02_an_empty_repository_is_planned_but_blocked_until_its_digest_is_approved() -> None:
    plan = removing(hosts(range(12)), {})
    assert len(plan.systems[0].changes) == 12
    assert "git holds nothing" in plan.blocked[0]
    with pytest.raises(UnsafePlanError, match="git holds nothing"):
        enforce(plan)
    enforce(plan, plan.digest)
    enforce(plan, plan.digest[:APPROVAL_DIGITS].upper())


def test_fm02_what_the_target_itself_needs_does_not_hide_an_empty_repository() -> None:
    server = {"edge/main": managed("edge/main", {"listen": ":443"})}
    assert "git holds nothing" in reasons({**server, **hosts([1])}, server)[0]


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize("limits", [GuardSpec(), LENIENT], ids=["default", "lenient"])
def test_fm03_removing_all_of_a_few_is_blocked_under_any_limits(count: int, limits: GuardSpec) -> None:
    service = {"service/app": managed("service/app", {"n": 1})}
    assert reasons({**service, **hosts(range(count))}, service, limits)
    assert reasons(hosts(range(count)), {}, limits)


@pytest.mark.parametrize(("deletes", "existing"), [(5, 6), (5, 12), (2, 3), (2, 6), (21, 100)])
def test_fm03_too_many_removals_are_blocked(deletes: int, existing: int) -> None:
    """5 of 6 and 5 of 12 are what octoDNS let pass."""
    (reason,) = reasons(hosts(range(existing)), hosts(range(deletes, existing)))
    assert f"{deletes} of {existing}" in reason
    assert "guard.maxDelete" in reason
    assert "--approve" in reason


@pytest.mark.parametrize(("deletes", "existing"), [(1, 2), (1, 3), (2, 7), (3, 10), (20, 100)])
def test_a_few_removals_are_not(deletes: int, existing: int) -> None:
    assert reasons(hosts(range(existing)), hosts(range(deletes, existing))) == ()


def test_many_kinds_do_not_hide_a_count() -> None:
    before = {**hosts(range(100)), **{f"ban/b{n}": managed(f"ban/b{n}", {}) for n in range(100)}}
    after = {each: wanted for each, wanted in before.items() if int(each[6:] or 0) >= 11}
    after |= {each: before[each] for each in before if each.startswith("ban/") and int(each[5:]) >= 11}
    (reason,) = reasons(before, after)
    assert "22 of 200 objects would be removed, and guard.maxDeletes is 20" in reason


def test_a_rename_of_the_only_host_passes() -> None:
    assert reasons(hosts([1]), hosts([2])) == ()


@given(st.integers(1, 60), st.data())
def test_fm03_no_number_is_a_blind_spot(existing: int, data: st.DataObject) -> None:
    """Whatever passes unasked leaves something of the kind, and removes one or at most three in ten."""
    left = data.draw(st.sets(st.integers(0, existing - 1)))
    service = {"service/app": managed("service/app", {"n": 1})}
    removed = existing - len(left)
    if not reasons({**service, **hosts(range(existing))}, {**service, **hosts(left)}):
        assert left
        assert removed <= 20
        assert removed <= 1 or removed / existing <= 0.3


@given(desires(), worlds(), st.booleans())
def test_the_guard_has_an_answer_to_everything(
    desired: dict[str, ManagedObject], world: World, lenient: bool
) -> None:
    """And it is the same answer again; without changes it has nothing to say."""
    difference = world.difference(desired)
    limits = LENIENT if lenient else GuardSpec()
    found = review(CADDY, difference, limits)
    assert found == review(CADDY, world.difference(dict(reversed(desired.items()))), limits)
    assert difference.changes or not found


def test_updates_are_limited_by_share_and_by_count() -> None:
    (share,) = reasons(hosts(range(10)), hosts(range(6), 2) | hosts(range(6, 10)))
    assert "6 of 10 Host objects (60%) would be changed, and guard.maxUpdateShare is 50%" in share
    (count,) = reasons(hosts(range(300)), hosts(range(101), 2) | hosts(range(101, 300)))
    assert "101 objects would be changed, and guard.maxUpdates is 100" in count
    assert reasons(hosts(range(5)), hosts(range(5), 2)) == ()


def test_repairs_count_against_no_limit_on_updates() -> None:
    """All of 300 hosts were changed or lost on the target; bringing them back is what the agent is for."""
    desired = hosts(range(300))
    world = applied(desired)
    world.live = {each: {"version": 66} for each in list(desired)[:200]}
    difference = world.difference(desired)
    assert len(difference.changes) == 300
    assert review(CADDY, difference, GuardSpec()) == ()


def test_what_was_added_on_the_target_may_go_one_by_one_but_not_a_whole_configuration() -> None:
    """A server that was never ours is not wiped by the first pass."""
    world = applied(hosts(range(9)))
    world.live["foreign/1"] = {"n": 1}
    assert review(CADDY, world.difference(hosts(range(9))), GuardSpec()) == ()
    taken = World({f"foreign/{number}": {"n": number} for number in range(12)})
    assert review(CADDY, taken.difference(hosts([1])), GuardSpec()) != ()


def test_a_hazard_always_blocks() -> None:
    hazard = "Decision/office covers 198.51.100.7, which guard.protectedAddresses names"
    difference = applied({}).difference(hosts([1]))
    assert review(CADDY, difference, LENIENT, [hazard]) == (f"Edge/main caddy: {hazard}",)


BLOCKED = removing(hosts(range(6)), hosts([5]))
FREE = removing(hosts(range(6)), hosts(range(1, 6)))
NOTHING = removing(hosts(range(6)), hosts(range(6)))
PLANS = pytest.mark.parametrize("plan", [BLOCKED, FREE, NOTHING], ids=["blocked", "free", "nothing to do"])


@PLANS
@pytest.mark.parametrize("pin", ["deadbeefdeadbeef", "0" * 32, "f" * 12])
def test_fm04_an_approval_of_another_plan_is_an_error_whatever_the_plan(plan: Plan, pin: str) -> None:
    with pytest.raises(StalePlanError, match="is not for this plan") as caught:
        enforce(plan, pin)
    assert caught.value.reason == "ApprovalMismatch"


@PLANS
@pytest.mark.parametrize("pin", ["", " ", "yes", "deadbeef", "-", "*", "x" * 12, "0x" + "a" * 12, "a" * 33])
def test_fm04_what_cannot_be_verified_is_an_error_whatever_the_plan(plan: Plan, pin: str) -> None:
    with pytest.raises(UnsafePlanError, match="cannot be verified: expected 12 to 32 hex digits"):
        enforce(plan, pin)


@PLANS
def test_fm04_too_few_digits_of_the_right_digest_are_an_error(plan: Plan) -> None:
    for digits in range(APPROVAL_DIGITS):
        with pytest.raises(UnsafePlanError, match="cannot be verified"):
            enforce(plan, plan.digest[:digits])
    enforce(plan, plan.digest[:APPROVAL_DIGITS])


def test_an_approval_covers_the_reasons_that_were_read() -> None:
    """A hazard that shows up after the approval makes another digest, so it was never approved."""
    system = BLOCKED.systems[0]
    hazard = (*system.blocked, "Edge/main caddy: Decision/office covers 198.51.100.7")
    later = assemble(REVISION, [SystemPlan(CADDY, system.changes, "f1", blocked=hazard)])
    with pytest.raises(StalePlanError):
        enforce(later, BLOCKED.digest)


def test_nothing_blocked_needs_no_approval() -> None:
    enforce(FREE)
    enforce(NOTHING)
