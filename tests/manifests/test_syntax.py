"""What is no YAML is told in words that say what is wrong, where, and how it is mended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.manifests.reading import read_documents

# The text; the place that is told; a part of the sentence that names the cause, and one that names the cure.
MISTAKES = {
    "a tab before a key": ("spec:\n\tedge: main\n", (2, 1), "there is a tab", "replace the tab by spaces"),
    "a tab after siblings": ("spec:\n  a: b\n\tc: d\n", (3, 1), "there is a tab", "replace the tab"),
    "a tab among spaces": ("a: b #\tx\n  \tc: d", (2, 3), "there is a tab", "replace the tab"),
    "a tab before a list": ("a:\n\t- b", (2, 1), "there is a tab", "replace the tab"),
    "a tab in a block": ("a: |\n b\n\tc\nd: e", (3, 1), "there is a tab", "replace the tab"),
    "a space too many": (
        "spec:\n  a: b\n   c: d\n",
        (3, 5),
        "wrong indentation: this line begins after 3 spaces, deeper than line 2",
        "lines above begin after 0 (line 1) or 2 (line 2); begin it like the one",
    ),
    "a space too few": (
        "spec:\n  a: b\n c: d\n",
        (3, 2),
        "wrong indentation: this line begins after 1 space;",
        "after 0 (line 1) or 2 (line 2)",
    ),
    "a list item that begins too early": (
        "spec:\n  - a\n - b\n",
        (3, 2),
        "wrong indentation",
        "after 0 (line 1), 2 (line 2) or 4 (line 2)",
    ),
    "a second field of an item that begins too early": (
        "spec:\n  - a: 1\n   b: 2\n",
        (3, 4),
        "wrong indentation",
        "after 0 (line 1), 2 (line 2) or 4 (line 2)",
    ),
    "a comment between": ("a: b\n\n  # c\n   c: d", (4, 4), "wrong indentation", "after 0 (line 1)"),
    "the first key indented alone": ("  a: b\nc: d\n", (2, 1), "wrong indentation", "in the same column"),
    "a key among items": ("spec:\n  - a\n  b: c\n", (3, 3), "a list begins in line 2", "'- '"),
    "no colon": ("spec:\n  a x\n  b: c\n", (3, 4), "line 2 has no ': '", "write 'key: value'"),
    "no colon at the end": ("a: b\nspec\n", (2, 1), "no ': ' after its key", "write 'key: value'"),
    "no space after a colon": (
        "spec:\n  a:b\n  c: d",
        (3, 4),
        "line 2 has no ': '",
        "a space after the colon",
    ),
    "no space after a dash": ("a:\n  - b\n  -c\n", (3, 3), "nor a space after its '-'", "write '- item'"),
    "a colon in a value": ("a: use: this", (1, 7), "a second ': '", "quote the value"),
    "an open double quote": ('a: "x\nb: c\n', (1, 4), "never closed", "close it"),
    "an open single quote": ("a: 'x\n", (1, 4), "never closed", "close it"),
    "a quote in quotes": ("a: 'don't'\n", (1, 9), "more text after the end of a value", "written twice"),
    "text after quotes": (
        "a: 'x' y\n",
        (1, 8),
        "more text after the end of a value",
        "the whole value in quotes",
    ),
    "an open bracket": ("a: [b\nc: d\n", (2, 2), "opened in line 1", "']'"),
    "an open brace": ("a: {b: c\nd: e\n", (2, 2), "opened in line 1", "'}'"),
    "a bracket too many": ("a: [b]]", (1, 7), "a ']' too many", "remove it"),
    "a wildcard": ("domains: [*.example.com]", (1, 11), "begins with '*'", '"*.example.com"'),
    "an alias that is none": (
        "a: *x",
        (1, 4),
        "the alias names no anchor",
        "in quotes if the * is part of it",
    ),
    "a macro of cron": ("schedule: @daily", (1, 11), "@daily is no schedule", "write '0 0 * * *'"),
    "a template": ("a: %x", (1, 4), "cannot begin with '%'", "put it in quotes"),
    "a path of Windows": ('a: "C:\\dir"', (1, 7), "begins an escape", "use single quotes"),
    "a broken escape": ('a: "\\xZZ"', (1, 7), "hexadecimal digits", "write \\\\"),
    "a list beside its key": ("a: - b", (1, 4), "a list cannot begin", "in a line of its own"),
    "text beside a block's sign": ("a: | x\n  y", (1, 6), "text follows a '|'", "in the next line"),
    "a value that is missing": (
        "a: {b: c, , d}",
        (1, 11),
        "a ',' where a value should be",
        "write the value",
    ),
    "no space before a brace": ("a: {b:}", (1, 6), "before a bracket or comma", "a space after the colon"),
    "a merge conflict": (
        "<<<<<<< HEAD\na: b\n=======\na: c\n>>>>>>> x\n",
        (1, 1),
        "a merge conflict",
        "choose a side",
    ),
    "half a merge conflict": ("kind: Host\n=======\na: b", (2, 1), "a merge conflict", "choose a side"),
    "nothing before a colon": (": a", (1, 1), "no key before the ':'", "write 'key: value'"),
    "a document in quotes": ("a: 'b\n---\nc: d\n", (1, 4), "inside quotes that are not closed", "close them"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_cause_and_cure(mistake: str) -> None:
    text, place, cause, cure = MISTAKES[mistake]
    flaw = read_documents(text.encode()).flaws[-1]
    assert (flaw.line, flaw.column) == place
    assert cause in flaw.message
    assert cure in flaw.message


def test_lines_are_counted_as_editors_count_them() -> None:
    """After a mark of byte order, with line ends of Windows, and below the end of another document."""
    for before, lines in (("\ufeff", 0), ("# x\r\n", 1), ("a: b\n---\n", 2)):
        (flaw,) = read_documents(f"{before}spec:\r\n  a: b\r\n   c: d\r\n".encode()).flaws
        assert (flaw.line, flaw.column) == (3 + lines, 5)
        assert f"deeper than line {2 + lines} above" in flaw.message


@given(
    st.lists(
        st.sampled_from(["hunter2", ": ", "\n", " ", "\t", "[", "}", "'", '"', "- ", "|", "*", "@", "a"])
    )
)
def test_no_sentence_repeats_a_word_of_the_file(pieces: list[str]) -> None:
    """The word may be a secret."""
    assert not any("hunter2" in flaw.message for flaw in read_documents("".join(pieces).encode()).flaws)
