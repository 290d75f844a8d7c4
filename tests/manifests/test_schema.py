"""The exported schemas: self-contained, usable by editors, and the measure of what was kept."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.manifests.schema import schema_files, schema_line, schema_version, schemas
from tests.manifests.revisions import KINDS, REGISTRY, RackSpec


def valid(name: str, content: dict[str, object]) -> bool:
    return Draft202012Validator(schemas(REGISTRY)[name]).is_valid(content)


def document(kind: str, **spec: object) -> dict[str, object]:
    return {"apiVersion": "argos.dev/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}


def test_there_is_one_schema_a_kind_and_one_for_all() -> None:
    files = schema_files(REGISTRY)
    assert set(files) == {"agent.json", "argos.json", "book.json", "rack.json"}
    assert all(json.loads(text)["$schema"].endswith("2020-12/schema") for text in files.values())
    named = [name for text in files.values() for name in re.findall(r'"\$(?:ref|id)": *"([^"]*)"', text)]
    assert named
    assert not [name for name in named if "://" in name]  # nobody has to fetch anything


@pytest.mark.parametrize("kind", ["Book", "argos"])
def test_a_schema_says_what_the_models_say(kind: str) -> None:
    assert valid(kind, document("Book", title="x"))
    assert not valid(kind, document("Book"))
    assert not valid(kind, document("Book", title="x", titel="y"))
    assert not valid(kind, document("Book", title=7))


def test_the_schema_for_all_knows_no_other_kind() -> None:
    """Nor a document without one."""
    assert not valid("argos", document("Other"))
    assert not valid("argos", {"apiVersion": "argos.dev/v1", "metadata": {"name": "x"}, "spec": {}})


def test_defaults_are_written_as_people_write_them() -> None:
    """A size as `2KiB`, although it is a number in memory; so editors insert what validates."""
    rack = schemas(REGISTRY)["Rack"]["$defs"]["RackSpec"]["properties"]
    assert rack["weight"]["default"] == "2KiB"


def test_field_names_are_camel_case_and_described() -> None:
    agent = schemas(REGISTRY)["Agent"]["$defs"]["GuardSpec"]["properties"]
    assert agent["maxDeletes"]["description"]
    assert "max_deletes" not in agent


def test_the_version_follows_kinds_and_code() -> None:
    class OtherRack(RackSpec):
        more: int = 1

    other = KindRegistry({**KINDS, "Rack": OtherRack})
    versions = [schema_version(REGISTRY), schema_version(other), schema_version(REGISTRY, "build")]
    assert len(set(versions)) == 3
    assert schema_version(REGISTRY) == versions[0]


def test_editors_find_the_schema_through_a_comment() -> None:
    assert schema_line("../schema/argos.json") == "# yaml-language-server: $schema=../schema/argos.json\n"
