"""The parse cache saves work and never fails: whatever is wrong with it, it has merely forgotten."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from argos_gitops.store.parse_cache import SqliteParseCache

DAY = 24 * 60 * 60

# Writes entry after entry until it is killed.
WRITE = """
import sys
from pathlib import Path
from argos_gitops.store.parse_cache import SqliteParseCache
cache = SqliteParseCache(Path(sys.argv[1]))
for number in range(10**9):
    cache.put_many({f"{number % 100}-{part}": b"content" * 100 for part in range(50)})
    if number == 3:
        print("writing", flush=True)
"""


class Calendar:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.day = 20_000

    def __call__(self) -> float:
        return self.day * DAY + 7.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "parse.sqlite3"


def test_what_was_put_is_got_by_another_process(path: Path) -> None:
    SqliteParseCache(path).put_many({"a": b"1", "b": b"", "ä:x": b"\x00\xff"})
    assert SqliteParseCache(path).get_many(["a", "b", "c", "ä:x"]) == {
        "a": b"1",
        "b": b"",
        "ä:x": b"\x00\xff",
    }


def test_asking_makes_no_file(path: Path) -> None:
    assert SqliteParseCache(path).get_many(["a"]) == {}
    assert not path.exists()


def test_an_entry_is_replaced_and_others_go_for_it(path: Path) -> None:
    cache = SqliteParseCache(path)
    cache.put_many({"a": b"1", "b": b"1", "c": b"1"})
    cache.put_many({"a": b"2"}, instead_of=["b", "never"])
    assert cache.get_many(["a", "b", "c"]) == {"a": b"2", "c": b"1"}


def test_many_entries_at_once(path: Path) -> None:
    """More than SQLite takes parameters."""
    entries = {f"key-{number}": str(number).encode() for number in range(50_000)}
    cache = SqliteParseCache(path)
    cache.put_many(entries)
    assert cache.get_many(list(entries)) == entries


@pytest.mark.parametrize("garbage", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_made_anew(path: Path, garbage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(garbage)
    cache = SqliteParseCache(path)
    assert cache.get_many(["a"]) == {}
    cache.put_many({"a": b"1"})
    assert cache.get_many(["a"]) == {"a": b"1"}


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_file_damaged_in_the_middle_gives_right_answers_or_none(path: Path, share: float) -> None:
    entries = {f"key-{number}": f"content-{number}".encode() * 20 for number in range(2000)}
    cache = SqliteParseCache(path)
    cache.put_many(entries)
    data = bytearray(path.read_bytes())
    start = int(len(data) * share)
    data[start : start + 6000] = os.urandom(6000)
    path.write_bytes(data)
    for _ in range(3):
        found = cache.get_many(list(entries))
        assert all(entries[key] == content for key, content in found.items())
        cache.put_many(entries)


def test_a_changed_content_is_not_believed(path: Path) -> None:
    cache = SqliteParseCache(path)
    cache.put_many({"a": b"1", "b": b"2"})
    with sqlite3.connect(path) as connection:
        connection.execute("update entries_1 set content = x'33' where key = 'a'")
    connection.close()
    assert cache.get_many(["a", "b"]) == {"b": b"2"}


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    """A file stands where the folder should be, as under a read-only root."""
    (tmp_path / "file").write_text("")
    cache = SqliteParseCache(tmp_path / "file" / "parse.sqlite3")
    cache.put_many({"a": b"1"})
    assert cache.get_many(["a"]) == {}


def test_a_path_that_is_a_folder_is_no_error(tmp_path: Path) -> None:
    cache = SqliteParseCache(tmp_path)
    cache.put_many({"a": b"1"})
    assert cache.get_many(["a"]) == {}


def test_what_nobody_uses_goes_and_what_is_used_stays(path: Path) -> None:
    calendar = Calendar()
    cache = SqliteParseCache(path, max_age_days=10, now=calendar)
    cache.put_many({"used": b"1", "forgotten": b"1"})
    for _ in range(4):
        calendar.day += 5
        assert "used" in cache.get_many(["used"])
    cache.put_many({"new": b"1"})
    assert set(cache.get_many(["used", "forgotten", "new"])) == {"used", "new"}


def test_it_does_not_grow_beyond_its_size(path: Path) -> None:
    """What was used longest ago goes first, and the file stays near the limit."""
    calendar = Calendar()
    cache = SqliteParseCache(path, max_bytes=1_000_000, now=calendar)
    for number in range(100):
        calendar.day += number % 2
        cache.put_many({f"{number}-{part}": b"x" * 1000 for part in range(100)})
    assert path.stat().st_size < 3_000_000
    assert cache.get_many(["99-0"])
    assert not cache.get_many(["0-0"])


def test_threads_and_processes_share_it(path: Path) -> None:
    """Whoever is too late to write has merely not remembered; nobody reads a wrong answer."""
    cache = SqliteParseCache(path)

    def work(name: str) -> None:
        for number in range(20):
            cache.put_many({f"{name}-{number}": name.encode()})
            assert set(cache.get_many([f"{name}-{number}"]).values()) <= {name.encode()}

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(cache.get_many([f"{name}-19" for name in "abcd"]).values()) <= {b"a", b"b", b"c", b"d"}


def test_kill_9_while_writing_leaves_a_cache_that_works(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        os.kill(writer.pid, signal.SIGKILL)
    cache = SqliteParseCache(path)
    assert set(cache.get_many(["0-0", "1-1"]).values()) == {b"content" * 100}
    cache.put_many({"after": b"1"})
    assert cache.get_many(["after"]) == {"after": b"1"}
