"""What a schema expects, in words. The words come from the schema alone, never from a document."""

from collections.abc import Sequence
from typing import Any

from argos_gitops.manifests.schema import SECRET_MARK, definition_name
from argos_gitops.manifests.wording import listed
from argos_gitops.model.spec import NAME_PATTERN

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
NAME_RULE = "lower-case letters, digits and '-', beginning and ending with a letter or digit"


def resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    """The schema with its reference followed and an optional value's `null` left out."""
    if not isinstance(schema, dict):
        return {}
    while "$ref" in schema:
        target = root["$defs"][definition_name(schema["$ref"])]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    branches = [branch for branch in schema.get("anyOf", []) if branch.get("type") != "null"]
    if len(branches) == 1:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**resolved(branches[0], root), **rest}
    return dict(schema)


def is_secret(schema: dict[str, Any]) -> bool:
    return bool(schema.get(SECRET_MARK))


def expected(schema: Any, root: dict[str, Any]) -> str:
    """A phrase such as `a list` or `one of auto, off`."""
    schema = resolved(schema, root)
    if is_secret(schema):
        return "a secret's place ({env: NAME}, {file: PATH} or {sops: PATH#KEY})"
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return one_of(schema["enum"])
    if schema.get("format") == "date-time":
        return "a time such as 2027-01-01T00:00:00Z"
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return listed(dict.fromkeys(expected(branch, root) for branch in branches))
    kind = schema.get("type")
    phrase = listed(_TYPES[each] for each in ([kind] if isinstance(kind, str) else kind or []))
    return f"{phrase or 'something else'}{_such_as(schema)}"


def one_of(values: Sequence[Any]) -> str:
    """`one of a or b`; a single value stands for itself."""
    return f"one of {listed(values)}" if len(values) > 1 else listed(values)


def form(schema: dict[str, Any]) -> str:
    """What a string that misses its pattern should look like."""
    if schema.get("pattern") == NAME_PATTERN:
        return f"expected a name: {NAME_RULE}"
    if such_as := _such_as(schema):
        return f"expected a value{such_as}"
    meant = str(schema.get("description", "")).rstrip(".")
    described = f" ({meant})" if meant else ""
    return f"the text has not the form of this field{described}; docs/reference/config.md tells what it takes"


def _such_as(schema: dict[str, Any]) -> str:
    examples = schema.get("examples")
    return f" such as {listed(examples)}" if examples else ""
