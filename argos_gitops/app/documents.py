"""Resources as documents in the store, for when git has forgotten them or moved on."""

from collections.abc import Mapping
from typing import Any

import orjson

from argos_gitops.manifests.attachments import Attachments, bound, folder_uses
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.manifests.secrets import sealed_uses
from argos_gitops.model.errors import StoreError
from argos_gitops.model.folder import FolderFile
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import AnyResource, Resource, ResourceKey


def dump_resource(resource: AnyResource) -> bytes:
    """Secrets stand in a spec as references only, so nothing here needs hiding."""
    return orjson.dumps(
        {
            "kind": resource.key.kind,
            "name": resource.key.name,
            "labels": dict(resource.labels),
            "annotations": dict(resource.annotations),
            "digest": resource.digest,
            "path": resource.location.path,
            "line": resource.location.line,
            "spec": resource.spec.model_dump(mode="json", by_alias=True, exclude_unset=True),
            "sealed": {use.ref.path: use.ref.blob for use in sealed_uses(resource.spec)},
            "folders": {
                use.folder.path: [tuple(file) for file in use.folder.files]
                for use in folder_uses(resource.spec)
            },
        },
        option=orjson.OPT_SORT_KEYS,
    )


def parse_resource(document: bytes, registry: KindRegistry) -> AnyResource:
    """The resource again; StoreError when this version cannot read what an older one kept."""
    kept = orjson.loads(document)
    try:
        spec = registry.kinds[kept["kind"]].model_validate(kept["spec"])
    except (KeyError, ValueError) as error:
        raise StoreError(
            f"the store remembers {kept.get('kind')}/{kept.get('name')} in a form unknown to this version; "
            "apply it once with the version that wrote it, or remove its row from the table systems"
        ) from error
    return Resource(
        ResourceKey(kept["kind"], kept["name"]),
        bound(spec, Attachments(kept.get("sealed", {}), _folders(kept.get("folders", {})))),
        Location(kept["path"], kept["line"]),
        kept["digest"],
        kept["labels"],
        kept["annotations"],
    )


def _folders(kept: Mapping[str, list[list[Any]]]) -> dict[str, tuple[FolderFile, ...]]:
    return {path: tuple(FolderFile(*file) for file in files) for path, files in kept.items()}
