"""The exported schemas: self-contained, usable by editors, and the measure of what was kept."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import regress
from jsonschema import Draft202012Validator

from argos_gitops.app.discovery import kind_registry
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


STANDARD = frozenset(
    """
    $schema $id $ref $defs $comment title description default examples deprecated readOnly writeOnly type enum
    const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems
    minItems uniqueItems maxContains minContains maxProperties minProperties required dependentRequired allOf
    anyOf oneOf not if then else dependentSchemas prefixItems items contains properties patternProperties
    additionalProperties propertyNames unevaluatedItems unevaluatedProperties format contentEncoding
    contentMediaType discriminator
    """.split()  # noqa: SIM905 - a list of quoted words would take forty lines
)
"""Draft 2020-12, and the one keyword of OpenAPI that ajv knows."""
_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
_VALUES = frozenset({"default", "examples", "enum", "const", "required", "discriminator", "$comment", "type"})


def subschemas(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for part in schema:
            yield from subschemas(part)
    elif isinstance(schema, dict):
        yield schema
        for keyword, part in schema.items():
            if keyword in _BY_NAME:
                yield from subschemas(list(part.values()))
            elif keyword not in _VALUES:
                yield from subschemas(part)


EXPORTED = {name: json.loads(text) for name, text in schema_files(kind_registry()).items()}


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_pattern_is_one_of_javascript(name: str) -> None:
    """With the flag `u`, which ajv and editors set; regress implements ECMAScript's grammar."""
    schemas = list(subschemas(EXPORTED[name]))
    patterns = {each["pattern"] for each in schemas if "pattern" in each}
    patterns.update(pattern for each in schemas for pattern in each.get("patternProperties", {}))
    assert patterns
    for pattern in patterns:
        regress.Regex(pattern, "u")


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_schema_passes_a_strict_validator(name: str) -> None:
    """Of what ajv's strict mode refuses: unknown keywords, required names that are not described, and items
    or properties of what is no list or mapping (https://ajv.js.org/strict-mode.html)."""
    schema = EXPORTED[name]
    Draft202012Validator.check_schema(schema)
    for each in subschemas(schema):
        assert set(each) <= STANDARD
    for each in [schema, *schema.get("$defs", {}).values()]:
        assert set(each.get("required", ())) <= set(each.get("properties", {}))


def test_an_exported_schema_says_in_words_what_a_field_names() -> None:
    """What our own keywords say is no secret of this program."""
    comments = {each["$comment"] for each in subschemas(EXPORTED["host.json"]) if "$comment" in each}
    assert "names a resource of the kind Service" in comments
    assert "names a place that holds a secret" in {
        each.get("$comment") for each in subschemas(EXPORTED["argos.json"])
    }
