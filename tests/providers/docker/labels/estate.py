"""A configuration folder with Stacks whose labels become Hosts, loaded as the program loads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from argos_gitops.app.discovery import kind_registry, provider_specs
from argos_gitops.app.expansion import Expansions
from argos_gitops.manifests.loader import Loaded, Loader
from argos_gitops.model.resource import AnyResource
from argos_gitops.ports.provider import ProviderContext, ProviderSpec
from argos_gitops.sources.directory import DirectorySnapshot, DirectorySource
from tests.providers.docker.compose.stacks import Surroundings

EDGE = {"caddy": {"adminUrl": "http://127.0.0.1:2019", "listen": [":443", "http://:80"]}}
HOST = {"docker": {"connection": {"unix": "/var/run/docker.sock"}}}


class SnapshotFiles:
    """The files of a snapshot, by blob id."""

    def __init__(self, snapshot: DirectorySnapshot) -> None:
        self._snapshot = snapshot

    def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        return dict(self._snapshot.read(blobs))


@dataclass
class Estate:
    """One Edge `main`, one DockerHost `nas`, and Stacks by name."""

    around: Surroundings
    edge: Mapping[str, Any] = field(default_factory=lambda: EDGE)
    host: Mapping[str, Any] = field(default_factory=lambda: HOST)
    stacks: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    further: Sequence[Mapping[str, Any]] = ()

    @property
    def folder(self) -> Path:
        return self.around.folder / "config"

    def add(self, name: str, compose: str, **spec: Any) -> None:
        """A Stack with this Compose file; `spec` in the words of YAML."""
        folder = self.folder / "stacks" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "compose.yaml").write_text(compose)
        self.stacks[name] = {"host": "nas", "path": f"stacks/{name}", "routes": "fromLabels", **spec}

    def write(self) -> None:
        """All documents, as people would have written them."""
        documents = [_document("Edge", "main", self.edge), _document("DockerHost", "nas", self.host)]
        documents += [_document("Stack", name, spec) for name, spec in self.stacks.items()]
        with (self.folder / "argos.yaml").open("w") as file:
            YAML(typ="safe").dump_all([*documents, *self.further], file)

    def load(self) -> Loaded:
        """The revision with all that follows from it."""
        self.write()
        snapshot = DirectorySource(self.folder).fetch()
        loaded = Loader(kind_registry(), workers=1).load(
            snapshot.files(), snapshot.read, snapshot.revision.tree
        )
        self.around.files = SnapshotFiles(snapshot)  # type: ignore[assignment]
        return Expansions(provider_specs(), kind_registry(), self._context).of(loaded)

    def _context(self, _: ProviderSpec) -> ProviderContext:
        return self.around.context()


def said(loaded: Loaded, kind: str) -> dict[str, Any]:
    """The specs of a kind as people would write them, without what is the default anyway."""
    return {name: spec_of(resource) for name, resource in loaded.resources.of_kind(kind).items()}


def spec_of(resource: AnyResource) -> Any:
    return resource.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _document(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "argos.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}
