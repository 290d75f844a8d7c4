"""Which files the Compose files name, as far as anybody can see it: for lines in messages, not for safety.

What Compose can read is limited by what it sees (`confined`), and what it may do is judged by its own output
(`limits`). This is for people: a path that leads out of the folder is told with its line, all of them at
once, before Compose is asked. A path with a variable in it is for Compose alone to work out.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from argos_gitops.manifests.sealed import is_encrypted
from argos_gitops.model.problem import Problem
from argos_gitops.providers.docker.compose.document import Tree, UnreadableError
from argos_gitops.providers.docker.compose.errors import ComposeCode, ComposeError
from argos_gitops.providers.docker.compose.files import ENV_NAME, StackFiles
from argos_gitops.providers.docker.compose.limits import is_reserved

_REMOTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://|^git@|^github\.com/|\.git([#:?].*)?$|^oci:")


class Mentions(NamedTuple):
    """What was found: `files` that Compose itself reads, and `compose` among them, Compose files that the
    Stack does not name itself."""

    files: frozenset[str]
    compose: tuple[str, ...]


def mentioned(files: StackFiles) -> Mentions:
    """Raises ComposeError with every path that visibly leads out of the folder."""
    walk = _Walk(files)
    walk.problems += _steering(files)
    for path in files.main:
        walk.compose_file(path, "")
    walk.files.update(files.env_files)
    if walk.problems:
        raise ComposeError(sorted(walk.problems))
    return Mentions(frozenset(walk.files), tuple(walk.compose))


def _steering(files: StackFiles) -> Iterator[Problem]:
    """Variables that would do something else than their author may think, or nothing."""
    place = files.stack.location
    for name in files.stack.spec.environment:
        if is_reserved(name):
            message = f"{files.stack.key} spec.environment: {name} steers Compose itself; choose another name"
            yield Problem(place, ComposeCode.OUTSIDE, message)
    for path in files.env_files:
        for number, line in enumerate(files.content(path).split(b"\n"), start=1):
            if line.startswith(b"COMPOSE_FILE="):
                message = "COMPOSE_FILE has no effect here; name the files in the Stack's `files`"
                yield Problem(files.location(path, number, 1), ComposeCode.INVALID, message)


@dataclass
class _Walk:
    stack: StackFiles
    files: set[str] = field(default_factory=set)
    compose: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def compose_file(self, path: str, base: str) -> None:
        """`base` is the folder that relative paths in the file count from."""
        if (path, base) in self._seen or path not in self.stack.listing:
            return
        self._seen.add((path, base))
        self.files.add(path)
        if path not in (*self.stack.main, *self.compose):
            self.compose.append(path)
        sealed = self.stack.sealed(path)
        if sealed is not None and sealed.form not in ("yaml", "json"):
            message = (
                "a Compose file must be YAML or JSON also as SOPS has it, so that it can be seen what is read"
            )
            self.problems.append(Problem(self.stack.location(path, 1, 1), ComposeCode.OUTSIDE, message))
            return
        try:
            trees = self.stack.trees(path)
        except UnreadableError as error:
            place = self.stack.location(path, error.line, error.column)
            self.problems.append(Problem(place, ComposeCode.INVALID, str(error)))
            return
        for tree in trees:
            for item in _each(tree.entry("include")):
                self._include(path, item, base)
            services = tree.entry("services")
            for name in dict.fromkeys(services.keys()) if services else ():
                self._service(path, services.entry(name), base)  # type: ignore[union-attr]

    def _include(self, origin: str, item: Tree, base: str) -> None:
        paths = [
            found
            for node in _each(item.entry("path") if item.text is None else item)
            if (found := self._inside(origin, node, base)) is not None
        ]
        chosen = item.entry("project_directory")
        inner = posixpath.dirname(paths[0]) if paths else base
        if chosen is not None:
            found = self._inside(origin, chosen, base)
            inner = inner if found is None else found
        environments = [self._inside(origin, node, base) for node in _each(item.entry("env_file"))]
        for path in environments or [posixpath.join(inner, ENV_NAME)]:
            self._read(path)
        for path in paths:
            self.compose_file(path, inner)

    def _service(self, origin: str, service: Tree | None, base: str) -> None:
        if service is None:
            return
        for name in ("env_file", "label_file"):
            for item in _each(service.entry(name)):
                node = item if item.text is not None else item.entry("path")
                if node is not None:
                    self._read(self._inside(origin, node, base))
        extends = service.entry("extends")
        node = extends.entry("file") if extends is not None else None
        if node is not None:
            path = self._inside(origin, node, base)
            if path is not None:
                self.compose_file(path, posixpath.dirname(path))

    def _read(self, path: str | None) -> None:
        if path is not None and path in self.stack.listing:
            self.files.add(path)

    def _inside(self, origin: str, node: Tree, base: str) -> str | None:
        """The path below the folder; None for one that cannot be told, or leads out of it (and a problem)."""
        text = node.text or ""
        message = ""
        if is_encrypted(text):
            message = "the path of a file must not be encrypted, so that it can be seen what is read"
        elif "$" in text:
            return None
        elif _REMOTE.search(text):
            message = (
                f"{text} is not in this repository; copy it into the folder, so that what runs is in git"
            )
        elif _leads_out(text, base):
            message = (
                f"{text} leads out of the Stack's folder {self.stack.stack.spec.path.path}; only files in it "
                "are read"
            )
        if not message:
            path = posixpath.normpath(posixpath.join(base, text))
            return "" if path == "." else path
        place = self.stack.location(origin, node.line, node.column)
        self.problems.append(Problem(place, ComposeCode.OUTSIDE, message))
        return None


def _leads_out(text: str, base: str) -> bool:
    if text.startswith(("/", "~")):
        return True
    return posixpath.normpath(posixpath.join(base, text)).split("/")[0] == ".."


def _each(node: Tree | None) -> Iterator[Tree]:
    """The items of a list, or what stands instead of a list of one."""
    if node is not None:
        yield from node.items if node.items is not None else [node]
