"""JSON Schema (Draft 2020-12) of the kinds, derived from their models; one a kind and one for all.

The schemas are what documents are validated against, what `schema/` holds for editors, and what the
language reference is rendered from.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import orjson
from pydantic import BaseModel, Field, create_model
from pydantic.config import ConfigDict
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

import argos_gitops
from argos_gitops.manifests.metadata import Metadata
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.model.resource import API_VERSION
from argos_gitops.model.spec import SpecModel, format_duration, format_size

DIALECT = "https://json-schema.org/draft/2020-12/schema"
COMBINED = "argos"
"""Name of the schema that covers all kinds."""
REFERENCE_MARK = "x-argos-ref"
"""Keyword of a field that names another resource; its value is that resource's kind."""
SECRET_MARK = "x-argos-secret"  # noqa: S105 - the name of a keyword
"""Keyword of a place where a secret is named, and where people may write the secret itself by mistake."""
FOLDER_MARK = "x-argos-folder"
"""Keyword of a folder below the configuration folder."""
_MEANINGS = {
    REFERENCE_MARK: "names a resource of the kind {}",
    SECRET_MARK: "names a place that holds a secret",
    FOLDER_MARK: "names a folder below the configuration folder",
}
"""What our own keywords say in a `$comment`."""
_FORMAT = 4
"""Counts changes in how files are read and documents kept, which make older cache entries useless."""

JsonSchema = dict[str, Any]


class DocumentModel(BaseModel):
    """The envelope that every resource stands in; made concrete for each kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    if TYPE_CHECKING:
        metadata: Metadata
        spec: SpecModel


def document_model(spec_model: type[SpecModel]) -> type[DocumentModel]:
    """The model of whole documents of one kind."""
    fields: dict[str, Any] = {
        "apiVersion": (Literal[API_VERSION], Field(description="Version of the configuration language.")),
        "kind": (Literal[spec_model.kind], Field(description="What this document describes.")),
        "metadata": (Metadata, Field(description="Name, labels and annotations.")),
        "spec": (spec_model, Field(description="What is wanted.")),
    }
    return create_model(spec_model.kind, __base__=DocumentModel, __doc__=spec_model.__doc__, **fields)


def definition_name(reference: str) -> str:
    """The name in `#/$defs/NAME`."""
    return reference.rpartition("/")[2]


class DocumentModels:
    """The document models and schemas of some kinds, each made when it is first asked for."""

    def __init__(self, kinds: Mapping[str, type[SpecModel]]) -> None:
        self.kinds = kinds
        self._models: dict[str, type[DocumentModel]] = {}
        self._schemas: dict[str, JsonSchema] = {}

    def model(self, kind: str) -> type[DocumentModel]:
        if kind not in self._models:
            self._models[kind] = document_model(self.kinds[kind])
        return self._models[kind]

    def schema(self, kind: str) -> JsonSchema:
        """The self-contained schema of one kind."""
        if kind not in self._schemas:
            derived = self.model(kind).model_json_schema(schema_generator=_Generator)
            self._schemas[kind] = {"$schema": DIALECT, **derived}
        return self._schemas[kind]


def schemas(registry: KindRegistry) -> Mapping[str, JsonSchema]:
    """A self-contained schema for each kind by its name, and one for all kinds (`argos`)."""
    models = DocumentModels(registry.kinds)
    found = {kind: models.schema(kind) for kind in sorted(registry.kinds)}
    found[COMBINED] = _combined({kind: models.model(kind) for kind in found})
    return found


def schema_files(registry: KindRegistry) -> Mapping[str, str]:
    """The content of each file of `schema/` by its name, in keywords that every validator knows."""
    return {
        f"{name.lower()}.json": orjson.dumps(published(schema), option=orjson.OPT_INDENT_2).decode() + "\n"
        for name, schema in schemas(registry).items()
    }


def published(schema: Any) -> Any:
    """A schema without keywords of ours, which strict validators refuse; `$comment` tells the same."""
    if isinstance(schema, list):
        return [published(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: published(part) for key, part in schema.items() if key not in _MEANINGS}
    said = [
        _MEANINGS[key].format(schema[key]) for key in _MEANINGS if isinstance(schema.get(key), str | bool)
    ]
    return {**kept, "$comment": "; ".join(said)} if said else kept


def schema_version(registry: KindRegistry, build: str | None = None) -> str:
    """16 hex digits that change whenever the same bytes might be understood differently.

    `build`, where it is known, identifies all code, and with it the models that schemas derive from;
    then there is no need to derive them.
    """
    digest = hashlib.blake2b(f"{_FORMAT} {argos_gitops.__version__} {build} ".encode(), digest_size=8)
    understood: Any = sorted(registry.kinds) if build else schemas(registry)
    digest.update(orjson.dumps(understood, option=orjson.OPT_SORT_KEYS))
    return digest.hexdigest()


def schema_line(reference: str) -> str:
    """The first line of a file that tells editors its schema: a URL, or a path from that file."""
    return f"# yaml-language-server: $schema={reference}\n"


class _Generator(GenerateJsonSchema):
    """Without a title for each field, which says no more than its name; defaults as people write them."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> JsonSchema:
        """Durations and sizes are strings in YAML, whatever they are in memory."""
        derived = super().default_schema(schema)
        default = schema.get("default")
        if isinstance(default, timedelta):
            derived["default"] = format_duration(default)
        elif isinstance(default, int) and derived.get("type") == "string":
            derived["default"] = format_size(default)
        return derived


def _combined(models: Mapping[str, type[DocumentModel]]) -> JsonSchema:
    references, definitions = models_json_schema(
        [(model, "validation") for model in models.values()], schema_generator=_Generator
    )
    named = {model.__name__: schema for (model, _), schema in references.items()}
    return {
        "$schema": DIALECT,
        "title": "argos-gitops",
        "description": "A resource of argos-gitops, of any kind.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "Version of the configuration language."},
            "kind": {"enum": list(models), "description": "What this document describes."},
            "metadata": {"type": "object", "description": "Name, labels and annotations."},
            "spec": {"type": "object", "description": "What is wanted."},
        },
        "allOf": [_when_kind(kind, named[kind]) for kind in models],
        **definitions,
    }


def _when_kind(kind: str, then: JsonSchema) -> JsonSchema:
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": then}
