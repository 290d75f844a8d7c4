"""argos.dev/dependsOn: what is depended on must exist, and must not depend on the dependent."""

from argos_gitops.manifests.dependencies import dependencies_can_be_met
from argos_gitops.model.resource import AnyResource, EagerResources
from tests.fakes import box


def _codes(*boxes: AnyResource) -> list[str]:
    return [problem.code for problem in dependencies_can_be_met(EagerResources(boxes, "x"))]


def _box(name: str, wants: str) -> AnyResource:
    return box(name, **{"argos.dev/dependsOn": wants})


def test_a_chain_can_be_met() -> None:
    assert _codes(box("a"), _box("b", "Box/a"), _box("c", "Box/a, Box/b")) == []


def test_what_does_not_exist_is_waited_for_in_vain() -> None:
    assert _codes(_box("b", "Box/nowhere")) == ["MissingReference"]


def test_a_loop_is_told_at_each_of_its_members() -> None:
    """Also one over several, and one that somebody outside depends on."""
    loop = [_box("a", "Box/b"), _box("b", "Box/c"), _box("c", "Box/a")]
    assert _codes(*loop, _box("outside", "Box/a")) == ["DependencyLoop"] * 3
    assert _codes(_box("a", "Box/a")) == ["DependencyLoop"]
