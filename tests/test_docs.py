"""Documentation that is checked: links lead somewhere, and what exists is documented."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from argos_gitops.app.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "example-config/**/*.md",
        "argos_gitops/**/*.md",
        "changelog.d/*.md",
    )
    for page in ROOT.glob(pattern)
)
RECORDS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
FRAGMENTS = [page for page in sorted((ROOT / "changelog.d").glob("*.md")) if page.name != "README.md"]
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def _identity(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_identity)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    """Relative links only; what lies on the net is not ours to test."""
    targets = _LINK.findall(page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("record", RECORDS, ids=_identity)
def test_a_decision_record_tells_context_decision_and_consequences(record: Path) -> None:
    """In this order, under its number, and listed in the index."""
    headings = re.findall(r"^## (.+)$", record.read_text(), re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences"]
    assert record.read_text().startswith(f"# {record.name[:4]}: ")
    assert f"]({record.name})" in (record.parent / "README.md").read_text()


def test_decision_records_have_numbers_of_their_own() -> None:
    """Two records written at the same time must not share a number."""
    numbers = [record.name[:4] for record in RECORDS]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=_identity)
def test_a_changelog_fragment_is_short(fragment: Path) -> None:
    """A line or two for users; the story belongs in the commit."""
    assert 1 <= len(fragment.read_text().strip().splitlines()) <= 3


@pytest.mark.parametrize("setting", [field.name for field in fields(Settings)])
def test_each_setting_is_documented(setting: str) -> None:
    """A setting that nobody can find does not exist."""
    assert f"`{setting}`" in (ROOT / "docs" / "install.md").read_text()


@pytest.mark.parametrize("script", ["check", "components", "demo", "test"])
def test_each_script_is_documented(script: str) -> None:
    """For those who use the project, or for those who work on it."""
    told = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    told += (ROOT / "docs" / "components.md").read_text()
    assert f"scripts/{script}" in told
