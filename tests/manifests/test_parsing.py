"""YAML 1.2 in flow style, as in block style: libyaml's events, with each `:` and `?` that is a value's."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st
from ruamel.yaml import YAML, events
from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined] # the C parser under its Python name
from ruamel.yaml.error import YAMLError

from argos_gitops.manifests import parsing
from argos_gitops.manifests.editing import FileEdits, edit_file
from argos_gitops.manifests.limits import MAX_BYTES_READ_AGAIN, MAX_DEPTH
from argos_gitops.manifests.nodes import document_nodes
from argos_gitops.manifests.reading import read_documents
from argos_gitops.model.adoption import Edit
from argos_gitops.model.resource import ResourceKey
from tests.manifests.test_reading import FRAGMENTS

FROM_THE_DOCS = {
    "{to: https://example.com}": {"to": "https://example.com"},
    "{address: 127.0.0.1:3000}": {"address": "127.0.0.1:3000"},
    "{value: 2001:db8::/32}": {"value": "2001:db8::/32"},
    "{until: 2099-01-01T00:00:00Z}": {"until": "2099-01-01T00:00:00Z"},
    "[:443, :80]": [":443", ":80"],
    "{to: https://example.com/?a=1&b=::1, from: ::1}": {
        "to": "https://example.com/?a=1&b=::1",
        "from": "::1",
    },
    "[it's:x, a :b, 'c' , ?d:e]": ["it's:x", "a :b", "c", "?d:e"],
    "{?q: x?y, z: ??}": {"?q": "x?y", "z": "??"},
    "[\n  :443,\n  :80,\n]": [":443", ":80"],
    "{a: {b: [c:d, {e: f:g}]}}": {"a": {"b": ["c:d", {"e": "f:g"}]}},
}


@pytest.mark.parametrize("text", FROM_THE_DOCS)
def test_flow_style_holds_what_block_style_holds(text: str) -> None:
    """Addresses, URLs, networks, times and ports need no quotes, at the root or within a document."""
    for before in ("", "\ufeff", "# é\r\n", "---\na: b\n---\n", "x: [a:b]\n---\n"):
        reading = read_documents((before + text).encode())
        assert reading.flaws == []
        assert reading.documents[-1].content == FROM_THE_DOCS[text]


def test_a_colon_after_a_quoted_key_ends_the_key() -> None:
    """As in JSON, also in a file in which other colons are part of values."""
    (document,) = read_documents(b'{"json":1, \'like\' :2, x: y:z, "q"::w}').documents
    assert document.content == {"json": 1, "like": 2, "x": "y:z", "q": ":w"}


def test_what_is_refused_in_flow_style_stays_refused() -> None:
    """With the place of the refusal, whatever was read again before it."""
    for text, place in {
        "a: [b:c, }": (1, 10),
        "[a:b]\n---\n{a: b:}": (3, 6),
        "{x: c:d, a: @b}": (1, 13),
        "{x: c:d, a: *b}": (1, 13),
    }.items():
        (flaw,) = read_documents(text.encode()).flaws
        assert (flaw.line, flaw.column) == place


def test_flow_style_is_edited_in_place() -> None:
    """A proposal of drift changes the one value, and leaves the rest of its line alone."""
    text = b"kind: Host\nmetadata: {name: app}\nspec: {to: https://a.example, at: [:443, ::1]}  # here\n"
    key = ResourceKey("Host", "app")
    edits = FileEdits(
        {key: [Edit(("spec", "to"), "https://b.example/?x=:1"), Edit(("spec", "at", 0), ":80")]}
    )
    edited = edit_file(text, edits)
    assert edited is not None
    assert read_documents(edited).documents[0].content["spec"] == {
        "to": "https://b.example/?x=:1",
        "at": [":80", "::1"],
    }
    assert edited.startswith(b"kind: Host\nmetadata: {name: app}\nspec: {to: ")
    assert edited.endswith(b", ::1]}  # here\n")


def test_limits_hold_in_texts_that_are_read_again() -> None:
    """Depth, size and aliases count as in any other text."""
    deep = "{a: b:c, d: " + "[" * MAX_DEPTH
    assert [flaw.code for flaw in read_documents(deep.encode()).flaws] == ["TooDeep"]
    wide = "[a:b" + ",c" * 200_000 + "]"
    assert [flaw.code for flaw in read_documents(wide.encode()).flaws] == ["TooComplex"]
    laughs = "a0: &a0 [x:y" + ", x:y" * 9 + "]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    assert [flaw.code for flaw in read_documents(laughs.encode()).flaws] == ["TooComplex"]


def test_hostile_text_is_read_again_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each colon here is found by a refusal of its own; the bytes read stay in proportion to the limit."""
    read: list[int] = []

    class Counting:
        def __init__(self, data: bytes) -> None:
            read.append(len(data))
            self.get_event = CParser(data).get_event

    monkeypatch.setattr(parsing, "CParser", Counting)
    for count in (100, 1_000, 10_000, 100_000):
        read.clear()
        read_documents(b"[a:b" + b",\n:c" * count + b"]")
        assert sum(read) <= MAX_BYTES_READ_AGAIN + 5 * count + 100


