"""What is checked in is what the code says today."""

from pathlib import Path

import pytest

from tests.generated.files import ROOT, generated_files

FILES = generated_files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_generated_file_is_fresh(path: Path) -> None:
    """Run scripts/generate after changing a kind, a field or a command."""
    assert path.read_text("utf-8") == FILES[path], "stale; run scripts/generate"


def test_no_schema_is_left_over() -> None:
    """A kind that is gone leaves no schema behind."""
    assert {path for path in FILES if path.suffix == ".json"} == set((ROOT / "schema").glob("*.json"))
