"""The problems of a rejected revision."""

import json
import random

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from argos_gitops.model.problem import Location, Problem
from argos_gitops.planning.render import problems
from argos_gitops.planning.render.lines import plain

FOUND = [
    Problem(Location("hosts/a.yaml", 9, 5), "ARG101", "unknown field upsteam (did you mean upstream?)"),
    Problem(Location("hosts/a.yaml", 3, 1), "ARG102", "expected a list, found text"),
    Problem(Location("big.yaml"), "ARG003", "larger than 1 MiB"),
]


def test_people_get_them_by_file_in_order_of_place_with_a_count() -> None:
    assert plain(problems.text(FOUND)) == (
        "big.yaml ARG003 larger than 1 MiB\n\n"
        "hosts/a.yaml:3:1 ARG102 expected a list, found text\n"
        "hosts/a.yaml:9:5 ARG101 unknown field upsteam (did you mean upstream?)\n\n"
        "3 problems in 2 files.\n"
    )


def test_none_is_said_too() -> None:
    assert plain(problems.text([])) == "No problems.\n"
    assert json.loads(problems.as_json([])) == {
        "format_version": "1.0",
        "valid": True,
        "problems": [],
        "warnings": [],
    }


def test_many_are_folded() -> None:
    many = [Problem(Location("a.yaml", line, 1), "ARG101", "x") for line in range(1, 10_001)]
    told = plain(problems.text(many))
    assert "… and 9,800 more (see -o json)" in told
    assert told.endswith("10,000 problems in 1 file.\n")
    assert len(problems.markdown(many)) < 66_000
    assert len(problems.github(many).splitlines()) == 50


def test_json_has_every_field() -> None:
    assert json.loads(problems.as_json(FOUND[:1]))["problems"] == [
        {
            "path": "hosts/a.yaml",
            "line": 9,
            "column": 5,
            "code": "ARG101",
            "message": "unknown field upsteam (did you mean upstream?)",
        }
    ]


def test_github_gets_one_error_beside_each_line() -> None:
    assert problems.github(FOUND, root="edge").splitlines() == [
        "::error file=edge/big.yaml,title=ARG003::larger than 1 MiB",
        "::error file=edge/hosts/a.yaml,line=3,col=1,title=ARG102::expected a list, found text",
        "::error file=edge/hosts/a.yaml,line=9,col=5,title=ARG101::"
        "unknown field upsteam (did you mean upstream?)",
        "::notice title=Validation::3 problems in 2 files.",
    ]


@given(st.lists(st.builds(Problem, st.builds(Location, st.text(), st.integers(0, 9)), st.text(), st.text())))
def test_no_markup_and_no_line_comes_from_outside(found: list[Problem]) -> None:
    """Paths and messages hold what the repository holds, which may be hostile."""
    assert len(problems.github(found).splitlines()) <= len(found) + 1
    assert len(plain(problems.text(found)).splitlines()) <= 2 * len(found) + 1
    page = MarkdownIt("commonmark").parse(problems.markdown(found))
    kinds = {child.type for token in page for child in [token, *(token.children or ())]}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "fence", "heading_open"}


def test_the_order_of_the_input_means_nothing() -> None:
    shuffled = FOUND.copy()
    random.Random(1).shuffle(shuffled)  # noqa: S311 a shuffle, not a secret
    assert problems.as_json(shuffled) == problems.as_json(FOUND)
    assert problems.text(shuffled) == problems.text(FOUND)
