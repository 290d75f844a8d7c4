"""The loader does what changed and no more, in one process and over many."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from argos_gitops.manifests.loader import Loader
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.model.errors import ManifestError, SourceError
from argos_gitops.model.resource import ResourceKey
from argos_gitops.store.parse_cache import SqliteParseCache
from tests.manifests.revisions import (
    KINDS,
    LIBRARY,
    REGISTRY,
    BookSpec,
    RackSpec,
    Revision,
    book,
    codes,
    document,
    lines,
    load,
    load_with,
)

ROOT = Path(__file__).parents[2]

# Loads a tree that is known, and prints how many books there are and which heavy modules were imported.
KNOWN_TREE = """
import sys
from pathlib import Path
from argos_gitops.manifests.loader import Loader
from argos_gitops.store.parse_cache import SqliteParseCache
from tests.manifests.revisions import LIBRARY, REGISTRY, Revision, load_with

loaded = load_with(Loader(REGISTRY, SqliteParseCache(Path(sys.argv[1])), build="b"), Revision(LIBRARY))
print(len(loaded.resources.of_kind("Book")))
print([name for name in ("ruamel.yaml", "jsonschema", "multiprocessing") if name in sys.modules])
"""


class DictCache:
    """A ParseCache in memory; `asked` are the keys of each question."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.asked: list[Sequence[str]] = []

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        self.asked.append(keys)
        return {key: self.entries[key] for key in keys if key in self.entries}

    def put_many(self, entries: Mapping[str, bytes], instead_of: Sequence[str] = ()) -> None:
        for key in instead_of:
            self.entries.pop(key, None)
        self.entries.update(entries)


def changed(files: Mapping[str, str], **more: str) -> Revision:
    return Revision({**files, **{f"{name}.yaml": text for name, text in more.items()}})


def test_typed_resources_come_out() -> None:
    loaded = load(LIBRARY)
    rack = loaded.resources.of(RackSpec)["r"]
    assert (rack.spec.favourite, rack.spec.colour, rack.spec.weight) == ("one", "red", 2048)
    assert loaded.resources.get(ResourceKey("Book", "two")) is loaded.resources.of(BookSpec)["two"]
    assert loaded.resources.get(ResourceKey("Book", "three")) is None


def test_labels_and_annotations_come_along() -> None:
    meta = "  labels: {team: a}\n  annotations: {argos.dev/prune: disabled}\n"
    text = book("one").replace("  name: one\n", f"  name: one\n{meta}")
    resource = load({"a.yaml": text}).resources.of_kind("Book")["one"]
    assert (resource.labels, resource.protected, resource.suspended) == ({"team": "a"}, True, False)


def test_a_changed_file_is_the_only_one_that_is_read() -> None:
    loader = Loader(REGISTRY)
    load_with(loader, Revision(LIBRARY))
    second = Revision({**LIBRARY, "books/two.yaml": book("two", "New")})
    loaded = load_with(loader, second)
    assert [second.blobs[blob] for blob in second.reads] == [book("two", "New").encode()]
    assert loaded.resources.of(BookSpec)["two"].spec.title == "New"


def test_the_same_tree_is_not_looked_at_twice() -> None:
    loader = Loader(REGISTRY)
    assert load_with(loader, Revision(LIBRARY)) is load_with(loader, Revision(LIBRARY))


def test_a_removed_file_is_missed_and_a_renamed_one_found() -> None:
    loader = Loader(REGISTRY)
    load_with(loader, Revision(LIBRARY))
    without = {path: text for path, text in LIBRARY.items() if path != "books/one.yaml"}
    assert codes(load_with(loader, Revision(without))) == ["MissingReference"]
    moved = load_with(loader, Revision({**without, "elsewhere.yml": book("one")}))
    assert str(moved.resources.of_kind("Book")["one"].location) == "elsewhere.yml:1"


def test_a_good_revision_after_a_bad_one_is_good() -> None:
    """And the bad one tells the same when it comes back."""
    loader = Loader(REGISTRY)
    bad = {**LIBRARY, "books/two.yaml": book("two") + "  pages: x\n"}
    before = lines(load_with(loader, Revision(bad)))
    assert load_with(loader, Revision(LIBRARY)).problems == ()
    assert lines(load_with(loader, Revision(bad))) == before != []


def test_a_source_that_fails_fails_the_load_and_nothing_else() -> None:
    loader = Loader(REGISTRY)
    revision = Revision(LIBRARY)

    def torn(blobs: Sequence[str]) -> list[tuple[str, bytes]]:
        raise SourceError(f"{len(blobs)} blobs cannot be read")

    with pytest.raises(SourceError):
        loader.load(revision.files, torn, revision.tree)
    assert load_with(loader, revision).problems == ()


def test_another_process_reads_only_what_is_new() -> None:
    """Facts are shared through the cache by blob."""
    cache = DictCache()
    load_with(Loader(REGISTRY, cache), Revision(LIBRARY))
    revision = changed(LIBRARY, three=book("three"))
    loaded = load_with(Loader(REGISTRY, cache), revision)
    assert [revision.blobs[blob] for blob in revision.reads] == [book("three").encode()]
    assert len(loaded.resources) == 4


