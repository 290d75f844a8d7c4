"""The canonical form keeps what a file means and what it tells people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.manifests.comments import comments_of
from argos_gitops.manifests.formatting import format_text
from argos_gitops.manifests.reading import read_documents
from argos_gitops.model.errors import ManifestError

WRITTEN = """\
# yaml-language-server: $schema=../schema/argos.json
# Who owns this: see the wiki.

kind:   Host   # the kind
apiVersion: argos.dev/v1
spec:
    edge:    main # behind the value
    # above domains
    domains:
    - a.example.com   # first
    # between items
    - b.example.com

    until: 2027-01-01T00:00:00Z
    number: 0x1F
    nothing:
    tilde: ~
    quoted: "1"
    single: 'it''s'
    block: |
      # no comment
        kept
    folded: >-
      a
      b
    flow: {mode: auto,   list: [1,2]}
    anchor: &a {x: 1}
    alias: *a
# above metadata
metadata:
  name: x
# at the end
---
# second
{apiVersion: argos.dev/v1, kind: Host, metadata: {name: y}, spec: {}}
"""

CANONICAL = """\
# yaml-language-server: $schema=../schema/argos.json
# Who owns this: see the wiki.

apiVersion: argos.dev/v1
kind: Host  # the kind
# above metadata
metadata:
  name: x
spec:
  edge: main  # behind the value
  # above domains
  domains:
    - a.example.com  # first
    # between items
    - b.example.com

  until: 2027-01-01T00:00:00Z
  number: 0x1F
  nothing:
  tilde: ~
  quoted: "1"
  single: 'it''s'
  block: |
    # no comment
      kept
  folded: >-
    a
    b
  flow: {mode: auto, list: [1, 2]}
  anchor: &a {x: 1}
  alias: *a
# at the end
---
# second
{apiVersion: argos.dev/v1, kind: Host, metadata: {name: y}, spec: {}}
"""


def meaning(text: str) -> list[object]:
    return [document.content for document in read_documents(text.encode()).documents]


def test_the_canonical_form() -> None:
    """Order of keys, indentation, and comments beside what they tell about."""
    assert format_text(WRITTEN) == CANONICAL


def test_formatting_twice_changes_nothing_more() -> None:
    assert format_text(CANONICAL) == CANONICAL


def test_a_file_without_documents_keeps_its_comments() -> None:
    assert format_text("") == ""
    assert format_text("\n\n") == ""
    assert list(comments_of(format_text("# only this\n"))) == ["# only this"]


def test_a_last_line_without_an_end_gets_one() -> None:
    assert format_text("spec: {}\nkind: Host") == "kind: Host\nspec: {}\n"


def test_what_cannot_be_read_is_refused_with_its_place() -> None:
    """Whatever the loader refuses: it is not the formatter's to guess what was meant."""
    with pytest.raises(ManifestError) as caught:
        format_text("a: 1\na: 2\n", "hosts/a.yaml")
    (problem,) = caught.value.problems
    assert (str(problem.location), problem.code) == ("hosts/a.yaml:2", "DuplicateKey")


def test_a_file_that_is_not_utf8_is_refused_with_its_place() -> None:
    text = b"a: 1\nb: \xe4\n".decode("utf-8", "surrogateescape")
    with pytest.raises(ManifestError, match=r"^-:2:4 NotUtf8"):
        format_text(text)


def test_long_lines_stay_lines() -> None:
    text = f"a: {'word ' * 100}end\n"
    assert format_text(text) == text


_KEYS = st.sampled_from(
    ["apiVersion", "kind", "metadata", "spec", "name", "x-y", "a b", "1", "yes", "# no", "é"]
)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
_SCALARS = (
    st.none() | st.booleans() | st.integers(-99, 99) | _TEXTS | st.sampled_from(["a\nb\n", "null", "- x"])
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)
_STYLES = st.sampled_from([None, True, False])


@given(
    st.lists(st.dictionaries(_KEYS, _TREES, max_size=4), min_size=1, max_size=3), _STYLES, st.integers(2, 5)
)
def test_parse_after_format_is_the_identity(
    documents: list[dict[str, object]], flow: bool | None, indent: int
) -> None:
    """For whatever ruamel.yaml writes in any style; and a second time changes nothing."""
    import io

    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    yaml.indent(mapping=indent, sequence=indent + 1, offset=1)
    yaml.allow_unicode = True
    written = io.StringIO()
    yaml.dump_all(documents, written)
    text = written.getvalue()
    if read_documents(text.encode()).flaws:
        return
    formatted = format_text(text)
    assert meaning(formatted) == meaning(text)
    assert format_text(formatted) == formatted


_LINES = st.sampled_from(
    [
        *("kind: Host", "spec:", "  a: 1", "  b: [x, y]  # tail", "# note", "  # inner", "", "---", "..."),
        *("metadata: {name: x}", "apiVersion: argos.dev/v1  # v", "    - deep", "  - item", "  c: |"),
        *("      # text", "  d: 'x # y'", 'e: "a', '  b"', "    # far", "x: &x 1", "y: *x", "z: >"),
    ]
)


@given(st.lists(_LINES, max_size=14).map("\n".join))
def test_comments_stay_and_meaning_too(text: str) -> None:
    """Over heaps of lines as people write them; what is no YAML is refused, and nothing else happens."""
    try:
        formatted = format_text(text)
    except ManifestError:
        return
    assert meaning(formatted) == meaning(text)
    assert sorted(comments_of(formatted)) == sorted(comments_of(text))
    assert format_text(formatted) == formatted
