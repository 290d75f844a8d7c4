"""Which files Compose will read for a Stack: only such that lie in the Stack's folder.

Compose follows `include`, `extends`, `env_file` and `label_file` wherever they lead, to other folders of
this machine and to other machines. So they are followed here before, as compose-go 2.9 does it
(`loader/include.go`, `loader/extends.go`, `types/project.go`), and what leads out of the folder is refused.
Variables in such paths are worked out here too, and then fixed for Compose, so that it cannot find other
values for them.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from argos_gitops.manifests.sealed import is_encrypted
from argos_gitops.model.problem import Problem
from argos_gitops.providers.docker.compose.document import Tree, UnreadableError
from argos_gitops.providers.docker.compose.errors import ComposeCode, ComposeError
from argos_gitops.providers.docker.compose.files import ENV_NAME, StackFiles
from argos_gitops.providers.docker.compose.limits import is_reserved

MOST_STEPS_UP = 8
"""How many `..` a path may have. Compose counts some nested paths from another folder than it should, and
then finds nothing, as Compose runs in a folder deeper than all of them together could lead out of."""

_REMOTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://|^git@|^github\.com/|\.git([#:?].*)?$|^oci:")
_VARIABLE = re.compile(r"\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?-)([^${}]*))?\})")
_LINE = re.compile(r"^([A-Za-z_]\w*)=(?:\"([\w./-]*)\"|'([\w./-]*)'|([\w./-]*))[ \t]*$", re.MULTILINE)


class Reading(NamedTuple):
    """What Compose will read: `files` that must be there for it, and values that it must not find elsewhere.

    `included` are the Compose files among them that the Stack does not name itself.
    """

    files: frozenset[str]
    fixed: Mapping[str, str]
    included: tuple[str, ...]


def files_read(files: StackFiles) -> Reading:
    """Raises ComposeError with every path that leads out of the folder."""
    walk = _Walk(files)
    walk.problems += _steering(files)
    for path in files.main:
        walk.compose_file(path, "", extended=False)
    walk.files.update(files.env_files)
    if walk.problems:
        raise ComposeError(sorted(walk.problems))
    return Reading(frozenset(walk.files), walk.values.fixed, tuple(walk.included))


def _steering(files: StackFiles) -> Iterator[Problem]:
    """Variables that would not reach the Compose files, but change what Compose does."""
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
    included: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _seen: set[tuple[str, str, bool]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.values = _Values(self.stack)

    def compose_file(self, path: str, base: str, *, extended: bool) -> None:
        """`base` is the folder that relative paths in the file count from."""
        if (path, base, extended) in self._seen or path not in self.stack.listing:
            return
        self._seen.add((path, base, extended))
        self.files.add(path)
        if path not in self.stack.main:
            self.included.append(path)
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
            if not extended:
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
        if not paths:
            return
        chosen = item.entry("project_directory")
        inner = posixpath.dirname(paths[0]) if chosen is None else self._inside(origin, chosen, base)
        if inner is None:
            return
        environments = [self._inside(origin, node, base) for node in _each(item.entry("env_file"))]
        for found in environments or [posixpath.join(inner, ENV_NAME)]:
            self._read(found)
            self.values.learn(found)
        for found in paths:
            self.compose_file(found, inner, extended=False)

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
                self.compose_file(path, posixpath.dirname(path), extended=True)

    def _read(self, path: str | None) -> None:
        if path is not None and path in self.stack.listing:
            self.files.add(path)

    def _inside(self, origin: str, node: Tree, base: str) -> str | None:
        """The path below the folder; None, and a problem, for one that leads out of it."""
        said = node.text or ""
        text = self.values.substituted(said)
        message = ""
        if text is None:
            message = (
                f"{said} holds a variable whose value cannot be told for sure; only ${{NAME}} and "
                "${NAME:-default} can stand in the path of a file, with a plain value"
            )
        elif is_encrypted(text):
            message = "the path of a file must not be encrypted, so that it can be seen what is read"
        elif _REMOTE.search(text):
            message = (
                f"{text} is not in this repository; copy it into the folder, so that what runs is in git"
            )
        elif _leads_out(text, base):
            message = (
                f"{text} leads out of the Stack's folder {self.stack.stack.spec.path.path}; only files in it "
                "are read"
            )
        if text is not None and not message:
            path = posixpath.normpath(posixpath.join(base, text))
            return "" if path == "." else path
        place = self.stack.location(origin, node.line, node.column)
        self.problems.append(Problem(place, ComposeCode.OUTSIDE, message))
        return None


class _Values:
    """Values of variables, as far as they are certain."""

    def __init__(self, stack: StackFiles) -> None:
        self.fixed: dict[str, str] = {}
        self._stack = stack
        self._given = dict(stack.stack.spec.environment)
        self._texts: dict[str, str] = {}
        for path in stack.env_files:
            self.learn(path)

    def learn(self, path: str | None) -> None:
        """Takes another file with values into account; an earlier one wins."""
        if path and path in self._stack.listing and path not in self._texts:
            sealed = self._stack.sealed(path)
            data = b"" if sealed else self._stack.content(path)
            names = "\n".join(f"{name}=(secret)" for name in sealed.tree) if sealed else ""
            self._texts[path] = data.decode("utf-8", "replace") + names

    def substituted(self, text: str) -> str | None:
        """The text with variables replaced; None where a value is not certain."""
        if "$" not in text:
            return text
        result, end = "", 0
        for match in _VARIABLE.finditer(text):
            if "$" in text[end : match.start()]:
                return None
            value = "$" if match[0] == "$$" else self._value(match)
            if value is None:
                return None
            result, end = result + text[end : match.start()] + value, match.end()
        return None if "$" in text[end:] else result + text[end:]

    def _value(self, match: "re.Match[str]") -> str | None:
        name, default = match[1] or match[2], match[4]
        known = self._known(name)
        if known is None:
            return None
        if known:
            self.fixed[name] = known
            return known
        return default or ""

    def _known(self, name: str) -> str | None:
        """Empty where nobody sets it, None where it is not certain."""
        given = self._given.get(name)
        if given is not None:
            return given if isinstance(given, str) else None
        text = "\n".join(self._texts.values())
        mentions = len(re.findall(rf"\b{name}\b", text))
        if not mentions:
            return ""
        values = ["".join(match.groups("")[1:]) for match in _LINE.finditer(text) if match[1] == name]
        return values[0] if len(values) == mentions == 1 else None


def _leads_out(text: str, base: str) -> bool:
    if text.startswith(("/", "~")) or text.split("/").count("..") > MOST_STEPS_UP:
        return True
    return posixpath.normpath(posixpath.join(base, text)).split("/")[0] == ".."


def _each(node: Tree | None) -> Iterator[Tree]:
    """The items of a list, or what stands instead of a list of one."""
    if node is not None:
        yield from node.items if node.items is not None else [node]
