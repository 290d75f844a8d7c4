"""What the bytes of one file say by themselves: its documents, judged against JSON Schema.

Facts depend on nothing but the bytes and the schema, so they are kept by blob id and schema version
and may be worked out by another process.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import orjson

from argos_gitops.manifests.limits import MAX_PROBLEMS
from argos_gitops.manifests.problems import Code, Finding, Flaw
from argos_gitops.manifests.schema import DocumentModels
from argos_gitops.manifests.sealed import is_sealed, is_sealed_resource
from argos_gitops.model.objects import digest_of
from argos_gitops.model.resource import API_VERSION


class Sound(NamedTuple):
    """A document that fulfils its schema."""

    number: int
    line: int
    column: int
    digest: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """`claimed`: kinds and names that documents with flaws were meant to define.

    `unread_names`: names that unreadable text may define, of whatever kind.
    """

    documents: list[Sound] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    claimed: list[tuple[str, str]] = field(default_factory=list)
    unread_names: list[str] = field(default_factory=list)

    def encode(self) -> bytes:
        documents = [list(document) for document in self.documents]
        flaws = [list(flaw) for flaw in self.flaws]
        return orjson.dumps([documents, flaws, self.claimed, self.unread_names])

    @classmethod
    def decode(cls, encoded: bytes) -> "Facts":
        """The facts again; ValueError when the bytes are not facts."""
        try:
            documents, flaws, claimed, unread = orjson.loads(encoded)
            return cls(
                [Sound(*document) for document in documents],
                [Flaw(*flaw) for flaw in flaws],
                [(kind, name) for kind, name in claimed],
                unread,
            )
        except TypeError as error:
            raise ValueError("not the facts of a file") from error


Judge = Callable[[Any], bool]
_SEALED_RESOURCE = (
    "SOPS encrypted the resource itself; decrypt it (sops decrypt --in-place FILE), encrypt a file that "
    "holds only the secrets, and name each as {sops: PATH#KEY}"
)


class FactFinder:
    """Works facts out; validators are made once a kind."""

    def __init__(self, models: DocumentModels) -> None:
        self._models = models
        self._kinds = frozenset(models.kinds)
        self._judges: dict[str, Judge] = {}

    def prepare(self) -> None:
        """Makes all validators now, so that forked processes share them."""
        import argos_gitops.manifests.reading  # noqa: F401 - so that it is not imported in each of them

        for kind in self._kinds:
            self._judge(kind)

    def find(self, data: bytes) -> Facts:
        """Never raises for any bytes."""
        from argos_gitops.manifests.reading import names_in, read_documents

        reading = read_documents(data)
        facts = Facts(flaws=list(reading.flaws), unread_names=reading.unread_names)
        found: list[tuple[int, Finding]] = []
        for document in reading.documents:
            if is_sealed(document.content):
                continue  # holds secrets for resources, and is none
            flaws = self._findings(document.content)
            if flaws:
                found += [(document.number, finding) for finding in flaws]
                if not any(finding.code is Code.FOREIGN_RESOURCE for finding in flaws):
                    facts.claimed.extend(_claim(document.content))
            else:
                number, line, column, content = document
                facts.documents.append(Sound(number, line, column, digest_of(content), content))
            if len(found) > MAX_PROBLEMS:
                facts.unread_names.extend(names_in(data))
                break
        if found:
            from argos_gitops.manifests.places import located

            facts.flaws.extend(located(data, found))
        _shorten(facts.flaws)
        return facts

    def _findings(self, content: Any) -> list[Finding]:
        if not isinstance(content, dict):
            message = "a document must be a mapping with apiVersion, kind, metadata and spec"
            return [Finding((), Code.NOT_A_RESOURCE, message)]
        if is_sealed_resource(content):
            return [Finding(("sops",), Code.NOT_A_RESOURCE, _SEALED_RESOURCE, at_key=True)]
        if (foreign := _foreign(content)) is not None:
            return [foreign]
        kind = content.get("kind")
        if not isinstance(kind, str) or kind not in self._kinds:
            return [self._unknown_kind(content)]
        if self._judge(kind)(content):
            return []
        return list(islice(self._sentences(kind, content), MAX_PROBLEMS + 1))

    def _unknown_kind(self, content: dict[str, Any]) -> Finding:
        from argos_gitops.manifests.wording import did_you_mean, listed, shown

        kinds = sorted(self._kinds)
        if "kind" not in content:
            return Finding((), Code.MISSING_FIELD, f"the document needs the field 'kind': {listed(kinds)}")
        kind = content["kind"]
        if not isinstance(kind, str):
            return Finding(("kind",), Code.WRONG_TYPE, f"kind: expected {listed(kinds)}")
        hint = did_you_mean(kind, kinds) or f"; known are {', '.join(kinds)}"
        return Finding(("kind",), Code.UNKNOWN_KIND, f"there is no kind {shown(kind)}{hint}")

    def _judge(self, kind: str) -> Judge:
        if kind not in self._judges:
            from argos_gitops.manifests.validators import lean, validator

            self._judges[kind] = validator(lean(self._models.schema(kind))).is_valid
        return self._judges[kind]

    def _sentences(self, kind: str, content: Any) -> Iterator[Finding]:
        from argos_gitops.manifests.translation import findings
        from argos_gitops.manifests.validators import validator

        root = self._models.schema(kind)
        for error in validator(root).iter_errors(content):
            yield from findings(error, root)


def _foreign(content: dict[str, Any]) -> Finding | None:
    """What is said of a manifest of another program, such as Kubernetes: its API group is not ours, and no
    misspelling of it."""
    from argos_gitops.manifests.wording import did_you_mean, shown

    version = content.get("apiVersion")
    if not isinstance(version, str) or "kind" not in content:
        return None
    if version.partition("/")[0] == API_VERSION.partition("/")[0] or did_you_mean(version, [API_VERSION]):
        return None
    message = (
        f"a manifest of another program (apiVersion {shown(version)}, where ours have {API_VERSION}); put it "
        "into the folder of a Stack, or out of the configuration folder"
    )
    return Finding(("apiVersion",), Code.FOREIGN_RESOURCE, message)


def _claim(content: Any) -> Iterator[tuple[str, str]]:
    if isinstance(content, dict) and isinstance(metadata := content.get("metadata"), dict):
        kind, name = content.get("kind"), metadata.get("name")
        if isinstance(kind, str) and isinstance(name, str):
            yield kind, name


def _shorten(flaws: list[Flaw]) -> None:
    """A file that is wrong in hundreds of places is told about once more, not hundreds of times."""
    flaws.sort()
    if len(flaws) > MAX_PROBLEMS:
        message = f"more than {MAX_PROBLEMS} problems in this file; the others are not listed"
        flaws[MAX_PROBLEMS:] = [Flaw(flaws[MAX_PROBLEMS].line, 1, Code.TOO_MANY_PROBLEMS, message)]
