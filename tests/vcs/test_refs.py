"""Refs that are not what was assumed: renamed across a folder, of no commit, symbolic, or of nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.status.open import open_offer
from argos_gitops.vcs.branch import RemoteBranch
from argos_gitops.vcs.commits import Draft
from argos_gitops.vcs.merging import merged
from argos_gitops.vcs.mirror import Mirror, Terms
from argos_gitops.vcs.repository import own_ref
from tests.components.git import GitHttp, Origin
from tests.vcs.mirrors import A, contents, mirror_of

RENAMES = [("feature", "feature/x"), ("feature/x", "feature"), ("feature/x", "feature/x/y")]
DRAFT = Draft("refs/heads/any", None, "first\n", datetime(2026, 1, 2, tzinfo=UTC), {"a": b"1"})


def rename(origin: Origin, before: str, after: str) -> str:
    origin.git("update-ref", "-d", f"refs/heads/{before}")
    return origin.commit({"b": after.encode()}, branch=after)


@pytest.mark.parametrize(("before", "after"), RENAMES)
def test_a_branch_may_take_the_place_of_a_folder_of_branches_and_back(
    origin: Origin, tmp_path: Path, before: str, after: str
) -> None:
    mirror = mirror_of(origin.url, tmp_path)
    origin.commit(A, branch=before)
    mirror.fetch(before)
    for _ in range(2):
        tip = rename(origin, before, after)
        assert mirror.fetch(after).sha == tip
        before, after = after, before


@pytest.mark.parametrize(("before", "after"), RENAMES)
@pytest.mark.parametrize("kind", ["heads", "tags"])
def test_it_may_so_where_everything_is_fetched_to_find_a_commit(
    origin: Origin, tmp_path: Path, before: str, after: str, kind: str
) -> None:
    mirror = mirror_of(origin.url, tmp_path)
    for name in (before, after):
        for ref in mirror_refs(origin, kind):
            origin.git("update-ref", "-d", ref)
        tip = origin.commit({"b": name.encode()}, branch="main")
        origin.git("update-ref", f"refs/{kind}/{name}", tip)
        origin.git("update-ref", "-d", "refs/heads/main")
        assert mirror.fetch(tip[:12]).sha == tip


def mirror_refs(origin: Origin, kind: str) -> list[str]:
    return origin.git("for-each-ref", "--format=%(refname)", f"refs/{kind}").split()


@pytest.mark.parametrize(("before", "after"), RENAMES)
def test_a_status_branch_and_an_offer_may_so_too(
    origin: Origin, tmp_path: Path, before: str, after: str
) -> None:
    mirror = mirror_of(origin.url, tmp_path)
    origin.commit(A)
    for name in (before, after):
        branch = RemoteBranch(mirror, name)
        branch.refresh()
        commit = branch.append(replace(DRAFT, ref=branch.ref))
        assert origin.tip(branch.ref) == commit
        origin.git("update-ref", "-d", branch.ref)
        offer = open_offer(origin.url, name, tmp_path / "cache")
        assert offer is not None
        offer.put(DRAFT, offer.tip())
        origin.git("update-ref", "-d", f"refs/heads/{name}")


@pytest.mark.parametrize(("before", "after"), RENAMES)
def test_a_pull_requests_branch_may_so_too(origin: Origin, tmp_path: Path, before: str, after: str) -> None:
    mirror = mirror_of(origin.url, tmp_path)
    main = origin.commit(A)
    for name in (before, after):
        tip = origin.commit({"b": name.encode()}, branch=name, onto=main)
        assert merged(mirror, "main", name) == tip
        origin.git("update-ref", "-d", f"refs/heads/{name}")


def test_what_was_accepted_is_remembered_of_a_branch_that_went_away_meanwhile(
    origin: Origin, tmp_path: Path
) -> None:
    """Otherwise whoever may remove a branch could rewrite it."""
    mirror, terms = mirror_of(origin.url, tmp_path), Terms(allow_rewrite=False)
    origin.commit(A, branch="live")
    mirror.fetch("live", terms)
    rename(origin, "live", "live/x")
    mirror.fetch("live/x", terms)
    rename(origin, "live/x", "live")
    with pytest.raises(SourceError) as caught:
        mirror.fetch("live", terms)
    assert caught.value.reason == "NonFastForward"


def test_no_name_of_ours_is_below_another() -> None:
    names = ["a", "a/b", "a+", "a+/b", "a=", "a/b=", "a/b/c", "a+=/b", "HEAD"]
    ours = [own_ref("tips", name) for name in names]
    assert len(set(ours)) == len(names)
    assert not [(one, other) for one in ours for other in ours if other.startswith(f"{one}/")]


@pytest.mark.parametrize("kind", ["blob", "tree"])
@pytest.mark.parametrize("nested", [0, 1, 2], ids=["light", "annotated", "tag of a tag"])
def test_a_tag_on_what_is_no_commit_is_named_with_what_it_is(
    origin: Origin, git_http: GitHttp, tmp_path: Path, kind: str, nested: int
) -> None:
    commit = origin.commit(A)
    target = origin.git("rev-parse", f"{commit}:hosts" if kind == "tree" else f"{commit}:hosts/a.yaml")
    for number in range(nested):
        origin.git("tag", "-m", "x", f"t{number}", target)
        target = origin.git("rev-parse", f"t{number}")
    origin.git("update-ref", "refs/tags/odd", target)
    for url in (origin.url, f"{git_http.url}/config.git"):
        mirror = mirror_of(url, tmp_path)
        mirror.fetch()
        for _ in range(2):
            with pytest.raises(SourceError, match=f"refs/tags/odd names a {kind}, not a commit") as caught:
                mirror.fetch("odd")
            assert caught.value.reason == "RevisionNotFound"
        assert mirror.fetch().sha == commit


def test_a_tag_of_a_tag_and_the_id_of_a_tag_give_the_commit(origin: Origin, tmp_path: Path) -> None:
    commit = origin.commit(A)
    origin.git("tag", "-m", "one", "one", commit)
    origin.git("tag", "-m", "two", "two", origin.git("rev-parse", "one"))
    mirror = mirror_of(origin.url, tmp_path)
    assert mirror.fetch("two").sha == commit
    assert mirror.fetch(origin.git("rev-parse", "two")).sha == commit


@pytest.mark.parametrize("name", ["blob", "tree"])
def test_the_id_of_what_is_no_commit_is_not_found(origin: Origin, tmp_path: Path, name: str) -> None:
    commit = origin.commit(A)
    found = origin.git("rev-parse", f"{commit}:hosts" if name == "tree" else f"{commit}:hosts/a.yaml")
    mirror = mirror_of(origin.url, tmp_path)
    for fetched in (False, True):
        if fetched:
            mirror.fetch()
        with pytest.raises(SourceError) as caught:
            mirror.fetch(found)
        assert caught.value.reason == "RevisionNotFound"


def test_a_symbolic_branch_is_the_branch_that_it_names(origin: Origin, tmp_path: Path) -> None:
    origin.git("symbolic-ref", "refs/heads/live", "refs/heads/main")
    first = origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    assert mirror.fetch("live").sha == first
    second = origin.commit({"b": b"1"})
    assert mirror.fetch("live").sha == second
    origin.git("symbolic-ref", "refs/heads/live", "refs/heads/nowhere")
    with pytest.raises(SourceError) as caught:
        mirror.fetch("live")
    assert caught.value.reason == "RevisionNotFound"


def test_a_pull_requests_ref_is_followed_by_its_full_name(origin: Origin, tmp_path: Path) -> None:
    origin.commit(A)
    tip = origin.commit({"b": b"1"}, branch="topic")
    origin.git("update-ref", "refs/pull/7/head", tip)
    assert mirror_of(origin.url, tmp_path).fetch("refs/pull/7/head").sha == tip


@pytest.mark.parametrize("url", ["file", "http"])
def test_a_sha_256_repository_is_followed_in_its_own_format(
    git_http: GitHttp, tmp_path: Path, url: str
) -> None:
    origin = Origin(tmp_path / "origins" / "new.git", "sha256")
    mirror = mirror_of(origin.url if url == "file" else f"{git_http.url}/new.git", tmp_path)
    first = origin.commit(A)
    assert len(first) == 64
    assert contents(mirror, mirror.fetch().sha) == A
    second = origin.commit({"b": b"1"})
    assert mirror.fetch("main").sha == second
    assert mirror.fetch(first).sha == first


@pytest.mark.parametrize("whole", [True, False], ids=["id", "short id"])
def test_so_is_one_of_which_a_commit_is_asked_for_first(tmp_path: Path, whole: bool) -> None:
    origin = Origin(tmp_path / "origins" / "new.git", "sha256")
    commit = origin.commit(A)
    assert mirror_of(origin.url, tmp_path).fetch(commit if whole else commit[:12]).sha == commit


def test_the_id_of_another_format_is_not_found_and_costs_no_mirror(origin: Origin, tmp_path: Path) -> None:
    commit = origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    before = mirror.folder.stat().st_ino
    with pytest.raises(SourceError) as caught:
        mirror.fetch("0123abcd" * 8)
    assert caught.value.reason == "RevisionNotFound"
    assert mirror.folder.stat().st_ino == before
    assert mirror.fetch().sha == commit


def made_anew_as_sha256(origin: Origin) -> Origin:
    origin.folder.rename(origin.folder.with_name("before.git"))
    return Origin(origin.folder, "sha256")


def test_a_repository_that_changes_its_format_counts_as_rewritten(origin: Origin, tmp_path: Path) -> None:
    mirror, careful = mirror_of(origin.url, tmp_path), Terms(allow_rewrite=False)
    first = origin.commit(A)
    mirror.fetch(None, careful)
    second = made_anew_as_sha256(origin).commit(A)
    for ref in (None, second):
        with pytest.raises(SourceError, match="another object format") as caught:
            mirror.fetch(ref, careful)
        assert caught.value.reason == "ObjectFormatChanged"
    assert contents(mirror, first) == A
    assert mirror.fetch().sha == second


def test_an_empty_repository_may_turn_out_to_be_sha_256(tmp_path: Path) -> None:
    origin = Origin(tmp_path / "origins" / "new.git", "sha256")
    mirror = Mirror(mirror_of(origin.url, tmp_path).address, tmp_path / "mirrors")
    with pytest.raises(SourceError) as caught:
        mirror.fetch()
    assert caught.value.reason == "EmptyRepository"
    assert mirror.fetch(origin.commit(A)).sha
