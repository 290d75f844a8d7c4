"""How foreign text becomes safe to print."""

import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.planning.render.lines import (
    Segment,
    Style,
    ago,
    columns,
    line,
    plain,
    shorten,
    shorten_pair,
    visible,
)
from tests.planning.plans import NOW


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("\ud800", "\\ud800"),
        ("Zürich → 東京", "Zürich → 東京"),
    ],
)
def test_what_would_not_show_is_shown(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@given(st.text(st.characters()))
def test_nothing_that_is_visible_moves_a_cursor(text: str) -> None:
    assert not [
        char for char in visible(text) if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    assert len(visible(text).splitlines()) <= 1


@given(st.text(), st.text(), st.integers(20, 80))
def test_shortened_texts_keep_the_limit(one: str, other: str, limit: int) -> None:
    assert len(shorten(one, limit)) <= limit
    assert max(map(len, shorten_pair(one, other, limit))) <= limit


@given(st.text("ab", max_size=300), st.text("ab", max_size=300))
def test_two_values_that_differ_look_different(one: str, other: str) -> None:
    short_one, short_other = shorten_pair(one, other)
    assert (short_one == short_other) == (one == other)


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=2, minutes=59), "2 h ago"),
        (timedelta(days=3), "3 d ago"),
    ],
)
def test_how_long_ago_in_one_unit(passed: timedelta, told: str) -> None:
    assert ago(NOW - passed, NOW) == told


def test_width_is_that_of_a_terminal() -> None:
    assert (columns("ab"), columns("東京"), columns("é")) == (2, 4, 1)


def test_plain_lines_have_no_styles_and_no_trailing_blanks() -> None:
    assert plain([line(Segment("a", Style.BAD), " b "), ()]) == "a b\n\n"
