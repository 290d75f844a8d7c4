"""What holds changes back, and how it is told."""

from argos_gitops.model.plan import Held
from argos_gitops.model.resource import SUSPEND_ANNOTATION, ResourceKey
from argos_gitops.planning.holds import Suspended, first_objection, sentences
from tests.planning.plans import BAN, EDIT, MOVE
from tests.planning.world import CADDY, EDGE


def test_a_person_is_named_and_does_not_count_as_git() -> None:
    """Whoever looks at a suspended resource learns whom to ask; the revision is not applied there."""
    hold = Suspended({EDIT.owner: "by user/ann@desk: moving house"})
    held = hold(CADDY, EDIT)
    assert held == Held(EDIT, "Suspended", "Host/blog is suspended (by user/ann@desk: moving house)")
    assert hold(CADDY, MOVE) is None


def test_what_git_suspends_is_intended() -> None:
    held = Suspended({EDGE: SUSPEND_ANNOTATION})(CADDY, EDIT)
    assert held is not None
    assert held.intended


def test_a_suspended_agent_holds_everything_and_is_told_once_for_each_target() -> None:
    hold = Suspended({EDIT.owner: SUSPEND_ANNOTATION}, "by user/ann@desk")
    for change in (EDIT, MOVE, BAN):
        held = hold(CADDY, change)
        assert held is not None
        assert (held.message, held.intended) == ("the agent is suspended (by user/ann@desk)", False)
    assert hold.of(EDGE, [EDIT.owner, MOVE.owner]) == {EDGE: "the agent is suspended (by user/ann@desk)"}


def test_only_what_is_suspended_by_itself_is_told_of_a_suspended_target() -> None:
    hold = Suspended({EDGE: SUSPEND_ANNOTATION, EDIT.owner: "by user/ann@desk"})
    assert set(hold.of(EDGE, [EDIT.owner, MOVE.owner])) == {EDGE, EDIT.owner}


def test_the_first_objection_counts() -> None:
    one, other = Suspended({EDGE: "by one"}), Suspended({EDGE: "by another"})
    held = first_objection([one, other], CADDY, EDIT)
    assert held is not None
    assert held.message == "Edge/main is suspended (by one)"


def test_what_waits_for_one_reason_is_one_sentence() -> None:
    """Ten thousand changes that wait for a window are one line of a plan."""
    window = [Held(change, "WindowClosed", "Edge/main is closed") for change in (MOVE, BAN)]
    alone = Held(EDIT, "Suspended", "Host/blog is suspended (by user/ann@desk)")
    assert sentences([window[0], alone, window[1]]) == (
        "Edge/main is closed: 2 changes wait",
        "Host/blog is suspended (by user/ann@desk): the update of host/blog waits",
    )


def test_an_unknown_owner_is_nobody() -> None:
    assert Suspended().why(ResourceKey("Host", "x")) == ""
