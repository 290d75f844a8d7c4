"""What Compose says of files, whether it takes them or not, as problems with their places.

Compose names places in several ways, none of them promised: `services.web.ports.0`, `service "web"`,
`line 3`, a file. What is recognized leads to the line; else it is the Compose file as a whole.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from argos_gitops.manifests.limits import MAX_FILE_BYTES
from argos_gitops.model.problem import Location, Problem
from argos_gitops.providers.docker.compose.document import Tree
from argos_gitops.providers.docker.compose.errors import ComposeCode, ComposeError
from argos_gitops.providers.docker.compose.files import StackFiles
from argos_gitops.providers.docker.compose.placing import Places, Way
from argos_gitops.providers.docker.compose.unset import Unset, unset_names

_WARNING = re.compile(r'^time="[^"]*" level=warning')
_SAID = re.compile(r'^time="[^"]*" level=\w+ msg="(.*)"$')
_MODEL_WAY = re.compile(r"\b(services|networks|volumes|secrets|configs)((?:[.\[][\w-]+\]?)+)")
_SERVICE = re.compile(r'service (?:\\?")?([\w.-]+)(?:\\?")?')
_OUT_OF_MEMORY = re.compile(
    r"^(?:fatal error|runtime): .*(?:out of memory|cannot allocate memory)", re.MULTILINE
)
"""As Go's runtime says it when it gives up."""
_KEY = re.compile(r"the attribute `([\w-]+)`")
_LINE = re.compile(r"\bline (\d+)")
_FILE_KINDS = (("env file", "env_file"), ("label file", "label_file"), ("remote resource", "include"))
"""What Compose calls a file that it cannot read, and the key that names such files."""
_LONGEST = 600


def refused(files: StackFiles, errors: str, root: str) -> ComposeError:
    """`errors` is what Compose said, `root` where its files lay."""
    lines = [line for line in errors.splitlines() if line.strip() and not _WARNING.match(line)]
    if _OUT_OF_MEMORY.search(errors):
        lines = ["its values grow beyond all measure; does one stand for many others?"]
    text = "; ".join(_plain(line) for line in lines)[-_LONGEST:] or "Compose refuses it and does not say why"
    problem = _problem(files, ComposeCode.INVALID, "docker compose says", text, root)
    blank = [unset_problem(files, Unset(name, (), True)) for name in unset_names(warnings_in(errors))]
    return ComposeError([problem, *blank])


def warnings_in(said: str) -> tuple[str, ...]:
    """What Compose warned of, in its own words, each once."""
    found = (_plain(line) for line in said.splitlines() if _WARNING.match(line))
    return tuple(dict.fromkeys(found))


def warned(files: StackFiles, warning: str, root: str) -> Problem:
    """A warning of Compose as one of ours; `root` is where its files lay."""
    return _problem(files, ComposeCode.WARNING, "docker compose warns", warning, root)


def unset_problem(files: StackFiles, unset: Unset, included: Sequence[str] = ()) -> Problem:
    """What is refused, or warned of, because nobody set a variable, at the line that names it."""
    name, way = unset.name, unset.way
    ends = f", and stands in {'.'.join(map(str, way))}" if way else ""
    message = (
        f"{files.stack.key}: the variable {name} is not set, so that Compose takes a blank for it{ends}; "
        f"set it in the Stack's environment or in an env file, or write ${{{name}:-}} where a blank is meant "
        "(for a dollar sign $$, or single quotes in an env file)"
    )
    code = ComposeCode.UNSET if unset.refused else ComposeCode.WARNING
    return Problem(_of_variable(files, name, Places(files, included)(way)), code, message)


def _of_variable(files: StackFiles, name: str, place: Location) -> Location:
    """The line that names a variable: that of `place`, or the first one."""
    found = list(_lines_naming(files, name))
    return next((each for each in found if (each.path, each.line) == (place.path, place.line)), None) or (
        found[0] if found else place
    )


