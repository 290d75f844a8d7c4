"""Every regular expression of the package, found by reading its source, and texts that make one slow.

An expression in the source is a call of `re.…` with a pattern; it is evaluated among the globals of its
module. What needs more than these (a local variable) has to be named by the test, so that none is overlooked.
"""

import ast
import importlib
import json
import re
import string
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

# The parser of `re` itself, which has no types: there is no other way to take a pattern to pieces.
constants: Any = importlib.import_module("re._constants")
parser: Any = importlib.import_module("re._parser")

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "argos_gitops"

_CALLS = frozenset({"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"})
_FLAGS_AT = {"compile": 1, "search": 2, "match": 2, "fullmatch": 2, "findall": 2, "finditer": 2}
_METHODS = _CALLS - {"compile"}
_MOST_PIECES = 14
_SIZES = (24, 96, 384, 1536)
_LONG = 12_288
_SCREEN_SECONDS = 0.004
_FLOOR_SECONDS = 0.05
_RATIO = 8.0
"""Between a text and one of four times its length: linear work gives 4, quadratic 16."""


@dataclass(frozen=True)
class Expression:
    """`name` is its place: `model/masking.py:_RULES`; `methods` are those that it is used with."""

    name: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]


@dataclass(frozen=True)
class Unknown:
    """A call whose pattern the globals of its module do not give."""

    name: str
    source: str


@dataclass(frozen=True)
class Slow:
    expression: str
    method: str
    text: str
    seconds: Sequence[float]


def expressions() -> Iterator[Expression | Unknown]:
    """Of the whole package, and of the JSON Schema, which is checked with `re.search`."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    used = _methods_used(trees.values())
    for path, tree in trees.items():
        yield from _in_module(path, tree, used)
    yield from _in_schemas()


def _in_module(
    path: Path, tree: ast.Module, used: Mapping[str, frozenset[str]]
) -> Iterator[Expression | Unknown]:
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(tree):
        function = _re_function(node)
        if function is None:
            continue
        assert isinstance(node, ast.Call)
        owner = _owner(node, parents)
        name = f"{path.relative_to(PACKAGE)}:{owner}"
        methods = used.get(owner, _METHODS) if function == "compile" else frozenset({function})
        try:
            yield Expression(name, _evaluated(node, function, _module(path)), methods)
        except NameError:
            yield Unknown(name, ast.unparse(node))


def _re_function(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    where, name = node.func.value, node.func.attr
    return name if isinstance(where, ast.Name) and where.id == "re" and name in _CALLS else None


def _owner(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> str:
    """The constant or function that a call stands in."""
    names = []
    while (parent := parents.get(node)) is not None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(parent, ast.Module | ast.ClassDef):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            names.append(ast.unparse(target))
        node = parent
    return ".".join(reversed(names))


def _module(path: Path) -> dict[str, Any]:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return vars(importlib.import_module(name))


def _evaluated(call: ast.Call, function: str, names: dict[str, Any]) -> re.Pattern[Any]:
    at = _FLAGS_AT.get(function, 99)
    given = call.args[at] if len(call.args) > at else None
    flags = next((each.value for each in call.keywords if each.arg == "flags"), given)
    # The source of this package itself.
    values = [eval(ast.unparse(each), names) for each in (call.args[0], flags) if each]  # noqa: S307
    return re.compile(*values)


def _methods_used(trees: Any) -> Mapping[str, frozenset[str]]:
    """Names of constants → the methods that are called on them, or handed on without a call."""
    found: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in _METHODS:
                where = node.value
                name = getattr(where, "id", None) or getattr(where, "attr", None)
                if name:
                    found.setdefault(name, set()).add(node.attr)
    return {name: frozenset(methods) for name, methods in found.items()}


def _in_schemas() -> Iterator[Expression]:
    patterns = {
        pattern
        for path in sorted((ROOT / "schema").glob("*.json"))
        for pattern in _patterns_in(json.loads(path.read_text("utf-8")))
    }
    for pattern in sorted(patterns):
        yield Expression(f"schema:{pattern}", re.compile(pattern), frozenset({"search"}))


def _patterns_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        yield from value.get("patternProperties", {})
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _patterns_in(each)


def slow_text(expression: Expression, longest: int = _LONG) -> Slow | None:
    """A text of which one four times as long takes far more than four times as long."""
    units = list(_units(expression.pattern))
    for method in sorted(expression.methods):
        run = _runner(expression.pattern, method)
        for unit, begin, end in units:
            seconds = _measured(run, partial(_text, unit, begin, end), longest)
            if seconds:
                return Slow(expression.name, method, f"{begin!r} + {unit!r} * n + {end!r}", seconds)
    return None


def growth(run: Callable[[Any], object], text: Callable[[int], Any], longest: int = _LONG) -> Sequence[float]:
    """Nothing when work grows with the length of the text alone; else the seconds that show it."""
    return _measured(run, text, longest)


def _measured(run: Callable[[Any], object], text: Callable[[int], Any], longest: int) -> Sequence[float]:
    """Short texts first: what is worse than quadratic shows there, and is asked for no more."""
    before = 0.0
    for size in [*(size for size in _SIZES if size < longest), longest // 4]:
        last = _seconds(run, text(size), 1)
        if last > max(_FLOOR_SECONDS, _RATIO * before) and _seconds(run, text(size), 3) > _FLOOR_SECONDS:
            return [before, last]
        before = last
    if before < _SCREEN_SECONDS:
        return ()
    texts = text(longest // 4), text(longest)
    pairs = [
        [_seconds(run, each, 1) for each in texts] for _ in range(5)
    ]  # in turn, as a machine changes pace
    short, long = map(min, zip(*pairs, strict=True))
    return (short, long) if long > _FLOOR_SECONDS and long > _RATIO * short else ()


def _seconds(run: Callable[[Any], object], text: Any, times: int) -> float:
    """Of this thread's processor: what others do at the same time does not count. The best of several."""
    best = float("inf")
    for _ in range(times):
        begun = time.thread_time()
        run(text)
        best = min(best, time.thread_time() - begun)
    return best


