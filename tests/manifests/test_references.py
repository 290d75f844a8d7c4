"""References are found wherever a model can hold them."""

from typing import Annotated, ClassVar

from pydantic import Field

from argos_gitops.manifests.references import Reference, references, references_of
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import Resource, ResourceKey
from argos_gitops.model.spec import SpecModel, reference

Name = Annotated[str, reference("Thing")]


class _Inner(SpecModel):
    the_thing: Name = "usual"


class _Outer(SpecModel):
    kind: ClassVar[str] = "Outer"

    plain: Name
    maybe: Name | None = None
    many: tuple[Name, ...] = ()
    by_key: dict[str, _Inner] = Field(default_factory=dict)
    either: int | _Inner | Name = 0
    unrelated: str = "x"


class _Box(SpecModel):
    kind: ClassVar[str] = "Box"

    thing: Name | None = None
    boxes: tuple["_Box", ...] = ()
    lid: "_Lid | None" = None


class _Lid(SpecModel):
    under: _Box | None = None


def test_models_may_hold_themselves() -> None:
    """As deep as they do, directly or by way of others."""
    inner = _Box(thing="c", lid=_Lid(under=_Box(thing="d")))
    assert references(_Box(thing="a", boxes=(_Box(thing="b"), _Box(boxes=(inner,))))) == (
        Reference(("spec", "thing"), "Thing", "a"),
        Reference(("spec", "boxes", 0, "thing"), "Thing", "b"),
        Reference(("spec", "boxes", 1, "boxes", 0, "thing"), "Thing", "c"),
        Reference(("spec", "boxes", 1, "boxes", 0, "lid", "under", "thing"), "Thing", "d"),
    )


def test_references_are_found_with_the_way_to_them() -> None:
    """In fields, options, lists, mappings, unions and nested models; defaults count as written."""
    spec = _Outer(plain="a", many=("b", "c"), by_key={"k": _Inner()}, either=_Inner(the_thing="e"))
    assert references(spec) == (
        Reference(("spec", "plain"), "Thing", "a"),
        Reference(("spec", "many", 0), "Thing", "b"),
        Reference(("spec", "many", 1), "Thing", "c"),
        Reference(("spec", "byKey", "k", "theThing"), "Thing", "usual"),
        Reference(("spec", "either", "theThing"), "Thing", "e"),
    )


def test_a_resource_tells_what_it_names() -> None:
    spec: SpecModel = _Outer(plain="a", many=("a", "b"))
    resource = Resource(ResourceKey("Outer", "o"), spec, Location("o.yaml"), "")
    assert references_of(resource) == {ResourceKey("Thing", "a"), ResourceKey("Thing", "b")}