def _lines_naming(files: StackFiles, name: str) -> Iterator[Location]:
    texts = [path for path in files.listing if path.endswith((".yaml", ".yml", ".env", ".json"))]
    for path in dict.fromkeys([*files.main, *files.env_files, *texts]):
        if files.listing[path].size <= MAX_FILE_BYTES:
            for number, line in enumerate(files.content(path).decode("utf-8", "replace").split("\n"), 1):
                column = min((at for at in _mentions(line, name)), default=0)
                if column:
                    yield files.location(path, number, column)


def _mentions(line: str, name: str) -> Iterator[int]:
    for sign in (f"${name}", f"${{{name}"):
        at = line.find(sign)
        following = line[at + len(sign) : at + len(sign) + 1]
        if at >= 0 and not (following.isalnum() or following == "_"):
            yield at + 1


def _problem(files: StackFiles, code: ComposeCode, verb: str, text: str, root: str) -> Problem:
    said = text.replace(f"{root}/", "").replace(root, files.stack.spec.path.path)
    return Problem(_place(files, text, root), code, f"{files.stack.key}: {verb}: {said}")


def _plain(line: str) -> str:
    match = _SAID.match(line)
    return (match[1].replace('\\"', '"') if match else line).strip()


def _place(files: StackFiles, text: str, root: str) -> Location:
    places = Places(files, ())
    mentioned = re.search(rf"{re.escape(root)}/([^\s:,'\"]+)", text)
    path = mentioned[1] if mentioned and mentioned[1] in files.listing else files.main[0]
    line = _LINE.search(text)
    if line:
        return files.location(path, int(line[1]), 1)
    named = _scalar(files, mentioned[1] if mentioned else text) or _with_variable(files, text)
    if named is not None:
        return named
    way = _MODEL_WAY.search(text)
    if way:
        return places(_steps(way[1], way[2]))
    key = _KEY.search(text)
    if key and mentioned:
        return next(
            (
                files.location(path, each.line, each.column)
                for tree in files.trees(path)
                if (each := tree.entry(key[1]))
            ),
            files.location(path, 1, 1),
        )
    service = _SERVICE.search(text)
    if service:
        return places(("services", service[1]))
    return _quoted(files, text) or places(())


def _scalar(files: StackFiles, text: str) -> Location | None:
    """Where one of the Compose files names a path that stands in a text."""
    words = {word.strip("\"':;,") for word in text.split()}
    paths = {posixpath.normpath(word) for word in words if "/" in word or "." in word}
    return _last(files, lambda node: bool(node.text) and posixpath.normpath(node.text or "") in paths)


def _with_variable(files: StackFiles, text: str) -> Location | None:
    """Where a path that Compose worked out of variables may stand: the one such path of its kind."""
    key = next((key for said, key in _FILE_KINDS if said in text), None)
    for main in reversed(files.main):
        for tree in files.trees(main):
            found = [node for node in tree.below(key) if "$" in (node.text or "")] if key else []
            if len(found) == 1:
                return files.location(main, found[0].line, found[0].column)
    return None


def _last(files: StackFiles, fits: Callable[[Tree], bool]) -> Location | None:
    for main in reversed(files.main):
        for tree in files.trees(main):
            for node in tree.scalars():
                if fits(node):
                    return files.location(main, node.line, node.column)
    return None


def _quoted(files: StackFiles, text: str) -> Location | None:
    """Where the last thing that was said stands, if there is but one such place."""
    last = text.rpartition(": ")[2].strip("\"'")
    found = [
        files.location(main, node.line, node.column)
        for main in files.main
        for tree in files.trees(main)
        for node in tree.scalars()
        if last and last in (node.text or "")
    ]
    return found[0] if len(found) == 1 else None


def _steps(section: str, rest: str) -> Way:
    steps = [step for step in re.split(r"[.\[\]]", rest) if step]
    return (section, *(int(step) if step.isdecimal() else step for step in steps))
