"""Which files of a revision are configuration, and which must not be there at all."""

from collections.abc import Iterable, Iterator, Sequence

from argos_gitops.manifests.problems import Code
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.source import SourceFile

_SUFFIXES = (".yaml", ".yml")
_TYPE = 0o170000
_SYMLINK = 0o120000
_SUBMODULE = 0o160000


def sift(files: Iterable[SourceFile]) -> tuple[Sequence[SourceFile], list[Problem]]:
    """The YAML files, and what is wrong with the rest.

    Hidden files and folders (`.github`) are not configuration, whatever they are. Links are refused
    wherever they point: a reader of the repository must see what is applied.
    """
    configuration: list[SourceFile] = []
    problems: list[Problem] = []
    for file in files:
        path = file.path
        if _is_hidden(path):
            continue
        if link := _link(file):
            problems.append(link)
        elif path.lower().endswith(_SUFFIXES):
            configuration.append(file)
            if not path.isprintable():
                problems.append(
                    _refused(path, Code.FILE_NAME, "the file's name is not printable UTF-8; rename it")
                )
    return configuration, problems


def hidden_links(folder: str, files: Iterable[SourceFile]) -> Iterator[Problem]:
    """Links and submodules below a folder that a resource names, where hidden files count too (`.env`)."""
    for file in files:
        if file.path.startswith(f"{folder}/") and _is_hidden(file.path) and (link := _link(file)):
            yield link


def _is_hidden(path: str) -> bool:
    return path.startswith(".") or "/." in path


def _link(file: SourceFile) -> Problem | None:
    kind = file.mode & _TYPE
    if kind == _SYMLINK:
        return _refused(file.path, Code.SYMLINK, "a symbolic link; put the file itself here")
    if kind == _SUBMODULE:
        message = "a submodule; put its files here, or move it elsewhere"
        return _refused(file.path, Code.SUBMODULE, message)
    return None


def _refused(path: str, code: Code, message: str) -> Problem:
    return Problem(Location(_printable(path)), code, message)


def _printable(path: str) -> str:
    """The path with whatever a terminal must not see escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in path)
