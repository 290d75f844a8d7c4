"""Trees that no git would write: paths that lead elsewhere, or that two machines read as two things."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from argos_gitops.model.errors import GitError, SourceError
from argos_gitops.sources.directory import DirectorySource
from argos_gitops.sources.git import GitSource
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.environment import git_environment
from argos_gitops.vcs.repository import Repository
from tests.components.git import DumbHttp, GitHttp, Origin
from tests.vcs.mirrors import QUICK, mirror_of

Entry = tuple[str, bytes, str]
"""Mode, name, object."""

NAMES = {
    "parent": b"..",
    "self": b".",
    "git": b".git",
    "git in capitals": b".GIT",
    "git on NTFS": b".git ",
    "git's short name": b"GIT~1",
    "git's stream": b".git::$INDEX_ALLOCATION",
    "git on HFS+": ".g\u200cit".encode(),
    "a slash": b"a/../../x",
    "a backslash": b"..\\x",
    "a line break": b"a\nb",
    "an escape": b"a\x1b[2J",
    "too long": b"a" * 300,
}


def write(origin: Origin, entries: Sequence[Entry]) -> str:
    """A tree with exactly these entries."""
    content = b"".join(b"%s %s\0%s" % (m.encode(), name, bytes.fromhex(oid)) for m, name, oid in entries)
    file = origin.folder.parent / "tree"
    file.write_bytes(content)
    return origin.git("hash-object", "-t", "tree", "-w", "--literally", str(file))


def push(origin: Origin, tree: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    commit = origin.git(*identity, "commit-tree", tree, "-m", "odd")
    origin.git("update-ref", "refs/heads/main", commit)
    return commit


def blob(origin: Origin, content: bytes = b"a: 1\n") -> str:
    return origin.git("hash-object", "-w", "--stdin", given=content)


def nested(origin: Origin, name: bytes, *, folder: bool) -> str:
    """`stacks/web/NAME`, a file or a folder with one."""
    file: Entry = ("100644", name, blob(origin))
    inner = [("40000", name, write(origin, [("100644", b"escaped", blob(origin))]))] if folder else [file]
    web = write(origin, inner)
    stacks = write(origin, [("40000", b"web", web)])
    return write(origin, [("40000", b"stacks", stacks)])


def refused(source: GitSource) -> SourceError:
    with pytest.raises(SourceError) as caught:
        source.fetch()
    return caught.value


@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("case", NAMES)
def test_a_tree_with_an_unsafe_name_is_refused_when_it_is_read(
    origin: Origin, case: str, folder: bool
) -> None:
    """Whatever git let through, and whenever it was fetched: in a mirror from before, too."""
    tree = nested(origin, NAMES[case], folder=folder)
    git = Git(origin.folder, git_environment(None), str, QUICK.git)
    with pytest.raises(GitError) as caught:
        Repository(git).entries(tree)
    assert caught.value.reason == "UnsafePath"
    assert "stacks/web/" in str(caught.value) or case == "too long"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("case", ["parent", "git", "git on NTFS", "a slash"])
def test_a_commit_with_an_unsafe_tree_is_refused_as_it_is_fetched(
    origin: Origin, git_http: GitHttp, tmp_path: Path, case: str
) -> None:
    """git itself finds it (fsckObjects), also where it is above the configuration folder."""
    good = origin.commit({"config/a.yaml": b"a: 1\n"})
    for url in (f"file://{origin.url}", f"{git_http.url}/config.git"):
        origin.git("update-ref", "refs/heads/main", good)
        source = GitSource(mirror_of(url, tmp_path), "main", "config")
        assert source.fetch().revision.sha == good
        config = write(origin, [("100644", b"a.yaml", blob(origin))])
        push(
            origin,
            write(origin, sorted([("100644", NAMES[case], blob(origin)), ("40000", b"config", config)])),
        )
        error = refused(source)
        assert error.reason == "UnsafeObjects"
        assert "refs/heads/main" in str(error)
        assert "object" in str(error)


def test_a_path_is_named_with_its_commit(origin: Origin, dumb_http: DumbHttp, tmp_path: Path) -> None:
    """A server of plain files, where git does not look at what it fetches."""
    commit = push(origin, nested(origin, b"..", folder=True))
    origin.git("update-server-info")
    error = refused(GitSource(mirror_of(f"{dumb_http.url}/config.git", tmp_path), "main"))
    assert error.reason in ("UnsafePath", "UnsafeObjects")
    if error.reason == "UnsafePath":
        assert commit[:12] in str(error)
        assert "'stacks/web/..'" in str(error)


def test_a_few_trees_that_stand_for_endless_files_are_refused(origin: Origin, tmp_path: Path) -> None:
    """Each holds the one before ten times: some kilobytes to push, and more paths than any memory holds."""
    tree = write(origin, [("100644", b"a.yaml", blob(origin))])
    for _ in range(9):
        tree = write(origin, [("40000", b"folder-%d" % number, tree) for number in range(10)])
    push(origin, tree)
    mirror = mirror_of(f"file://{origin.url}", tmp_path)
    error = refused(GitSource(mirror))
    assert error.reason == "TreeTooLarge"
    assert "more than 64 MiB to list" in str(error)
    assert mirror.repository.refs(), "the mirror is not damaged, and stays"


def test_a_path_without_end_is_shown_where_it_begins_and_ends(origin: Origin, tmp_path: Path) -> None:
    push(origin, write(origin, [("100644", b"begin" + b"a" * 100_000 + b"end.yaml", blob(origin))]))
    message = str(refused(GitSource(mirror_of(f"file://{origin.url}", tmp_path))))
    assert "begin" in message
    assert "end.yaml" in message
    assert len(message) < 1000


def test_two_files_in_one_place_are_refused(origin: Origin) -> None:
    one, other = blob(origin), blob(origin, b"b: 2\n")
    trees = (
        write(origin, [("100644", b"a", one), ("100644", b"a", other)]),
        write(origin, [("100644", b"a", one), ("40000", b"a", write(origin, [("100644", b"b", other)]))]),
        write(origin, [("100644", b"a/b", other)]),
    )
    git = Git(origin.folder, git_environment(None), str, QUICK.git)
    for tree in trees:
        with pytest.raises(GitError) as caught:
            Repository(git).entries(tree)
        assert caught.value.reason == "UnsafePath"


def test_flaws_of_old_repositories_are_no_hindrance(origin: Origin, tmp_path: Path) -> None:
    """Modes with a zero before them, and author lines as converters wrote them."""
    folder = write(origin, [("100644", b"a.yaml", blob(origin))])
    tree = write(origin, [("040000", b"config", folder)])
    lines = [
        f"tree {tree}",
        "author Someone<someone@example.com> 1234567890 +051800",
        "committer nobody 00123 +0000",
        "",
        "old",
        "",
    ]
    file = tmp_path / "commit"
    file.write_text("\n".join(lines))
    commit = origin.git("hash-object", "-t", "commit", "-w", "--literally", str(file))
    origin.git("update-ref", "refs/heads/main", commit)
    snapshot = GitSource(mirror_of(f"file://{origin.url}", tmp_path), "main", "config").fetch()
    assert [each.path for each in snapshot.files()] == ["a.yaml"]


def test_names_of_people_are_no_hindrance(origin: Origin, tmp_path: Path) -> None:
    names = ("größe.yaml", "ＡＢ 1.yaml", ".gitignore", ".gitkeep", "...", "git~12", "emoji 🔑.yaml", "a..b")
    origin.commit(dict.fromkeys(names, b""))
    snapshot = GitSource(mirror_of(f"file://{origin.url}", tmp_path), "main").fetch()
    assert sorted(each.path for each in snapshot.files()) == sorted(names)


@pytest.mark.parametrize("name", ["a\nb", "..\\x", ".GIT", "GIT~1"])
def test_a_plain_folder_is_held_to_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / name).write_text("")
    with pytest.raises(SourceError) as caught:
        DirectorySource(tmp_path / "config").fetch()
    assert caught.value.reason == "UnsafePath"
    assert os.linesep not in str(caught.value)
