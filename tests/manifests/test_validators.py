"""The validators are jsonschema's, only quicker: they accept the same."""

from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import Field

from argos_gitops.manifests.schema import DocumentModels, schemas
from argos_gitops.manifests.validators import lean, validator
from argos_gitops.model.spec import SpecModel
from tests.manifests.revisions import REGISTRY, Shelf

SCHEMAS = schemas(REGISTRY)

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(0, 12)
    | st.sampled_from(["red", "a", "A B", "90s", "FOO", "1MiB"])
)
_SPEC = st.fixed_dictionaries(
    {},
    optional={
        "colour": _LEAVES,
        "shelves": st.lists(
            st.dictionaries(
                st.sampled_from(["height", "books", "x"]), _LEAVES | st.lists(_LEAVES, max_size=2)
            ),
            max_size=2,
        ),
        "lock": _LEAVES | st.dictionaries(st.sampled_from(["env", "file", "x"]), _LEAVES),
        "codes": st.dictionaries(
            st.just("a"), _LEAVES | st.dictionaries(st.sampled_from(["env", "x"]), _LEAVES)
        ),
        "favourite": _LEAVES,
        "patience": _LEAVES,
        "x": _LEAVES,
    },
)


@given(_SPEC)
def test_the_lean_schema_accepts_what_the_published_one_does(spec: dict[str, Any]) -> None:
    """Judged by the unchanged Draft 2020-12 validator of jsonschema on the schema as it is exported."""
    content: Any = {"apiVersion": "argos.dev/v1", "kind": "Rack", "metadata": {"name": "r"}, "spec": spec}
    accepted = Draft202012Validator(SCHEMAS["Rack"]).is_valid(content)
    assert validator(lean(SCHEMAS["Rack"])).is_valid(content) is accepted
    assert validator(SCHEMAS["Rack"]).is_valid(content) is accepted
    assert Draft202012Validator(SCHEMAS["argos"]).is_valid(content) is accepted


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@given(
    st.lists(st.integers(0, 3) | st.text(max_size=1) | st.lists(st.integers(0, 1), max_size=2), max_size=5)
)
def test_unique_items_means_the_same(items: list[Any]) -> None:
    assert validator({"uniqueItems": True}).is_valid(items) is Draft202012Validator(
        {"uniqueItems": True}
    ).is_valid(items)


@given(st.integers(-5, 25))
def test_one_of_means_the_same(value: int) -> None:
    """None, one, and more than one fitting alternative."""
    schema = {"oneOf": [{"minimum": 0, "maximum": 10}, {"minimum": 8, "maximum": 20}, {"type": "string"}]}
    assert validator(schema).is_valid(value) is Draft202012Validator(schema).is_valid(value)


def test_unique_items_of_a_long_list_are_no_square() -> None:
    """Unsortable items would be compared each with each."""
    assert validator({"uniqueItems": True}).is_valid([value for n in range(50_000) for value in (n, str(n))])


def test_a_schema_that_refers_to_itself_keeps_its_references() -> None:
    schema = {"$defs": {"Tree": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}, "$ref": "#/$defs/Tree"}
    assert lean(schema) == schema
    assert validator(lean(schema)).is_valid([[], [[]]])


class _Part(SpecModel):
    size: int = Field(1, ge=1, le=9)
    parts: tuple["_Part", ...] = ()


class _WholeSpec(SpecModel):
    """Made of parts."""

    kind: ClassVar[str] = "Whole"

    shelf: Shelf | None = None
    parts: tuple[_Part, ...] = ()


_PARTS = st.recursive(
    st.fixed_dictionaries({}, optional={"size": _LEAVES}),
    lambda inner: st.fixed_dictionaries({"parts": st.lists(inner, max_size=2)}, optional={"x": _LEAVES}),
    max_leaves=4,
)


@given(st.lists(_PARTS, max_size=3), st.dictionaries(st.sampled_from(["height", "x"]), _LEAVES))
def test_a_schema_that_holds_itself_keeps_references_to_that_alone(parts: Any, shelf: Any) -> None:
    """The rest of it is as fast to judge as any other."""
    published = DocumentModels({"Whole": _WholeSpec}).schema("Whole")
    quick = lean(published)
    assert list(quick["$defs"]) == ["_Part"]
    content: Any = {
        "apiVersion": "argos.dev/v1",
        "kind": "Whole",
        "metadata": {"name": "w"},
        "spec": {"parts": parts, "shelf": shelf},
    }
    assert validator(quick).is_valid(content) is Draft202012Validator(published).is_valid(content)
