"""The canonical form of configuration files: what `fmt` writes.

Two spaces of indentation, list items indented below their key, the keys of a document in the order
apiVersion, kind, metadata, spec. Comments, quotes, anchors and the spelling of values stay. Formatting
never changes what a file means: where that cannot be proved, the text is given back as it was.
"""

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.resolver import VersionedResolver

from argos_gitops.manifests.comments import comments_of, tidy_comments
from argos_gitops.manifests.reading import read_documents
from argos_gitops.manifests.reordering import reorder
from argos_gitops.manifests.sealed import is_sealed
from argos_gitops.model.errors import ManifestError
from argos_gitops.model.problem import Location, Problem

_ROUNDS = 3
_MEANT = re.compile(r"^[\"']?apiVersion\b", re.MULTILINE)


def is_ours(text: str) -> bool:
    """Whether a file holds a resource, or was meant to; what is Compose's is for others to format."""
    reading = read_documents(text.encode("utf-8", "surrogateescape"))
    if reading.flaws and _MEANT.search(text):
        return True
    return any(isinstance(each.content, dict) and "apiVersion" in each.content for each in reading.documents)


def format_text(text: str, path: str = "-") -> str:
    """The canonical form of a file; ManifestError, with `path`, when it cannot be read.

    Idempotent, and the identity for what the text means. A file may be read with `surrogateescape`, so
    that one which is not UTF-8 is told with its place.
    """
    reading = read_documents(text.encode("utf-8", "surrogateescape"))
    if reading.flaws:
        problems = [
            Problem(Location(path, line, column), code, said) for line, column, code, said in reading.flaws
        ]
        raise ManifestError(problems)
    if any(is_sealed(document.content) for document in reading.documents):
        return text  # SOPS's own, whose order of values is signed
    current = text
    for _ in range(_ROUNDS):
        formatted = _formatted(current)
        if formatted is None or not _same(text, formatted):
            return text
        if formatted == current:
            return formatted
        current = formatted
    return text


def _formatted(text: str) -> str | None:
    """One round; None when ruamel.yaml cannot keep the text."""
    if not text.strip():
        return ""
    try:
        return tidy_comments(_round_trip(reorder(text)))
    except (YAMLError, NotImplementedError, ValueError):
        return None


def _round_trip(text: str) -> str:
    yaml = _yaml()
    documents = list(yaml.load_all(text))
    written = io.StringIO()
    yaml.dump_all(documents, written)
    return written.getvalue().rstrip("\n") + "\n"


def _same(before: str, after: str) -> bool:
    """Whether both mean the same, and tell people the same."""
    contents = [
        [each.content for each in read_documents(text.encode()).documents] for text in (before, after)
    ]
    return contents[0] == contents[1] and sorted(comments_of(before)) == sorted(comments_of(after))


class _SpellingKept(VersionedResolver):
    """Takes every plain scalar but an empty one for a string, so that none is spelled anew."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if isinstance(value, str) and value and implicit[0]:
            implicit = (False, implicit[1])
        return super().resolve(kind, value, implicit)


def _yaml() -> Any:
    yaml = YAML(typ="rt")
    yaml.Resolver = _SpellingKept
    yaml.preserve_quotes = True
    yaml.width = 2**20
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
