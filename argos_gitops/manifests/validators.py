"""JSON Schema validators whose cost is bounded by the size of what they judge.

`jsonschema` is the judge. Three keywords are replaced by ones that say the same: its `uniqueItems`
may take quadratic time, and its `anyOf` and `oneOf` keep every error of every branch.
"""

from collections.abc import Iterator
from functools import cache
from itertools import chain, islice
from typing import Any

import orjson
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from argos_gitops.manifests.limits import MAX_PROBLEMS
from argos_gitops.manifests.schema import definition_name

_SILENT = frozenset({"$schema", "$defs", "title", "description", "default", "examples", "discriminator"})
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties"})
_VALUES = frozenset({"enum", "const", "required"})


def lean(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without annotations and with references resolved: it accepts the same, but faster.

    What holds itself has no form without references, so it keeps those to itself.
    """
    definitions = schema.get("$defs", {})
    kept = _recursive(definitions)
    inlined = {name: each for name, each in definitions.items() if name not in kept}
    found = dict(_lean(schema, inlined))
    if kept:
        found["$defs"] = {name: _lean(definitions[name], inlined) for name in sorted(kept)}
    return found


def validator(schema: dict[str, Any]) -> Validator:
    judge: Validator = _validator_class()(schema)
    return judge


def _recursive(definitions: dict[str, Any]) -> frozenset[str]:
    """The definitions that reach themselves."""
    reached = {name: set(_referred(definition)) for name, definition in definitions.items()}
    for _ in definitions:
        for name, names in reached.items():
            reached[name] = names.union(*(reached.get(each, set()) for each in names))
    return frozenset(name for name, names in reached.items() if name in names)


def _referred(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(target := schema.get("$ref"), str):
            yield definition_name(target)
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _referred(part)


def _lean(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_lean(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _NAMED_SCHEMAS:
            kept[keyword] = {name: _lean(part, definitions) for name, part in value.items()}
        elif keyword == "$ref" and definition_name(value) not in definitions:
            kept[keyword] = value
        elif keyword == "$ref":
            kept = {**_lean(definitions[definition_name(value)], definitions), **kept}
        elif keyword in _VALUES:
            kept[keyword] = value
        elif keyword not in _SILENT and not keyword.startswith("x-"):
            kept[keyword] = _lean(value, definitions)
    return kept


@cache
def _validator_class() -> Any:
    keywords: dict[str, Any] = {"anyOf": _any_of, "oneOf": _one_of, "uniqueItems": _unique_items}
    return extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]


def _failures(judge: Any, branch: Any, instance: Any, index: int) -> list[ValidationError]:
    return list(islice(judge.descend(instance, branch, schema_path=index), MAX_PROBLEMS))


def _any_of(judge: Any, branches: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    context: list[ValidationError] = []
    for index, branch in enumerate(branches):
        failures = _failures(judge, branch, instance, index)
        if not failures:
            return
        context += failures
    yield ValidationError("no alternative fits", context=context)


def _one_of(judge: Any, branches: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    context = [_failures(judge, branch, instance, index) for index, branch in enumerate(branches)]
    fitting = sum(not failures for failures in context)
    if fitting > 1:
        yield ValidationError("more than one alternative fits")
    elif not fitting:
        yield ValidationError("no alternative fits", context=list(chain(*context)))


def _unique_items(judge: Any, unique: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if unique and judge.is_type(instance, "array"):
        seen = {orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError("items repeat")
