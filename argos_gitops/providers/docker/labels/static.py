"""Traefik's own configuration, as far as it stands in the repository: its command, variables, and files.

Source: Traefik 3.7, "Static configuration" (one of file, arguments and variables counts, in this order) and
"File provider". What cannot be read is said, and is never taken for nothing.
"""

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from argos_gitops.model.problem import Location
from argos_gitops.providers.docker.compose.document import Tree, UnreadableError
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.files import PLACEHOLDER_SIGN, StackFiles
from argos_gitops.providers.docker.compose.rendering import Rendered
from argos_gitops.providers.docker.labels.label import Label
from argos_gitops.providers.docker.labels.middlewares import Middleware
from argos_gitops.providers.docker.labels.reading import Options

_IMAGE = re.compile(r"(?:.*/)?traefik(?::(?P<tag>[^@/]+))?(?:@.*)?")
_TRAEFIK_1 = re.compile(r"v?1(\..*)?")
_ARGUMENTS_OF = ("--providers.", "--entrypoints.")
_ENTRYPOINTS = (["/entrypoint.sh"], ["traefik"], ["/usr/local/bin/traefik"])
_SUFFIXES = (".toml", ".yaml", ".yml")
_USUAL_FILES = tuple(
    f"{folder}/traefik{suffix}" for folder in ("/etc/traefik", "", "/root/.config") for suffix in _SUFFIXES
)
_CONFIG_FILE = "configfile"


