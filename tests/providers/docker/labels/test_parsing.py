"""Rules of routers: what is read, in which syntax, and where an error is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.docker.labels.parsing import MAX_DEPTH, RuleError, parse
from argos_gitops.providers.docker.labels.rules import Matcher, Rule
from tests.providers.docker.labels.strategies import any_rules


@given(any_rules)
def test_a_printed_rule_is_read_as_it_was(rule: Rule) -> None:
    """Operators, parentheses and literals."""
    assert parse(str(rule))[0] == rule


@given(st.text(st.sampled_from('HostPathMeod()`"!&|,\\ x\n{}:.*0é'), max_size=60) | st.text(max_size=40))
def test_whatever_is_no_rule_is_a_clean_error(text: str) -> None:
    """With a place inside the text, or right behind it."""
    place = 0
    try:
        parse(text)
    except RuleError as error:
        place = error.offset
    assert 0 <= place <= len(text)


def test_nesting_is_bounded() -> None:
    for text in ("(" * 100_000, "!" * 100_000 + "Host(`a`)"):
        with pytest.raises(RuleError, match=f"more than {MAX_DEPTH} deep"):
            parse(text)


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        ("Host(`a.example.com`)", "v3"),
        ("Host(`a.example.com`, `b.example.com`)", "v2"),
        ("HostHeader(`a.example.com`)", "v2"),
        ("Host(`a.example.com`) && Headers(`X`, `y`)", "v2"),
        ("Host(`a.example.com`) && Header(`X`, `y`)", "v3"),
        ("HostRegexp(`{sub:[a-z]+}.example.com`)", "v2"),
        ("HostRegexp(`^[a-z]{2}\\.example\\.com$`)", "v3"),
        ("Query(`a=b`)", "v2"),
        ("Query(`a`, `b`)", "v3"),
        ("Query(`a`)", "v3"),
        ("Path(`/x/{id}`)", "v2"),
        ("PATHPREFIX(`/x`) || pathprefix(`/y`) || Pathprefix(`/z`)", "v3"),
    ],
)
def test_the_syntax_is_found_out(text: str, syntax: str) -> None:
    assert parse(text)[1] == syntax


@pytest.mark.parametrize(
    ("text", "says", "place"),
    [
        ("", "expected a matcher", 1),
        ("Host(`a`) &&", "expected a matcher such as Host(`example.com`), found the end", 13),
        ("Host(`a`) and Path(`/`)", "found `and`", 11),
        ("Host(`a`", "expected `)`, found the end", 9),
        ("Host(`a)", "begins that does not end", 6),
        ("Host()", "expected a text", 6),
        ("Host(``)", "empty argument", 1),
        ("hOST(`a`)", "did you mean Host?", 1),
        ("Host(`a`) & Path(`/`)", "'&' has no meaning", 11),
        ("Host(`a`, `b`) && Header(`a`, `b`)", "Header does not exist in the rule syntax v2", 19),
        ("Headers(`a`)", "pairs of a name and a value", 1),
        ('Host("\\q")', "an escape that Go does not know", 7),
        ("HostSNI(`a`)", "there is no matcher HostSNI", 1),
    ],
)
def test_errors_tell_their_place(text: str, says: str, place: int) -> None:
    with pytest.raises(RuleError) as refused:
        parse(text)
    assert says in str(refused.value)
    assert str(refused.value).endswith(f"at character {place}")


def test_escapes_are_those_of_go() -> None:
    assert parse(r'Host("\x61\u0062\U00000063\144\"")')[0] == Matcher("Host", ('abcd"',))
