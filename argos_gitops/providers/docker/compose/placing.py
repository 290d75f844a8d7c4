"""Where the user's own files say what stands in the model that Compose makes of them.

Compose writes short forms out (`"80:80"`, `KEY=value`), joins lists and merges files, so that a way in the
model leads only roughly through a file: as far as it goes, and the file that it leads farthest in wins. Of
several, the one that Compose reads last, since that is whose value counts.
"""

import posixpath
from collections.abc import Iterator, Sequence

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
        best, found = -1, self._files.location(order[-1 - len(self._included)], 1, 1)
        for path in order:
            for tree in self._trees(path):
                for start, node in self._starts(path, tree, way):
                    depth, end = _followed(node, way[start:])
                    if start + depth > best:
                        best, found = start + depth, self._location(path, end)
        return found

    def _trees(self, path: str) -> list[Tree]:
        try:
            return self._files.trees(path)[::-1]
        except UnreadableError:
            return []

    def _starts(self, path: str, tree: Tree, way: Way) -> Iterator[tuple[int, Tree]]:
        """Where to begin in one document: at its root, and at what a service in it extends."""
        yield 0, tree
        if len(way) < 2 or way[0] != "services":
            return
        seen: set[str] = set()
        name: str | None = str(way[1])
        while name is not None and name not in seen:
            seen.add(name)
            service = _child(_child(tree, "services"), name)
            if service is None:
                return
            if len(seen) > 1:
                yield 2, service
            name = _extended(service)

    def _location(self, path: str, node: Tree) -> Location:
        return self._files.location(path, node.line, node.column)


def _extended(service: Tree) -> str | None:
    """The service of the same file that another one extends."""
    extends = service.entry("extends")
    if extends is None:
        return None
    if extends.text is not None:
        return extends.text
    other = extends.entry("service")
    return other.text if other is not None and extends.entry("file") is None else None


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
