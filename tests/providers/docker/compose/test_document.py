"""Compose files as trees: everything has its place, and nothing can be read in two ways."""

import pytest

from argos_gitops.providers.docker.compose.document import Tree, UnreadableError, read_trees


def at(tree: Tree | None) -> tuple[str | None, int, int]:
    assert tree is not None
    return tree.text, tree.line, tree.column


def test_places_of_names_and_items() -> None:
    tree, second = read_trees(b"a:\n  b: [x, {c: y}]\n---\nd: !reset null\n")
    b = tree.entry("a").entry("b")  # type: ignore[union-attr]
    assert b is not None
    assert b.items is not None
    assert [at(b), at(b.items[0]), at(b.items[1].entry("c"))] == [(None, 2, 3), ("x", 2, 7), ("y", 2, 11)]
    assert at(second.entry("d")) == ("null", 4, 1)


def test_what_is_merged_counts_unless_it_is_said_anew() -> None:
    tree = read_trees(b"x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 0}\n")[0].entry("z")
    assert tree is not None
    assert [at(tree.entry(name))[:2] for name in "abc"] == [("0", 3), ("1", 1), ("2", 2)]
    assert [*tree.keys()] == ["a", "a", "b", "b", "c"]


def test_words_with_a_colon_in_braces() -> None:
    tree = read_trees(b"services: {web: {image: nginx:1.25, ports: [80:80]}}\n")[0]
    web = tree.entry("services").entry("web")  # type: ignore[union-attr]
    assert at(web.entry("image")) == ("nginx:1.25", 1, 18)  # type: ignore[union-attr]


def test_a_large_file_is_read_like_a_small_one() -> None:
    words = b"services: {web: {image: nginx:1.25, labels: [" + b"a:b, " * 60_000 + b"c]}}\n"
    labels = read_trees(words)[0].entry("services").entry("web").entry("labels")  # type: ignore[union-attr]
    assert labels is not None
    assert labels.items is not None
    assert [each.text for each in labels.items] == ["a:b"] * 60_000 + ["c"]


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        (b"env_file: !!binary L2V0Yy9wYXNzd2Q=\n", "tag", 1),
        (b"!!binary ZW52X2ZpbGU=: /etc/passwd\n", "tag", 1),
        ("a: 1 # \u2028env_file: /etc/passwd\n".encode(), "U\\+2028", 0),
        (b"a: 1\n? [x]\n: y\n", "a key must be a text", 2),
        (b"a: 1\nb: *nothing\n", "alias", 2),
        (b"a: &a [*a]\n", "alias", 1),
        (b"a: {b: [1}\n", "not valid YAML", 1),
        (b"a: " + b"{b: " * 100, "nested deeper", 1),
        (b"\xff", "UTF-8", 1),
    ],
)
def test_refuses(text: bytes, why: str, line: int) -> None:
    with pytest.raises(UnreadableError, match=why) as caught:
        read_trees(text)
    assert caught.value.line == line
