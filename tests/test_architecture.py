"""The habits that hold everywhere, as tests: what import-linter, ruff and mypy cannot say."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "argos_gitops"
CORE = ("model", "manifests", "planning")
MOST_LINES = 400
# Names that say nothing about what a thing is for.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "process_data"}
WALL_CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "sleep"),
}


def _sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _identity(path: Path) -> str:
    return str(path.relative_to(ROOT))


ALL_SOURCES = _sources("argos_gitops", "benchmarks", "demo", "tests")
CORE_SOURCES = _sources(*(f"argos_gitops/{room}" for room in CORE))
PACKAGES = sorted(PACKAGE.rglob("__init__.py"))


@pytest.mark.parametrize("path", ALL_SOURCES, ids=_identity)
def test_a_file_is_short_enough_to_read_at_once(path: Path) -> None:
    """A file past 400 lines holds more than one concept: split it."""
    assert len(path.read_text().splitlines()) < MOST_LINES


@pytest.mark.parametrize("path", PACKAGES, ids=_identity)
def test_a_package_says_what_belongs_there(path: Path) -> None:
    """Whoever adds a line learns from the docstring whether this is its room."""
    assert ast.get_docstring(ast.parse(path.read_text())), "a package needs a docstring"


@pytest.mark.parametrize("path", sorted((PACKAGE / "providers").glob("*/")), ids=_identity)
def test_a_provider_has_a_page_of_its_own(path: Path) -> None:
    """A provider is one folder; its README tells what it manages and how."""
    if (path / "__init__.py").exists():
        assert (path / "README.md").exists()


@pytest.mark.parametrize("path", CORE_SOURCES, ids=_identity)
def test_the_core_knows_no_clock(path: Path) -> None:
    """Time comes as an argument, so that a plan is the same whenever it is made."""
    assert list(_wall_clocks(ast.parse(path.read_text()))) == []


def _wall_clocks(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in WALL_CLOCKS:
                yield f"line {node.lineno}: {owner}.{name}"


@pytest.mark.parametrize("path", ALL_SOURCES, ids=_identity)
def test_names_say_what_a_thing_is_for(path: Path) -> None:
    """No module, class or function is called what could be called anything."""
    tree = ast.parse(path.read_text())
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = {node.name.lower() for node in ast.walk(tree) if isinstance(node, definitions)}
    assert not (names | {path.stem, path.parent.name}) & EMPTY_NAMES
