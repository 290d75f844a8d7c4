"""Where the user's own files say what stands in the model that Compose makes of them.

Compose writes short forms out (`"80:80"`, `KEY=value`), joins lists and merges files, so that a way in the
model leads only roughly through a file: as far as it goes, and the file that it leads farthest in wins. Of
several, the one that Compose reads last, since that is whose value counts.
"""

import posixpath
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from argos_gitops.model.problem import Location
from argos_gitops.providers.docker.compose.document import Tree, UnreadableError
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.files import StackFiles

Way = tuple[str | int, ...]


class Places:
    """Of one Stack. Files are read when somebody asks for the first time."""

    def __init__(self, files: StackFiles, included: Sequence[str]) -> None:
        self._files = files
        self._included = included

    def __call__(self, way: Way) -> Location:
        try:
            order = [*reversed(self._files.main), *self._included]
            self._files.load(order)
        except ComposeError:
            return self._files.stack.location
        called = self._called(str(way[1]), order) if len(way) > 1 and way[0] == "services" else {}
        best, found = -1, self._files.location(order[-1 - len(self._included)], 1, 1)
        for path in order:
            for tree in self._trees(path):
                for start, node in _starts(tree, called.get(path, ())):
                    depth, end = _followed(node, way[start:])
                    if start + depth > best:
                        best, found = start + depth, self._location(path, end)
        return found

    def _called(self, service: str, order: Sequence[str]) -> dict[str, list[str]]:
        """What else a service is called in each file, as `extends` leads there."""
        found: dict[str, list[str]] = {path: [] for path in order}
        waiting = [(path, service) for path in order]
        while waiting:
            path, name = waiting.pop()
            for extended in filter(None, (_extended(tree, name) for tree in self._trees(path))):
                for other in _meant(path, extended.file, order):
                    if extended.service != service and extended.service not in found[other]:
                        found[other].append(extended.service)
                        waiting.append((other, extended.service))
        return found

    def _trees(self, path: str) -> list[Tree]:
        try:
            return self._files.trees(path)[::-1]
        except UnreadableError:
            return []

    def _location(self, path: str, node: Tree) -> Location:
        return self._files.location(path, node.line, node.column)


class _Extended(NamedTuple):
    """A service that another one builds on; `file` is empty where it is in the same one."""

    file: str
    service: str


def _starts(tree: Tree, names: Sequence[str]) -> Iterator[tuple[int, Tree]]:
    """Where to begin in one document: at its root, and at the services under other names."""
    yield 0, tree
    services = _child(tree, "services")
    for name in names:
        service = _child(services, name)
        if service is not None:
            yield 2, service


def _extended(tree: Tree, name: str) -> _Extended | None:
    extends = _child(_child(_child(tree, "services"), name), "extends")
    if extends is None:
        return None
    if extends.text is not None:
        return _Extended("", extends.text)
    service, file = extends.entry("service"), extends.entry("file")
    if service is None or service.text is None:
        return None
    return _Extended(file.text or "" if file is not None else "", service.text)


def _meant(path: str, file: str, order: Sequence[str]) -> list[str]:
    """The files that `extends` in `path` may mean: Compose counts from the project, or from the file."""
    if not file:
        return [path]
    near = {posixpath.normpath(posixpath.join(base, file)) for base in ("", posixpath.dirname(path))}
    return [other for other in order if other in near]


def _followed(node: Tree, way: Way) -> tuple[int, Tree]:
    """How many steps of the way there are, and the node at the end of them."""
    for number, step in enumerate(way):
        following = _child(node, step)
        if following is None:
            return number, node
        node = following
    return len(way), node


def _child(node: Tree | None, step: str | int) -> Tree | None:
    if node is None:
        return None
    if node.items is None:
        return node.entry(str(step))
    if isinstance(step, int):
        return node.items[step] if step < len(node.items) else None
    return next((item for item in node.items if _names(item, step)), None)


def _names(item: Tree, name: str) -> bool:
    """Whether an item of a list is what the model has under this name."""
    text = item.text
    if text is None:
        source = item.entry("source") or item.entry("path")
        return source is not None and source.text == name
    return text == name or text.startswith((f"{name}=", f"{name}:")) or posixpath.basename(text) == name
