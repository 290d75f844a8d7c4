"""Regular expressions that Go does not have are told before Caddy is asked."""

import pytest

from argos_gitops.providers.caddy.regexps import check_regexp


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "missing \\)"),
        ("a)", "unbalanced"),
        ("[a", "unterminated"),
        ("*a", "nothing to repeat"),
        ("a\\", "bad escape"),
        ("(?=x)", "looking ahead"),
        ("(?<!x)y", "looking ahead or behind"),
        (r"(a)\1", "references back"),
        ("(?P=name)", "references back"),
        ("(?>a)", "possessive"),
        ("a++", "possessive"),
        ("a{1001}", "at most 1000"),
        ("a{2,1001}", "at most 1000"),
        (r"a\Z", "Z"),
    ],
)
def test_what_go_does_not_read(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_regexp(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        r"^/api/(\d+)$",
        "[[:alpha:]]+",
        r"\Qa(b\E",
        "(?P<name>x)",
        "(?<name>x)",
        "(?i)x",
        r"\pL",
        "[(?=]",
        r"a\z",
        "(?U)a",
        "a{1,3}?",
        r"\\1",
        r"\(\?=",
        "a+?",
        r"[\]]\[",
        "a{1000}",
    ],
)
def test_what_go_reads(pattern: str) -> None:
    """Also where Python does not, or would find it strange."""
    assert check_regexp(pattern) == pattern
