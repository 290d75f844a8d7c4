"""Folders that a resource names: whose files are somebody else's, and are bound by what they hold."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from argos_gitops.manifests.attachments import MAX_FOLDER_BYTES
from argos_gitops.manifests.loader import Loaded, Loader
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.folder import Folder, FolderFile
from argos_gitops.model.spec import SpecModel
from argos_gitops.store.parse_cache import SqliteParseCache
from tests.manifests.revisions import (
    SUBMODULE,
    SYMLINK,
    BookSpec,
    Revision,
    book,
    codes,
    document,
    lines,
    load_with,
)


class CrateSpec(SpecModel):
    """Holds whatever is in a folder."""

    kind: ClassVar[str] = "Crate"

    path: Folder


REGISTRY = KindRegistry({model.kind: model for model in (CrateSpec, BookSpec, AgentSpec)})
COMPOSE = "services:\n  web: {image: nginx:1, ports: !reset [80:80], x: &a [*a]}\n"
CRATE = document("Crate", "c", "  path: stacks/wiki\n")


def load(files: Mapping[str, str | bytes], modes: Mapping[str, int] | None = None) -> Loaded:
    return load_with(Loader(REGISTRY), Revision(files, modes))


def files_of(loaded: Loaded) -> tuple[FolderFile, ...]:
    spec = loaded.resources.of_kind("Crate")["c"].spec
    assert isinstance(spec, CrateSpec)
    return spec.path.files


def digest(loaded: Loaded) -> str:
    return loaded.resources.of_kind("Crate")["c"].digest


def test_yaml_of_others_is_theirs_and_resources_beside_it_are_ours() -> None:
    """Whatever stands in it; the listing has every file, hidden ones and resources too."""
    files = {
        "crate.yaml": CRATE,
        "stacks/wiki/compose.yaml": COMPOSE,
        "stacks/wiki/sub/other.yml": "- just\n- a list\n",
        "stacks/wiki/.env": "A=b\n",
        "stacks/wiki/book.yaml": book("one"),
    }
    loaded = load(files)
    assert lines(loaded) == []
    assert [*loaded.resources.of_kind("Book")] == ["one"]
    assert [file.path for file in files_of(loaded)] == [".env", "book.yaml", "compose.yaml", "sub/other.yml"]


def test_the_same_file_elsewhere_is_a_mistake() -> None:
    found = load({"crate.yaml": CRATE, "stacks/wiki/a": "", "stacks/wikis/b.yaml": "a: 1\n"})
    assert codes(found) == ["MissingField"]
    assert str(found.problems[0]).startswith("stacks/wikis/b.yaml:1")


MANIFEST = "apiVersion: {}\nkind: {}\nmetadata: {{name: wiki}}\nspec: {{replicas: 1}}\n"


@pytest.mark.parametrize(
    ("version", "kind"),
    [("apps/v1", "Deployment"), ("v1", "Service"), ("networking.k8s.io/v1", "Book"), ("v1", "Crate")],
)
def test_manifests_of_others_in_the_folder_are_passed_over_with_a_warning(version: str, kind: str) -> None:
    """Also where their kind has the name of one of ours; elsewhere they reject the revision."""
    manifest = MANIFEST.format(version, kind)
    inside = load({"crate.yaml": CRATE, "stacks/wiki/a": "", "stacks/wiki/k8s/b.yaml": manifest})
    assert lines(inside) == []
    assert [str(warning) for warning in inside.warnings] == [
        f"stacks/wiki/k8s/b.yaml:1:13 ForeignResource a manifest of another program (apiVersion '{version}', "
        "where ours have argos.dev/v1); it is not looked at, as the folder is a Stack's"
    ]
    outside = load({"crate.yaml": CRATE, "stacks/wiki/a": "", "b.yaml": manifest})
    assert codes(outside) == ["ForeignResource"]


@pytest.mark.parametrize("version", ["argos.dev/v2", "argos.dev", "argos.de/v1", "Argos.dev/v1"])
def test_a_misspelled_version_of_ours_is_no_manifest_of_others(version: str) -> None:
    """A typing error must not make a resource go without a word."""
    wrong = book("one").replace("argos.dev/v1", version)
    assert codes(load({"crate.yaml": CRATE, "stacks/wiki/a": "", "stacks/wiki/book.yaml": wrong})) != []


def test_a_later_process_warns_of_manifests_of_others_too(tmp_path: Path) -> None:
    manifest = MANIFEST.format("apps/v1", "Deployment")
    revision = Revision({"crate.yaml": CRATE, "stacks/wiki/b.yaml": manifest})
    with_cache = SqliteParseCache(tmp_path / "cache.db")
    loader = Loader(REGISTRY, with_cache)
    first = load_with(loader, revision)
    loader.keep()
    assert load_with(Loader(REGISTRY, with_cache), revision).warnings == first.warnings != ()


def test_a_broken_resource_in_the_folder_is_still_told() -> None:
    wrong = book("one").replace("title", "titel")
    found = load({"crate.yaml": CRATE, "stacks/wiki/a": "", "stacks/wiki/book.yaml": wrong})
    assert codes(found) == ["MissingField", "UnknownField"]


def test_a_folder_that_is_not_there_is_told_where_it_is_named() -> None:
    for files in ({}, {"stacks/wiki": "a file"}, {"stacks/other/compose.yaml": ""}):
        (problem,) = load({"crate.yaml": CRATE, **files}).problems
        assert (str(problem.location), problem.code) == ("crate.yaml:6", "MissingFolder")


def test_a_folder_with_too_much_in_it() -> None:
    revision = Revision({"crate.yaml": CRATE, "stacks/wiki/image.tar": "x"})
    revision.files = [replace(file, size=file.size + MAX_FOLDER_BYTES) for file in revision.files[1:]]
    revision.files += Revision({"crate.yaml": CRATE}).files
    (problem,) = load_with(Loader(REGISTRY), revision).problems
    assert (str(problem.location), problem.code) == ("crate.yaml:6", "FolderTooLarge")


def test_another_file_makes_it_another_resource() -> None:
    before = load({"crate.yaml": CRATE, "stacks/wiki/compose.yaml": COMPOSE, "stacks/wiki/a": "1"})
    other = load({"crate.yaml": CRATE, "stacks/wiki/compose.yaml": COMPOSE, "stacks/wiki/a": "2"})
    runs = {"stacks/wiki/a": 0o100755}
    executable = load({"crate.yaml": CRATE, "stacks/wiki/compose.yaml": COMPOSE, "stacks/wiki/a": "1"}, runs)
    beside = load({"crate.yaml": CRATE, "stacks/wiki/compose.yaml": COMPOSE, "stacks/wiki/a": "1", "x": "y"})
    assert len({digest(each) for each in (before, other, executable)}) == 3
    assert digest(beside) == digest(before)
    assert len({each.resources.fingerprint for each in (before, other, executable)}) == 3


def test_one_loader_sees_each_revision_with_its_own_files() -> None:
    """Though the document is the same, and was read but once."""
    loader = Loader(REGISTRY)
    one, two = (Revision({"crate.yaml": CRATE, "stacks/wiki/a": text}) for text in "12")
    first, second = load_with(loader, one), load_with(loader, two)
    assert [files_of(each)[0].blob for each in (first, second)] == [
        revision.files[1].blob for revision in (one, two)
    ]
    assert digest(first) != digest(second)


def test_a_later_process_sees_the_same(tmp_path: Path) -> None:
    revision = Revision(
        {"crate.yaml": CRATE, "stacks/wiki/compose.yaml": COMPOSE, "stacks/wiki/run": "x"},
        {"stacks/wiki/run": 0o100755},
    )
    with_cache = SqliteParseCache(tmp_path / "cache.db")
    loader = Loader(REGISTRY, with_cache)
    first = load_with(loader, revision)
    loader.keep()
    later = Loader(REGISTRY, with_cache)
    revision.reads.clear()
    again = load_with(later, revision)
    assert (files_of(again), digest(again)) == (files_of(first), digest(first))
    assert again.resources.fingerprint == first.resources.fingerprint
    assert revision.reads == []


def test_links_are_refused() -> None:
    files = {"crate.yaml": CRATE, "stacks/wiki/compose.yaml": COMPOSE, "stacks/wiki/link": "/etc/passwd"}
    assert codes(load(files, {"stacks/wiki/link": SYMLINK})) == ["Symlink"]


@pytest.mark.parametrize(("mode", "code"), [(SYMLINK, "Symlink"), (SUBMODULE, "Submodule")])
def test_hidden_links_are_refused_in_a_folder_that_is_named(mode: int, code: str) -> None:
    """Compose would read `.env`: to leave the link out would be another configuration, without a word."""
    files = {
        "crate.yaml": CRATE,
        "stacks/wiki/compose.yaml": COMPOSE,
        "stacks/wiki/.env": "../../common.env",
        "other/.env": "../x",
    }
    found = load(files, {"stacks/wiki/.env": mode, "other/.env": mode})
    assert [(each.code, each.location.path) for each in found.problems] == [(code, "stacks/wiki/.env")]


def test_paths_that_lead_out_are_refused() -> None:
    for path in ("../other", "/etc", ".", "a/../../b"):
        found = load({"crate.yaml": document("Crate", "c", f"  path: {path}\n"), "stacks/wiki/a": ""})
        assert codes(found), path


def test_spellings_of_one_folder_are_one() -> None:
    found = load(
        {"crate.yaml": document("Crate", "c", "  path: ./stacks//wiki/\n"), "stacks/wiki/a.yaml": "x: 1\n"}
    )
    assert lines(found) == []
    assert [file.path for file in files_of(found)] == ["a.yaml"]
