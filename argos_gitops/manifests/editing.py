"""Edits of configuration files that leave every line alone that need not change.

The places come from the nodes of the text, new values are written by ruamel.yaml, and both are put together
as text: comments, quotes, order, indentation and other documents stay byte for byte. The result is read
again: where it does not mean exactly what was asked for, nothing is given.
"""

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from argos_gitops.manifests.nodes import DocumentNode, document_nodes
from argos_gitops.manifests.reading import read_documents
from argos_gitops.manifests.splicing import Splicer, Unsplicable, line_end, line_start, rendered_document
from argos_gitops.model.adoption import GONE, Edit
from argos_gitops.model.resource import ResourceKey

Content = Any


@dataclass(frozen=True, slots=True)
class FileEdits:
    """What to do to the documents of one file."""

    changed: Mapping[ResourceKey, Sequence[Edit]] = field(default_factory=dict)
    removed: Collection[ResourceKey] = ()
    added: Sequence[Content] = ()


def edit_file(data: bytes, edits: FileEdits) -> bytes | None:
    """The file with the edits made; None where that cannot be done without harm to something else."""
    reading = read_documents(data)
    if reading.flaws:
        return None
    before = [document.content for document in reading.documents]
    after = [_edited(content, edits) for content in before]
    text = data.decode()
    try:
        text = _spliced(text, before, after)
    except Unsplicable:
        return None
    for content in edits.added:
        text = _appended(text, content)
    wanted = [*(content for content in after if content is not None), *edits.added]
    again = read_documents(text.encode())
    meant = [document.content for document in again.documents]
    return text.encode() if not again.flaws and _same(meant, wanted) else None


def key_of(content: Content) -> ResourceKey | None:
    """The kind and name of a document; None where it has none."""
    try:
        return ResourceKey(content["kind"], content["metadata"]["name"])
    except (KeyError, TypeError):
        return None


def _edited(content: Content, edits: FileEdits) -> Content | None:
    key = key_of(content)
    if key is None:
        return content
    if key in edits.removed:
        return None
    made = copy.deepcopy(content)
    for edit in edits.changed.get(key, ()):
        _apply(made, edit)
    return made


def _apply(content: Content, edit: Edit) -> None:
    """Mappings on the way are made where they are missing, and go when they become empty."""
    *way, last = edit.path
    if edit.value is GONE:
        _take_out(content, edit.path)
        return
    for step in way:
        content = content.setdefault(step, {}) if isinstance(step, str) else content[step]
    content[last] = copy.deepcopy(edit.value)


def _take_out(content: Content, path: Sequence[str | int]) -> None:
    holders = [content]
    for step in path[:-1]:
        if isinstance(step, str) and step not in holders[-1]:
            return
        holders.append(holders[-1][step])
    holders[-1].pop(path[-1], None)
    for holder, step in zip(holders[-2::-1], path[-2::-1], strict=True):
        if holder[step] == {} and step != "spec":
            del holder[step]


def _spliced(text: str, before: Sequence[Content], after: Sequence[Content | None]) -> str:
    nodes = document_nodes(text)
    if len(nodes) != len(before):
        raise Unsplicable
    splicer = Splicer(text, [node.root for node in nodes])
    for node, old, new in zip(nodes, before, after, strict=True):
        if new is None:
            splicer.replace(*_lines_of(text, node), "")
        elif not _same(old, new):
            splicer.change(node.root, new)
    return splicer.result()


def _lines_of(text: str, node: DocumentNode) -> tuple[int, int]:
    """From its `---` to the end of its last line; comments after that belong to what follows."""
    return line_start(text, node.start), line_end(text, node.root.end)


def _appended(text: str, content: Content) -> str:
    ending = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += ending
    separator = f"---{ending}" if text.strip() else ""
    return text + separator + rendered_document(content).replace("\n", ending)


def _same(one: Content, other: Content) -> bool:
    """Equal in value and type: 1 is neither true nor 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
