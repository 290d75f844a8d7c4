"""Documents that nobody wrote: they follow from others, and are held to the same models."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from argos_gitops.manifests.facts import Sound
from argos_gitops.manifests.problems import Code
from argos_gitops.manifests.schema import DocumentModels
from argos_gitops.manifests.typed import Typist, wrong
from argos_gitops.model.objects import digest_of
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet

Document = Mapping[str, Any]


class Deriver:
    """Makes resources of such documents. `known` are the resources that were written."""

    def __init__(self, models: DocumentModels, known: ResourceSet) -> None:
        self._typist = Typist(models)
        self._known = known
        self.resources: dict[ResourceKey, AnyResource] = {}
        self.problems: list[Problem] = []

    def add(self, documents: Iterable[tuple[Document, Location]]) -> None:
        """Each comes with the place that it follows from, where its problems are told."""
        for document, location in documents:
            self.problems += self._problems(dict(document), location)

    def _problems(self, content: dict[str, Any], location: Location) -> Iterator[Problem]:
        sound = Sound(0, location.line, location.column, digest_of(content), content)
        try:
            resource = self._typist.resource(location.path, sound)
        except ValidationError as error:
            name = f"{content['kind']}/{content['metadata']['name']}"
            for finding in wrong(error, content):
                yield Problem(location, finding.code, f"{name}, which follows from this: {finding.message}")
            return
        known = self._known.get(resource.key) or self.resources.get(resource.key)
        if known is not None:
            message = f"{resource.key} is defined at {known.location} already; rename or remove one of them"
            yield Problem(location, Code.DUPLICATE_RESOURCE, message)
            return
        self.resources[resource.key] = resource
