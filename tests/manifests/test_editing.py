"""Edits of files: exactly what was asked for, and every other line as it was."""

import io
from difflib import SequenceMatcher
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from argos_gitops.manifests.comments import comments_of
from argos_gitops.manifests.editing import FileEdits, edit_file
from argos_gitops.manifests.reading import read_documents
from argos_gitops.manifests.splicing import rendered_document
from argos_gitops.model.adoption import GONE, Edit
from argos_gitops.model.resource import ResourceKey

WIKI, BLOG = ResourceKey("Host", "wiki"), ResourceKey("Host", "blog")

FILE = """\
# Wiki and blog.
apiVersion: argos.dev/v1
kind: Host
metadata: {name: wiki}   # the wiki
spec:
    edge: main
    domains:
    - wiki.example.com   # main
    # the old one
    - "old.example.com"
    service: wiki
    headers:
        response:
            set: {X-Frame-Options: DENY}  # no frames
            remove: [Server, X-A]
    response:
        body: |
            hello
            there
        status: 200

---
apiVersion: argos.dev/v1
kind: Host
metadata:
  name: blog
spec: {edge: main, domains: [blog.example.com], service: wiki}
"""


def _diff(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went, and those that came."""
    old, new = before.splitlines(), after.splitlines()
    gone, came = [], []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            gone += old[i1:i2]
            came += new[j1:j2]
    return [line.strip() for line in gone], [line.strip() for line in came]


def _edited(*edits: Edit, key: ResourceKey = WIKI, text: str = FILE) -> str:
    made = edit_file(text.encode(), FileEdits({key: edits}))
    assert made is not None
    return made.decode()


def _spec(*path: str | int) -> tuple[str | int, ...]:
    return ("spec", *path)


@pytest.mark.parametrize(
    ("edit", "gone", "came"),
    [
        (
            Edit(_spec("domains"), ["wiki.example.com", "new.example.com", "old.example.com"]),
            [],
            ["- new.example.com"],
        ),
        (Edit(_spec("domains"), ["old.example.com"]), ["- wiki.example.com   # main"], []),
        (
            Edit(_spec("domains"), ["a.example.com", "b.example.com"]),
            ["- wiki.example.com   # main", '- "old.example.com"'],
            ["- a.example.com   # main", '- "b.example.com"'],
        ),
        (
            Edit(_spec("headers", "response", "set", "X-Frame-Options"), "SAMEORIGIN"),
            ["set: {X-Frame-Options: DENY}  # no frames"],
            ["set: {X-Frame-Options: SAMEORIGIN}  # no frames"],
        ),
        (
            Edit(_spec("headers", "response", "remove"), ["Server"]),
            ["remove: [Server, X-A]"],
            ["remove: [Server]"],
        ),
        (Edit(_spec("response", "body"), "x"), ["body: |", "hello", "there"], ["body: x"]),
        (Edit(_spec("enabled"), False), [], ["enabled: false"]),
        (Edit(_spec("tls"), {"mode": "off"}), [], ["tls:", "mode: off"]),
        (Edit(_spec("service"), GONE), ["service: wiki"], []),
        (Edit(_spec("edge"), "yes: no"), ["edge: main"], ["edge: 'yes: no'"]),
    ],
)
def test_only_these_lines_change(edit: Edit, gone: list[str], came: list[str]) -> None:
    assert _diff(FILE, _edited(edit)) == (gone, came)


def test_new_lines_are_indented_as_the_file_is() -> None:
    """Four spaces here, and dashes below the key."""
    made = _edited(Edit(_spec("redirect"), {"to": "https://x.example/", "via": ["a", {"b": 1}]}))
    assert (
        "    redirect:\n        to: https://x.example/\n        via:\n        - a\n        - b: 1\n" in made
    )


def test_what_becomes_empty_goes() -> None:
    """The last field of a mapping takes the mapping along, up to the spec."""
    made = _edited(
        Edit(_spec("headers", "response", "set"), GONE), Edit(_spec("headers", "response", "remove"), GONE)
    )
    assert "headers" not in made


def test_a_document_goes_alone() -> None:
    made = edit_file(FILE.encode(), FileEdits(removed=[BLOG]))
    assert made is not None
    assert FILE.startswith(made.decode())
    both = edit_file(FILE.encode(), FileEdits(removed=[BLOG, WIKI]))
    assert both is not None
    assert both.decode().split() == ["#", "Wiki", "and", "blog."]


def test_a_document_comes_behind_the_others() -> None:
    content = {"apiVersion": "argos.dev/v1", "kind": "Host", "metadata": {"name": "new"}, "spec": {"x": "1"}}
    made = edit_file(FILE.encode(), FileEdits(added=[content]))
    assert made is not None
    assert made.decode() == f"{FILE}---\n{rendered_document(content)}"
    fresh = edit_file(b"", FileEdits(added=[content]))
    assert fresh == rendered_document(content).encode()


def test_line_ends_of_another_system_stay() -> None:
    text = FILE.replace("\n", "\r\n")
    made = _edited(Edit(_spec("tls"), {"mode": "off"}), text=text)
    assert made.replace("\r\n", "").count("\n") == 0
    assert made.replace("\r\n", "\n") == _edited(Edit(_spec("tls"), {"mode": "off"}))


def test_a_last_line_without_an_end() -> None:
    text = FILE[: FILE.index("---")].rstrip()
    assert _edited(Edit(_spec("enabled"), False), text=text) == f"{text}\n    enabled: false"


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("kind: Host\nmetadata: {name: wiki}\nspec:\n  a: &x [1]\n  b: *x\n", Edit(_spec("a"), [2])),
        ("kind: Host\nmetadata: {name: wiki}\nspec:\n  a: [1, # one\n    2]\n", Edit(_spec("a"), [1])),
        ("kind: Host\nmetadata: {name: wiki\n", Edit(_spec("a"), 1)),
    ],
)
def test_what_cannot_be_done_without_harm_is_not_done(text: str, edit: Edit) -> None:
    """An anchor that others use, a comment that would be lost, a file that cannot be read."""
    assert edit_file(text.encode(), FileEdits({WIKI: [edit]})) is None


_names = st.sampled_from(["a", "b", "name", "on", "x-y"])
_texts = st.text("ab1:#'\" -\\{}[]yn~é", max_size=8) | st.sampled_from(["yes", "null", "1.5", "2027-01-01"])
_scalars = _texts | st.booleans() | st.integers(-9, 9) | st.none()
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=6,
)
_specs = st.dictionaries(_names, _values, min_size=1, max_size=4)
_layouts = st.tuples(st.sampled_from([2, 4]), st.sampled_from([0, 2]), st.sampled_from([None, False, True]))


def _written(spec: dict[str, Any], layout: tuple[int, int, bool | None]) -> str:
    """A file in some layout, with a comment beside and above whatever is on a line of its own."""
    step, dash, flow = layout
    yaml = YAML()
    yaml.default_flow_style = flow
    yaml.indent(mapping=step, sequence=dash + 2, offset=dash)
    out = io.StringIO()
    document = {"kind": "Host", "metadata": {"name": "wiki"}, "spec": spec}
    yaml.dump(document, out)
    lines = out.getvalue().splitlines()
    if flow is False:
        lines = [f"{line}  # {number}" if line[-1:].isalnum() else line for number, line in enumerate(lines)]
    other = "---\n# the blog\nkind: Host\nmetadata: {name: blog}\nspec: {x: 1}\n"
    return "# head\n" + "\n".join(lines) + "\n" + other


@given(_specs, _layouts, _names, _values)
def test_an_edit_means_what_was_asked_for_and_touches_nothing_else(
    spec: dict[str, Any], layout: tuple[int, int, bool | None], name: str, value: Any
) -> None:
    """Whatever the file looks like; where one field is on lines of its own, all other lines stay."""
    text = _written(spec, layout)
    assume(not read_documents(text.encode()).flaws)
    made = edit_file(text.encode(), FileEdits({WIKI: [Edit(_spec(name), value)]}))
    if made is None:
        return
    before, after = (read_documents(each).documents for each in (text.encode(), made))
    assert after[1].content == before[1].content
    assert after[0].content["spec"] == {**before[0].content["spec"], name: value}
    assert made.decode().endswith(text[text.index("---\n# the blog") :])
    if layout[2] is False:
        kept = [line for line in text.splitlines() if line.startswith(f"{' ' * layout[0]}")]
        others = [line for line in kept if line.lstrip().split(":")[0] in set(spec) - {name}]
        top = [line for line in others if len(line) - len(line.lstrip()) == layout[0]]
        assert [line for line in top if line not in made.decode().splitlines()] == []


@given(_specs, _layouts, _scalars, _scalars)
def test_a_scalar_that_changes_loses_no_comment(
    spec: dict[str, Any], layout: tuple[int, int, bool | None], old: Any, new: Any
) -> None:
    text = _written({**spec, "name": old}, (layout[0], layout[1], False))
    assume(not read_documents(text.encode()).flaws)
    made = edit_file(text.encode(), FileEdits({WIKI: [Edit(_spec("name"), new)]}))
    assert made is not None
    assert sorted(comments_of(made.decode())) == sorted(comments_of(text))


@given(_specs, _layouts, _values)
def test_what_is_taken_out_is_gone(
    spec: dict[str, Any], layout: tuple[int, int, bool | None], value: Any
) -> None:
    text = _written({**spec, "name": value, "x": 1}, layout)
    made = edit_file(text.encode(), FileEdits({WIKI: [Edit(_spec("name"), GONE)]}))
    if made is not None:
        expected = {key: value for key, value in {**spec, "x": 1}.items() if key != "name"}
        assert read_documents(made).documents[0].content["spec"] == expected
