"""docs/http.md tells of everything that can be asked, and of every answer."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from argos_gitops.web.forges import FORGES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "http.md").read_text()
ROOM = sorted((ROOT / "argos_gitops" / "web").glob("*.py"))
_REASON = r"[A-Z][a-z]+(?:[A-Z][a-z]+)+|Busy|Incomplete|Malformed|Ping|Push|Replayed|Unauthorized"
_PATH = r"/[a-z]+(?:/[a-z{}]+)*"


def _texts() -> Iterator[str]:
    """Every string of the room."""
    for path in ROOM:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _those_like(pattern: str) -> list[str]:
    return sorted({text for text in _texts() if re.fullmatch(pattern, text)})


@pytest.mark.parametrize("reason", _those_like(_REASON))
def test_each_reason_is_documented(reason: str) -> None:
    assert f"`{reason}`" in PAGE


@pytest.mark.parametrize("provider", FORGES)
def test_each_provider_is_documented(provider: str) -> None:
    assert f"| `{provider}` |" in PAGE


@pytest.mark.parametrize("path", _those_like(_PATH))
def test_each_path_is_documented(path: str) -> None:
    """As it stands in the routes."""
    assert path in re.findall(r"`(?:[A-Z]+ )?(/[^`]*)`", PAGE)


def test_each_metric_is_documented() -> None:
    """Counters by the name that they are shown under."""
    sources = [*ROOM, ROOT / "argos_gitops" / "app" / "metrics.py"]
    declared = {
        name + ("_total" if kind == "Counter" else "")
        for path in sources
        for kind, name in re.findall(r"\b(Counter|Gauge|Histogram)\(\s*\"(\w+)\"", path.read_text())
    }
    assert len(declared) > 10
    assert {name for name in declared if f"`{name}`" not in PAGE} == set()
