"""Which drift is repaired, and which is only told."""

import pytest

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.resource import DRIFT_ANNOTATION, ResourceKey
from argos_gitops.planning.drift import DriftModes
from tests.fakes import box, thing
from tests.planning.world import CADDY, EDGE, owner_of

_WIKI = ResourceKey("Host", "wiki")


def _drift(cause: Cause = Cause.DRIFT, object_id: str = "host/wiki") -> Change:
    return Change(Action.UPDATE, cause, object_id, owner_of(object_id), {"value": 1}, {"value": 2})


@pytest.mark.parametrize(
    ("default", "annotated", "reason", "who"),
    [
        ("report", {}, "Reported", "spec.drift.mode of the Agent"),
        ("propose", {}, "Proposed", "spec.drift.mode of the Agent"),
        ("repair", {_WIKI: "report"}, "Reported", "argos.dev/drift of Host/wiki"),
        ("repair", {EDGE: "propose"}, "Proposed", "argos.dev/drift of Edge/main"),
        ("propose", {EDGE: "propose", _WIKI: "report"}, "Reported", "argos.dev/drift of Host/wiki"),
    ],
)
def test_the_nearest_word_counts(
    default: str, annotated: dict[ResourceKey, str], reason: str, who: str
) -> None:
    """The owner's, then its target's, then the Agent's; who asked is told."""
    held = DriftModes(default, annotated)(CADDY, _drift())
    assert held is not None
    assert (held.reason, held.intended, held.accepted) == (reason, True, True)
    assert who in held.message


@pytest.mark.parametrize(
    ("default", "annotated"), [("repair", {}), ("report", {_WIKI: "repair"}), ("propose", {EDGE: "repair"})]
)
def test_repair_lets_it_through(default: str, annotated: dict[ResourceKey, str]) -> None:
    assert DriftModes(default, annotated)(CADDY, _drift()) is None


@pytest.mark.parametrize("cause", [Cause.REVISION, Cause.EXPIRY])
def test_what_git_changed_and_renewals_are_no_drift(cause: Cause) -> None:
    """A standing ban must not run out because drift is only reported."""
    assert DriftModes("report")(CADDY, _drift(cause)) is None


def test_annotations_of_resources_are_found() -> None:
    modes = DriftModes.of([thing("x", "1", {DRIFT_ANNOTATION: "report"}), thing("y", "1"), box()], "repair")
    assert modes.annotated == {ResourceKey("Thing", "x"): "report"}
