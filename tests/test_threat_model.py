"""The threat model: every sentence of what nobody may reach has a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/threat-model.md"
_ROW = re.compile(r"^\| (?P<sentence>[^|]+?) \| (?P<tests>`.+`) \|$", re.MULTILINE)
_PLACE = re.compile(r"`(?P<file>[\w/]+\.py)::(?P<function>test_\w+)`")
_PARTIES = ("Visitor", "Host agent", "Contributor", "Merger", "Operator", "Systems that are asked")


def _rows() -> list[tuple[str, str]]:
    return [(row["sentence"], row["tests"]) for row in _ROW.finditer(PAGE.read_text())]


@cache
def _functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize(("sentence", "tests"), _rows())
def test_each_sentence_has_a_test_that_exists(sentence: str, tests: str) -> None:
    places = [*_PLACE.finditer(tests)]
    assert places, sentence
    assert _PLACE.sub("", tests).replace(",", "").strip() == "", tests
    for place in places:
        path = ROOT / "tests" / place["file"]
        assert path.is_file(), place["file"]
        assert place["function"] in _functions(path), place[0]


def test_each_party_has_its_sentences() -> None:
    """A row that is not of the form above would not be looked at."""
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    told = {section.partition("\n")[0]: section for section in sections}
    for party in _PARTIES:
        rows = [line for line in told[party].splitlines() if line.startswith("| ")][1:]
        assert len(rows) >= 3, party
        assert all(_ROW.match(row) for row in rows), party
