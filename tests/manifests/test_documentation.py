"""Every code that a problem can have is explained, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from argos_gitops.manifests.problems import Code
from argos_gitops.manifests.reference import render_reference
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.model.spec import SpecModel
from tests.manifests.revisions import REGISTRY

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "problems.md"


def _codes_of_providers() -> Iterator[str]:
    """The code of each `Problem(place, "Code", …)` in a provider, and those in a class `…Code`."""
    for path in (ROOT / "argos_gitops" / "providers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="Problem"), args=[_, ast.Constant(value=str(code)), *_]):
                    yield code
                case ast.ClassDef(name=name, body=body) if name.endswith("Code"):
                    yield from (ast.literal_eval(each.value) for each in body if isinstance(each, ast.Assign))


def test_each_code_is_explained_and_each_explanation_has_a_code() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted({*Code, *_codes_of_providers()})


def test_the_reference_tells_each_field_of_each_kind() -> None:
    """Nested ones by their path, with what may stand there."""
    page = render_reference(REGISTRY)
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| `")}
    assert "one of red, green or blue | `red` | Its colour." in rows["`colour`"]
    assert "list: reference to [Book](#book)" in rows["`shelves[].books`"]
    assert "secret: `{env: NAME}`, `{file: PATH}` or `{sops: PATH#KEY}`" in rows["`lock`"]
    assert "a whole number, ≥ 1, ≤ 9" in rows["`shelves[].height`"]
    assert "**required**" in rows["`title`"]
    assert "`lock.env`" not in rows
    assert "annotations.argos.dev/prune" in page


class _TreeSpec(SpecModel):
    """Grows."""

    kind: ClassVar[str] = "Tree"

    leaves: int = Field(1, description="How many.")
    branches: tuple["_TreeSpec", ...] = Field((), description="More of the same.")


def test_what_holds_itself_is_described_once() -> None:
    page = render_reference(KindRegistry({"Tree": _TreeSpec}))
    assert "| `branches` | list: a mapping |  | More of the same. |" in page
    assert "branches[]" not in page


def test_the_reference_of_nothing_is_a_page_too() -> None:
    assert render_reference(KindRegistry({})).startswith("# The config language")
