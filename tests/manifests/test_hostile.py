"""Hostile files end in a clear error: no crash, no hang, less than 200 MB, each in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEGABYTE = 1024 * 1024
MOST_MEMORY = 200 * MEGABYTE
# More than any of these needs, even on a slow and busy machine; a hang is what it is for.
SECONDS = 60

# Loads the file given as argument under a limit of memory, and prints its problems and its peak.
LOAD = """
import resource, sys
from pathlib import Path
from argos_gitops.manifests.loader import Loader
from argos_gitops.model.source import SourceFile
from tests.manifests.revisions import REGISTRY

path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
listing = [SourceFile("hostile.yaml", "b10b", 0o100644, path.stat().st_size)]
loaded = Loader(REGISTRY).load(listing, lambda blobs: [("b10b", path.read_bytes()) for _ in blobs], "7ree")
# Not ru_maxrss: a process inherits that of whoever started it.
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")) * 1024)
for problem in loaded.problems:
    print(problem)
"""


def _document(spec: str) -> bytes:
    return f"apiVersion: argos.dev/v1\nkind: Rack\nmetadata: {{name: r}}\nspec: {spec}\n".encode()


def _laughs() -> bytes:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 30)]
    return ("l0: &l0 [lol, lol]\n" + "\n".join(levels)).encode()


def _laughs_in_one_field() -> bytes:
    shelves = ", ".join(["*s"] * 19_000)
    return _document(f"{{shelves: [&s {{height: 10, books: [A, B, C]}}, {shelves}]}}")


def _long_text_often() -> bytes:
    return _document(f"{{colour: &a '{'x' * 400_000}', shelves: [{', '.join(['*a'] * 6)}]}}")


def _wide(item: str, count: int) -> bytes:
    return _document(f"{{shelves: [{','.join([item] * count)}]}}")


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (_laughs, "TooComplex"),
    "many aliases of a wrong item": (_laughs_in_one_field, "TooManyProblems"),
    "long text by alias": (_long_text_often, "WrongType"),
    "deep flow sequences": (lambda: b"[" * MEGABYTE, "TooDeep"),
    "deep flow mappings": (lambda: b"{a: " * (MEGABYTE // 4), "TooDeep"),
    "deep block sequences": (lambda: b"- " * (MEGABYTE // 2), "TooDeep"),
    "deep block keys": (lambda: b"? " * (MEGABYTE // 2), "TooDeep"),
    "deep indentation": (lambda: b"".join(b" " * n + b"a:\n" for n in range(1400)), "TooDeep"),
    "50 MB": (lambda: b"a: 1\n" * (10 * MEGABYTE), "FileTooLarge"),
    "NUL bytes": (lambda: b"\0" * MEGABYTE, "ControlCharacter"),
    "not UTF-8": (lambda: b"\xff" * MEGABYTE, "NotUtf8"),
    "duplicate keys": (lambda: b"a: 1\n" * 90_000, "DuplicateKey"),
    "tags": (lambda: b"- !!python/object/apply:os.system [x]\n" * 20_000, "YamlTag"),
    "tag directives": (lambda: b"".join(b"%%TAG !%d! x\n" % n for n in range(60_000)) + b"--- a", "YamlTag"),
    "many documents": (lambda: b"---\n" * (MEGABYTE // 4), "TooComplex"),
    "wide mapping": (lambda: b"{" + b"".join(b"k%d," % n for n in range(90_000)) + b"}", "MissingField"),
    "wide list of wrong items": (lambda: _wide("1", 190_000), "WrongType"),
    "wide list of empty mappings": (lambda: _wide("{}", 190_000), ""),
    "unclosed quote": (lambda: b'"' + b"a\n" * (MEGABYTE // 2 - 1), "YamlSyntax"),
    "huge number": (lambda: _document("9" * (MEGABYTE - 100)), "NumberOutOfRange"),
    "comments": (lambda: b"#\n" * (MEGABYTE // 2), ""),
    "one long line": (lambda: b"a" * MEGABYTE, "NotAResource"),
    "many wrong documents": (lambda: b"--- {kind: Book, spec: 1}\n" * 20_000, "TooManyProblems"),
    "unknown fields to guess at": (
        lambda: _document("{" + ", ".join(f"coluor{n}: 1" for n in range(40_000)) + "}"),
        "TooManyProblems",
    ),
    "names that look like patterns": (
        lambda: _document("{favourite: " + "a-" * 400_000 + "}"),
        "InvalidValue",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_in_a_clear_error(name: str, tmp_path: Path) -> None:
    """Under a limit of memory and of processor time, which end the process if they are passed."""
    make, code = HOSTILE[name]
    path = tmp_path / "hostile.yaml"
    path.write_bytes(make())
    command = [sys.executable, "-c", LOAD, str(path), str(4 * MOST_MEMORY), str(SECONDS)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert (done.returncode, done.stderr) == (0, "")
    peak, *problems = done.stdout.splitlines()
    assert int(peak) < MOST_MEMORY
    assert bool(problems) is bool(code)
    assert any(f" {code} " in problem for problem in problems) or not code
    assert all(problem.startswith("hostile.yaml") and len(problem) < 400 for problem in problems)