def test_a_known_tree_is_built_kind_by_kind() -> None:
    """A process that asks for racks alone never makes a book; equal trees have equal fingerprints."""
    cache = DictCache()
    loader = Loader(REGISTRY, cache, build="b")
    first = load_with(loader, Revision(LIBRARY))
    loader.keep()
    other = KindRegistry({**KINDS, "Book": _Unmakeable})
    revision = Revision(LIBRARY)
    lazy = load_with(Loader(other, cache, build="b"), revision)
    assert revision.reads == []
    assert lazy.resources.kinds() == first.resources.kinds() == {"Book": 2, "Rack": 1}
    assert lazy.resources.of_kind("Rack") == first.resources.of_kind("Rack")
    with pytest.raises(ManifestError, match="cannot be made"):
        lazy.resources.of_kind("Book")


class _Unmakeable(BookSpec):
    """A Book of other code, under a build that claims to be the same."""

    def model_post_init(self, context: object, /) -> None:
        raise ValueError(f"cannot be made{context or ''}")


def test_a_known_tree_gives_equal_resources() -> None:
    cache = DictCache()
    loader = Loader(REGISTRY, cache)
    first = load_with(loader, Revision(LIBRARY)).resources
    loader.keep()
    second = load_with(Loader(REGISTRY, cache), Revision(LIBRARY)).resources
    assert list(first) == list(second)
    assert first.fingerprint == second.fingerprint


def test_a_known_tree_needs_neither_parser_nor_validator(tmp_path: Path) -> None:
    """Importing them would take longer than all the rest of an idle pass."""
    cache = tmp_path / "parse.sqlite3"
    loader = Loader(REGISTRY, SqliteParseCache(cache), build="b")
    load_with(loader, Revision(LIBRARY))
    loader.keep()
    done = subprocess.run(
        [sys.executable, "-c", KNOWN_TREE, str(cache)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2", "[]"]


def test_a_tree_with_problems_is_not_remembered_as_valid() -> None:
    cache = DictCache()
    bad = {**LIBRARY, "rack.yaml": document("Rack", "r", "  favourite: none\n")}
    for _ in range(2):
        loader = Loader(REGISTRY, cache)
        assert codes(load_with(loader, Revision(bad))) == ["MissingReference"]
        loader.keep()


def test_a_cache_that_lost_a_part_of_a_tree_is_made_good() -> None:
    cache = DictCache()
    loader = Loader(REGISTRY, cache)
    load_with(loader, Revision(LIBRARY))
    loader.keep()
    for key in [key for key in cache.entries if key.endswith(":Book")]:
        del cache.entries[key]
    assert len(load_with(Loader(REGISTRY, cache), Revision(LIBRARY)).resources) == 3


def test_fingerprints_tell_contents_and_places_apart() -> None:
    """They follow configuration alone: a README moves no fingerprint."""

    def fingerprint(files: Mapping[str, str]) -> str:
        return load(files).resources.fingerprint

    assert fingerprint(LIBRARY) == fingerprint({**LIBRARY, "README.md": "new"})
    others = [{**LIBRARY, "x.yaml": "# nothing\n"}, {**LIBRARY, "books/two.yaml": book("two", "x")}]
    assert len({fingerprint(files) for files in [LIBRARY, *others]}) == 3


def test_digests_tell_documents_apart_however_they_are_written() -> None:
    def digest(text: str) -> str:
        return load({"a.yaml": text}).resources.of_kind("Book")["x"].digest

    written = "{spec: {title: x}, kind: Book, metadata: {name: x}, apiVersion: argos.dev/v1}"
    assert digest(book("x")) == digest(f"# other\n{written}\n")
    assert digest(book("x")) != digest(book("x", "y"))


def test_another_schema_believes_nothing_that_was_kept() -> None:
    """Whether the kinds changed or the code did."""
    cache = DictCache()
    fewer = KindRegistry({kind: model for kind, model in KINDS.items() if kind != "Agent"})
    first = Loader(REGISTRY, cache, build="1")
    load_with(first, Revision(LIBRARY))
    first.keep()
    for loader in (
        Loader(REGISTRY, cache, build="2"),
        Loader(fewer, cache, build="1"),
        Loader(REGISTRY, cache),
    ):
        revision = Revision(LIBRARY)
        load_with(loader, revision)
        assert len(revision.reads) == 3


def test_a_tree_that_was_kept_takes_the_place_of_the_last_one() -> None:
    """An agent that lives for years keeps one tree, not one for each commit."""
    cache = DictCache()
    loader = Loader(REGISTRY, cache)
    load_with(loader, Revision(LIBRARY))
    loader.keep()
    before = {key for key in cache.entries if ":tree:" in key}
    load_with(loader, changed(LIBRARY, three=book("three")))
    loader.keep()
    after = {key for key in cache.entries if ":tree:" in key}
    assert len(before) == len(after)
    assert not before & after


def test_the_same_content_under_two_paths_is_told_for_both() -> None:
    assert lines(load({"a.yaml": "kind: X\n", "b.yaml": "kind: X\n"})) == [
        "a.yaml:1:7 UnknownKind there is no kind 'X'; known are Agent, Book, Rack",
        "b.yaml:1:7 UnknownKind there is no kind 'X'; known are Agent, Book, Rack",
    ]
