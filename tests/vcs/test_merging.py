"""What a merge would give."""

from pathlib import Path

import pytest

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.merging import merged
from tests.components.git import Origin
from tests.vcs.mirrors import contents, mirror_of

START: dict[str, bytes | None] = {"a": b"1\n", "b": b"1\n"}


def test_a_branch_that_is_up_to_date_is_what_it_would_give(origin: Origin, tmp_path: Path) -> None:
    """So that a signature on it counts."""
    main = origin.commit(START)
    tip = origin.commit({"a": b"2\n"}, branch="change", onto=main)
    assert merged(mirror_of(origin.url, tmp_path), "main", "change") == tip


def test_what_is_merged_already_gives_what_is_there(origin: Origin, tmp_path: Path) -> None:
    """Nothing of it is new."""
    first = origin.commit(START)
    origin.commit({"c": b"1\n"}, branch="change", onto=first)
    origin.git("update-ref", "refs/heads/change", first)
    tip = origin.commit({"a": b"2\n"})
    assert merged(mirror_of(origin.url, tmp_path), "main", "change") == tip


@pytest.mark.parametrize("behind", [1, 40])
def test_both_sides_are_brought_together(origin: Origin, tmp_path: Path, behind: int) -> None:
    """However far the branch lies back, and though the mirror is shallow; nothing is pushed."""
    start = origin.commit(START)
    origin.commit({"a": b"2\n"}, branch="change", onto=start)
    for number in range(behind):
        origin.commit({"b": b"%d\n" % number, "c": b"new\n"})
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch("main")
    refs = origin.git("for-each-ref")
    commit = merged(mirror, "main", "change")
    assert contents(mirror, commit) == {"a": b"2\n", "b": b"%d\n" % (behind - 1), "c": b"new\n"}
    assert origin.git("for-each-ref") == refs
    assert mirror.fetch("main").events == ()


def test_a_conflict_is_told(origin: Origin, tmp_path: Path) -> None:
    """Nobody guesses what a person would make of it."""
    start = origin.commit(START)
    origin.commit({"a": b"2\n"}, branch="change", onto=start)
    origin.commit({"a": b"3\n"})
    with pytest.raises(GitError, match="conflicts") as caught:
        merged(mirror_of(origin.url, tmp_path), "main", "change")
    assert caught.value.reason == "MergeConflict"


def test_strangers_are_told(origin: Origin, tmp_path: Path) -> None:
    """A branch that was begun anew."""
    origin.commit(START)
    origin.commit({"a": b"2\n"}, branch="change")
    with pytest.raises(GitError) as caught:
        merged(mirror_of(origin.url, tmp_path), "main", "change")
    assert caught.value.reason == "NoCommonHistory"