class UnreadError(Exception):
    """A part of the configuration that cannot be read; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """`options` are those of the static configuration by their names in lower case, `middlewares` those of
    the file provider, `sites` its routers. `unread` says why the static configuration is unknown,
    `file_unread` why the file provider's is.
    """

    owner: str
    location: Location
    options: Options = field(default_factory=dict)
    middlewares: Mapping[str, Middleware] = field(default_factory=dict)
    sites: Sequence[Label] = ()
    unread: str | None = None
    file_unread: str | None = None

    def below(self, prefix: str) -> dict[str, Label]:
        """The options whose name begins so, by what follows."""
        return {
            name.removeprefix(prefix): each for name, each in self.options.items() if name.startswith(prefix)
        }

    @property
    def form(self) -> object:
        """Equal for configurations that mean the same."""
        told = {name: label.value for name, label in self.options.items()}
        defined = {
            name: {k: v.value for k, v in each.options.items()} for name, each in self.middlewares.items()
        }
        return (told, defined, self.unread, self.file_unread)


def is_traefik(service: Mapping[str, Any]) -> bool:
    """By its image, or by arguments that no other program has."""
    if _IMAGE.fullmatch(str(service.get("image") or "")):
        return True
    return any(str(each).lower().startswith(_ARGUMENTS_OF) for each in service.get("command") or ())


def read_configuration(rendered: Rendered, files: StackFiles, name: str) -> Configuration:
    """The configuration of a service that is Traefik."""
    reader = _Reader(rendered, files, name)
    owner, location = f"service {name} of {files.stack.key}", rendered.place("services", name)
    try:
        options = reader.static()
    except UnreadError as error:
        return Configuration(owner, location, unread=str(error))
    try:
        found = reader.of_files(options)
    except UnreadError as error:
        return Configuration(owner, location, options, file_unread=str(error))
    client = next((each for name, each in found.items() if name.startswith(_CLIENT_CERTIFICATES)), None)
    if client is not None:
        asks = f"it asks every visitor for a certificate ({client.key}, {client.place()})"
        return Configuration(owner, location, options, unread=asks)
    return Configuration(owner, location, options, *_defined(found))


class _Reader:
    def __init__(self, rendered: Rendered, files: StackFiles, name: str) -> None:
        self._rendered = rendered
        self._files = files
        self._name = name
        self._service = rendered.services[name]
        self._owner = f"service {name} of {files.stack.key}"

    def static(self) -> Options:
        match = _IMAGE.fullmatch(str(self._service.get("image") or ""))
        if match and match["tag"] and _TRAEFIK_1.fullmatch(match["tag"]):
            raise UnreadError("it is Traefik 1, whose configuration has another form")
        entrypoint = self._service.get("entrypoint")
        if entrypoint and list(entrypoint) not in _ENTRYPOINTS:
            raise UnreadError(f"its entrypoint {' '.join(map(str, entrypoint))} may be any program")
        arguments = dict(self._arguments())
        file = arguments.get(_CONFIG_FILE)
        if file is not None:
            return self._file(self._required(file.value))
        for usual in _USUAL_FILES:
            found = self._inside(usual)
            if found is not None:
                return self._file(found)
        return arguments or dict(self._variables())

    def of_files(self, options: Options) -> Options:
        """All that the file provider's files say."""
        found: Options = {}
        for option in ("filename", "directory"):
            label = options.get(f"providers.file.{option}")
            for path in self._provided(label) if label is not None else ():
                found.update(self._file(path))
        return found

    def _provided(self, label: Label) -> list[str]:
        if not label.key.lower().endswith("directory"):
            return [self._required(label.value)]
        folder = posixpath.normpath(label.value)
        below = [target for target, _ in self._mounts() if target.startswith(f"{folder.rstrip('/')}/")]
        within = [found for each in (folder, *below) if (found := self._folder(each)) is not None]
        if not within:
            raise UnreadError(f"its {folder} holds none of the Stack's files")
        return [
            path
            for path in sorted(self._files.listing)
            if path.endswith(_SUFFIXES)
            and any(path == each or path.startswith(_prefix(each)) for each in within)
        ]

    def _arguments(self) -> Iterator[tuple[str, Label]]:
        words = [str(each) for each in self._service.get("command") or ()]
        words = words[1:] if words[:1] == ["traefik"] else words
        place = partial(self._rendered.place, "services", self._name, "command")
        position = 0
        while position < len(words):
            word, number = words[position], position
            name, sign, value = word.lstrip("-").partition("=")
            if not word.startswith("-") or not name:
                raise UnreadError(f"its command has {word!r}, which is no option of Traefik")
            if not sign:
                value = "true"
                if position + 1 < len(words) and not words[position + 1].startswith("-"):
                    position += 1
                    value = words[position]
            yield name.lower(), self._label(f"--{name}", value, "argument", partial(place, number))
            position += 1

    def _variables(self) -> Iterator[tuple[str, Label]]:
        for name, value in (self._service.get("environment") or {}).items():
            if name.upper().startswith("TRAEFIK_"):
                place = partial(self._rendered.place, "services", self._name, "environment", name)
                option = name[len("TRAEFIK_") :].lower().replace("_", ".")
                if value is None:
                    raise UnreadError(f"{name} has its value from wherever Compose runs")
                yield option, self._label(name, str(value), "variable", place)

    def _file(self, path: str) -> Options:
        """The options of a file below the Stack's folder."""
        try:
            sealed = self._files.sealed(path) is not None
            data = self._files.content(path)
        except ComposeError as error:
            raise UnreadError(str(error)) from None
        if sealed:
            raise UnreadError(f"{path} is encrypted by SOPS")
        if b"{{" in data:
            raise UnreadError(f"{path} is a template, which Traefik works out where it runs")
        if path.endswith(".toml"):
            return self._toml(path, data)
        found: Options = {}
        try:
            for tree in self._files.trees(path):
                found.update(_flat(tree, "", partial(self._field, path)))
        except UnreadableError as error:
            raise UnreadError(f"{path} cannot be read: {error}") from None
        return found

    def _toml(self, path: str, data: bytes) -> Options:
        try:
            document = tomllib.loads(data.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UnreadError(f"{path} cannot be read: {error}") from None
        return dict(_flat(_tree_of(document), "", partial(self._field, path)))

    def _field(self, path: str, name: str, value: str, tree: Tree) -> Label:
        place = partial(self._files.location, path, tree.line, tree.column)
        return self._label(name, value, "field", place)

    def _label(self, key: str, value: str, what: str, place: Any) -> Label:
        if PLACEHOLDER_SIGN in value:
            raise UnreadError(f"{key} is a secret")
        return Label(key, value, self._owner, place, what)

    def _required(self, path: str) -> str:
        found = self._inside(path)
        if found is None:
            raise UnreadError(f"its {path} is none of the Stack's files")
        return found

    def _inside(self, path: str) -> str | None:
        """The file of the Stack that the container sees under a path; None where it sees none.

        Raises UnreadError where it sees something that is not in the repository.
        """
        within = self._folder(path)
        if within is not None and within not in self._files.listing:
            raise UnreadError(f"{path} is {within or 'the folder'} of the Stack, which is no file in git")
        return within

    def _folder(self, path: str) -> str | None:
        """A path of the container below the Stack's folder."""
        path = posixpath.normpath(path)
        mounts = [
            each for each in self._mounts() if path == each[0] or path.startswith(f"{each[0].rstrip('/')}/")
        ]
        if not mounts:
            return None
        target, source = max(mounts, key=lambda each: len(each[0]))
        root = self._rendered.directory.rstrip("/")
        if source is None or not (source == root or source.startswith(f"{root}/")):
            raise UnreadError(
                f"{path} may be in {source or 'a volume'}, mounted at {target}, which is not in git"
            )
        below = posixpath.normpath(f"{source}/{path[len(target) :]}")
        found = below.removeprefix(root).strip("/")
        known = self._files.listing
        if found in known or source == below or any(each.startswith(_prefix(found)) for each in known):
            return found
        if self._files.stack.spec.directory is not None:
            raise UnreadError(f"{path} may be in {below} on the host, which is not in git")
        return None

    def _mounts(self) -> Iterator[tuple[str, str | None]]:
        """Where something is mounted, and what of the host; None for a volume."""
        for mount in self._service.get("volumes") or ():
            source = mount.get("source") if mount.get("type") == "bind" else None
            if mount.get("target"):
                yield posixpath.normpath(str(mount["target"])), source
        for section in ("configs", "secrets"):
            for used in self._service.get(section) or ():
                defined = (self._rendered.model.get(section) or {}).get(used["source"]) or {}
                usual = f"/{used['source']}" if section == "configs" else f"/run/secrets/{used['source']}"
                yield posixpath.normpath(str(used.get("target") or usual)), defined.get("file")


def _flat(tree: Tree, way: str, label: Any) -> Iterator[tuple[str, Label]]:
    """Options by dotted names in lower case. A list of texts is one option with commas, as in labels."""
    if tree.items is not None:
        texts = [item.text for item in tree.items]
        if any(text is None for text in texts):
            for number, item in enumerate(tree.items):
                yield from _flat(item, f"{way}[{number}]", label)
            return
        if any("," in (text or "") for text in texts):
            raise UnreadError(f"a comma stands in an item of {way}, which labels cannot say")
        yield way.lower(), label(way, ",".join(text or "" for text in texts), tree)
    elif tree.text is not None:
        yield way.lower(), label(way, tree.text, tree)
    else:
        keys = list(dict.fromkeys(tree.keys()))
        if not keys and way:
            yield way.lower(), label(way, "true", tree)
        for key in keys:
            if way.count(".") < _NAMES_END and "." in key:
                raise UnreadError(f"a dot stands in the name {key} below {way or 'the top'}")
            below = tree.entry(key)
            if below is not None:
                yield from _flat(below, f"{way}.{key}" if way else key, label)


_NAMES_END = 3


def _prefix(folder: str) -> str:
    return f"{folder}/" if folder else ""


def _tree_of(value: Any) -> Tree:
    """What TOML says, without places."""
    if isinstance(value, dict):
        return Tree(0, 0, entries={str(key): _tree_of(each) for key, each in value.items()})
    if isinstance(value, list):
        return Tree(0, 0, items=[_tree_of(each) for each in value])
    return Tree(0, 0, text=str(value).lower() if isinstance(value, bool) else str(value))


_MIDDLEWARE = "http.middlewares."
_CLIENT_CERTIFICATES = "tls.options.default.clientauth"
_OTHERS = ("http.routers.", "tcp.routers.", "udp.routers.")


def _defined(options: Options) -> tuple[dict[str, Middleware], list[Label]]:
    middlewares: dict[str, Options] = {}
    sites: dict[str, Label] = {}
    for option, label in options.items():
        if option.startswith(_MIDDLEWARE):
            name, _, rest = option.removeprefix(_MIDDLEWARE).partition(".")
            middlewares.setdefault(f"{name}@file", {})[rest] = (
                _qualified(label) if rest.startswith("chain.") else label
            )
        elif option.startswith(_OTHERS):
            sites.setdefault(".".join(option.split(".")[:3]), label)
    return {name: Middleware(name, each) for name, each in middlewares.items()}, list(sites.values())


def _qualified(label: Label) -> Label:
    """The links of a chain in a file are those of files, unless they say otherwise."""
    links = [each.strip() for each in label.value.split(",")]
    value = ",".join(each if "@" in each else f"{each}@file" for each in links)
    return Label(label.key, value, label.owner, label.place, label.what)
