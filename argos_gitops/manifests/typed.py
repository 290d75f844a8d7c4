"""Documents that fulfil their schema become typed resources; what only the models know is judged here."""

from typing import Any

from pydantic import ValidationError

from argos_gitops.manifests.facts import Sound
from argos_gitops.manifests.problems import Code, Finding, Pointer
from argos_gitops.manifests.schema import DocumentModels
from argos_gitops.manifests.wording import where
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import AnyResource, Resource, ResourceKey


class Typist:
    """Makes resources of each kind."""

    def __init__(self, models: DocumentModels) -> None:
        self._models = models

    def resource(self, path: str, sound: Sound) -> AnyResource:
        """Raises pydantic's ValidationError; `wrong` says what it means."""
        kind: str = sound.content["kind"]
        document = self._models.model(kind).model_validate(sound.content)
        metadata = document.metadata
        return Resource(
            ResourceKey(kind, metadata.name),
            document.spec,
            Location(path, sound.line, sound.column),
            sound.digest,
            metadata.labels,
            metadata.annotations,
        )


def wrong(error: ValidationError, content: Any) -> list[Finding]:
    """The sentences of a refusal; they come from the models and repeat no value.

    A collection that came out too short has items that were refused: its schema has counted them before.
    """
    details = error.errors(include_url=False, include_context=False, include_input=False)
    causes = [detail for detail in details if detail["type"] != "too_short"]
    return [
        Finding(pointer, Code.INVALID_VALUE, f"{where(pointer)}: {_sentence(detail['type'], detail['msg'])}")
        for detail in causes or details
        for pointer in [_existing(detail["loc"], content)]
    ]


def _sentence(kind: str, message: str) -> str:
    if kind == "string_pattern_mismatch":  # whose message is the regular expression
        return "the text has not the form of this field; docs/reference/config.md tells what it takes"
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _existing(location: tuple[int | str, ...], content: Any) -> Pointer:
    """The location without the steps that are no part of the document, such as a union's branch."""
    pointer: Pointer = ()
    for step in location:
        steps = (
            content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
        )
        if step in steps:
            content = content[step]
            pointer = (*pointer, step)
    return pointer
