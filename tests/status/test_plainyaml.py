"""What is written is what a YAML reader reads."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from argos_gitops.status.plainyaml import dump, scalar

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    TEXTS | st.integers(-(10**9), 10**9) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_reading_gives_back_what_was_written(document: dict[str, Any]) -> None:
    assert YAML(typ="safe").load(dump(document).decode()) == document


@pytest.mark.parametrize(
    "text", ["yes", "No", "null", "~", "1.5", "0x1f", "1e3", "2026-01-01", "- a", "a: b", "", " a"]
)
def test_what_could_be_read_as_something_else_is_quoted(text: str) -> None:
    assert scalar(text).startswith('"')


def test_plain_words_and_paths_stay_plain() -> None:
    assert dump({"kind": "Host", "path": "hosts/a-b.yaml", "list": [{"a": "in sync", "b": 1}]}) == (
        b"kind: Host\npath: hosts/a-b.yaml\nlist:\n  - a: in sync\n    b: 1\n"
    )
