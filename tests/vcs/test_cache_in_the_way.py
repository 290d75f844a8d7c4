"""A cache that cannot be used is told in one sentence with its cure, and works as soon as it can be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.sources.git import GitSource
from argos_gitops.store.parse_cache import SqliteParseCache
from argos_gitops.vcs.mirror import Mirror
from tests.components.git import Origin
from tests.vcs.mirrors import A, mirror_of

PLACES: dict[str, Callable[[Mirror], Path]] = {
    "the mirror": lambda mirror: mirror.folder,
    "the mirrors": lambda mirror: mirror.folder.parent,
    "the cache": lambda mirror: mirror.folder.parent.parent,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_file_where_the_mirror_should_be_is_one_clear_error(
    origin: Origin, tmp_path: Path, place: str
) -> None:
    sha = origin.commit(A)
    mirror = mirror_of(f"file://{origin.url}", tmp_path / "cache")
    path = PLACES[place](mirror)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("somebody's")
    for _ in range(2):
        with pytest.raises(SourceError) as caught:
            GitSource(mirror, "main").fetch()
        assert caught.value.reason == "CacheUnusable"
        assert f"{path} is a file" in str(caught.value)
        assert "ARGOS_CACHE_DIR" in str(caught.value)
    assert path.read_text() == "somebody's"
    path.unlink()
    assert GitSource(mirror, "main").fetch().revision.sha == sha


def test_a_lock_that_is_a_folder_is_one_clear_error(origin: Origin, tmp_path: Path) -> None:
    origin.commit(A)
    mirror = mirror_of(f"file://{origin.url}", tmp_path)
    mirror.folder.with_name(f"{mirror.folder.name}.lock").mkdir(parents=True)
    with pytest.raises(SourceError) as caught:
        mirror.fetch()
    assert caught.value.reason == "CacheUnusable"


def test_a_parse_cache_that_is_in_the_way_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.sqlite3").mkdir()
    for path in (tmp_path / "file" / "parse.sqlite3", tmp_path / "folder.sqlite3"):
        cache = SqliteParseCache(path)
        cache.put_many({"a": b"1"})
        assert cache.get_many(["a"]) == {}
