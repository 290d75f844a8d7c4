"""What is declared is what is imported, and what is locked is what is declared."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Imported by ruamel.yaml, which finds the C loader there.
INDIRECT = {"ruamel-yaml-clib"}


def _name(requirement: str) -> str:
    """The normalized name (PEP 503) of the distribution that a requirement asks for."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def _imported_modules() -> Iterator[str]:
    for path in (ROOT / "argos_gitops").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module


def _imported_distributions() -> set[str]:
    providing = packages_distributions()
    tops = {module.partition(".")[0] for module in _imported_modules()} - sys.stdlib_module_names
    return {_name(name) for top in tops - {"argos_gitops"} for name in providing[top]}


def test_declared_is_what_is_imported() -> None:
    """Nothing is installed for nothing, and nothing works by the luck of a dependency's dependency."""
    declared = {_name(requirement) for requirement in PROJECT["dependencies"]}
    extras = PROJECT["optional-dependencies"].items()
    optional = {_name(each) for extra, required in extras if extra != "dev" for each in required}
    # A namespace such as `ruamel` has several distributions; one that is declared is enough.
    imported = _imported_distributions()
    assert declared - INDIRECT <= imported <= declared | optional | INDIRECT


@pytest.mark.parametrize(
    ("lock", "extra"),
    [
        ("requirements.lock", []),
        ("requirements-extras.lock", ["notify", "postgres"]),
        ("requirements-dev.lock", ["dev"]),
    ],
    ids=str,
)
def test_every_dependency_is_locked(lock: str, extra: list[str]) -> None:
    """With a digest; scripts/lock writes the files."""
    wanted = {_name(r) for r in PROJECT["dependencies"]}
    wanted |= {_name(r) for name in extra for r in PROJECT["optional-dependencies"][name]}
    text = (ROOT / lock).read_text()
    locked = set(re.findall(r"^([a-z0-9.-]+)==\S+ \\$", text, re.MULTILINE))
    assert wanted <= {_name(name) for name in locked}
    assert "://" not in text


def _pinned(lock: str) -> dict[str, str]:
    return dict(
        re.findall(r"^([a-z0-9.-]+)(?:\[[^\]]*\])?==(\S+) \\$", (ROOT / lock).read_text(), re.MULTILINE)
    )


def test_what_is_shipped_is_what_was_tested() -> None:
    """The tests run with the versions of requirements-dev.lock, and no other lock has another."""
    tested = _pinned("requirements-dev.lock")
    for lock in ("requirements.lock", "requirements-extras.lock", "requirements-build.lock"):
        pinned = _pinned(lock)
        assert pinned
        assert pinned == {name: tested[name] for name in pinned}, lock


def test_what_builds_the_wheel_is_locked() -> None:
    """`pip wheel --no-build-isolation` with this lock fetches nothing else."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {_name(each) for each in build} <= set(_pinned("requirements-build.lock"))
