"""The reference of the config language, rendered as Markdown from the schemas of the kinds."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from argos_gitops.manifests.expectations import expected, is_secret, resolved
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.manifests.schema import COMBINED, REFERENCE_MARK, DocumentModels, JsonSchema
from argos_gitops.model.resource import API_VERSION

_HEAD = f"""# The config language

<!-- Generated from the models by `scripts/generate`; do not edit. -->

A configuration is a folder of YAML files (`*.yaml`, `*.yml`), in any layout, with any number of documents
a file. Hidden files and folders are left alone. Every document has the same four fields:

```yaml
apiVersion: {API_VERSION}
kind: Host
metadata:
  name: app
spec: {{}}
```

YAML is read as version 1.2: `yes`, `on` and `2027-01-01` are strings. Tags, merge keys (`<<`), duplicate
keys, symbolic links, submodules and Git LFS pointers are errors; anchors and aliases work. Durations are
written as `90s`, `10m`, `7d`, sizes as `512MiB`. What can be wrong, and what to do, is in
[problems.md](problems.md). Editors complete and check files that begin with
`# yaml-language-server: $schema=…/schema/{COMBINED}.json`; `argos-gitops init` writes that line.
"""


class _Row(NamedTuple):
    """One field: its dotted path, and what is said of it."""

    path: str
    what: str
    default: str
    description: str


def render_reference(registry: KindRegistry) -> str:
    """The whole page."""
    models = DocumentModels(registry.kinds)
    schemas = {kind: models.schema(kind) for kind in sorted(registry.kinds)}
    parts = [_HEAD, _contents(schemas)]
    if schemas:
        parts.append(_metadata(next(iter(schemas.values()))))
    parts += [_kind(kind, schema) for kind, schema in schemas.items()]
    return "\n".join(parts)


def _contents(schemas: Mapping[str, JsonSchema]) -> str:
    return "".join(f"- [{kind}](#{kind.lower()})\n" for kind in schemas)


def _metadata(root: JsonSchema) -> str:
    return f"## metadata\n\n{_table(root['properties']['metadata'], root)}"


def _kind(kind: str, root: JsonSchema) -> str:
    spec = root["properties"]["spec"]
    return f"## {kind}\n\n{_prose(root.get('description', ''))}\n\n{_table(spec, root)}"


def _prose(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _table(schema: Any, root: JsonSchema) -> str:
    rows = list(_rows(schema, root, ""))
    if not rows:
        return "No fields.\n"
    head = "| field | value | default | description |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _rows(schema: Any, root: JsonSchema, path: str, above: tuple[Any, ...] = ()) -> Iterator[_Row]:
    """`above` are the fields whose rows these stand under: what holds itself is described once."""
    schema = resolved(schema, root)
    required = schema.get("required", ())
    fields = schema.get("properties", {})
    if any(fields is each for each in above):
        return
    for name, field in fields.items():
        inner = f"{path}.{name}" if path else name
        yield _row(inner, field, root, name in required)
        yield from _nested(field, root, inner, (*above, fields))


def _nested(field: Any, root: JsonSchema, path: str, above: tuple[Any, ...]) -> Iterator[_Row]:
    """The fields of what stands in a field: in it, in its items, in its alternatives."""
    field = resolved(field, root)
    if is_secret(field):
        return
    for alternative in (*field.get("anyOf", ()), *field.get("oneOf", ())):
        yield from _nested(alternative, root, path, above)
    if field.get("type") == "object":
        yield from _rows(field, root, path, above)
        yield from _nested(_values(field), root, f"{path}.*", above)
    elif field.get("type") == "array":
        yield from _nested(field.get("items", {}), root, f"{path}[]", above)


def _row(path: str, field: Any, root: JsonSchema, required: bool) -> _Row:
    meaning = resolved(field, root)
    told_below = "properties" in meaning  # each of its fields has a row, with a default of its own
    default = "" if told_below else _default(field.get("default"))
    default = "**required**" if required else default
    return _Row(f"`{path}`", _what(meaning, root), default, meaning.get("description", ""))


def _default(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def _what(schema: dict[str, Any], root: JsonSchema) -> str:
    """The kind of value, with its bounds."""
    if REFERENCE_MARK in schema:
        return f"reference to [{schema[REFERENCE_MARK]}](#{schema[REFERENCE_MARK].lower()})"
    if is_secret(schema):
        return "secret: `{env: NAME}`, `{file: PATH}` or `{sops: PATH#KEY}`"
    if schema.get("type") == "array":
        return f"list: {_what(resolved(schema.get('items', {}), root), root)}"
    if values := _values(schema):
        return f"mapping to {_what(resolved(values, root), root)}"
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_what(resolved(branch, root), root) for branch in branches))
    return f"{expected(schema, root)}{_bounds(schema)}"


def _values(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of the values of a mapping whose keys are free; empty for other schemas."""
    patterns = {} if "properties" in schema else schema.get("patternProperties", {})
    values = next(iter(patterns.values()), schema.get("additionalProperties"))
    return values if isinstance(values, dict) else {}


def _bounds(schema: dict[str, Any]) -> str:
    named = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[keyword]}" for keyword, sign in named.items() if keyword in schema]
    return f", {', '.join(bounds)}" if bounds else ""