def test_an_ordinary_file_is_read_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many values with colons it has; and once where it has none in flow style."""
    read: list[int] = []

    class Counting:
        def __init__(self, data: bytes) -> None:
            read.append(len(data))
            self.get_event = CParser(data).get_event

    monkeypatch.setattr(parsing, "CParser", Counting)
    many = b"".join(b"- {address: 10.0.0.1:3000, to: https://x/?a, v: ::1}\n" for _ in range(1_000))
    assert len(read_documents(many).documents[0].content) == 1_000
    assert len(read) == 2
    read.clear()
    read_documents(b"to: https://example.com\nlisten:\n  - :443\nquoted: ['::1']\n")
    assert len(read) == 1


# --- properties --------------------------------------------------------------------------------------

Written = tuple[str, Any]
"""A node as text, and what it means."""

_WORDS = [
    "a",
    "b1",
    "x:y",
    "::1",
    ":443",
    "http://e/?q=1&r=:2",
    "2001:db8::/32",
    "it's:x",
    "q?x",
    "?x",
    "a#b",
    "é:ü",
    "-x:y",
    "two :words",
]
_QUOTED = {"'a:b'": "a:b", '"c?d: e"': "c?d: e", "'it''s :x'": "it's :x", '"[{,:]}"': "[{,:]}", '""': ""}
_KEYS = {"k: ": "k", "'k:q' : ": "k:q", "u:v: ": "u:v", '"z": ': "z", '"json":': "json", "w?: ": "w?"}
_SPACES = st.sampled_from(["", " ", "\n ", "  # a: :b?c\n "])
_SCALARS = st.one_of(
    st.sampled_from(_WORDS).map(lambda word: (word, word)), st.sampled_from(list(_QUOTED.items()))
)


def _flow(children: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    item = st.tuples(_SPACES, children, _SPACES)
    sequences = st.lists(item, max_size=4).map(
        lambda items: (
            f"[{','.join(f'{before}{node[0]}{after}' for before, node, after in items)}]",
            [node[1] for _, node, _ in items],
        )
    )
    keys = st.sampled_from([*_KEYS])
    mappings = st.lists(st.tuples(keys, item), max_size=4, unique_by=lambda pair: pair[0]).map(
        lambda pairs: (
            f"{{{','.join(f'{s}{key}{n[0]}{t}' for key, (s, n, t) in pairs)}}}",
            {_KEYS[key]: node[1] for key, (_, node, _) in pairs},
        )
    )
    return st.one_of(sequences, mappings)


_FLOW: st.SearchStrategy[Written] = st.recursive(_SCALARS, _flow, max_leaves=12)
_BLOCK: st.SearchStrategy[Written] = st.one_of(
    _FLOW.map(lambda node: (f"k:  {node[0]}\n", {"k": node[1]})),
    st.lists(_FLOW, min_size=1, max_size=4).map(
        lambda nodes: ("".join(f"- {text}\n" for text, _ in nodes), [value for _, value in nodes])
    ),
    st.tuples(_FLOW, _FLOW).map(
        lambda two: (
            f"a:\n  b: {two[0][0]}\n  c:\n    - {two[1][0]}\n  text: |\n    x: [a:b\n",
            {"a": {"b": two[0][1], "c": [two[1][1]], "text": "x: [a:b\n"}},
        )
    ),
)


@given(st.lists(_BLOCK, min_size=1, max_size=3))
def test_generated_files_of_both_styles_mean_what_was_written(documents: list[Written]) -> None:
    """For readers and for editors alike."""
    text = "---\n".join(text for text, _ in documents)
    reading = read_documents(text.encode())
    assert reading.flaws == []
    assert [document.content for document in reading.documents] == [value for _, value in documents]
    assert [node.root.content for node in document_nodes(text)] == [value for _, value in documents]


@given(st.lists(_BLOCK, min_size=1, max_size=3))
def test_nodes_stand_where_the_parser_in_python_finds_them(documents: list[Written]) -> None:
    """The same events with the same marks as ruamel.yaml's, where that one reads YAML 1.2: it refuses
    `{a: ::1}` and takes the `?` of `[?x]` for an indicator."""
    text = "---\n".join(text for text, _ in documents)
    assume(not re.search(r"[\s,\[{:]\?", text))
    try:
        pure = list(_told(YAML(typ="safe", pure=True).parse(text)))
    except YAMLError:
        reject()
    assert list(_told(parsing.events_of(text.encode()))) == pure


def _told(parsed: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """What the readers of events use, in the same words for both parsers."""
    for event in parsed:
        kind, mark = type(event), event.start_mark
        if kind in (events.StreamStartEvent, events.StreamEndEvent, events.DocumentEndEvent):
            continue
        place = (mark.line, mark.column, mark.index)
        if kind is events.ScalarEvent:
            end = event.end_mark
            yield (
                kind,
                place,
                event.value,
                event.style or "",
                event.implicit[0],
                (end.line, end.column, end.index),
            )
        elif kind in (events.MappingStartEvent, events.SequenceStartEvent):
            yield kind, place, bool(event.flow_style), event.anchor
        elif kind is events.DocumentStartEvent:
            yield kind, event.explicit
        else:
            yield (kind,)


_PIECES = [*FRAGMENTS, "a:b", " :c", "?d", ":", "e ", "{f: ", ", ", "\n", '"g"', "'h'", "#i\n", "é"]


@given(st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))
@example("\ufeff? ")
@example("[q?x, *a:b]")
def test_a_text_that_libyaml_takes_means_the_same_read_either_way(text: str) -> None:
    """Replacing characters never makes another meaning of a text: the same events, or a refusal."""
    plain, replaced = _parsed(text), _parsed(text, hidden=True)
    if plain is not None and replaced is not None:
        assert replaced == plain


def _parsed(text: str, *, hidden: bool = False) -> list[tuple[Any, ...]] | None:
    """The events of libyaml alone; None where it refuses the text."""
    if hidden:
        text = parsing.hide_colons(parsing.hide_questions(text, "\ue000"), "\ue001")
    try:
        told = list(_told(_libyaml(text.encode())))
    except YAMLError:
        return None
    back = {0xE000: "?", 0xE001: ":"}
    return [
        tuple(each.translate(back) if isinstance(each, str) else each for each in event) for event in told
    ]


def _libyaml(data: bytes) -> Iterator[Any]:
    next_event = CParser(data).get_event
    while type(event := next_event()) is not events.StreamEndEvent:
        yield event