def _runner(pattern: re.Pattern[Any], method: str) -> Callable[[Any], object]:
    def encode(text: str) -> Any:
        return text.encode() if isinstance(pattern.pattern, bytes) else text

    if method in ("sub", "subn"):
        return lambda text: pattern.sub(encode(""), encode(text))
    if method == "finditer":
        return lambda text: list(pattern.finditer(encode(text)))
    return lambda text: getattr(pattern, method)(encode(text))


def _text(unit: str, begin: str, end: str, size: int) -> str:
    return begin + unit * (size // len(unit) + 1) + end


def _units(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """What to repeat, and what to begin and end with: the pieces of the pattern, by two and by three."""
    pieces = list(dict.fromkeys(_pieces(parser.parse(pattern.pattern, pattern.flags))))
    example = _example(parser.parse(pattern.pattern, pattern.flags))
    chosen = sorted(pieces, key=len, reverse=True)[:_MOST_PIECES]
    longer = [example[:length] for length in range(2, min(len(example), 40))]
    units = {*chosen, *longer, *("".join(two) for two in product(chosen, repeat=2)), " ", "a", "\n"}
    for unit in sorted(each for each in units if each):
        yield unit, "", ""
        yield unit, "", "\0"
    for begin, unit in product([example, example[: len(example) // 2], *longer[:6]], chosen):
        yield unit, begin, "\0!"


def _pieces(parsed: Any) -> Iterator[str]:
    """Runs of literal characters, and members of each class, wherever they stand in a pattern."""
    run = ""
    for operation, argument in parsed:
        if operation is constants.LITERAL:
            run += chr(argument)
            continue
        if run:
            yield run
        run = ""
        if operation is constants.IN:
            yield from _members(argument)
        yield from _inner_pieces(argument)
    if run:
        yield run


def _inner_pieces(argument: Any) -> Iterator[str]:
    if isinstance(argument, parser.SubPattern):
        yield from _pieces(argument)
    elif isinstance(argument, tuple | list):
        for each in argument:
            yield from _inner_pieces(each)


def _members(members: Any) -> Iterator[str]:
    """Some characters of a class: its own, the ends of its ranges, one of each category."""
    if members[0][0] is constants.NEGATE:
        excluded = set(_members(members[1:]))
        yield from [each for each in "a -/.\n" if each not in excluded][:2]
        return
    for operation, argument in members:
        if operation is constants.LITERAL:
            yield chr(argument)
        elif operation is constants.RANGE:
            yield chr(argument[0])
        elif operation is constants.CATEGORY:
            yield _OF_CATEGORY[argument]


_OF_CATEGORY = {
    constants.CATEGORY_DIGIT: "0",
    constants.CATEGORY_NOT_DIGIT: "a",
    constants.CATEGORY_SPACE: " ",
    constants.CATEGORY_NOT_SPACE: "a",
    constants.CATEGORY_WORD: "a",
    constants.CATEGORY_NOT_WORD: " ",
}


def _example(parsed: Any) -> str:
    """A text that the pattern matches, or nearly: assertions are left out."""
    return "".join(_example_of(operation, argument) for operation, argument in parsed)


def _example_of(operation: Any, argument: Any) -> str:  # one line for each operation
    if operation is constants.LITERAL:
        return chr(argument)
    if operation is constants.NOT_LITERAL:
        return next(each for each in string.ascii_letters if ord(each) != argument)
    if operation is constants.ANY:
        return "a"
    if operation is constants.IN:
        return next(iter(_members(argument)), "a")
    if operation is constants.BRANCH:
        return _example(argument[1][0])
    if operation is constants.SUBPATTERN:
        return _example(argument[-1])
    if operation is constants.ATOMIC_GROUP:
        return _example(argument)
    if operation in (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT):
        least, _, body = argument
        return _example(body) * max(1, min(int(least), 16))
    return ""
