"""Which files are configuration, and which must not stand among them."""

from argos_gitops.manifests.limits import MAX_FILE_BYTES
from argos_gitops.manifests.loader import Loader
from tests.manifests.revisions import (
    REGISTRY,
    SUBMODULE,
    SYMLINK,
    Revision,
    book,
    codes,
    lines,
    load,
    load_with,
)


def test_only_yaml_files_are_read() -> None:
    """README, env files and scripts are none of our business; .yml is YAML as well."""
    loaded = load(
        {"a/b/one.yaml": book("one"), "two.YML": book("two"), "README.md": "# [", ".env": "x=", "run": "\0"}
    )
    assert lines(loaded) == []
    assert list(loaded.resources.of_kind("Book")) == ["one", "two"]


def test_hidden_files_and_folders_are_left_alone() -> None:
    """Also when they hold what is refused elsewhere."""
    files = {".github/workflows/ci.yaml": "on: [push]", "a/.b/c.yaml": "[", ".d.yaml": "[", ".link": "x"}
    assert lines(load(files, {".link": SYMLINK})) == []


def test_fm20_a_symlink_is_refused_wherever_it_leads() -> None:
    """Also one that is no YAML: what is applied must be what stands in the repository."""
    loaded = load({"a.yaml": "/etc/passwd", "secrets": "../../.."}, {"a.yaml": SYMLINK, "secrets": SYMLINK})
    assert codes(loaded) == ["Symlink", "Symlink"]
    assert [problem.location.path for problem in loaded.problems] == ["a.yaml", "secrets"]


def test_fm20_a_submodule_is_refused() -> None:
    assert codes(load({"stacks": "0123"}, {"stacks": SUBMODULE})) == ["Submodule"]


def test_fm20_an_lfs_pointer_is_never_parsed_as_configuration() -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    assert codes(load({"hosts.yaml": pointer})) == ["LfsPointer"]


def test_a_file_that_is_too_large_is_not_even_read() -> None:
    """Its size is known from the listing."""
    revision = Revision({"big.yaml": b"#" * (MAX_FILE_BYTES + 1), "small.yaml": book("one")})
    loaded = load_with(Loader(REGISTRY), revision)
    assert codes(loaded) == ["FileTooLarge"]
    assert [len(revision.blobs[blob]) < MAX_FILE_BYTES for blob in revision.reads] == [True]


def test_a_name_that_is_no_text_is_refused_and_shown_escaped() -> None:
    """Git allows any bytes; a terminal must not get them."""
    loaded = load({"a\x1b[31m.yaml": book("one"), "b\udcff.yaml": book("two")})
    assert codes(loaded) == ["FileName", "FileName"]
    assert [problem.location.path for problem in loaded.problems] == ["a\\x1b[31m.yaml", "b\\udcff.yaml"]
