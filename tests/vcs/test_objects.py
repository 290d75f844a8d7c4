"""Ids computed without git are the ids that git gives."""

import io
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.vcs.objects import EMPTY_TREE, FILE_MODE, blob_id, file_id, tree_id
from tests.components.git import Origin

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0\n"), min_size=1, max_size=4).filter(
    lambda name: name.lower() not in (".", "..", ".git") and not name.lower().startswith((".git", "git~"))
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@given(st.binary(max_size=200))
def test_a_blob_has_gits_id_however_it_is_read(content: bytes) -> None:
    asked = subprocess.run(["git", "hash-object", "--stdin"], input=content, capture_output=True, check=True)
    assert blob_id(content) == asked.stdout.decode().strip()
    assert file_id(io.BytesIO(content), len(content)) == blob_id(content)


def test_a_tree_has_gits_id(tmp_path: Path) -> None:
    """`a.b` sorts before `a/`, and `a/` before `a0`: folders sort as if their name ended in a slash."""
    origin = Origin(tmp_path / "origin.git")
    files: dict[str, bytes | None] = {
        path: path.encode() for path in ("a/x", "a.b", "a0", "deep/er/file", "é", "z")
    }
    commit = origin.commit(files)
    ours = tree_id((path, FILE_MODE, blob_id(content or b"")) for path, content in files.items())
    assert ours == origin.git("rev-parse", f"{commit}^{{tree}}")


@given(st.dictionaries(PATHS, st.binary(max_size=5), max_size=6), st.randoms())
def test_a_tree_is_the_same_in_any_order(files: dict[str, bytes], random: object) -> None:
    entries = [(path, FILE_MODE, blob_id(content)) for path, content in files.items()]
    assert tree_id(entries) == tree_id(reversed(entries))


def test_a_tree_without_files_is_the_empty_one() -> None:
    assert tree_id([]) == EMPTY_TREE
