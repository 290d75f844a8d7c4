"""Bytes become documents, or flaws with their places; nothing that bytes can hold raises."""

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.manifests.limits import MAX_DEPTH, MAX_NODES
from argos_gitops.manifests.reading import Reading, read_documents

FRAGMENTS = [
    "a: 1\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&x ",
    "*x ",
    "!!str ",
    "---\n",
    "...\n",
    "'",
    '"',
    "|\n",
    "  ",
]
FRAGMENTS += [
    "? ",
    ": ",
    "#",
    "%TAG ! x\n",
    "%YAML 1.1\n",
    "\t",
    "<<: ",
    "\ufeff",
    "\x85",
    ".inf",
    "\\x",
    "~",
]


def contents(text: str) -> list[object]:
    reading = read_documents(text.encode())
    assert reading.flaws == []
    return [document.content for document in reading.documents]


def flaws(data: bytes) -> list[tuple[int, int, str]]:
    return [(flaw.line, flaw.column, flaw.code) for flaw in read_documents(data).flaws]


def test_documents_are_told_apart_and_empty_ones_left_out() -> None:
    """With their numbers and the places of their roots."""
    reading = read_documents(b"# nothing\n---\na: 1\n---\n---\n  b: [2, {c: x}]\n")
    assert [tuple(document) for document in reading.documents] == [
        (0, 3, 1, {"a": 1}),
        (2, 6, 3, {"b": [2, {"c": "x"}]}),
    ]


def test_an_empty_file_has_no_documents() -> None:
    assert contents("") == contents("# only a comment\n") == contents("\ufeff") == []


def test_quotes_make_strings_and_blocks_keep_their_lines() -> None:
    assert contents("a: '1'\nb: \"true\"\nc: |\n  x\n  y\nd: >-\n  x\n  y\n") == [
        {"a": "1", "b": "true", "c": "x\ny\n", "d": "x y"}
    ]


def test_an_alias_stands_for_its_anchor() -> None:
    """Also for a scalar; an anchor may be defined anew."""
    assert contents("a: &x {k: 1}\nb: *x\nc: &x 2\nd: *x\n") == [
        {"a": {"k": 1}, "b": {"k": 1}, "c": 2, "d": 2}
    ]


def test_an_anchor_ends_with_its_document() -> None:
    assert flaws(b"a: &x 1\n---\nb: *x\n") == [(3, 4, "YamlAlias")]


def test_an_alias_of_what_it_stands_in_is_refused() -> None:
    assert flaws(b"a: &x [*x]\n") == [(1, 8, "YamlAlias")]


def test_flaws_that_do_not_end_the_reading_are_all_told() -> None:
    """Duplicate keys, keys that are no strings, tags and numbers out of range, each in its place."""
    data = b"a: 1\na: 2\n1: x\n? [q]\n: y\nb: !!str x\nc: !own {d: .nan}\n"
    assert flaws(data) == [
        (2, 1, "DuplicateKey"),
        (3, 1, "KeyNotString"),
        (4, 3, "KeyNotString"),
        (6, 4, "YamlTag"),
        (7, 4, "YamlTag"),
        (7, 13, "NumberOutOfRange"),
    ]


def test_what_is_no_text_is_refused_with_its_place() -> None:
    """Latin-1, UTF-16, NUL and other control characters."""
    assert flaws(b"a: 1\nb: \xe4\n") == [(2, 4, "NotUtf8")]
    assert flaws("a: b".encode("utf-16")) == [(1, 1, "NotUtf8")]
    assert flaws(b"a: 1\nbc: \x00") == [(2, 5, "ControlCharacter")]
    assert flaws(b"a: \x1b[31m") == [(1, 4, "ControlCharacter")]


def test_another_yaml_version_is_refused() -> None:
    assert flaws(b"%YAML 1.1\n---\na: yes\n") == [(1, 1, "YamlVersion")]
    assert flaws(b"%YAML 1.2\n---\na: yes\n") == []


def test_tag_directives_are_refused_before_they_are_parsed() -> None:
    """libyaml compares each with each: fifty thousand would take seconds."""
    many = b"".join(b"%%TAG !%d! tag:x\n" % number for number in range(50_000))
    assert flaws(many + b"---\na: 1\n") == [(1, 1, "YamlTag")]


def test_nesting_has_a_limit_in_every_style() -> None:
    deep = MAX_DEPTH + 1
    assert [code for *_, code in flaws(b"[" * 500_000)] == ["TooDeep"]
    assert [code for *_, code in flaws(b"- " * 500_000)] == ["TooDeep"]
    assert [code for *_, code in flaws(b"{a: " * 200_000)] == ["TooDeep"]
    assert [code for *_, code in flaws(b"? " * 500_000)] == ["TooDeep"]
    assert flaws(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) == []
    assert flaws(b"[" * deep + b"]" * deep) == [(1, deep, "TooDeep")]


def test_a_billion_laughs_are_counted_not_laughed() -> None:
    """Aliases of aliases, and aliases of long text, count as what they stand for."""
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
    )
    assert [code for *_, code in flaws(laughs.encode())] == ["TooComplex"]
    long = f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 1000)}]\n"
    assert [code for *_, code in flaws(long.encode())] == ["TooComplex"]


def test_a_wide_file_has_a_limit_too() -> None:
    assert [code for *_, code in flaws(b"[" + b"a," * (MAX_NODES + 1) + b"]")] == ["TooComplex"]
    assert [code for *_, code in flaws(b"---\n" * (MAX_NODES + 1))] == ["TooComplex"]


def test_an_lfs_pointer_is_named_as_such() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    assert flaws(pointer) == [(1, 1, "LfsPointer")]


def test_names_of_what_cannot_be_read_are_remembered() -> None:
    """So that a resource that stands in a broken file is not called missing as well."""
    assert read_documents(b"metadata:\n  name: app\nspec: [\n").unread_names == ["app"]
    assert read_documents(b"metadata:\n  name: app\n").unread_names == []


@given(st.binary(max_size=400))
def test_any_bytes_give_a_reading(data: bytes) -> None:
    assert isinstance(read_documents(data), Reading)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_any_heap_of_yaml_pieces_gives_a_reading(text: str) -> None:
    """Closer to YAML than random bytes, so it reaches further."""
    assert isinstance(read_documents(text.encode()), Reading)
